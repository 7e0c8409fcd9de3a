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

    It is the mean over canaries like those inserted, among these very canaries held back. Other ones held back would
    move all ranks at once, by more than any interval of a few scores can say; `by_chance` is what tests for memory.
    A share of the largest exposure varies at most as a yes or no does: Wilson's limits of that, conservative.
    """
    if not len(inserted) or not len(held_back):
        return math.nan, None
    most = math.log2(len(held_back) + 1)
    value = float(exposures(inserted, held_back).mean())
    low, high = statistics.share_limits(value / most, len(inserted))
    return value, Interval(
        low=low * most, high=high * most, level=statistics.LEVEL,
        method="Wilson's limits of a mean, given those held back",
    )  # fmt: skip


def by_chance(scores: Floats, inserted: npt.NDArray[np.bool_], samples: int, seed: int) -> float:
    """How probable such a mean exposure, or a larger one, is if the scores know nothing of the coins.

    A randomisation test (Edgington 1980, "Randomization Tests"): as many coins are dealt again, and the run's own deal counts as
    one of them, so that a figure of 0.05 or less comes up in at most 5 % of runs that remember nothing.

    Args:
        scores: Shape (canaries,).
        inserted: Whether each was trained on; some are and some are not.
        samples: Deals.
        seed: Of numpy's PCG64.
    """
    draw = np.random.default_rng(seed)
    own = exposures(scores[inserted], scores[~inserted]).mean()
    count, least = 0, own - 1e-9
    for _ in range(samples):
        dealt = draw.permutation(inserted)
        count += exposures(scores[dealt], scores[~dealt]).mean() >= least
    return float((1 + count) / (1 + samples))
