"""Sounds of any length are written down in windows that are joined on what was heard when; memory stays that of a window."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny_speech
from lextune.audio import AudioInput
from lextune.errors import ModelError
from lextune.files import sha256
from lextune.models.loading import LoadedModel, load_pretrained
from lextune.tasks.audio import transcribing
from lextune.tasks.audio.ctc import _joint
from lextune.tasks.audio.dictation import collapsed
from lextune.tasks.audio.transcribing import (
    _stretches,
    quietest,
    transcribe_stream,
)
from lextune.tasks.audio.whisper import Written
from lextune.tasks.base import tasks

RATE = tiny_speech.RATE
#: The number of `no timestamps`; the next is 0 s, and each 0.02 s more.
NO_TIMES = 266


def load(folder: Path) -> LoadedModel:
    files = {one.name: one.read_bytes() for one in folder.iterdir()}
    return load_pretrained(files, tasks.get("speech_to_text"), (), max_length=512, dropout=0.0)


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return load(tiny_speech.write_tiny_whisper(tmp_path_factory.mktemp("whisper")))


@pytest.fixture(scope="module")
def ctc(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return load(tiny_speech.write_tiny_ctc(tmp_path_factory.mktemp("ctc")))


def at(seconds: float) -> int:
    return NO_TIMES + 1 + round(seconds / 0.02)


@pytest.mark.parametrize(
    ("tokens", "closed", "rest", "ends"),
    [
        ([at(0), 5, 6, at(2)], [(0, 2, [5, 6])], None, True),
        ([at(0), 5, at(2), at(2)], [(0, 2, [5])], None, False),
        (
            [at(0.5), 5, at(2), at(3), 6, at(9)],
            [(0.5, 2, [5]), (3, 9, [6])], None, True,
        ),
        ([at(0), 5, at(2), at(2), 6, 7], [(0, 2, [5])], (2, [6, 7]), False),
        ([at(0), 5, 6], [], (0, [5, 6]), False),
        ([at(0), at(1)], [], None, False),
        ([], [], None, False),
    ],
)  # fmt: skip
def test_timestamps_tell_what_is_finished(
    tokens: list[int], closed: list[Any], rest: Any, ends: bool
) -> None:
    found, open_one, ending = _stretches(tokens, NO_TIMES)
    assert [one[2] for one in found] == [one[2] for one in closed]
    assert [one[:2] for one in found] == [pytest.approx(one[:2]) for one in closed]
    assert ending is ends
    if rest is None:
        assert open_one is None
    else:
        assert open_one is not None
        assert open_one[0] == pytest.approx(rest[0])
        assert open_one[1] == rest[1]


class Speaker:
    """Says which second of a sound it hears: each sample holds its own, divided by 1000.

    Args:
        length: Seconds of a segment.
    """

    def __init__(self, length: int) -> None:
        self.length = length
        self.heard: list[tuple[float, float]] = []

    def __call__(self, loaded: Any, front: Any, wave: Any, *, times: bool) -> Written:
        first, last = (round(float(wave[place]) * 1000) for place in (0, -1))
        self.heard.append((first, len(wave) / RATE))
        assert times
        assert last >= first
        tokens, start = list[int](), first
        while start + self.length <= first + len(wave) / RATE:
            stop = start + self.length
            tokens += [at(start - first), *range(start, stop), at(stop - first)]
            start = stop
        return Written([*tokens, at(start - first), 99], -0.1, 0.0)


def seconds_of(sound: npt.NDArray[np.float32]) -> Iterator[npt.NDArray[np.float32]]:
    for start in range(0, len(sound), 7001):
        yield sound[start : start + 7001]


def test_windows_go_on_where_the_last_whole_segment_ended(
    whisper: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker = Speaker(7)
    monkeypatch.setattr(transcribing, "_one", speaker)
    sound = (np.arange(90 * RATE) // RATE + 1).astype(np.float32) / 1000
    segments = list(transcribe_stream(whisper, seconds_of(sound)))
    assert [one[0] for one in speaker.heard] == [1, 29, 57, 85]  # 28 s are four segments
    starts = [one.start for one in segments]
    assert starts == sorted(starts)
    assert segments[0].start == 0
    assert segments[-1].end == 90
    for one, following in itertools.pairwise(segments):
        assert one.end == pytest.approx(following.start)


def test_without_timestamps_a_window_is_cut_where_it_is_quietest(
    whisper: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(loaded: Any, front: Any, wave: Any, *, times: bool) -> Written:
        return Written([at(0), 70, 71] if times else [70, 71], -0.1, 0.0)

    monkeypatch.setattr(transcribing, "_one", endless)
    sound = np.random.default_rng(0).uniform(0.01, 0.05, 50 * RATE).astype(np.float32)
    sound[round(22.0 * RATE) : round(22.5 * RATE)] *= 0.001
    segments = list(transcribe_stream(whisper, [sound]))
    assert segments[0].start == 0
    assert 22.0 <= segments[0].end <= 22.5
    assert segments[-1].end == pytest.approx(50)


def test_silence_says_nothing(whisper: LoadedModel, ctc: LoadedModel) -> None:
    silence = np.zeros(65 * RATE, np.float32)
    assert list(transcribe_stream(whisper, [silence])) == []
    assert list(transcribe_stream(whisper, [])) == []
    assert list(transcribe_stream(ctc, [])) == []


@given(st.integers(1, 40), st.integers(0, 2**31))
def test_the_quietest_place_is_in_the_later_half(tenths: int, seed: int) -> None:
    window = np.random.default_rng(seed).uniform(-1, 1, tenths * RATE // 10).astype(np.float32)
    assert len(window) // 2 <= quietest(window) <= len(window)


def test_an_answer_that_is_no_number_is_an_error_and_not_a_text(
    whisper: LoadedModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: Any, **__: Any) -> list[Written]:
        return [Written([5], math.nan, 0.0)]

    monkeypatch.setattr(transcribing, "_written", broken)
    sound = tiny_speech.spoken("low high")
    with pytest.raises(ModelError, match="no finite number"):
        list(transcribe_stream(whisper, [sound]))
    assert whisper.find([saved(tmp_path, sound)], 4) == [None]


def saved(folder: Path, sound: npt.NDArray[np.float32]) -> AudioInput:
    import soundfile

    path = folder / f"{sha256(sound.tobytes())}.wav"
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    return AudioInput(str(path), sha256(path.read_bytes()))


@pytest.mark.parametrize("kind", ["whisper", "ctc"])
def test_sounds_are_found_in_their_order_whatever_is_beside_them(
    kind: str, whisper: LoadedModel, ctc: LoadedModel, tmp_path: Path
) -> None:
    loaded = {"whisper": whisper, "ctc": ctc}[kind]
    texts = ["low", "high mid low", "mid", "low " * 60]  # the last has 42 s
    inputs = [saved(tmp_path, tiny_speech.spoken(one, place)) for place, one in enumerate(texts)]
    done: list[int] = []
    together = loaded.find(inputs, 3, done.append)
    assert sum(done) == len(inputs)
    alone = [loaded.find([one], 1)[0] for one in inputs]
    for one, other in zip(together, alone, strict=True):
        assert one.text == other.text
        assert one.score == pytest.approx(other.score, abs=1e-4)
        assert 0 <= one.score <= 1
        assert [part[2] for part in one.segments] == [part[2] for part in other.segments]
        assert " ".join(part[2] for part in one.segments) == one.text


def test_windows_of_frames_are_joined_where_nothing_is_heard() -> None:
    path = [1] * 100 + [0] * 3 + [1] * 20 + [0] * 9 + [1] * 68
    place = _joint(path, 100, 0)
    assert path[place] == 0
    assert 125 <= place <= 175
    assert 123 <= place < 132
    assert _joint([1] * 200, 100, 0) == 150


@given(st.lists(st.integers(0, 2), max_size=30), st.integers(0, 30))
def test_a_path_is_cut_at_a_blank_without_a_change(path: list[int], place: int) -> None:
    if place < len(path) and path[place] == 0:
        parts = collapsed(path[:place], 0) + collapsed(path[place:], 0)
        assert parts == collapsed(path, 0)


def test_long_sounds_of_ctc_are_heard_once_over_their_windows(ctc: LoadedModel) -> None:
    sound = tiny_speech.spoken("low high mid " * 30)  # 63 s
    segments = list(transcribe_stream(ctc, seconds_of(sound)))
    assert segments
    for one, following in itertools.pairwise(segments):
        assert one.end <= following.start + 1e-9
    assert segments[-1].end <= len(sound) / RATE
