"""Debiased calibration errors over bins of equally many rows, with intervals; it knows no model and no bound."""

from __future__ import annotations

import math

import numpy as np

from lextune.records import Interval
from lextune.statistics import LEVEL, Bools, Floats, Ints

#: Rows that a bin should hold at least: the noise of fewer is larger than any gap.
_ROWS_A_BIN = 10

#: An error and its 95 % interval; NaN and None without rows.
Error = tuple[float, Interval | None]


def adaptive_bins(scores: Floats, bins: int) -> Ints:
    """The bin of each score, from 0, in bins of about equally many rows; equal scores share one.

    Args:
        scores: Shape (n,), n above 0.
        bins: At most so many, and fewer where they would hold less than ten rows.
    """
    count = max(1, min(bins, len(scores) // _ROWS_A_BIN))
    edges = np.quantile(scores, np.arange(1, count) / count, method="higher")
    found: Ints = np.unique(np.searchsorted(edges, scores, "right"), return_inverse=True)[1]
    return found


def adaptive_error(
    scores: Floats, hits: Bools, bins: int = 15, *, samples: int, seed: int, level: float = LEVEL
) -> Error:  # fmt: skip
    """Root mean squared gap between scores and shares of hits over adaptive bins, without what noise adds to it.

    The debiased estimator of Kumar, Liang and Ma 2019 (arXiv:1909.10155), section 4.1: from the square of each bin's gap
    the variance of its share of hits is taken, and a sum below 0 is 0. Bins of equally many rows: Nguyen and O'Connor
    2015 (arXiv:1508.05154); they bias it less than equally wide ones (Roelofs et al. 2022, arXiv:2012.08668).

    The interval is of the gaps of these very rows' scores, from the triangle inequality: the plain error differs from the
    true one by at most the root mean square of the noise, whose 95 % quantile is drawn from binomials. Their shares are
    drawn in by one hit and one miss. Conservative where the error is large.

    Args:
        scores: What is said of each row, 0 to 1, shape (n,).
        hits: Whether it was so, shape (n,).
        bins: As for `adaptive_bins`.
        samples: Draws.
        seed: Of numpy's PCG64.
        level: Of the interval.
    """
    n = len(scores)
    if n == 0:
        return math.nan, None
    index = adaptive_bins(scores, bins)
    rows = np.bincount(index)
    gone = np.bincount(index, weights=hits.astype(float))
    gaps = (np.bincount(index, weights=scores) - gone) / rows
    share, weight = gone / rows, rows / n
    plain = math.sqrt(float(weight @ gaps**2))
    excess = float(weight @ (gaps**2 - share * (1 - share) / np.maximum(rows - 1, 1)))
    value = math.sqrt(max(excess, 0.0))
    likely = (gone + 1) / (rows + 2)
    drawn = np.random.default_rng(seed).binomial(rows, likely, (samples, len(rows))) / rows - likely
    half = float(np.quantile(np.sqrt(drawn**2 @ weight), level))
    return value, Interval(
        low=max(min(plain - half, value), 0.0), high=min(plain + half, 1.0), level=level,
        method=f"triangle inequality over simulated bins ({samples}, seed {seed})",
    )  # fmt: skip


def classwise_error(each: list[Error]) -> Error:
    """The root mean square of the errors of all classes, the marginal calibration error of Kumar, Liang and Ma 2019.

    Args:
        each: Of each class, as from `adaptive_error` at the level `shifts.together(classes)`, so that all intervals hold
            together at 95 %, however the classes hang together: then so does the one between the ends.
    """
    limits = [limit for _, limit in each if limit is not None]
    if not each or len(limits) < len(each):
        return math.nan, None
    below, middle, above = (
        math.sqrt(sum(one**2 for one in column) / len(each))
        for column in (
            [one.low for one in limits], [value for value, _ in each], [one.high for one in limits],
        )
    )  # fmt: skip
    return middle, Interval(
        low=below, high=above, level=LEVEL,
        method=f"{limits[0].method}, Bonferroni over {len(each)} classes",
    )  # fmt: skip
