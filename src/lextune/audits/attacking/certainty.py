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
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    counts = np.bincount(labels)
    if len(labels) - int(counts.max(initial=0)) < 2 * _FOLDS:
        return None
    fold = np.random.default_rng(seed).permutation(len(labels)) % _FOLDS
    found = np.zeros((len(labels), len(counts)))
    for one in range(_FOLDS):
        out = fold == one
        if len(np.unique(labels[~out])) < 2:
            return None
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=0.01, max_iter=300, tol=1e-3)
        ).fit(features[~out], labels[~out])
        found[np.ix_(out, model[-1].classes_)] = model.predict_proba(features[out])
    return found
