"""Which rows look mislabelled or stand apart from their class, from states of an encoder; it knows no model and no audit."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

FOLDS = 5
#: Inverse penalty of the logistic regressions, on standardised states, times the number of states: more states than rows
#: would otherwise be learnt by heart. Of 0.1, 0.01 and 0.001, those near this were best or close to it for 384 states of
#: sentences, 64 pixels of digits and 30 measurements of cells, with clean and with turned labels.
_INVERSE_PENALTY = 4.0
#: Dimensions to which states are reduced before they are clustered (Chen et al. 2018).
_DIMENSIONS = 10


def folds_of(labels: Ints, classes: int, seed: int) -> Ints:
    """One of five folds for each row, drawn within each class, shape (rows,)."""
    rng = np.random.default_rng([seed, 5])
    fold = np.empty(len(labels), np.int64)
    for one in range(classes):
        inside = rng.permutation(np.flatnonzero(labels == one))
        fold[inside] = (np.arange(len(inside)) + rng.integers(FOLDS)) % FOLDS
    return fold


def out_of_fold(
    features: Floats, labels: Ints, classes: int, fold: Ints, taught: Bools | None = None
) -> Floats:
    """Probabilities of each row by a logistic regression of the other folds, shape (rows, classes).

    Shares of rows that are told by such rules lie around the mean of what the five rules would tell of new rows as a share
    of as many rows would: intervals of shares hold for that mean (Bayle, Bayle, Janson and Mackey 2020, arXiv:2007.12671).

    Args:
        features: Shape (rows, hidden).
        labels: Shape (rows,).
        classes: How many; one without rows gets probability 0.
        fold: As from `folds_of`.
        taught: Rows that the rules learn from, shape (rows,); null is all of them.
    """
    found = np.zeros((len(labels), classes))
    for one in range(FOLDS):
        held = fold == one
        rest = ~held if taught is None else ~held & taught
        if held.any() and rest.any():
            found[held] = fitted(features[rest], labels[rest], features[held], classes)
    return found


def fitted(features: Floats, labels: Ints, asked: Floats, classes: int) -> Floats:
    """Probabilities of `asked` by a logistic regression of the other rows, shape (asked, classes)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    found = np.zeros((len(asked), classes))
    seen = np.unique(labels)
    if len(seen) == 1:
        found[:, seen[0]] = 1.0
        return found
    penalty = _INVERSE_PENALTY / features.shape[1]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=300))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a probe near its best will do
        model.fit(features, labels)
    found[:, seen] = model.predict_proba(asked)
    return found


def suspicious(scores: Floats, labels: Ints, fold: Ints) -> Bools:
    """Rows that confident learning counts for another class than their label's, shape (rows,).

    Northcutt, Jiang and Chuang 2021 (arXiv:1911.00068): a row counts for the most probable of the classes whose probability
    is at least what rows of that class get on average; here, rows of that class in the other folds.

    Args:
        scores: Out-of-fold probabilities, shape (rows, classes).
        labels: Shape (rows,).
        fold: Of each row.
    """
    found = np.zeros(len(labels), bool)
    for one in range(FOLDS):
        held = fold == one
        over = counted(scores[held], bars(scores[~held], labels[~held]))
        found[held] = (over >= 0) & (over != labels[held])
    return found


def bars(scores: Floats, labels: Ints) -> Floats:
    """What rows of each class get for it on average, shape (classes,); infinite for a class without rows."""
    return np.array(
        [
            scores[labels == one, one].mean() if (labels == one).any() else np.inf
            for one in range(scores.shape[1])
        ]
    )


def counted(scores: Floats, bar: Floats) -> Ints:
    """The most probable class of each row among those whose bar it reaches, shape (rows,); -1 where it reaches none."""
    over = np.where(scores >= bar, scores, -1.0)
    return np.where(over.max(axis=1) >= 0, over.argmax(axis=1), -1)


@dataclass(frozen=True)
class Axis:
    """The direction in which rows vary most, and where most of them lie on it."""

    centre: Floats
    direction: Floats
    middle: float
    spread: float

    @classmethod
    def of(cls, features: Floats) -> Axis:
        """Of rows of one class, shape (rows, hidden).

        Raises:
            ValueError: They do not vary.
        """
        centre = features.mean(axis=0)
        direction = np.linalg.svd(features - centre, full_matrices=False)[2][0]
        along = (features - centre) @ direction
        middle = float(np.median(along))
        spread = float(np.median(np.abs(along - middle))) / NormalDist().inv_cdf(0.75)
        if not spread > 1e-12:
            raise ValueError("the states do not vary")
        return cls(centre, direction, middle, spread)

    def far(self, features: Floats, quantile: float) -> Bools:
        """Rows beyond that quantile of the normal distribution, on either side."""
        away = np.abs((features - self.centre) @ self.direction - self.middle)
        return np.asarray(away > NormalDist().inv_cdf(quantile) * self.spread, np.bool_)


def spectral_outliers(features: Floats, fold: Ints) -> Bools:
    """Rows of one class that lie far out along the direction in which the other folds vary most, shape (rows,).

    Spectral signatures (Tran, Li and Madry 2018, arXiv:1811.00636), which removes a share of rows that is thought to be
    poisoned. Here a row is far out beyond the normal quantile of 1 - 0.01 / rows, in units of the median absolute
    deviation, on either side: the share is not guessed.

    Args:
        features: Shape (rows, hidden).
        fold: Of each row.

    Raises:
        ValueError: The states do not vary.
    """
    found = np.zeros(len(features), bool)
    for one in range(FOLDS):
        held = fold == one
        found[held] = Axis.of(features[~held]).far(features[held], 1 - 0.01 / (2 * len(features)))
    return found


def two_clusters(features: Floats, seed: int) -> tuple[Bools, float]:
    """The smaller of two clusters of the rows of one class, and how far apart they are (silhouette, -1 to 1).

    Activation clustering (Chen et al. 2018, arXiv:1811.03728), with principal components in place of independent ones.

    Args:
        features: Shape (rows, hidden), at least 4 rows.
        seed: Of the first centres.

    Raises:
        ValueError: The states do not vary.
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    centred = features - features.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    if not sizes[0] > 1e-9 or len(np.unique(features, axis=0)) < 3:
        raise ValueError("the states do not vary")
    reduced = centred @ directions[:_DIMENSIONS].T
    found = KMeans(2, n_init=5, random_state=seed).fit_predict(reduced)
    smaller = found == (0 if 2 * (found == 0).sum() <= len(found) else 1)
    return np.asarray(smaller, np.bool_), float(silhouette_score(reduced, found))
