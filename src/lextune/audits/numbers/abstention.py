"""What is wrong among the answers that a model is surest of, for every share that it answers; it knows no model and no bound."""

from __future__ import annotations

import math

import numpy as np

from lextune.records import Interval
from lextune.statistics import LEVEL, Bools, Floats, Ints, share_limits

#: Rows of all resamples that are in memory at a time.
_CELLS = 2_000_000


def answered(confidence: Floats, coverage: float) -> tuple[float, Bools]:
    """The confidence from which a share of the rows is answered, and which rows are; equal ones are answered together.

    Args:
        confidence: Shape (n,), n above 0.
        coverage: Above 0 to 1.
    """
    n = len(confidence)
    place = n - math.ceil(coverage * n - 1e-9)
    least = float(np.partition(confidence, place)[place])
    return least, confidence >= least


def risk_area(confidence: Floats, wrong: Bools) -> float:
    """The mean over all coverages of the share that is wrong (AURC: Geifman, Uziel and El-Yaniv 2019, arXiv:1805.08206).

    Rows of equal confidence count as wrong as they are on average, so that their order does not matter. NaN without rows.

    Args:
        confidence: Shape (n,).
        wrong: Shape (n,).
    """
    n = len(confidence)
    return float(_areas(*_levels(confidence, wrong), np.ones((1, n)))[0]) if n else math.nan


def risk_area_interval(
    confidence: Floats, wrong: Bools, *, samples: int, seed: int
) -> Interval | None:  # fmt: skip
    """95 % interval of `risk_area`; None without rows.

    The area is a weighted mean of rows. Percentile bootstrap of rows, widened to hold Wilson's limits of so many rows as
    the weights are worth (Kish 1965): a bootstrap alone collapses where all is right.

    Args:
        confidence: Shape (n,).
        wrong: Shape (n,).
        samples: Resamples.
        seed: Of numpy's PCG64.
    """
    n = len(confidence)
    if not n:
        return None
    ordered, starts = _levels(confidence, wrong)
    value = float(_areas(ordered, starts, np.ones((1, n)))[0])
    rng, at_once, drawn = np.random.default_rng(seed), max(1, _CELLS // n), []
    for start in range(0, samples, at_once):
        some = min(at_once, samples - start)
        rows = rng.integers(0, n, (some, n)) + np.arange(some)[:, None] * n
        counts = np.bincount(rows.ravel(), minlength=some * n).reshape(some, n)
        drawn.append(_areas(ordered, starts, counts.astype(float)))
    tails = np.quantile(np.concatenate(drawn), [(1 - LEVEL) / 2, 1 - (1 - LEVEL) / 2])
    low, high = share_limits(value, 1 / float(np.square(np.diff(_weights(n))).sum()))
    return Interval(
        low=min(low, float(tails[0])), high=max(high, float(tails[1])), level=LEVEL,
        method=f"percentile bootstrap of rows ({samples}, seed {seed}), widened to Wilson's limits",
    )  # fmt: skip


def _weights(n: int) -> Floats:
    """What the first rows, the surest, weigh together in the mean over coverages, shape (n + 1,), from 0 to 1."""
    each = np.cumsum((1 / np.arange(1, n + 1))[::-1])[::-1] / n
    return np.concatenate([[0.0], np.cumsum(each)])


def _levels(confidence: Floats, wrong: Bools) -> tuple[Floats, Ints]:
    """Whether rows are wrong, the surest first, and where each run of equal confidences starts."""
    order = np.argsort(-confidence, kind="stable")
    starts = np.flatnonzero(np.diff(confidence[order], prepend=np.inf))
    return wrong[order].astype(float), starts


def _areas(wrong: Floats, starts: Ints, counts: Floats) -> Floats:
    """The area for each line of `counts`, which says how often each row is in it, shape (draws, n)."""
    rows = np.add.reduceat(counts, starts, axis=1)
    errors = np.add.reduceat(counts * wrong, starts, axis=1)
    ends = rows.cumsum(axis=1)
    weights = _weights(len(wrong))
    held = weights[ends.astype(int)] - weights[(ends - rows).astype(int)]
    found: Floats = np.divide(errors, rows, out=np.zeros_like(rows), where=rows > 0)
    return np.asarray((found * held).sum(axis=1))
