"""Confidence intervals and calibration error as plain functions of arrays; it knows no model, no metric's name and no bound."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from lextune.records import Interval

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: From row indices, shape (n,), to a number; NaN where it is undefined.
Statistic = Callable[[Ints], float]

LEVEL = 0.95
_Z = float(stats.norm.ppf(0.5 + LEVEL / 2))


def wilson(successes: int, n: int) -> Interval | None:
    """Wilson's 95 % score interval of a proportion (Wilson 1927, JASA 22); None when n is 0."""
    if n == 0:
        return None
    found = stats.binomtest(successes, n).proportion_ci(LEVEL, method="wilson")
    return Interval(
        low=float(found.low), high=float(found.high), level=LEVEL, method="Wilson score"
    )


def paired_difference(first: Bools, second: Bools) -> tuple[float, Interval] | None:
    """Difference of two proportions measured on the same rows, with its 95 % interval.

    Newcombe's hybrid score interval for paired data (Newcombe 1998, Statistics in Medicine 17,
    2635-2650, method 10, with the continuity correction of phi).

    Args:
        first: Shape (n,), True where the first classifier is right.
        second: Shape (n,), the same rows for the second.

    Returns:
        (mean(first) - mean(second), interval), or None when n is 0.
    """
    n = len(first)
    if n == 0:
        return None
    a = int(np.sum(first & second))
    b = int(np.sum(first & ~second))
    c = int(np.sum(~first & second))
    d = n - a - b - c
    p1, p2 = (a + b) / n, (a + c) / n
    one, two = wilson(a + b, n), wilson(a + c, n)
    assert one is not None
    assert two is not None
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    numerator = float(a * d - b * c)
    if numerator > 0:
        numerator = max(numerator - n / 2, 0.0)
    phi = numerator / math.sqrt(margins) if margins else 0.0
    below = _combine(p1 - one.low, two.high - p2, phi)
    above = _combine(one.high - p1, p2 - two.low, phi)
    difference = (b - c) / n
    return difference, Interval(
        low=difference - below, high=difference + above, level=LEVEL, method="Newcombe paired (10)"
    )


def independent_difference(s1: int, n1: int, s2: int, n2: int) -> tuple[float, Interval] | None:
    """Difference of two proportions from different rows, with its 95 % interval.

    Newcombe's hybrid score interval (Newcombe 1998, Statistics in Medicine 17, 873-890, method 10).
    None when either n is 0.
    """
    one, two = wilson(s1, n1), wilson(s2, n2)
    if one is None or two is None:
        return None
    p1, p2 = s1 / n1, s2 / n2
    below = _combine(p1 - one.low, two.high - p2, 0.0)
    above = _combine(one.high - p1, p2 - two.low, 0.0)
    return p1 - p2, Interval(
        low=p1 - p2 - below, high=p1 - p2 + above, level=LEVEL, method="Newcombe hybrid score"
    )


def _combine(left: float, right: float, phi: float) -> float:
    return math.sqrt(max(left * left - 2 * phi * left * right + right * right, 0.0))


def bootstrap(statistic: Statistic, n: int, *, samples: int, seed: int) -> Interval | None:
    """Percentile bootstrap (Efron and Tibshirani 1993, chapter 13), resampling rows.

    Args:
        statistic: What to resample.
        n: Rows.
        samples: Resamples.
        seed: Of numpy's PCG64.

    Returns:
        None when n is 0 or more than one resample in a hundred is undefined.
    """
    if n == 0:
        return None
    rng = np.random.default_rng(seed)
    values = np.array([statistic(rng.integers(0, n, n)) for _ in range(samples)])
    values = values[np.isfinite(values)]
    if len(values) < 0.99 * samples:
        return None
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(
        low=float(low),
        high=float(high),
        level=LEVEL,
        method=f"percentile bootstrap ({samples}, seed {seed})",
    )


def confusion(labels: Ints, predicted: Ints, classes: int) -> Ints:
    """Counts, shape (classes, classes): row is the true class, column the predicted one."""
    counts = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)


def macro_f1(counts: Ints) -> float:
    """Unweighted mean of F1 over the classes that occur in labels or predictions; NaN if none does.

    A class that is in neither is left out; one that is in only one of them counts 0.
    """
    right = np.diag(counts).astype(float)
    total = counts.sum(axis=0) + counts.sum(axis=1)
    seen = total > 0
    if not seen.any():
        return math.nan
    return float(np.mean(2 * right[seen] / total[seen]))


def expected_calibration_error(confidence: Floats, right: Bools, bins: int = 15) -> float:
    """Weighted mean gap between confidence and accuracy over equal-width bins; the last bin is closed.

    Guo et al. 2017 (arXiv:1706.04599), section 2. NaN when there are no rows.
    """
    if len(confidence) == 0:
        return math.nan
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    weight = np.bincount(index, minlength=bins)
    gap = np.bincount(index, weights=confidence, minlength=bins) - np.bincount(
        index, weights=right.astype(float), minlength=bins
    )
    return float(np.sum(np.abs(gap)) / weight.sum())


def roc_auc(labels: Ints, scores: Floats) -> float:
    """Area under the ROC curve; macro one-against-rest over the classes that can be ranked.

    Rank statistic with ties at half (Hanley and McNeil 1982). For two classes it is the usual binary
    value. NaN when no class has both positive and negative rows.

    Args:
        labels: Shape (n,).
        scores: Shape (n, classes).
    """
    values = []
    columns = [1] if scores.shape[1] == 2 else range(scores.shape[1])
    for column in columns:
        positive = labels == column
        count = int(positive.sum())
        if 0 < count < len(labels):
            ranks = stats.rankdata(scores[:, column])
            u = ranks[positive].sum() - count * (count + 1) / 2
            values.append(u / (count * (len(labels) - count)))
    return float(np.mean(values)) if values else math.nan


def log_loss(labels: Ints, scores: Floats) -> float:
    """Mean negative log probability of the true class, in nats; NaN when there are no rows."""
    if len(labels) == 0:
        return math.nan
    true: Any = scores[np.arange(len(labels)), labels]
    return float(-np.mean(np.log(np.clip(true, np.finfo(np.float32).tiny, 1.0))))
