"""Looks for rows whose label is likely wrong, by a small model that never saw them; it gives places, never texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from lextune import statistics
from lextune.data.checks import tell_rows
from lextune.data.findings import Findings, shown
from lextune.data.quality.base import QualityInput, not_for, quality_checks
from lextune.data.quality.confident import Suspects, find_suspects
from lextune.data.quality.results import QualityResult
from lextune.data.quality.sampling import sample
from lextune.records import Measurement
from lextune.statistics import Floats, Ints
from lextune.tasks.text.scripts import UNSPACED

FOLDS = 5
#: Rows that a class needs, so that every fold of training has some.
LEAST_ROWS = 10
#: How many places the report lists.
MOST_PLACES = 200
_UNSPACED = re.compile(f"[{UNSPACED}]")


@quality_checks.register("label_errors")
def label_errors(given: QualityInput, findings: Findings) -> QualityResult:
    """Confident learning (Northcutt et al. 2021) on five-fold out-of-fold probabilities of TF-IDF and logistic regression.

    Train only, at most `max_rows` of it. Classes of few rows are left out: nothing can be learnt of them. A
    suspect is a row to look at, not an error: on hard or odd texts the small model errs itself.
    """
    if given.corpus.noun != "text":
        return not_for("label_errors", given.corpus.noun)
    rows = given.parts["train"]
    if rows.kind != "class":
        return _skipped("a row has not exactly one class")
    taken = rows.take(sample(rows.ids, given.config.max_rows, given.config.seed))
    taken = taken.take(np.flatnonzero(~taken.empty & (taken.labels.numbers >= 0)))
    counts = taken.labels.counts()
    classes = [name for name, count in counts.items() if name and count >= LEAST_ROWS]
    if len(classes) < 2:
        return _skipped(f"fewer than two classes have {LEAST_ROWS} rows")
    labels = taken.labels.numbered({name: number for number, name in enumerate(classes)})
    kept = np.flatnonzero(labels >= 0)
    taken, labels = taken.take(kept), labels[kept]
    scores = out_of_fold(list(taken.texts), labels, len(classes), given.config.seed)
    if scores is None:
        return _skipped("the texts have no words that could be counted")
    suspects = find_suspects(labels, scores)
    found = len(suspects.rows)
    tell_rows(findings, "likely_label_error", "warning",
          f"of {len(labels):,} rows of train, those whose label is likely wrong (cross-validated)",
          "look at them, the first ones first; correct data.labels or the file, or leave them",
          taken, suspects.rows)  # fmt: skip
    share = Measurement(
        name="likely_label_error_share", value=found / len(labels), n=len(labels), unit="proportion",
        interval=statistics.wilson(found, len(labels)),
    )  # fmt: skip
    right = int((scores.argmax(axis=1) == labels).sum())
    accuracy = Measurement(
        name="label_check_accuracy", value=right / len(labels), n=len(labels), unit="proportion",
        interval=statistics.wilson(right, len(labels)),
    )  # fmt: skip
    return QualityResult(
        check="label_errors",
        parameters={
            "folds": FOLDS, "seed": given.config.seed, "max_rows": given.config.max_rows,
            "least_rows": LEAST_ROWS, "left_out_classes": len(counts) - len(classes),
        },
        measurements=(share, accuracy),
        details=_details(suspects, classes, labels, taken.places),
    )  # fmt: skip


def _skipped(reason: str) -> QualityResult:
    return QualityResult(check="label_errors", status="not_applicable", reason=reason)


def out_of_fold(texts: Sequence[str], labels: Ints, classes: int, seed: int) -> Floats | None:
    """Probabilities of each row from a model that was fitted without it, shape (rows, classes).

    Words, or single characters and pairs where most texts set no spaces between words. None where there is
    nothing to count.

    Args:
        texts: Shape (rows,).
        labels: Numbers below `classes`; each has at least `FOLDS` rows.
        classes: How many.
        seed: Of the folds.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    rare = {"min_df": 2 if len(texts) >= 1000 else 1, "sublinear_tf": True}
    unspaced = sum(map(bool, map(_UNSPACED.search, texts[:2000]))) > len(texts[:2000]) / 2
    vectoriser = (
        TfidfVectorizer(analyzer="char", ngram_range=(1, 2), **rare)
        if unspaced
        else TfidfVectorizer(**rare)
    )
    try:
        features = vectoriser.fit_transform(texts)
    except ValueError:  # no word of two letters at all
        return None
    scores = np.zeros((len(texts), classes))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    for fit, rest in folds.split(features, labels):
        model = LogisticRegression(C=10, max_iter=1000, tol=1e-3)
        model.fit(features[fit], labels[fit])
        scores[np.ix_(rest, model.classes_)] = model.predict_proba(features[rest])
    return scores


def _details(
    suspects: Suspects, classes: Sequence[str], labels: Ints, places: Sequence[str]
) -> dict[str, Any]:
    names = [name if len(name) <= 40 and name.isprintable() else shown(name) for name in classes]
    listed = zip(
        suspects.rows[:MOST_PLACES].tolist(), suspects.likely.tolist(), suspects.margin.tolist(),
        strict=False,
    )  # fmt: skip
    return {
        "classes": names,
        "joint": suspects.joint.tolist(),
        "suspects": [
            {
                "place": places[row],
                "label": names[int(labels[row])],
                "likely": names[likely],
                "margin": round(margin, 4),
            }
            for row, likely, margin in listed
        ],
    }
