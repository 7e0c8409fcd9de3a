"""Confidence intervals and calibration error as plain functions of arrays; it knows no model, no metric's name and no bound."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lextune.records import Interval

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: From row indices, shape (n,), to a number; NaN where it is undefined.
Statistic = Callable[[Ints], float]

LEVEL = 0.95
_TAILS = ((1 - LEVEL) / 2, 1 - (1 - LEVEL) / 2)
_Z = statistics.NormalDist().inv_cdf(0.5 + LEVEL / 2)


def wilson(successes: int, n: int, level: float = LEVEL) -> Interval | None:
    """Wilson's score interval of a proportion (Wilson 1927, JASA 22); None when n is 0."""
    if n == 0:
        return None
    from scipy.stats import binomtest

    found = binomtest(successes, n).proportion_ci(level, method="wilson")
    return Interval(
        low=float(found.low), high=float(found.high), level=level, method="Wilson score"
    )


def clopper_pearson(successes: int, n: int, level: float = LEVEL) -> Interval | None:
    """Exact interval of a proportion (Clopper and Pearson 1934, Biometrika 26, 404-413); None when n is 0.

    It holds the truth at least as often as its level says, whatever the truth and however small n is.
    """
    if n == 0:
        return None
    from scipy.special import betaincinv

    tail, rest = (1 - level) / 2, n - successes
    low = float(betaincinv(successes, rest + 1, tail)) if successes else 0.0
    high = float(betaincinv(successes + 1, rest, 1 - tail)) if rest else 1.0
    return Interval(low=low, high=high, level=level, method="Clopper-Pearson")


def share_limits(value: float, trials: float) -> tuple[float, float]:
    """Wilson's 95 % limits of a mean of numbers between 0 and 1, which vary at most as much as a yes or no.

    Args:
        value: The mean.
        trials: How many independent numbers it is of, above 0; no whole number where a mean of means is as good as
            so many.
    """
    square = _Z * _Z / trials
    middle = (value + square / 2) / (1 + square)
    half = math.sqrt(square * (value * (1 - value) + square / 4)) / (1 + square)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def paired_difference(
    first: Bools, second: Bools, level: float = LEVEL
) -> tuple[float, Interval] | None:
    """Difference of two proportions measured on the same rows, with its interval.

    Newcombe's hybrid score interval for paired data (Newcombe 1998, Statistics in Medicine 17,
    2635-2650, method 10, with the continuity correction of phi).

    Args:
        first: Shape (n,), True where the first classifier is right.
        second: Shape (n,), the same rows for the second.
        level: Of the interval.

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
    one, two = wilson(a + b, n, level), wilson(a + c, n, level)
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
        low=difference - below, high=difference + above, level=level, method="Newcombe paired (10)"
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
        None when n is 0, when more than one resample in a hundred is undefined, and when the resamples do
        not vary: a few equal rows would look like certainty.
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
    if low == high:
        return None
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
    return float(np.nanmean(_f1(counts))) if counts.any() else math.nan


def macro_f1_interval(counts: Ints, *, samples: int, seed: int) -> Interval | None:
    """95 % interval of `macro_f1`; None when there are no rows.

    The F1 of one class is 2J / (1 + J) with J = TP / (TP + FP + FN), a proportion, so Wilson's limits of J
    give its own (Lam, Gopal and Qian 2023, arXiv:2309.14621, "Wilson indirect"). The classes are joined by
    the method of variance estimates recovery (Zou and Donner 2008, Statistics in Medicine 27, 1693-1702)
    with correlations from a bootstrap, 1 / (classes - 1) where a class has no error. The result is widened
    to hold the percentile bootstrap, which alone collapses where all rows are right.

    Args:
        counts: As from `confusion`.
        samples: Resamples.
        seed: Of numpy's PCG64.
    """
    seen = (counts.sum(axis=0) + counts.sum(axis=1)) > 0
    counts = counts[np.ix_(seen, seen)]
    size, n = len(counts), int(counts.sum())
    if n == 0:
        return None
    value = _f1(counts)
    limits = [wilson(int(counts[i, i]), int(counts[i].sum() + counts[:, i].sum() - counts[i, i]))
              for i in range(size)]  # fmt: skip
    low = np.array([2 * one.low / (1 + one.low) for one in limits if one is not None])
    high = np.array([2 * one.high / (1 + one.high) for one in limits if one is not None])
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n, (counts / n).ravel(), size=samples).reshape(samples, size, size)
    resampled = _f1(drawn)
    shared = _correlations(resampled, 1 / max(size - 1, 1))
    below, above = value - low, high - value
    middle = float(value.mean())
    tails = np.nanquantile(np.nanmean(resampled, axis=1), [(1 - LEVEL) / 2, 1 - (1 - LEVEL) / 2])
    return Interval(
        low=min(middle - float(np.sqrt(below @ shared @ below)) / size, float(tails[0])),
        high=max(middle + float(np.sqrt(above @ shared @ above)) / size, float(tails[1])),
        level=LEVEL,
        method=f"Wilson per class joined by MOVER, with bootstrap ({samples}, seed {seed})",
    )


def mean_recall(counts: Ints) -> tuple[float, Interval | None]:
    """Unweighted mean of recall over the classes that have rows, with its 95 % interval; NaN and None without rows.

    Args:
        counts: As `confusion` gives them.
    """
    right, rows = np.diagonal(counts).tolist(), counts.sum(axis=1).tolist()
    each = [(one / of, wilson(one, of)) for one, of in zip(right, rows, strict=True) if of]
    known = [(value, limits) for value, limits in each if limits is not None]
    found = independent_mean(known)
    return (math.nan, None) if found is None else found


def independent_mean(
    figures: Sequence[tuple[float, Interval]],
) -> tuple[float, Interval] | None:
    """The mean of figures of different rows, with its 95 % interval; None of none.

    The distances from the figures to their limits are squared and summed: the method of variance estimates recovery
    (Zou and Donner 2008, Statistics in Medicine 27, 1693-1702) for a sum with equal weights.

    Args:
        figures: Each with an interval.
    """
    if not figures:
        return None
    count = len(figures)
    value = sum(one for one, _ in figures) / count
    below = math.sqrt(sum((one - limits.low) ** 2 for one, limits in figures)) / count
    above = math.sqrt(sum((limits.high - one) ** 2 for one, limits in figures)) / count
    return value, Interval(
        low=value - below, high=value + above, level=LEVEL,
        method=f"MOVER over classes of {figures[0][1].method}",
    )  # fmt: skip


def _f1(counts: Ints) -> Floats:
    """F1 of each class, shape (..., classes); NaN where a class is in neither labels nor predictions."""
    right = np.diagonal(counts, axis1=-2, axis2=-1).astype(float)
    total = counts.sum(axis=-1) + counts.sum(axis=-2)
    found: Floats = np.full(right.shape, np.nan)
    np.divide(2 * right, total, out=found, where=total > 0)
    return found


def _correlations(values: Floats, otherwise: float) -> Floats:
    """Correlations of columns, none below 0; `otherwise` where a column does not vary. Shape (columns, columns)."""
    centred = np.nan_to_num(values - np.nanmean(values, axis=0))
    spread = np.sqrt(np.square(centred).mean(axis=0))
    scale = np.outer(spread, spread)
    found: Floats = np.full(scale.shape, otherwise)
    np.divide(centred.T @ centred / len(values), scale, out=found, where=scale > 0)
    np.clip(found, 0.0, 1.0, out=found)
    np.fill_diagonal(found, 1.0)
    return found


def mean_interval(limits: Sequence[Interval | None]) -> Interval | None:
    """The mean of several limits, as if all figures erred together: conservative. None where one is unknown."""
    known = [one for one in limits if one is not None]
    if not known or len(known) < len(limits):
        return None
    return Interval(
        low=float(np.mean([one.low for one in known])),
        high=float(np.mean([one.high for one in known])),
        level=LEVEL,
        method=f"{known[0].method}, mean of the classes",
    )


def pooled_f1(counts: Ints) -> float:
    """2 TP / (2 TP + FP + FN) over all rows; NaN where there is nothing to find and nothing was found.

    Args:
        counts: True positives, false positives, false negatives of each row, shape (rows, 3).
    """
    return float(_pooled_f1(counts.sum(axis=0).astype(float)))


def pooled_f1_interval(counts: Ints, *, samples: int, seed: int) -> Interval | None:
    """95 % interval of `pooled_f1`; None where it is undefined.

    Percentile bootstrap of rows, since what is found in one row is not independent, widened to hold
    Wilson's limits of J = TP / (TP + FP + FN) carried over to F1 = 2J / (1 + J) (Lam, Gopal and Qian 2023,
    arXiv:2309.14621): a bootstrap alone collapses where all is right.

    Args:
        counts: Shape (rows, 3).
        samples: Resamples.
        seed: Of numpy's PCG64.
    """
    right, total = int(counts[:, 0].sum()), int(counts.sum())
    limits = wilson(right, total)
    if limits is None:
        return None
    low, high = (2 * one / (1 + one) for one in (limits.low, limits.high))
    return _widened(_pooled_f1(resampled(counts, samples, seed)), low, high, samples, seed)


def pooled_ratio_interval(hits: Ints, of: Ints, *, samples: int, seed: int) -> Interval | None:
    """95 % interval of sum(hits) / sum(of), where a row may hold several; None where there is nothing.

    Percentile bootstrap of rows, widened to hold Wilson's limits.

    Args:
        hits: Shape (rows,).
        of: Shape (rows,).
        samples: Resamples.
        seed: Of numpy's PCG64.
    """
    limits = wilson(int(hits.sum()), int(of.sum()))
    if limits is None:
        return None
    drawn = resampled(np.column_stack([hits, of]), samples, seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _widened(drawn[:, 0] / drawn[:, 1], limits.low, limits.high, samples, seed)


def pooled_f1_difference(
    first: Ints, second: Ints, *, samples: int, seed: int
) -> tuple[float, Interval | None]:
    """F1 of one minus F1 of another on the same rows, with the percentile bootstrap of rows.

    Args:
        first: Counts of the one, shape (rows, 3).
        second: Counts of the other, the same rows.
        samples: Resamples.
        seed: Of numpy's PCG64.

    Returns:
        The difference (NaN where undefined) and its interval; None where too few resamples are defined, and
        where they do not vary.
    """
    value = pooled_f1(first) - pooled_f1(second)
    if not len(first):
        return math.nan, None
    drawn = resampled(np.column_stack([first, second]), samples, seed)
    values = _pooled_f1(drawn[:, :3]) - _pooled_f1(drawn[:, 3:])
    values = values[np.isfinite(values)]
    if len(values) < 0.99 * samples or values.min() == values.max():
        return value, None
    low, high = np.quantile(values, _TAILS)
    method = f"paired percentile bootstrap of rows ({samples}, seed {seed})"
    return value, Interval(low=float(low), high=float(high), level=LEVEL, method=method)


def _pooled_f1(counts: Floats) -> Floats:
    """Of sums in the last axis (TP, FP, FN)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(
            2 * counts[..., 0] / (2 * counts[..., 0] + counts[..., 1] + counts[..., 2])
        )


def resampled(counts: Ints, samples: int, seed: int) -> Floats:
    """Sums of the columns over rows drawn with replacement, shape (samples, columns).

    Rows with the same counts are drawn together: the numbers of each sort of row are multinomial.
    """
    sorts, sizes = np.unique(counts, axis=0, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(counts), sizes / len(counts), size=samples)
    return np.asarray(drawn @ sorts, np.float64)


def _widened(values: Floats, low: float, high: float, samples: int, seed: int) -> Interval:
    known = values[np.isfinite(values)]
    tails = np.quantile(known, _TAILS) if len(known) else np.array([low, high])
    return Interval(
        low=min(low, float(tails[0])),
        high=max(high, float(tails[1])),
        level=LEVEL,
        method=f"percentile bootstrap of rows ({samples}, seed {seed}), widened to Wilson's limits",
    )


def confidence_bins(confidence: Floats, bins: int) -> Ints:
    """The equal-width bin of each confidence between 0 and 1; the last one is closed."""
    return np.minimum((confidence * bins).astype(np.int64), bins - 1)


def expected_calibration_error(confidence: Floats, right: Bools, bins: int = 15) -> float:
    """Weighted mean gap between confidence and accuracy over equal-width bins; the last bin is closed.

    Guo et al. 2017 (arXiv:1706.04599), section 2. NaN when there are no rows.
    """
    if len(confidence) == 0:
        return math.nan
    index = confidence_bins(confidence, bins)
    weight = np.bincount(index, minlength=bins)
    gap = np.bincount(index, weights=confidence, minlength=bins) - np.bincount(
        index, weights=right.astype(float), minlength=bins
    )
    return float(np.sum(np.abs(gap)) / weight.sum())


def calibration_error_interval(
    confidence: Floats, right: Bools, bins: int = 15, *, samples: int, seed: int
) -> Interval | None:
    """95 % interval of `expected_calibration_error`; None when there are no rows.

    The error is a sum of absolute gaps, so noise can only push it away from 0: of a perfectly calibrated
    model it is above 0, and a bootstrap, which adds the noise once more, lies above the truth. By the
    triangle inequality it differs from the truth by at most the sum of the absolute noise of the bins. The
    noise is drawn from binomials whose shares are drawn in by one right and one wrong row (Agresti and
    Coull 1998), and its 97.5 % quantile is the half width. Conservative where the error is large.

    Args:
        confidence: Shape (n,).
        right: Shape (n,).
        bins: As for the error itself.
        samples: Draws.
        seed: Of numpy's PCG64.
    """
    n = len(confidence)
    if n == 0:
        return None
    index = confidence_bins(confidence, bins)
    rows = np.bincount(index, minlength=bins)
    hits = np.bincount(index, weights=right.astype(float), minlength=bins)[rows > 0]
    rows = rows[rows > 0]
    share = (hits + 1) / (rows + 2)
    rng = np.random.default_rng(seed)
    noise = np.abs(rng.binomial(rows, share, (samples, len(rows))) - rows * share).sum(axis=1) / n
    half = float(np.quantile(noise, 1 - (1 - LEVEL) / 2))
    value = expected_calibration_error(confidence, right, bins)
    return Interval(
        low=max(value - half, 0.0),
        high=min(value + half, 1.0),
        level=LEVEL,
        method=f"triangle inequality over simulated bins ({samples}, seed {seed})",
    )


def roc_auc(labels: Ints, scores: Floats) -> float:
    """Area under the ROC curve; macro one-against-rest over the classes that can be ranked.

    Rank statistic with ties at half (Hanley and McNeil 1982). For two classes it is the usual binary
    value. NaN when no class has both positive and negative rows.

    Args:
        labels: Shape (n,).
        scores: Shape (n, classes).
    """
    values = [area for area, _, _ in _areas(labels, scores)]
    return float(np.mean(values)) if values else math.nan


def roc_auc_interval(labels: Ints, scores: Floats) -> Interval | None:
    """95 % interval of `roc_auc`; None when it is undefined.

    Newcombe's method 5 (Newcombe 2006, Statistics in Medicine 25, 559-573): the areas that differ from
    the measured one by less than z times their own standard error after Hanley and McNeil, so that an area
    of 1 has a lower limit below 1. For several classes the mean of the limits, as if all classes erred
    together: conservative.
    """
    found = [_area_limits(*one) for one in _areas(labels, scores)]
    if not found:
        return None
    return Interval(
        low=float(np.mean([low for low, _ in found])),
        high=float(np.mean([high for _, high in found])),
        level=LEVEL,
        method="Newcombe 2006 (5)" + (", mean of the classes" if len(found) > 1 else ""),
    )


def _areas(labels: Ints, scores: Floats) -> list[tuple[float, int, int]]:
    """(area, positive rows, negative rows) of each class that can be ranked; of two classes the second only."""
    from scipy.stats import rankdata

    found = []
    for column in [1] if scores.shape[1] == 2 else range(scores.shape[1]):
        positive = labels == column
        count = int(positive.sum())
        if 0 < count < len(labels):
            ranks = rankdata(scores[:, column])
            u = ranks[positive].sum() - count * (count + 1) / 2
            rest = len(labels) - count
            found.append((float(u / (count * rest)), count, rest))
    return found


def _area_limits(area: float, positive: int, negative: int) -> tuple[float, float]:
    from scipy.optimize import brentq

    half = (positive + negative) / 2 - 1

    def excess(truth: float) -> float:
        shape = 1 + half * ((1 - truth) / (2 - truth) + truth / (1 + truth))
        error = math.sqrt(truth * (1 - truth) * shape / (positive * negative))
        return abs(area - truth) - _Z * error

    # At the area itself the excess is below 0, at 0 and at 1 it is above or the limit is there.
    low = brentq(excess, 0.0, area) if area > 0 and excess(area) < 0 else area
    high = brentq(excess, area, 1.0) if area < 1 and excess(area) < 0 else area
    if area == 1:
        low = brentq(excess, 0.0, 1 - 1e-9)
    if area == 0:
        high = brentq(excess, 1e-9, 1.0)
    return float(low), float(high)


def log_loss(labels: Ints, scores: Floats) -> float:
    """Mean negative log probability of the true class, in nats; NaN when there are no rows."""
    if len(labels) == 0:
        return math.nan
    true: Any = scores[np.arange(len(labels)), labels]
    return float(-np.mean(np.log(np.clip(true, np.finfo(np.float32).tiny, 1.0))))
