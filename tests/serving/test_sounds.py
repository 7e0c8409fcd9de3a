"""Sounds are taken as bytes or paths, and of what cannot be read is told why, never what is in it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

import tiny_speech
from askable import Encoded, heard, predictor_of
from lextune.errors import ConfigError, DataError, ModelError, Problem
from lextune.models.loading import load_pretrained
from lextune.serving.answers import Prediction, TranscriptPrediction
from lextune.serving.sounds import silence, sound_input
from lextune.tasks.base import tasks


def tone(path: Path, seconds: float = 1.0, level: float = 0.3, rate: int = 16000) -> Path:
    wave = level * np.sin(2 * math.pi * 300 * np.arange(round(seconds * rate)) / rate)
    soundfile.write(path, wave, rate)
    return path


@pytest.fixture
def hearing():
    return predictor_of(("audio", "transcript"), (), find=heard)


def test_bytes_and_paths_are_heard(hearing, tmp_path) -> None:
    path = tone(tmp_path / "a.wav", 1.5)
    found = hearing.predict([path, str(path), path.read_bytes(), silence(2)])
    assert [one.text for one in found] == ["1.5 seconds"] * 3 + ["2.0 seconds"]
    assert all(isinstance(one, TranscriptPrediction) for one in found)
    assert found[0].model_dump(mode="json") == {
        "text": "1.5 seconds", "score": 0.5, "segments": [{"start": 0.0, "end": 0.5, "text": "1.5 seconds"}],
    }  # fmt: skip
    assert hearing.predict([]) == []


def test_what_cannot_be_read_is_told_and_the_others_are_heard(hearing, tmp_path) -> None:
    good, cut = tone(tmp_path / "good.wav"), tmp_path / "secret.wav"
    cut.write_bytes(good.read_bytes()[:2000])
    given = [good, b"secret words", cut, tmp_path / "secret gone.wav", b"", "", tmp_path]
    found = hearing.predict_each(given)
    assert isinstance(found[0], TranscriptPrediction)
    assert [one.reason or one.fact for one in found[1:]] == [
        "not a sound", "damaged sound", "no such file or directory", "empty sound", "no sound", "it is no file",
    ]  # fmt: skip
    with pytest.raises(DataError) as caught:
        hearing.predict(given)
    assert "item 2 cannot be read" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_class_of_a_sound_is_answered_like_any_class(tmp_path) -> None:
    def encode(inputs):
        assert heard(inputs)
        return Encoded(inputs)

    angry = predictor_of(
        ("audio", "class"), ("calm", "angry"), encode=encode,
        scores=lambda encoded: np.array([[0.2, 0.8]] * len(encoded), np.float32),
    )  # fmt: skip
    (found,) = angry.predict([tone(tmp_path / "a.flac")])
    assert isinstance(found, Prediction)
    assert found.label == "angry"


def test_an_answer_that_is_no_number_is_none(hearing, tmp_path) -> None:
    with pytest.raises(ModelError, match="not a finite number"):
        hearing.predict([tone(tmp_path / "loud.wav", level=0.9)])


@pytest.mark.parametrize("given", [b"bytes", "a.wav", Path("a.wav")])
def test_one_sound_is_no_list(hearing, given) -> None:
    with pytest.raises(ConfigError, match="the sounds are one sound, not a list"):
        hearing.predict(given)


def test_a_long_file_is_left_where_it_is(tmp_path) -> None:
    short, long = tone(tmp_path / "s.wav", 29), tone(tmp_path / "l.wav", 31)
    assert sound_input(short, stream=True).data is not None
    left = sound_input(long, stream=True)
    assert (left.data, left.file) == (None, str(long))
    assert sound_input(long).data is not None
    damaged = tmp_path / "d.wav"
    damaged.write_bytes(long.read_bytes()[:-1000])
    told = sound_input(damaged, stream=True)
    assert isinstance(told, Problem)
    assert told.reason == "damaged sound"


def test_a_stream_holds_few_sounds(hearing, tmp_path) -> None:
    path, taken = tone(tmp_path / "a.wav"), 0

    def rows():
        nonlocal taken
        for _ in range(40):
            taken += 1
            yield path

    stream = hearing.predict_stream(rows(), lambda one: one)
    next(stream)
    assert taken == 16
    assert len(list(stream)) == 39


def test_a_long_file_is_heard_block_after_block_by_a_real_model(tmp_path, monkeypatch) -> None:
    """In blocks as in one piece, of a model that nobody trained."""
    folder = tiny_speech.write_tiny_whisper(tmp_path / "model")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    loaded = load_pretrained(
        files, tasks.get("speech_to_text"), (), max_length=64, dropout=0.0, settings={"language": "en"}
    )  # fmt: skip
    loaded.model.eval()
    speech = predictor_of(("audio", "transcript"), ())
    monkeypatch.setattr(speech, "_loaded", loaded)
    path = tmp_path / "long.wav"
    wave = np.concatenate([tiny_speech.spoken("low mid high", seed) for seed in range(15)])
    soundfile.write(path, wave, 16000, subtype="FLOAT")
    assert sound_input(path, stream=True).data is None
    found = speech.predict([path, path.read_bytes()])
    assert found[0].segments[-1].end <= len(wave) / 16000
    assert len(found[0].segments) > 1
    assert 0 < found[0].score < 1
    assert found[0].segments[-1].end == pytest.approx(found[1].segments[-1].end, abs=1)
