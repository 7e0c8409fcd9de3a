"""Sets of classes that hold the true one as often as was promised, from rows that taught the model nothing; it knows no model.

Split conformal prediction with the least ambiguous sets (Sadinle, Lei and Wasserman 2019, arXiv:1609.00451): a class is in the
set where its probability reaches a threshold. Of rows that are exchangeable with the calibrating ones the set holds the true
class with at least the promised probability, whatever the model and the distribution are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lextune.records import Interval
from lextune.statistics import LEVEL, Floats, Ints, share_limits


@dataclass(frozen=True)
class Threshold:
    """From which probability a class is in the set.

    Attributes:
        value: Of the probability.
        least: The share of new rows whose set holds the true class is above this for 95 % of all calibrating parts
            (beta distribution: Vovk 2012, arXiv:1209.2673, proposition 2b).
    """

    value: float
    least: float


def threshold(true_scores: Floats, miss: float) -> Threshold | None:
    """The highest threshold that keeps the promise; None where so few rows promise nothing.

    Args:
        true_scores: The probability of each calibrating row's true class, shape (n,).
        miss: How often the true class may be outside, above 0 and below 1.
    """
    from scipy.stats import beta

    n = len(true_scores)
    needed = math.ceil((n + 1) * (1 - miss) - 1e-9)
    if needed > n:
        return None
    value = float(np.partition(true_scores, n - needed)[n - needed])
    return Threshold(value, float(beta.ppf(1 - LEVEL, needed, n + 1 - needed)))


def rows_needed(miss: float) -> int:
    """The fewest calibrating rows of which there is a threshold."""
    return math.ceil(1 / miss - 1 - 1e-9)


def mean_size(sizes: Ints, classes: int) -> tuple[float, Interval | None]:
    """The mean number of classes in a set, with its 95 % interval; NaN and None without rows.

    It is the sum of the shares of sets with at least one class, at least two, and so on to one more than any set has:
    the interval is the sum of their Wilson limits, as if all erred together, which is conservative.

    Args:
        sizes: Shape (n,).
        classes: How many there are.
    """
    n = len(sizes)
    if not n:
        return math.nan, None
    most = min(int(sizes.max()) + 1, classes)
    limits = [share_limits(float((sizes >= one).mean()), n) for one in range(1, most + 1)]
    return float(sizes.mean()), Interval(
        low=sum(low for low, _ in limits), high=sum(high for _, high in limits), level=LEVEL,
        method="sum of Wilson's limits over sizes",
    )  # fmt: skip
