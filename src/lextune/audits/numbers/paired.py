"""How much larger a number became in the same rows, with its interval; it knows no audit."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lextune.records import Interval
from lextune.statistics import LEVEL

Floats = npt.NDArray[np.float64]


def mean_rise(before: Floats, after: Floats, level: float = LEVEL) -> tuple[float, Interval] | None:
    """The mean of after - before, numbers between 0 and 1, with its interval; None without rows.

    Student's interval after two rows are added, in one of which the number rises from 0 to 1, and falls in the other.
    Of numbers that are 0 or 1 this is the adjusted Wald interval of Bonett and Price 2012 (Journal of Educational and
    Behavioral Statistics 37, 479-488) with Student's quantile for the normal one, so that rows that are all alike give
    no certainty.

    Args:
        before: Shape (rows,).
        after: The same rows.
        level: Of the interval.

    Raises:
        ValueError: A number is not between 0 and 1.
    """
    from scipy.stats import t

    if not all(((one >= 0) & (one <= 1)).all() for one in (before, after)):
        raise ValueError("a number is not between 0 and 1")
    moved = after - before
    n = len(moved)
    if n == 0:
        return None
    centre = float(moved.sum()) / (n + 2)
    spread = (float(np.square(moved).sum()) + 2) / (n + 2) - centre * centre
    half = float(t.ppf(0.5 + level / 2, n + 1)) * math.sqrt(spread / (n + 2))
    return float(moved.mean()), Interval(
        low=centre - half, high=centre + half, level=level,
        method="Bonett and Price 2012, with Student's quantile",
    )  # fmt: skip


def joint_maximum(intervals: Sequence[Interval]) -> Interval:
    """Between what limits the largest of several unknown numbers lies.

    Where all of their intervals hold at once, the largest is at least the largest lower limit and at most the largest
    upper one. Each is of level 1 - 0.05 / their number, so that all hold at once at 95 % or more (Bonferroni).

    Args:
        intervals: One or more, of that level.

    Raises:
        ValueError: They are of another level.
    """
    wanted = joint_level(len(intervals))
    if any(not math.isclose(one.level, wanted) for one in intervals):
        raise ValueError("joint limits need intervals of their joint level")
    return Interval(
        low=max(one.low for one in intervals), high=max(one.high for one in intervals), level=LEVEL,
        method=f"largest limits of {len(intervals)} (Bonferroni): {intervals[0].method}",
    )  # fmt: skip


def joint_level(count: int) -> float:
    """The level of each of so many intervals that all hold at once at 95 % or more (Bonferroni)."""
    return 1 - (1 - LEVEL) / count
