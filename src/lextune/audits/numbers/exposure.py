"""How far canaries that were trained on stand out from those that were held back; it knows no model."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from lextune import statistics
from lextune.records import Interval

Floats = npt.NDArray[np.float64]


def exposures(inserted: Floats, held_back: Floats) -> Floats:
    """Bits by which each one's rank among those held back is better than last, shape (inserted,).

    Exposure (Carlini et al. 2019, arXiv:1802.08232, definition 2): log2 of how many candidates there are, minus log2
    of the rank. The candidates are those held back and the canary itself; equal scores share the middle rank.

    Args:
        inserted: Scores of those that were trained on; the higher, the better known.
        held_back: Scores of the others.
    """
    ordered = np.sort(held_back)
    below = np.searchsorted(ordered, inserted, "left") + np.searchsorted(ordered, inserted, "right")
    rank = 1 + len(ordered) - below / 2
    return np.asarray(math.log2(len(ordered) + 1) - np.log2(rank), np.float64)


def chance_exposure(held_back: int) -> float:
    """The mean exposure of canaries that nobody trained on: every rank is as likely as any other."""
    ranks = np.arange(1, held_back + 2)
    return float(math.log2(held_back + 1) - np.log2(ranks).mean())


def mean_exposure(inserted: Floats, held_back: Floats) -> tuple[float, Interval | None]:
    """Mean of `exposures` with its 95 % interval; NaN and None where there are none of either.

    The exposures of one run share their ranks, so they do not vary independently; a share of the largest exposure that
    there can be varies at most as a yes or no does of the smaller of the two samples, as the area under the ROC curve does
    (Birnbaum and Klose 1957, Annals of Mathematical Statistics 28). Wilson's limits of that: conservative, and above
    nothing where every canary ranks first.
    """
    if not len(inserted) or not len(held_back):
        return math.nan, None
    most = math.log2(len(held_back) + 1)
    value = float(exposures(inserted, held_back).mean())
    low, high = statistics.share_limits(value / most, min(len(inserted), len(held_back)))
    return value, Interval(
        low=low * most, high=high * most, level=statistics.LEVEL,
        method="Wilson's limits of a mean, for the smaller of both samples",
    )  # fmt: skip
