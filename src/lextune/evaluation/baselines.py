"""Cheap models trained on the same rows as the real one, so that a figure has something beside it; they know no bound."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lextune import statistics
from lextune.evaluation.kinds import Resampling, TrainingInputs
from lextune.evaluation.predict import Scored
from lextune.records import Interval, Measurement
from lextune.registry import Registry
from lextune.tasks.text.scripts import UNSPACED


class Baseline(Protocol):
    """Fits on training inputs and class numbers and scores test inputs, shape (rows, classes)."""

    def __call__(  # noqa: D102
        self, train: TrainingInputs, test: Sequence[Any], classes: int
    ) -> npt.NDArray[np.float64]: ...


baselines: Registry[Baseline] = Registry("baseline", "lextune.evaluation")

#: Rows that a baseline learns from at most: the counts of all word pairs of more would fill the memory.
MOST_ROWS = 50_000
#: The same of images, each of which is decoded once more.
MOST_IMAGES = 5_000
#: Test texts that are scored at a time.
_BLOCK = 4096


@baselines.register("majority")
def majority(train: TrainingInputs, test: Sequence[Any], classes: int) -> npt.NDArray[np.float64]:
    """Always the most frequent class of train, with the class shares as scores."""
    shares = np.bincount(train.labels, minlength=classes) / len(train.labels)
    return np.tile(shares, (len(test), 1))


@baselines.register("tfidf_logistic_regression")
def tfidf_logistic_regression(
    train: TrainingInputs, test: Sequence[str], classes: int
) -> npt.NDArray[np.float64]:
    """Logistic regression (C = 10) on sublinear TF-IDF of words and word pairs.

    Where more than one letter in fifty is of a script that sets no space between words (Chinese, Japanese,
    Thai, ...), single characters, pairs and triples of them are counted too, and alone where no other
    script is used, or where there is no word of two letters.
    """
    from sklearn.linear_model import LogisticRegression

    vectoriser, features = fit_tfidf(train.inputs)
    model = LogisticRegression(C=10, max_iter=1000)
    model.fit(features, train.labels)
    scores = np.zeros((len(test), classes))
    for start in range(0, len(test), _BLOCK):
        block = vectoriser.transform(test[start : start + _BLOCK])
        scores[start : start + _BLOCK, model.classes_] = model.predict_proba(block)
    return scores


@baselines.register("linear_probe")
def linear_probe(
    train: TrainingInputs, test: Sequence[Any], classes: int
) -> npt.NDArray[np.float64]:
    """Logistic regression on the standardised features of the pretrained model as it was before training.

    How well a frozen model already tells the classes apart (Alain and Bengio 2016, arXiv:1610.01644).

    Raises:
        ValueError: Nobody gave the features.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if train.features is None:
        raise ValueError("a linear probe needs the features of the pretrained model")
    probe = make_pipeline(
        StandardScaler(), LogisticRegression(C=_PROBE, max_iter=1000, random_state=0)
    )
    probe.fit(train.features(train.inputs), train.labels)
    scores = np.zeros((len(test), classes))
    for start in range(0, len(test), _BLOCK):
        block = train.features(test[start : start + _BLOCK])
        scores[start : start + len(block), probe.classes_] = probe.predict_proba(block)
    return scores


#: Inverse strength of the probe's regularisation: there are more features than rows of few images.
_PROBE = 0.01


def fit_tfidf(train: Sequence[str]) -> tuple[Any, Any]:
    """A fitted vectoriser of scikit-learn, and the sparse features of the training texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion

    rare = {"min_df": 2 if len(train) >= 1000 else 1, "sublinear_tf": True}
    words = TfidfVectorizer(ngram_range=(1, 2), **rare)
    characters = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), **rare)
    unspaced = _unspaced_share(train)
    parts = [("words", words)] if unspaced < 1 - _SOME else []
    parts += [("characters", characters)] if unspaced > _SOME else []
    vectoriser = FeatureUnion(parts)
    try:
        features = vectoriser.fit_transform(train)
    except ValueError:  # no word of two letters, or none that is not rare: numbers, emoji, codes
        vectoriser = characters
        features = vectoriser.fit_transform(train)
    return vectoriser, features


#: A share of letters below which a script is a quotation or a name.
_SOME = 0.02
_UNSPACED = re.compile(f"[{UNSPACED}]")
_LETTER = re.compile(r"[^\W\d_]")


def _unspaced_share(texts: Sequence[str]) -> float:
    """Share of letters, in up to 2,000 texts spread over all, that belong to scripts without spaces."""
    sample = "".join(texts[:: len(texts) // 2000 + 1])
    letters = len(_LETTER.findall(sample))
    return len(_UNSPACED.findall(sample)) / letters if letters else 0.0


def accuracy_difference(
    model: Scored, baseline: Scored, name: str, resampling: Resampling  # noqa: ARG001
) -> Measurement:  # fmt: skip
    """Accuracy of the model minus the baseline's on the same rows, with a paired interval."""
    found = statistics.paired_difference(model.right, baseline.right)
    return _difference(f"accuracy_minus_{name}", found, len(model.labels))


def recall_difference(
    model: Scored, baseline: Scored, name: str, resampling: Resampling  # noqa: ARG001
) -> Measurement:  # fmt: skip
    """Unweighted average recall of the model minus the baseline's on the same rows, with a paired interval.

    The classes have different rows, so that the paired differences of their recalls are independent.
    """
    each = [
        statistics.paired_difference(model.right[rows], baseline.right[rows])
        for rows in (model.labels == number for number in range(len(model.classes)))
        if rows.any()
    ]
    found = statistics.independent_mean([one for one in each if one is not None])
    return _difference(f"unweighted_average_recall_minus_{name}", found, len(model.labels))


def _difference(name: str, found: tuple[float, Interval] | None, n: int) -> Measurement:
    value, interval = found if found is not None else (None, None)
    return Measurement(
        name=name,
        value=value,
        interval=interval,
        n=n,
        unit="proportion",
        problem=None if found is not None else "no rows",
    )
