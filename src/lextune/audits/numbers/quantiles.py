"""The interval of a quantile from ordered numbers, as a plain function of an array; it knows no audit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lextune.records import Interval
from lextune.statistics import LEVEL


def quantile_interval(values: npt.NDArray[np.float64], share: float) -> Interval | None:
    """At least 95 % interval of a quantile, whatever the distribution; None where there are too few numbers for one.

    The ends are two of the numbers themselves, chosen by the binomial distribution of how many lie below the quantile
    (Hahn and Meeker 1991, Statistical Intervals, section 5.2).

    Args:
        values: Independent, finite, shape (n,).
        share: Of the numbers below the quantile, between 0 and 1.
    """
    from scipy.stats import binom

    ordered, n = np.sort(values), len(values)
    tail = (1 - LEVEL) / 2
    # P(X(l) > q) = P(B <= l - 1) and P(X(u) < q) = P(B >= u), B binomial of n and share, numbers counted from 1
    low, high = int(binom.ppf(tail, n, share)), int(binom.ppf(1 - tail, n, share)) + 1
    if low < 1 or high > n:
        return None
    return Interval(
        low=float(ordered[low - 1]), high=float(ordered[high - 1]), level=LEVEL,
        method="binomial order statistics",
    )  # fmt: skip
