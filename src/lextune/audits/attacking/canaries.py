"""Scores the canaries of a run by how sure its model is of their labels; it does not know what is made of the scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lextune.audits.attacking.certainty import certainty
from lextune.audits.base import Bench
from lextune.canaries import Canaries


@dataclass(frozen=True)
class ScoredCanaries:
    """Canaries that the model answered.

    Attributes:
        canaries: All of them.
        answers: Of the model.
        scores: How sure it is of each label, shape (canaries,).
        inserted: Whether each was trained on, shape (canaries,).
    """

    canaries: Canaries
    answers: Any
    scores: npt.NDArray[np.float64]
    inserted: npt.NDArray[np.bool_]


def score_canaries(bench: Bench) -> ScoredCanaries | None:
    """The canaries with the model's answers; None where none were planted.

    Raises:
        ValueError: The model does not answer one of them: leaving it out would not be independent of its coin.
    """
    canaries = bench.canaries
    if canaries is None or not canaries.inputs:
        return None
    answers = bench.answer_labelled(canaries.inputs, canaries.labels)
    scores = certainty(bench, answers)
    if not np.isfinite(scores).all():
        raise ValueError("the model does not answer every canary")
    return ScoredCanaries(canaries, answers, scores, np.array(canaries.inserted, bool))
