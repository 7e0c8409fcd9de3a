"""Whether a classifier can tell two sets of rows apart; it knows neither what they are nor where they come from.

Lopez-Paz and Oquab 2017, "Revisiting classifier two-sample tests" (arXiv:1610.06545): one half of the rows teaches a
classifier, the other half measures it, so that its figure is an honest one of new rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lextune.records import Interval
from lextune.statistics import Bools, roc_auc, roc_auc_interval

#: Inverse strength of the penalty, as of the linear probes that models are compared with.
_C = 0.01
_MOST_WORDS = 20_000


def halves(first: int, second: int, seed: int) -> Bools:
    """Which rows teach: half of the first, then half of the second, drawn with the seed; shape (first + second,)."""
    rng = np.random.default_rng([seed, 1])
    return np.concatenate([rng.permutation(count) < count // 2 for count in (first, second)])


def told_apart(features: Any, first: int, teach: Bools) -> tuple[float, Interval | None]:
    """The area under the ROC curve of a logistic regression on rows that it did not learn from, with its 95 % interval.

    At 0.5 it cannot tell them apart. The figure is of this classifier: what another one could tell is not said.

    Args:
        features: Of the first rows, then of the second, shape (rows, features), an array or a sparse matrix.
        first: How many are the first.
        teach: As `halves` gives it.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler, StandardScaler

    truth = (np.arange(features.shape[0]) >= first).astype(np.int64)
    scaler = StandardScaler() if isinstance(features, np.ndarray) else MaxAbsScaler()
    learner = make_pipeline(
        scaler, LogisticRegression(C=_C, max_iter=1000, class_weight="balanced")
    )
    learner.fit(features[teach], truth[teach])
    scores = learner.predict_proba(features[~teach])
    return roc_auc(truth[~teach], scores), roc_auc_interval(truth[~teach], scores)


def words(texts: Sequence[str], teach: Bools) -> Any:
    """Shares of runs of letters (TF-IDF) of each text, a sparse matrix; what occurs is learnt from the teaching rows.

    Args:
        texts: Shape (rows,).
        teach: Which of them are looked at first.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    made = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), max_features=_MOST_WORDS)
    made.fit([text for text, one in zip(texts, teach, strict=True) if one])
    return made.transform(texts)
