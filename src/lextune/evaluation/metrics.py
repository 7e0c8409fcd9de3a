"""The metrics of classification, each a function of predictions to measurements with intervals; they know no bound."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from lextune import statistics
from lextune.evaluation.kinds import Resampling, groups_of, rows_without_group
from lextune.evaluation.predict import Scored
from lextune.records import Interval, Measurement
from lextune.registry import Registry


class Metric(Protocol):
    """One metric of one set of predictions."""

    def __call__(self, scored: Scored, resampling: Resampling) -> list[Measurement]: ...  # noqa: D102


metrics: Registry[Metric] = Registry("metric", "lextune.evaluation")


def proportion(name: str, successes: int, n: int) -> Measurement:
    """A share of rows with Wilson's interval; undefined when n is 0."""
    return Measurement(
        name=name,
        value=successes / n if n else None,
        interval=statistics.wilson(successes, n),
        n=n,
        unit="proportion",
        problem=None if n else "no rows",
    )


def measured(
    name: str, value: float, interval: Interval | None, n: int, unit: str = "proportion"
) -> Measurement:
    """The measurement; where something is missing its problem says what."""
    problem = None
    if not n:
        problem = "no rows"
    elif not math.isfinite(value):
        problem = "undefined on these rows"
    elif interval is None:
        problem = "no interval: its resamples do not vary, or too many are undefined"
    return Measurement(name=name, value=value, interval=interval, n=n, unit=unit, problem=problem)


NOT_APPLICABLE = "not applicable: "


def not_applicable(name: str, why: str) -> Measurement:
    """A metric that says nothing of such answers, and therefore has not failed."""
    return Measurement(name=name, value=None, n=0, unit="proportion", problem=NOT_APPLICABLE + why)


@metrics.register("accuracy")
def accuracy(scored: Scored, resampling: Resampling) -> list[Measurement]:  # noqa: ARG001
    """Share of rows whose highest-scored class is the label."""
    return [proportion("accuracy", int(scored.right.sum()), len(scored.labels))]


@metrics.register("top_5_accuracy")
def top_5_accuracy(scored: Scored, resampling: Resampling) -> list[Measurement]:  # noqa: ARG001
    """Share of rows whose label is among the five highest-scored classes; nothing of five classes or fewer.

    Of classes with equal scores the earlier one comes first, as for the prediction itself.
    """
    name = "top_5_accuracy"
    if len(scored.classes) <= _TOP:
        return [not_applicable(name, f"there are no more than {_TOP} classes")]
    best = np.argsort(-scored.scores, axis=1, kind="stable")[:, :_TOP]
    right = (best == scored.labels[:, None]).any(axis=1) & scored.finite
    return [proportion(name, int(right.sum()), len(scored.labels))]


_TOP = 5


@metrics.register("macro_f1")
def macro_f1(scored: Scored, resampling: Resampling) -> list[Measurement]:
    """Mean F1 over the classes that occur."""
    counts = statistics.confusion(scored.labels, scored.predicted, len(scored.classes))
    interval = statistics.macro_f1_interval(
        counts, samples=resampling.samples, seed=resampling.seed
    )
    return [measured("macro_f1", statistics.macro_f1(counts), interval, len(scored.labels))]


@metrics.register("unweighted_average_recall")
def unweighted_average_recall(scored: Scored, resampling: Resampling) -> list[Measurement]:  # noqa: ARG001
    """Mean recall over the classes that have rows (Schuller et al. 2009, Interspeech)."""
    counts = statistics.confusion(scored.labels, scored.predicted, len(scored.classes))
    value, interval = statistics.mean_recall(counts)
    return [measured("unweighted_average_recall", value, interval, len(scored.labels))]


@metrics.register("precision")
def precision(scored: Scored, resampling: Resampling) -> list[Measurement]:  # noqa: ARG001
    """Per class: of the rows predicted so, the share that are so."""
    counts = statistics.confusion(scored.labels, scored.predicted, len(scored.classes))
    return [
        proportion(f"precision.{name}", int(counts[i, i]), int(counts[:, i].sum()))
        for i, name in enumerate(scored.classes)
    ]


@metrics.register("recall")
def recall(scored: Scored, resampling: Resampling) -> list[Measurement]:  # noqa: ARG001
    """Per class: of the rows that are so, the share predicted so."""
    counts = statistics.confusion(scored.labels, scored.predicted, len(scored.classes))
    return [
        proportion(f"recall.{name}", int(counts[i, i]), int(counts[i].sum()))
        for i, name in enumerate(scored.classes)
    ]


@metrics.register("roc_auc")
def roc_auc(scored: Scored, resampling: Resampling) -> list[Measurement]:  # noqa: ARG001
    """Area under the ROC curve; macro one-against-rest for more than two classes."""
    value = statistics.roc_auc(scored.labels, scored.scores)
    interval = statistics.roc_auc_interval(scored.labels, scored.scores)
    return [measured("roc_auc", value, interval, len(scored.labels))]


@metrics.register("log_loss")
def log_loss(scored: Scored, resampling: Resampling) -> list[Measurement]:
    """Mean negative log probability of the label."""

    def of_rows(rows: statistics.Ints) -> float:
        return statistics.log_loss(scored.labels[rows], scored.scores[rows])

    n = len(scored.labels)
    interval = statistics.bootstrap(of_rows, n, samples=resampling.samples, seed=resampling.seed)
    value = statistics.log_loss(scored.labels, scored.scores)
    return [measured("log_loss", value, interval, n, "nats")]


@metrics.register("expected_calibration_error")
def expected_calibration_error(scored: Scored, resampling: Resampling) -> list[Measurement]:
    """Gap between the highest score and accuracy, 15 equal-width bins."""
    given = scored.scores.max(axis=1), scored.right
    value = statistics.expected_calibration_error(*given)
    interval = statistics.calibration_error_interval(
        *given, samples=resampling.samples, seed=resampling.seed
    )
    return [measured("expected_calibration_error", value, interval, len(scored.labels))]


def by_group(scored: Scored, resampling: Resampling) -> list[Measurement]:  # noqa: ARG001
    """Accuracy of each group of each group column; rows without a group are counted, not dropped."""
    found = []
    for group, mask in groups_of(scored):
        part = scored.right[mask]
        one = proportion("accuracy", int(part.sum()), len(part))
        found.append(one.model_copy(update={"group": group}))
    return found + rows_without_group(scored)
