"""Means of rows' errors and what they differ by, with intervals that few and equal rows do not collapse; it knows no task."""

from __future__ import annotations

import math

import numpy as np

from lextune.records import Interval
from lextune.statistics import LEVEL, Floats, share_limits

_METHOD = "Wilson score, of as many rows as the errors' spread is worth"
#: Rows of a yes or no that the spread of errors is drawn to.
_PRIOR_ROWS = 10


def mean_error(errors: Floats) -> tuple[float, Interval | None]:
    """The mean of rows' errors, with its 95 % interval; NaN and None without rows.

    Wilson's interval for as many rows as would, as a yes or no each, give the variance of the mean (Korn and Graubard 1998,
    Survey Methodology 24, 193-201, with Wilson's limits and Student's t): of errors that are 0 or 1 it is Wilson's own.
    Errors above 1 (of transcripts) are measured in shares of the largest. The spread is drawn to that of a yes or no by ten
    rows, and what speaks against them is rows that are not all right: a few of those seldom show the rare large error.

    Args:
        errors: From 0 up, shape (n,), all finite.
    """
    from scipy.stats import norm, t

    n = len(errors)
    if not n:
        return math.nan, None
    value, top = float(errors.mean()), max(1.0, float(errors.max()))
    shares, trials = errors / top, float(n)
    if not np.isin(shares, (0.0, 1.0)).all() and n > 1:
        drawn_in = (shares.sum() + 2) / (n + 4)
        most = drawn_in * (1 - drawn_in)
        seen = min(int((shares > 0).sum()), n - 1)
        spread = (seen * shares.var(ddof=1) + _PRIOR_ROWS * most) / (seen + _PRIOR_ROWS)
        tail = 0.5 + LEVEL / 2
        trials *= most / spread * (norm.ppf(tail) / t.ppf(tail, n - 1)) ** 2
    low, high = share_limits(value / top, trials)
    return value, Interval(low=low * top, high=high * top, level=LEVEL, method=_METHOD)


def error_difference(first: Floats, second: Floats) -> tuple[float, Interval | None]:
    """The mean of some rows' errors minus that of other rows', with its 95 % interval; NaN and None where either has none.

    The method of variance estimates recovery (Zou and Donner 2008, Statistics in Medicine 27, 1693-1702): of errors that are
    0 or 1 it is Newcombe's hybrid score interval (1998, Statistics in Medicine 17, 873-890, method 10).

    Args:
        first: As for `mean_error`.
        second: Of other rows.
    """
    (one, near), (other, far) = mean_error(first), mean_error(second)
    if near is None or far is None:
        return math.nan, None
    below = math.hypot(one - near.low, far.high - other)
    above = math.hypot(near.high - one, other - far.low)
    return one - other, Interval(
        low=one - other - below, high=one - other + above, level=LEVEL,
        method=f"MOVER of {_METHOD}",
    )  # fmt: skip
