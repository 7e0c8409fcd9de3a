"""The cheap model of sounds, cepstral statistics and a support vector machine, beside which a model stands; it knows no bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lextune.audio import AudioInput
from lextune.evaluation.baselines import baselines
from lextune.evaluation.kinds import TrainingInputs

Floats = npt.NDArray[np.float64]
#: Cepstral coefficients of a frame, and samples that a sound is padded to at least.
_COEFFICIENTS, _FEWEST = 20, 800
#: Strengths that are tried, and in how many folds.
_STRENGTHS, _FOLDS = (0.3, 1.0, 3.0, 10.0, 30.0), 4


@baselines.register("mfcc_svm")
def mfcc_svm(train: TrainingInputs, test: Sequence[AudioInput], classes: int) -> Floats:
    """A support vector machine (RBF, balanced classes) on mean and deviation of 20 MFCCs and of their changes.

    C is chosen by macro F1 over folds of the training rows, which are apart by speaker where speakers are known. The
    scores are the softmax of the machine's votes: they rank, but are no probabilities.

    Raises:
        DataError: A file cannot be read any more.
        VerificationError: A file is not the one that was looked at.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    features = _statistics(train.inputs)
    labels = np.asarray(train.labels)
    machine = make_pipeline(
        StandardScaler(), SVC(class_weight="balanced", break_ties=True, random_state=0)
    )
    machine.set_params(svc__C=_strength(machine, features, labels, train.speakers))
    machine.fit(features, labels)
    votes = machine.decision_function(_statistics(test))
    if votes.ndim == 1:  # of two classes the second's alone
        votes = np.stack([-votes, votes], axis=1)
    shares = np.exp(votes - votes.max(axis=1, keepdims=True))
    scores = np.zeros((len(test), classes))
    scores[:, machine.classes_] = shares / shares.sum(axis=1, keepdims=True)
    return scores


def _strength(
    machine: Any, features: Floats, labels: npt.NDArray[np.int64], speakers: Sequence[str | None] | None
) -> float:  # fmt: skip
    """The C that does best on rows that were left out; 1 where there are too few to leave some out."""
    from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold

    groups = None
    if speakers is not None and None not in speakers:
        groups = np.asarray(speakers, dtype=object).astype(str)
    folds: Any
    if groups is not None and len(np.unique(groups)) > 1:
        folds = GroupKFold(min(_FOLDS, len(np.unique(groups))))
    else:
        groups = None
        fewest = int(np.bincount(labels)[np.unique(labels)].min())
        if fewest < 2:
            return 1.0
        folds = StratifiedKFold(min(_FOLDS, fewest), shuffle=True, random_state=0)
    parts = list(folds.split(features, labels, groups))
    if any(len(np.unique(labels[learnt])) < 2 for learnt, _ in parts):
        return 1.0
    search = GridSearchCV(machine, {"svc__C": _STRENGTHS}, cv=parts, scoring="f1_macro")
    search.fit(features, labels)
    return float(search.best_params_["svc__C"])


def _statistics(inputs: Sequence[AudioInput]) -> Floats:
    """Shape (sounds, 80); one sound is in memory at a time."""
    return np.stack([_of_sound(one) for one in inputs])


def _of_sound(sound: AudioInput) -> Floats:
    """Mean and deviation over time of the coefficients and of their changes, shape (80,)."""
    import torch
    from scipy.fft import dct

    from lextune.tasks.audio.mel import log_mel
    from lextune.tasks.audio.waves import decoded

    wave = decoded(sound)
    wave = np.pad(wave, (0, max(0, _FEWEST - len(wave))))
    frames = log_mel(torch.from_numpy(wave)[None])[0].double().numpy()
    found = dct(frames, axis=0, norm="ortho")[:_COEFFICIENTS]
    changes = np.diff(found, axis=1)
    parts = found.mean(1), found.std(1), changes.mean(1), changes.std(1)
    return np.concatenate(parts)
