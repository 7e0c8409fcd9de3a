"""How sure a model is of rows, and how sure one would be that never saw them; it does not know which rows were trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lextune.audits.base import Bench
from lextune.audits.numbers.attacks import log_odds
from lextune.errors import ModelError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_FOLDS = 5


def certainty(bench: Bench, answers: Any) -> Floats:
    """How sure the answers are of the labels, shape (rows,): log odds of the class, of other kinds minus the row's error.

    NaN where the model did not answer, or there is nothing to be right about.
    """
    if answers.kind != "class":
        return -bench.row_errors(answers)
    found = np.full(len(answers.labels), np.nan)
    fine = answers.finite
    found[fine] = log_odds(answers.scores[fine], answers.labels[fine])
    return found


def base_features(bench: Bench, inputs: Sequence[Any]) -> Floats | None:
    """What the pretrained model says of inputs, shape (inputs, hidden); None where it has no head to say it to."""
    try:
        found = np.asarray(bench.features(inputs, base=True), np.float64)
    except ModelError:
        return None
    return found if found.ndim == 2 and np.isfinite(found).all() else None


def out_of_fold(features: Floats, labels: Ints, seed: int) -> Floats | None:
    """Probabilities of the classes by logistic regressions that did not see the row, shape (rows, classes).

    None where the commonest class leaves fewer rows than there are folds, so that some regression would have but one.

    Args:
        features: Shape (rows, hidden).
        labels: Class numbers, shape (rows,).
        seed: Of the folds.
    """
    counts = np.bincount(labels)
    if len(labels) - int(counts.max(initial=0)) < 2 * _FOLDS:
        return None
    fold = np.random.default_rng(seed).permutation(len(labels)) % _FOLDS
    found = np.zeros((len(labels), len(counts)))
    for one in range(_FOLDS):
        out = fold == one
        if len(np.unique(labels[~out])) < 2:
            return None
        model = _regression().fit(features[~out], labels[~out])
        found[np.ix_(out, model[-1].classes_)] = model.predict_proba(features[out])
    return found


def told_apart(features: Floats, first: Bools, seed: int) -> tuple[Floats, Floats] | None:
    """How much half of the rows look like the first of two samples, to a regression on the other half (Lopez-Paz and Oquab 2017).

    One half, not every fold in turn: scores of rows that each helped to fit the others' regressions lie on the wrong
    side of chance, so that of equal samples the area under the curve is below 0.5 and its interval excludes it.

    Args:
        features: Shape (rows, hidden).
        first: Whether each row is of the first sample, shape (rows,).
        seed: Of the halves, which hold as many rows of each sample.

    Returns:
        Scores of the held-out rows of the first sample and of the second; None where a sample has fewer than 10 rows.
    """
    draw, half = np.random.default_rng(seed), np.zeros(len(first), bool)
    for sample in (True, False):
        rows = np.flatnonzero(first == sample)
        if len(rows) < 10:
            return None
        half[draw.permutation(rows)[: len(rows) // 2]] = True
    model = _regression().fit(features[half], first[half])
    found = model.predict_proba(features[~half])[:, 1]
    return found[first[~half]], found[~first[~half]]


def _regression() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300, tol=1e-3))
