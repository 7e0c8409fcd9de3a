"""Puts metrics and baselines of tasks that give each row one class together; it measures nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lextune.evaluation.baselines import Baseline, accuracy_difference, baselines
from lextune.evaluation.kinds import Kind, TrainingInputs, kinds
from lextune.evaluation.metrics import by_group, metrics
from lextune.evaluation.predict import Scored


def answer(baseline: Baseline, train: TrainingInputs, test: Sequence[Any], like: Scored) -> Scored:
    """The baseline's scores beside the labels that the model's answers have."""
    scores = baseline(train, test, len(like.classes))
    return Scored(like.ids, like.labels, scores, like.classes, {})


kinds.register("class")(
    Kind(metrics, by_group, baselines, answer, ("accuracy", "macro_f1"), accuracy_difference)
)
