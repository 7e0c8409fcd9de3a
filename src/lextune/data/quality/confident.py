"""Finds likely label errors in out-of-fold probabilities by confident learning; it knows no text and no model.

Northcutt, Jiang and Chuang 2021, "Confident learning: estimating uncertainty in dataset labels", Journal of
Artificial Intelligence Research 70, 1373-1411 (arXiv:1911.00068), section 3: the confident joint, and pruning by its
off-diagonal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lextune.statistics import Bools, Floats, Ints


@dataclass(frozen=True)
class Suspects:
    """What the confident joint says.

    Attributes:
        rows: Likely errors, the least likely label first.
        likely: The class that each of them confidently is, by number.
        margin: Probability of its own label less that of the likely class; below 0 and rising.
        joint: Rows counted by given class (line) and likely class (column), shape (classes, classes).
    """

    rows: Ints
    likely: Ints
    margin: Floats
    joint: Ints


def find_suspects(labels: Ints, scores: Floats) -> Suspects:
    """Rows that are confidently of another class than their label says.

    A row is confidently of a class when its probability reaches the mean probability that rows with that label
    have for it; of several such classes it is the most probable one.

    Args:
        labels: Given class numbers, shape (n,).
        scores: Out-of-fold probabilities, shape (n, classes).
    """
    n, classes = scores.shape
    given = scores[np.arange(n), labels]
    counts = np.bincount(labels, minlength=classes)
    total = np.bincount(labels, weights=given, minlength=classes)
    threshold = np.full(classes, np.inf)  # nobody is confidently of a class that no row has
    np.divide(total, counts, out=threshold, where=counts > 0)
    masked = np.where(scores >= threshold, scores, -1.0)
    likely: Ints = masked.argmax(axis=1)
    confident: Bools = masked.max(axis=1) >= 0
    joint: Ints = np.zeros((classes, classes), np.int64)
    np.add.at(joint, (labels[confident], likely[confident]), 1)
    wrong = np.flatnonzero(confident & (likely != labels))
    margin: npt.NDArray[np.float64] = given[wrong] - scores[wrong, likely[wrong]]
    order = np.argsort(margin, kind="stable")
    return Suspects(wrong[order], likely[wrong[order]], margin[order], joint)
