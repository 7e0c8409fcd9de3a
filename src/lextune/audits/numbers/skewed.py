"""The interval of a mean of few numbers that may be skewed, as a plain function of an array; it knows no audit."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from lextune.records import Interval
from lextune.statistics import LEVEL

Floats = npt.NDArray[np.float64]
#: Of fewer numbers no interval is given: where most are alike and few are far off, it would miss the mean too often.
FEWEST = 20
_TAILS = ((1 - LEVEL) / 2, 1 - (1 - LEVEL) / 2)


def mean_interval(values: Floats, *, samples: int, seed: int) -> Interval | None:
    """95 % interval of the mean of independent numbers; None of fewer than 20, and where they do not vary.

    The wider of Student's interval and the bootstrap-t (Efron and Tibshirani 1993, chapter 12.5) at each end: the former
    misses the mean of skewed numbers too often, the latter that of few.

    Args:
        values: Finite, shape (n,).
        samples: Resamples.
        seed: Of numpy's PCG64.
    """
    from scipy.stats import t

    n = len(values)
    spread = float(values.std(ddof=1)) if n >= FEWEST else 0.0
    if not spread > 1e-12 * float(np.abs(values).max(initial=0.0)):
        return None
    mean, error = float(values.mean()), spread / math.sqrt(n)
    half = float(t.ppf(_TAILS[1], n - 1)) * error
    drawn = values[np.random.default_rng(seed).integers(0, n, (samples, n))]
    errors = drawn.std(axis=1, ddof=1) / math.sqrt(n)
    varied = errors > 0
    ratios = (drawn.mean(axis=1)[varied] - mean) / errors[varied]
    below, above = np.quantile(ratios, _TAILS) if len(ratios) else (0.0, 0.0)
    return Interval(
        low=min(mean - half, mean - float(above) * error),
        high=max(mean + half, mean - float(below) * error),
        level=LEVEL,
        method=f"Student's t, widened to the bootstrap-t ({samples}, seed {seed})",
    )
