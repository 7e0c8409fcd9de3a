"""How errors fall with the number of training rows, and where the line leads; it knows no model and trains none."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lextune.records import Interval
from lextune.statistics import LEVEL, Floats

#: Wrong rows at a size, below which its logarithm is mostly chance.
LEAST_ERRORS = 10
_CELLS = 2_000_000


def power_law(sizes: Sequence[int], errors: Floats) -> tuple[float, float]:
    """`a` and `b` of error = a * rows ** b, by least squares of the logarithms.

    Learning curves follow such a law over wide ranges (Hestness et al. 2017, arXiv:1712.00409) until they come near the
    error that no model gets rid of.

    Args:
        sizes: Training rows, at least two different numbers.
        errors: Above 0, one a size.
    """
    b, a = np.polyfit(np.log(np.asarray(sizes, float)), np.log(errors), 1)
    return math.exp(a), float(b)


def extrapolate(
    sizes: Sequence[int], errors: Floats, rows: int, *, samples: int, seed: int
) -> tuple[float, Interval | None]:  # fmt: skip
    """The mean error that the power law gives for another number of training rows, with its 95 % interval.

    Paired percentile bootstrap of the test rows, which are the same for all sizes. It says how sure the line through these
    trained models is, not how much models of another seed would differ, nor that errors follow such a line.
    NaN and None where some size has fewer than ten wrong rows, whose logarithm is mostly chance.

    Args:
        sizes: Training rows, at least two different numbers.
        errors: Of each test row at each size, from 0 up, shape (sizes, test rows).
        rows: To extrapolate to.
        samples: Resamples.
        seed: Of numpy's PCG64.
    """
    if errors.shape[1] == 0 or (errors.sum(axis=1) < LEAST_ERRORS).any():
        return math.nan, None
    n = errors.shape[1]
    weights = _weights(sizes, rows)
    value = math.exp(float(weights @ np.log(errors.mean(axis=1))))
    rng, at_once, drawn = np.random.default_rng(seed), max(1, _CELLS // n), []
    for start in range(0, samples, at_once):
        some = min(at_once, samples - start)
        picked = rng.integers(0, n, (some, n))
        counts = np.bincount((picked + np.arange(some)[:, None] * n).ravel(), minlength=some * n)
        means = (counts.reshape(some, n) @ errors.T) / n
        drawn.append(np.exp(np.log(np.maximum(means, 0.5 / n)) @ weights))
    low, high = np.quantile(np.concatenate(drawn), [(1 - LEVEL) / 2, 1 - (1 - LEVEL) / 2])
    return value, Interval(
        low=float(low), high=float(high), level=LEVEL,
        method=f"paired percentile bootstrap of test rows ({samples}, seed {seed}), not over training",
    )  # fmt: skip


def _weights(sizes: Sequence[int], rows: int) -> Floats:
    """What each size's logarithm of the error counts for at `rows`: least squares is linear in them. Shape (sizes,)."""
    logs = np.log(np.asarray(sizes, float))
    design = np.stack([np.ones(len(logs)), logs], axis=1)
    found: Floats = np.array([1.0, math.log(rows)]) @ np.linalg.pinv(design)
    return found
