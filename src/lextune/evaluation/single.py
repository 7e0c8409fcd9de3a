"""Puts metrics and baselines of tasks that give each row one class together; it measures nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lextune.evaluation.baselines import (
    Baseline,
    accuracy_difference,
    baselines,
    recall_difference,
)
from lextune.evaluation.costs import average_precision_difference
from lextune.evaluation.kinds import Kind, TrainingInputs, kinds, made_up_scores
from lextune.evaluation.metrics import by_group, metrics
from lextune.evaluation.predict import Scored


def answer(baseline: Baseline, train: TrainingInputs, test: Sequence[Any], like: Scored) -> Scored:
    """The baseline's scores beside the labels that the model's answers have."""
    scores = baseline(train, test, len(like.classes))
    return Scored(like.ids, like.labels, scores, like.classes, {})


def labels(
    inputs: Sequence[Any], cells: Sequence[str], classes: Sequence[str]  # noqa: ARG001
) -> npt.NDArray[np.int64]:  # fmt: skip
    """The number of each row's class, by name; shape (rows,)."""
    number = {name: index for index, name in enumerate(classes)}
    return np.fromiter((number[cell] for cell in cells), np.int64, len(cells))


def row_errors(scored: Scored) -> npt.NDArray[np.float64]:
    """1 where the class is wrong."""
    return np.where(scored.finite, (~scored.right).astype(np.float64), np.nan)


kinds.register("class")(
    Kind(
        Scored, labels, made_up_scores, metrics, by_group, baselines, answer,
        ("accuracy", "macro_f1"), row_errors, accuracy_difference,
        differences={
            "unweighted_average_recall": recall_difference,
            "average_precision": average_precision_difference,
        },
    )
)  # fmt: skip
