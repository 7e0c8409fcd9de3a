"""Intervals of a mean change between -1 and 1 and of the largest of several figures; they know no model and no audit."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from lextune.records import Interval
from lextune.statistics import LEVEL

Floats = npt.NDArray[np.float64]


def mean_shift(changes: Floats, level: float = LEVEL) -> tuple[float, Interval] | None:
    """Mean of changes between -1 and 1 of independent rows, with its interval; None without rows.

    Student's interval, after z²/4 made-up rows that go up by 1 and as many that go down by 1 (z of the level): the mean
    of a share with its interval after Agresti and Coull 1998 (The American Statistician 52, 119-126), carried over to
    numbers. Without them a few rows that did not change would look like certainty, although a rare large change may
    only not have been drawn.

    Args:
        changes: Shape (rows,).
        level: Of the interval.
    """
    if not len(changes):
        return None
    value = float(changes.mean())
    low, high = (float(one) for one in shift_limits(changes, level))
    return value, Interval(
        low=min(low, value), high=max(high, value), level=level,
        method="Student with a row up and a row down",
    )  # fmt: skip


def shift_limits(changes: Floats, level: float) -> tuple[Floats, Floats]:
    """The limits of `mean_shift`, of the last axis, at least one row there; between -1 and 1."""
    from scipy.stats import t

    each = NormalDist().inv_cdf(0.5 + level / 2) ** 2 / 4
    size = changes.shape[-1] + 2 * each
    middle = changes.sum(axis=-1) / size
    squares = np.square(changes).sum(axis=-1) + 2 * each - size * np.square(middle)
    half = float(t.ppf(0.5 + level / 2, size - 1)) * np.sqrt(squares / (size - 1) / size)
    return np.maximum(middle - half, -1.0), np.minimum(middle + half, 1.0)


def largest(figures: Sequence[tuple[float, Interval]]) -> tuple[float, Interval] | None:
    """The largest of figures with its 95 % interval; None of none.

    Args:
        figures: Each with an interval of the level 1 - 0.05 / len(figures), so that all of them hold together
            (Bonferroni): then the largest truth lies between the largest lower and the largest upper limit.
    """
    if not figures:
        return None
    return max(value for value, _ in figures), Interval(
        low=max(one.low for _, one in figures),
        high=max(one.high for _, one in figures),
        level=LEVEL,
        method=f"{figures[0][1].method}, Bonferroni over {len(figures)}",
    )


def together(count: int) -> float:
    """The level at which each of so many intervals must be drawn for all of them to hold at 95 %."""
    return 1 - (1 - LEVEL) / max(count, 1)


def magnitude(value: float, limits: Interval) -> tuple[float, Interval]:
    """The size of a figure whatever its sign, with the interval that follows."""
    inside = limits.low <= 0 <= limits.high
    ends = abs(limits.low), abs(limits.high)
    return abs(value), limits.model_copy(
        update={"low": 0.0 if inside else min(ends), "high": max(ends)}
    )


def exact_share(successes: int, n: int, level: float = LEVEL) -> tuple[float, Interval] | None:
    """A proportion with the interval of Clopper and Pearson 1934 (Biometrika 26, 404-413); None when n is 0."""
    if n == 0:
        return None
    from scipy.stats import binomtest

    found = binomtest(successes, n).proportion_ci(level, method="exact")
    return successes / n, Interval(
        low=float(found.low), high=float(found.high), level=level, method="Clopper-Pearson"
    )
