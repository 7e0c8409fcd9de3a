"""Proportions of several groups compared pair by pair, as functions of counts; it knows no group's name and no data.

Counts have the shape (..., groups) and are broadcast against each other; what is found of pairs has the shape
(..., groups, groups), the row against the column. Where a group has no rows everything of it is NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Halvings of the logarithm of a ratio, and between which logarithms it is sought.
_STEPS, _WIDE = 60, 45.0


def critical(level: float, comparisons: int) -> float:
    """How many standard errors a joint interval of so many comparisons reaches, after Bonferroni.

    Args:
        level: With which all of them hold at once, such as 0.95.
        comparisons: How many; at least 1.
    """
    from scipy.stats import norm

    return float(norm.isf((1 - level) / (2 * comparisons)))


def wilson_limits(hits: Ints, of: Ints, z: float) -> tuple[Floats, Floats]:
    """Wilson's score limits (Wilson 1927, JASA 22), shape of the counts, for any z."""
    n = np.where(of > 0, of, np.nan)
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def exact_limits(hits: Ints, of: Ints, z: float) -> tuple[Floats, Floats]:
    """Clopper and Pearson's limits (1934, Biometrika 26), shape of the counts."""
    from scipy.special import betainccinv, betaincinv, ndtr

    tail = ndtr(-z)
    low = np.where(hits > 0, betaincinv(np.maximum(hits, 1), of - hits + 1, tail), 0.0)
    high = np.where(hits < of, betainccinv(hits + 1, np.maximum(of - hits, 1), tail), 1.0)
    return np.where(of > 0, low, np.nan), np.where(of > 0, high, np.nan)


def differences(share: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats, Floats]:
    """Each group's figure minus each other's, with limits recovered from those of the figures.

    With Wilson's limits of proportions it is Newcombe's hybrid score interval (1998, Statistics in Medicine 17, 873-890,
    method 10); in general the method of variance estimates recovery (Zou and Donner 2008, the same 27, 1693-1702).

    Args:
        share: Figures, shape (..., groups).
        low: Their lower limits.
        high: Their upper limits.

    Returns:
        Value, lower and upper limit.
    """
    value = share[..., :, None] - share[..., None, :]
    below, above = np.square(share - low), np.square(high - share)
    return (
        value,
        value - np.sqrt(below[..., :, None] + above[..., None, :]),
        value + np.sqrt(above[..., :, None] + below[..., None, :]),
    )


def ratios(share: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats, Floats]:
    """Each group's proportion over each other's, with limits recovered from those of the proportions.

    Donner and Zou 2012, Statistical Methods in Medical Research 21, 347-359 (MOVER-R).

    Returns:
        Value (NaN of 0 over 0, infinite of more over 0), lower and upper limit (infinite where nothing bounds it).
    """
    p1, l1, u1 = (one[..., :, None] for one in (share, low, high))
    p2, l2, u2 = (one[..., None, :] for one in (share, low, high))
    both = p1 * p2
    with np.errstate(divide="ignore", invalid="ignore"):
        value = p1 / p2
        least = np.sqrt(np.maximum(both * both - l1 * u2 * (2 * p1 - l1) * (2 * p2 - u2), 0.0))
        most = np.sqrt(np.maximum(both * both - u1 * l2 * (2 * p1 - u1) * (2 * p2 - l2), 0.0))
        # the smaller root of the quadratic, written so that nothing cancels
        under = np.where(p1 > 0, l1 * (2 * p1 - l1) / (both + least), 0.0)
        over = np.where(p2 > 0, (both + most) / (l2 * (2 * p2 - l2)), np.inf)
    known = np.isfinite(p1) & np.isfinite(p2)
    return value, np.where(known, under, np.nan), np.where(known, over, np.nan)


def score_ratios(hits: Ints, of: Ints, z: float) -> tuple[Floats, Floats, Floats]:
    """Each group's proportion over each other's with score limits of one pair alone.

    Miettinen and Nurminen 1985, Statistics in Medicine 4, 213-226: the ratios whose score statistic, with the
    proportions estimated under that ratio (Koopman 1984, Biometrics 40, 513-517) and the variance times N / (N - 1), is
    within z.

    Returns:
        Value (NaN of 0 over 0, infinite of more over 0), lower and upper limit (infinite where nothing bounds it).
    """
    n = np.where(of > 0, of, np.nan)
    s1, s2 = np.broadcast_arrays(hits[..., :, None], hits[..., None, :])
    n1, n2 = np.broadcast_arrays(n[..., :, None], n[..., None, :])
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (s1 / n1) / (s2 / n2)
    low = np.where(s1 > 0, _ratio_limit(s1, n1, s2, n2, z), 0.0)
    high = np.where(s2 > 0, _ratio_limit(s1, n1, s2, n2, -z), np.inf)
    known = np.isfinite(n1) & np.isfinite(n2)
    return value, np.where(known, low, np.nan), np.where(known, high, np.nan)


def _ratio_limit(s1: Any, n1: Any, s2: Any, n2: Any, z: float) -> Floats:
    """The ratio at which the score statistic, which falls as the ratio rises, is z."""
    left, right = np.full(s1.shape, -_WIDE), np.full(s1.shape, _WIDE)
    for _ in range(_STEPS):
        middle = (left + right) / 2
        above = _ratio_score(np.exp(middle), s1, n1, s2, n2) > z
        left, right = np.where(above, middle, left), np.where(above, right, middle)
    return np.asarray(np.exp((left + right) / 2))


def _ratio_score(ratio: Floats, s1: Any, n1: Any, s2: Any, n2: Any) -> Floats:
    total, hits = n1 + n2, s1 + s2
    half = ratio * (n1 + s2) + s1 + n2
    # the smaller root of the quadratic, written so that nothing cancels
    root = half + np.sqrt(np.maximum(half * half - 4 * ratio * total * hits, 0.0))
    p1, p2 = 2 * ratio * hits / root, 2 * hits / root
    variance = (p1 * (1 - p1) / n1 + ratio**2 * p2 * (1 - p2) / n2) * total / (total - 1)
    apart = s1 / n1 - ratio * s2 / n2
    with np.errstate(divide="ignore", invalid="ignore"):
        found = apart / np.sqrt(np.maximum(variance, 0.0))
    return np.asarray(np.where(apart == 0, 0.0, found))


def exact_p_values(hits: Ints, of: Ints) -> Floats:
    """Fisher's exact test of each pair (Fisher 1935): twice the smaller tail, at most 1.

    Its false alarms are at most its level, however few rows there are.
    """
    from scipy.stats import hypergeom

    s1, s2 = np.broadcast_arrays(hits[..., :, None], hits[..., None, :])
    n1, n2 = np.broadcast_arrays(of[..., :, None], of[..., None, :])
    below = hypergeom.cdf(s1, n1 + n2, s1 + s2, n1)
    above = hypergeom.sf(s1 - 1, n1 + n2, s1 + s2, n1)
    p = np.minimum(2 * np.minimum(below, above), 1.0)
    return np.asarray(np.where((n1 > 0) & (n2 > 0), p, np.nan))


def holm(p_values: Floats) -> Floats:
    """P values of several tests adjusted together (Holm 1979, Scandinavian Journal of Statistics 6), shape (tests,)."""
    order = np.argsort(p_values, kind="stable")
    count = len(p_values)
    raised = np.maximum.accumulate(p_values[order] * np.arange(count, 0, -1))
    found = np.empty(count)
    found[order] = np.minimum(raised, 1.0)
    return found
