"""Intervals of figures that are summed up over images, by drawing images; it knows no metric and no kind of label.

What lies in one image (boxes, pixels) is not independent, so whole images are drawn. The percentiles are expanded by what
the bootstrap lacks with few images (Hesterberg 2015, arXiv:1411.5279): too little variance, and no t.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from lextune.evaluation.kinds import Resampling
from lextune.records import Interval
from lextune.statistics import LEVEL, share_limits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_TAILS = ((1 - LEVEL) / 2, 1 - (1 - LEVEL) / 2)
#: Of confidences, as `statistics.expected_calibration_error` has them.
BINS = 15


def draws(images: int, resampling: Resampling) -> Ints:
    """How often each image is in each draw, shape (samples, images); every row sums to `images`."""
    if not images:
        return np.zeros((resampling.samples, 0), np.int64)
    rng = np.random.default_rng(resampling.seed)
    return rng.multinomial(images, np.full(images, 1 / images), size=resampling.samples)


def ratio(part: Any, whole: Any) -> Floats:
    """The one by the other, NaN where the latter is 0; of equal shapes."""
    whole = np.asarray(whole, np.float64)
    found: Floats = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found


def tails(images: int) -> tuple[float, float]:
    """The quantiles of draws of so many images between which a 95 % interval lies."""
    from scipy.stats import norm, t

    if images < 2:
        return 0.0, 1.0
    far = t.ppf(_TAILS[1], images - 1) * math.sqrt(images / (images - 1))
    return float(norm.cdf(-far)), float(norm.cdf(far))


def interval(
    value: float, drawn: Floats, trials: float, images: int, resampling: Resampling, *, widen: bool,
    units: str = "images",
) -> Interval | None:  # fmt: skip
    """95 % interval of a share: the expanded percentile bootstrap of images; None where the share is undefined.

    Args:
        value: The share, 0 to 1.
        drawn: What it is in each draw, shape (samples,); NaN where undefined.
        trials: How many things it is a mean of.
        images: How many images hold any of them.
        resampling: How it was drawn.
        widen: Whether the interval is to hold Wilson's limits of such a share of so many trials. Where the draws
            do not vary it always is: a bootstrap collapses where all is right.
        units: What is drawn.
    """
    if not math.isfinite(value) or not trials:
        return None
    known = drawn[np.isfinite(drawn)]
    low, high = np.quantile(known, tails(images)).tolist() if len(known) else (value, value)
    # Draws without a rare class leave it out of a mean, so that nearly all may lie on one side of the figure.
    low, high = min(low, value), max(high, value)
    method = f"expanded percentile bootstrap of {units} ({_how(resampling)})"
    if widen or low == high:
        limits = share_limits(value, trials)
        low, high = min(low, limits[0]), max(high, limits[1])
        method += ", widened to Wilson's limits"
    return Interval(low=low, high=high, level=LEVEL, method=method)


#: A figure, what it is in each draw of images, shape (samples,), and its interval.
Figure = tuple[float, Floats, Interval | None]


def difference(
    one: Figure,
    other: Figure,
    images: int,
    resampling: Resampling,
    units: str = "images",
) -> tuple[float, Interval | None]:
    """One share minus another of the same images, with the paired expanded percentile bootstrap of images.

    Where the draws do not vary, the two intervals are joined by the method of variance estimates recovery (Zou and
    Donner 2008, Statistics in Medicine 27, 1693-1702), as if they were of different images: conservative.

    Args:
        one: Of the one.
        other: Of the other, in the same draws.
        images: How many.
        resampling: How it was drawn.
        units: What was drawn.

    Returns:
        The difference (NaN where undefined) and its interval; None where more than one draw in a hundred is undefined.
    """
    value = one[0] - other[0]
    known = one[1] - other[1]
    known = known[np.isfinite(known)]
    if not math.isfinite(value) or len(known) < 0.99 * resampling.samples:
        return value, None
    low, high = np.quantile(known, tails(images)).tolist()
    method = f"paired expanded percentile bootstrap of {units} ({_how(resampling)})"
    if low == high:
        first, second = one[2], other[2]
        if first is None or second is None:
            return value, None
        low = value - math.hypot(one[0] - first.low, second.high - other[0])
        high = value + math.hypot(first.high - one[0], other[0] - second.low)
        method = f"two intervals joined by MOVER, since no draw of {units} differs"
    return value, Interval(low=low, high=high, level=LEVEL, method=method)


def calibration(
    bins: Floats, resampling: Resampling
) -> tuple[float, Interval | None]:  # fmt: skip
    """Weighted mean gap between confidence and accuracy over bins, with its 95 % interval over images.

    The error is a sum of absolute gaps, so noise can only push it away from 0. By the triangle inequality it differs
    from the truth by at most the sum of the absolute noise of the bins; that noise is what the gaps of drawn images
    differ by, and its 97.5 % quantile is the half width.

    Args:
        bins: How many things each image has in each bin, the sum of their confidences, and how many of them are
            right, shape (images, bins, 3).
        resampling: How to draw.

    Returns:
        NaN and None where nothing was found; None as interval where no draw differs.
    """
    total = bins[..., 0].sum()
    if not total:
        return math.nan, None
    gaps = bins[..., 1] - bins[..., 2]
    value = float(np.abs(gaps.sum(axis=0)).sum() / total)
    drawn = draws(len(bins), resampling)
    held = (drawn @ bins[..., 0].sum(axis=1))[:, None]
    shares = np.divide(drawn @ gaps, held, out=np.zeros((len(drawn), gaps.shape[1])), where=held > 0)  # fmt: skip
    noise = np.abs(shares - gaps.sum(axis=0) / total).sum(axis=1)
    half = float(np.quantile(noise, _TAILS[1]))
    if not half:
        return value, None
    return value, Interval(
        low=max(value - half, 0.0), high=min(value + half, 1.0), level=LEVEL,
        method=f"triangle inequality over bins of drawn images ({_how(resampling)})",
    )  # fmt: skip


def _how(resampling: Resampling) -> str:
    return f"{resampling.samples}, seed {resampling.seed}"
