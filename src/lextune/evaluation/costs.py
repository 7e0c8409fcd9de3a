"""What scores of rare outcomes are worth: average precision, Brier score, the cost of errors; it knows no bound.

Of two classes the last by name is the positive one: `yes` after `no`, TRUE after FALSE, 1 after 0.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from lextune import statistics
from lextune.evaluation.kinds import Resampling
from lextune.evaluation.metrics import measured, metrics, not_applicable
from lextune.evaluation.predict import Scored
from lextune.records import Interval, Measurement

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Cost of a missed positive over that of a false alarm at which costs are compared; house figures: what an error
#: costs is the user's to say, so that several are shown.
COST_RATIOS = (1, 5, 10)


def average_precision_of(labels: Ints, scores: Floats) -> float:
    """The sum over the ranks of precision times the rise in recall; macro one-against-rest over more than two classes.

    Equal scores are one rank, as in scikit-learn's `average_precision_score`. NaN where no class has a row.

    Args:
        labels: Shape (n,).
        scores: Shape (n, classes).
    """
    columns = [1] if scores.shape[1] == 2 else range(scores.shape[1])
    found = [_average_precision(labels == one, scores[:, one]) for one in columns]
    known = [one for one in found if not math.isnan(one)]
    return float(np.mean(known)) if known else math.nan


def _average_precision(positive: npt.NDArray[np.bool_], scores: Floats) -> float:
    count = int(positive.sum())
    if not count:
        return math.nan
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    hits = np.cumsum(positive[order])[ends]
    return float(np.sum(np.diff(hits, prepend=0) / count * hits / (ends + 1)))


@metrics.register("average_precision")
def average_precision(scored: Scored, resampling: Resampling) -> list[Measurement]:
    """Area under the precision-recall curve, as steps; bootstrapped by rows."""

    def of_rows(rows: Ints) -> float:
        return average_precision_of(scored.labels[rows], scored.scores[rows])

    n = len(scored.labels)
    value = average_precision_of(scored.labels, scored.scores)
    interval = statistics.bootstrap(of_rows, n, samples=resampling.samples, seed=resampling.seed)
    return [measured("average_precision", value, interval, n)]


def average_precision_difference(
    model: Scored, baseline: Scored, name: str, resampling: Resampling
) -> Measurement:
    """Average precision of the model minus the baseline's on the same rows, which are drawn together.

    Where both give every row the same scores there is nothing to draw: the difference is exactly 0.
    """

    def of_rows(rows: Ints) -> float:
        labels = model.labels[rows]
        first = average_precision_of(labels, model.scores[rows])
        return first - average_precision_of(labels, baseline.scores[rows])

    n = len(model.labels)
    value = of_rows(np.arange(n))
    interval = statistics.bootstrap(of_rows, n, samples=resampling.samples, seed=resampling.seed)
    if interval is None and n and math.isfinite(value) and _ranked_alike(model, baseline):
        interval = Interval(
            low=0.0, high=0.0, level=statistics.LEVEL, method="the same order of all rows"
        )
    return measured(f"average_precision_minus_{name}", value, interval, n)  # fmt: skip


def _ranked_alike(model: Scored, baseline: Scored) -> bool:
    pairs = zip(model.scores.T, baseline.scores.T, strict=True)
    return all(
        np.array_equal(np.unique(a, return_inverse=True)[1], np.unique(b, return_inverse=True)[1])
        for a, b in pairs
    )


@metrics.register("brier_score")
def brier_score(scored: Scored, resampling: Resampling) -> list[Measurement]:
    """Mean squared distance of the probabilities from what was the case (Brier 1950), from 0 to 2; of two classes half."""
    n = len(scored.labels)
    truth = np.eye(len(scored.classes))[scored.labels]
    each = np.square(scored.scores - truth).sum(axis=1) / (2 if len(scored.classes) == 2 else 1)
    value = float(each.mean()) if n else math.nan
    return [measured("brier_score", value, _mean_interval(each, resampling), n)]


def _mean_interval(each: Floats, resampling: Resampling) -> Interval | None:
    return statistics.bootstrap(
        lambda rows: float(each[rows].mean()), len(each),
        samples=resampling.samples, seed=resampling.seed,
    )  # fmt: skip


@metrics.register("normalised_expected_cost")
def normalised_expected_cost(scored: Scored, resampling: Resampling) -> list[Measurement]:
    """What decisions cost where a missed positive costs 1, 5 or 10 false alarms, over the cost of the better constant answer.

    A row is answered positive where its probability makes that the cheaper answer (Elkan 2001). 1 is as dear as to
    answer all rows alike: the normalised expected cost of Drummond and Holte 2006 (Machine Learning 65, 95-130), at
    the measured share of positives.
    """
    name, n = "normalised_expected_cost", len(scored.labels)
    if len(scored.classes) != 2:
        return [not_applicable(name, "there are more than two classes")]
    positive = scored.labels == 1
    found = []
    for ratio in COST_RATIOS:
        alarmed = scored.scores[:, 1] >= 1 / (1 + ratio)
        cost = np.where(positive, np.where(alarmed, 0, ratio), np.where(alarmed, 1, 0)).astype(
            float
        )

        def of_rows(rows: Ints, cost: Floats = cost, ratio: int = ratio) -> float:
            constant = min(float(positive[rows].sum()) * ratio, float((~positive[rows]).sum()))
            return float(cost[rows].sum()) / constant if constant else math.nan

        value = of_rows(np.arange(n))
        interval = statistics.bootstrap(of_rows, n, samples=resampling.samples, seed=resampling.seed)  # fmt: skip
        found.append(measured(f"{name}.{ratio}", value, interval, n, "ratio"))
    return found


def cost_curve(labels: Ints, scores: Floats, points: int = 101) -> Floats:
    """The lower envelope of the cost lines of all thresholds (Drummond and Holte 2006), for a chart.

    Args:
        labels: Class numbers 0 and 1, shape (n,).
        scores: Of class 1, shape (n,).
        points: Of the curve.

    Returns:
        Probability-cost function of the positive class, and the least normalised expected cost at it; shape (points, 2).
        NaN where a class has no row.
    """
    positive = labels == 1
    costs = np.linspace(0, 1, points)
    if not positive.any() or positive.all():
        return np.stack([costs, np.full(points, np.nan)], 1)
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    hits = np.concatenate([[0], np.cumsum(positive[order])[ends]]) / positive.sum()
    alarms = np.concatenate([[0], np.cumsum(~positive[order])[ends]]) / (~positive).sum()
    lines = (1 - hits)[None] * costs[:, None] + alarms[None] * (1 - costs[:, None])
    return np.stack([costs, lines.min(axis=1)], 1)
