"""What an attack that scores members above others achieves, with intervals; it knows no model and no row."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lextune import statistics
from lextune.records import Interval

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: A probability of 0 or 1 in float32 has odds that no model means.
_LEAST = 1e-7
#: Fewer rows for each weight would be fitted rather than foreseen.
_ROWS_A_WEIGHT = 10


def log_odds(scores: Floats, labels: Ints) -> Floats:
    """Log odds of each row's own class against all others: log p - log(1 - p), shape (rows,).

    The scale on which losses are about normal (Carlini et al. 2022, arXiv:2112.03570, section IV-C).

    Args:
        scores: Probabilities, shape (rows, classes).
        labels: Shape (rows,).
    """
    own = np.clip(scores[np.arange(len(labels)), labels].astype(np.float64), _LEAST, 1 - _LEAST)
    return np.asarray(np.log(own) - np.log1p(-own), np.float64)


def calibrated(sure: Floats, doubts: Floats) -> Floats:
    """What of a model's certainty cannot be foreseen from models that saw none of the rows, shape (rows,).

    Residuals of least squares over all rows together: members and others are treated alike, so that scores which know
    nothing of membership still know nothing of it. Plain differences, as Watson et al. 2022 (arXiv:2111.08440) take
    them, suppose that all models are sure on one scale; a probe of a frozen encoder is not.

    Args:
        sure: Of the model, shape (rows,).
        doubts: Of the others, shape (models, rows); none leaves the certainty as it is.
    """
    if not len(doubts):
        return sure
    if len(sure) < _ROWS_A_WEIGHT * (len(doubts) + 1):
        return np.asarray(sure - doubts.mean(axis=0), np.float64)
    known = np.column_stack([doubts.T, np.ones(len(sure))])
    weights = np.linalg.lstsq(known, sure, rcond=None)[0]
    return np.asarray(sure - known @ weights, np.float64)


def area(members: Floats, others: Floats) -> tuple[float, Interval | None]:
    """How often a member scores above another row, ties half, with its 95 % interval; NaN and None without either.

    See `statistics.roc_auc_interval`.
    """
    labels = np.repeat([1, 0], [len(members), len(others)]).astype(np.int64)
    scores = np.concatenate([members, others])
    both = np.column_stack([-scores, scores])
    return statistics.roc_auc(labels, both), statistics.roc_auc_interval(labels, both)


@dataclass(frozen=True)
class Caught:
    """Members whose scores lie above those of all but a share of other rows.

    Attributes:
        threshold: What they score above.
        rate: Their share of the members.
        interval: 95 %.
    """

    threshold: float
    rate: float
    interval: Interval


def caught(members: Floats, others: Floats, share: float) -> Caught | None:
    """The true positive rate where the false positive rate is `share`; None where that is less than one other row.

    The threshold is itself an estimate, so a Clopper-Pearson interval at the threshold alone would be too narrow:
    its ends are taken at the limits of the threshold, which are order statistics of the others (David and Nagaraja
    2003, Order Statistics, section 7.1). Threshold and rate err on either side in 1.25 % each (Bonferroni).

    Args:
        members: Scores, shape (members,).
        others: Shape (others,).
        share: Above 0.
    """
    n = len(others)
    if not len(members) or n * share < 1 - 1e-9:
        return None
    from scipy.stats import binom

    falling = np.concatenate([[math.inf], np.sort(others)[::-1], [-math.inf]])
    threshold = float(falling[math.floor(n * share + 1e-9) + 1])
    tail = (1 - statistics.LEVEL) / 4
    # Of n others a binomial number lies above the true threshold: so many at least, and so many at most.
    least, most = int(binom.ppf(tail, n, share)), int(binom.ppf(1 - tail, n, share))
    above = int((members > falling[least]).sum())
    beyond = int((members >= falling[min(most, n) + 1]).sum())
    low = statistics.clopper_pearson(above, len(members), 1 - 2 * tail)
    high = statistics.clopper_pearson(beyond, len(members), 1 - 2 * tail)
    assert low is not None
    assert high is not None
    return Caught(
        threshold,
        float((members > threshold).mean()),
        Interval(
            low=low.low, high=high.high, level=statistics.LEVEL,
            method="Clopper-Pearson at the limits of the threshold",
        ),
    )  # fmt: skip
