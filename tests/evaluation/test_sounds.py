"""The baseline of sounds tells pitches apart, and chooses its strength on speakers that were left out."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

import tiny
from lextune.audio import AudioInput
from lextune.errors import DataError
from lextune.evaluation import sounds
from lextune.evaluation.kinds import TrainingInputs
from lextune.evaluation.sounds import mfcc_svm

NAMES = tuple(tiny.PITCHES)


def heard(pitch: str, seed: int, seconds: float = 0.3) -> AudioInput:
    stream = io.BytesIO()
    soundfile.write(stream, tiny.draw_sound(pitch, seed, seconds), 16_000, format="WAV")
    return AudioInput("a.wav", "", data=stream.getvalue())


def train(count: int = 18, speakers: bool = True) -> TrainingInputs:
    labels = np.arange(count) % 3
    inputs = [heard(NAMES[label], n) for n, label in enumerate(labels)]
    names = [f"s{n // 3 % 3}" for n in range(count)] if speakers else None
    return TrainingInputs(inputs, labels, count, speakers=names)


def test_pitches_are_told_apart_and_scores_sum_to_one() -> None:
    test = [heard(NAMES[n % 3], 100 + n) for n in range(9)]
    for given in (train(), train(speakers=False)):
        scores = mfcc_svm(given, test, 4)
        assert scores.shape == (9, 4)
        assert (scores[:, 3] == 0).all()
        np.testing.assert_allclose(scores.sum(1), 1)
        assert scores.argmax(1).tolist() == [0, 1, 2] * 3


def test_two_classes_and_few_rows() -> None:
    inputs = [heard(name, n) for n in range(3) for name in NAMES[:2]]
    few = TrainingInputs(
        inputs[:3], np.array([0, 1, 0]), 3
    )  # one row alone in its class: none is left out
    assert mfcc_svm(few, inputs, 2).shape == (6, 2)
    two = TrainingInputs(inputs, np.array([0, 1] * 3), 6)
    scores = mfcc_svm(two, [heard("low", 50), heard("middle", 51)], 2)
    assert scores.argmax(1).tolist() == [0, 1]


def test_the_folds_are_apart_by_speaker_where_speakers_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sklearn import model_selection

    seen = []
    fit = model_selection.GridSearchCV.fit

    def watched(self: object, *given: object) -> object:
        seen.append(self.cv)  # type: ignore[attr-defined]
        return fit(self, *given)

    monkeypatch.setattr(model_selection.GridSearchCV, "fit", watched)
    given = train()
    mfcc_svm(given, given.inputs[:1], 3)
    speakers = np.array(given.speakers)
    assert len(seen[0]) == 3
    for learnt, left in seen[0]:
        assert not set(speakers[learnt]) & set(speakers[left])
    unknown = TrainingInputs(given.inputs, given.labels, 18, speakers=[None, *given.speakers[1:]])  # type: ignore[index]
    mfcc_svm(unknown, given.inputs[:1], 3)
    assert any(set(speakers[learnt]) & set(speakers[left]) for learnt, left in seen[1])


def test_a_file_that_is_no_sound_is_an_error() -> None:
    with pytest.raises(DataError, match="cannot be read"):
        sounds.mfcc_svm(train(3), [AudioInput("x", "", data=b"no sound")], 3)
