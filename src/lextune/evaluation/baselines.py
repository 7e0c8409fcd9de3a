"""Cheap models trained on the same rows as the real one, so that a figure has something beside it; they know no bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from lextune import statistics
from lextune.evaluation.predict import Scored
from lextune.records import Measurement
from lextune.registry import Registry


class Baseline(Protocol):
    """Fits on training texts and class numbers and scores test texts, shape (rows, classes)."""

    def __call__(  # noqa: D102
        self,
        train: Sequence[str],
        labels: npt.NDArray[np.int64],
        test: Sequence[str],
        classes: int,
    ) -> npt.NDArray[np.float64]: ...


baselines: Registry[Baseline] = Registry("baseline", "lextune.evaluation")


@baselines.register("majority")
def majority(
    train: Sequence[str],  # noqa: ARG001
    labels: npt.NDArray[np.int64],
    test: Sequence[str],
    classes: int,
) -> npt.NDArray[np.float64]:
    """Always the most frequent class of train, with the class shares as scores."""
    shares = np.bincount(labels, minlength=classes) / len(labels)
    return np.tile(shares, (len(test), 1))


@baselines.register("tfidf_logistic_regression")
def tfidf_logistic_regression(
    train: Sequence[str],
    labels: npt.NDArray[np.int64],
    test: Sequence[str],
    classes: int,
) -> npt.NDArray[np.float64]:
    """Logistic regression (C = 10) on sublinear TF-IDF of words and word pairs.

    Text without spaces between words (Chinese), or without any word of two letters, is cut into characters
    and pairs and triples of them.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    rare = {"min_df": 2 if len(train) >= 1000 else 1, "sublinear_tf": True}
    characters = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), **rare)
    vectoriser = characters
    if _has_spaces(train):
        vectoriser = TfidfVectorizer(ngram_range=(1, 2), **rare)
    try:
        features = vectoriser.fit_transform(train)
    except ValueError:  # no word of two letters, or none that is not rare: numbers, emoji, codes
        vectoriser = characters
        features = vectoriser.fit_transform(train)
    model = LogisticRegression(C=10, max_iter=1000)
    model.fit(features, labels)
    scores = np.zeros((len(test), classes))
    scores[:, model.classes_] = model.predict_proba(vectoriser.transform(test))
    return scores


def _has_spaces(texts: Sequence[str]) -> bool:
    """Whether words are set apart: more than one space in twenty characters of the first texts."""
    sample = "".join(texts[:200])
    return sum(letter.isspace() for letter in sample) * 20 > len(sample)


def accuracy_difference(model: Scored, baseline: Scored, name: str) -> Measurement:
    """Accuracy of the model minus the baseline's on the same rows, with a paired interval."""
    found = statistics.paired_difference(model.right, baseline.right)
    value, interval = found if found is not None else (None, None)
    return Measurement(
        name=f"accuracy_minus_{name}",
        value=value,
        interval=interval,
        n=len(model.labels),
        unit="proportion",
        problem=None if found is not None else "no rows",
    )
