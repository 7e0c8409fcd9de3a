"""Metrics of several classes a row are scikit-learn's, with intervals, and beside baselines."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.evaluation.evaluate import measure
from lextune.evaluation.kinds import Resampling, TrainingInputs, kinds
from lextune.evaluation.sets import ScoredSets
from lextune.tasks.base import tasks

DRAWS = Resampling(200, 0)
CLASSES = ("a", "b", "c")
TASK = tasks.get("multi_label_classification")


def scored(labels: npt.NDArray[np.bool_], scores: npt.NDArray[np.float64]) -> ScoredSets:
    return ScoredSets(tuple(map(str, range(len(labels)))), labels, scores, CLASSES, {})


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_the_figures_are_scikit_learns(seed: int) -> None:
    from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

    draw = np.random.default_rng(seed)
    labels = draw.random((40, 3)) < 0.4
    labels[0], labels[1] = True, False
    scores = np.round(draw.random((40, 3)), 2)
    given_ = scored(labels, scores)
    mine = {one.name: one for one in measure(given_, TASK.metrics, DRAWS)}
    assert mine["micro_f1"].value == pytest.approx(
        f1_score(labels, given_.predicted, average="micro")
    )
    assert mine["macro_f1"].value == pytest.approx(
        f1_score(labels, given_.predicted, average="macro")
    )
    assert mine["subset_accuracy"].value == pytest.approx(accuracy_score(labels, given_.predicted))
    assert mine["macro_roc_auc"].value == pytest.approx(roc_auc_score(labels, scores))
    assert mine["micro_f1"].n == labels.sum()
    for name in ("micro_f1", "macro_f1", "subset_accuracy", "macro_roc_auc", "recall.b"):
        one = mine[name]
        assert one.interval is not None
        assert one.value is not None
        assert one.interval.low <= one.value <= one.interval.high


def test_a_class_in_neither_is_left_out_and_one_that_nobody_has_has_no_recall() -> None:
    labels = np.array([[1, 0, 0], [0, 1, 0]], bool)
    mine = {one.name: one for one in measure(scored(labels, labels * 0.9), TASK.metrics, DRAWS)}
    assert mine["macro_f1"].value == 1.0
    assert (mine["recall.c"].value, mine["recall.c"].n) == (None, 0)


def test_the_baselines_learn_and_are_compared_on_the_same_rows() -> None:
    kind = kinds.get("classes")
    words = {"a": "apple", "b": "bread", "c": "cheese"}
    draw = np.random.default_rng(0)
    labels = draw.random((120, 3)) < np.array([0.6, 0.3, 0.3])
    texts = [
        " ".join(["we have", *(words[CLASSES[i]] for i in np.flatnonzero(row))]) for row in labels
    ]
    mine = scored(labels, labels * 0.98 + 0.01)
    learnt = TrainingInputs(texts, labels.astype(np.float32), 120)
    tfidf = kind.answer(kind.baselines.get("tfidf_one_vs_rest"), learnt, texts, mine)
    assert (tfidf.predicted == labels).mean() > 0.95
    often = kind.answer(kind.baselines.get("most_frequent_classes"), learnt, texts, mine)
    assert often.predicted.tolist() == [[True, False, False]] * 120
    found = kind.difference(mine, often, "most_frequent_classes", DRAWS)
    assert found.interval is not None
    assert found.interval.low > 0


def test_where_no_class_is_frequent_the_most_frequent_one_is_given() -> None:
    kind = kinds.get("classes")
    labels = np.array([[1, 0, 0], [0, 0, 0], [0, 0, 0]], bool)
    learnt = TrainingInputs(["x"] * 3, labels, 3)
    often = kind.answer(
        kind.baselines.get("most_frequent_classes"),
        learnt,
        ["y"],
        scored(labels[:1], labels[:1] * 1.0),
    )
    assert often.predicted.tolist() == [[True, False, False]]


def test_a_row_without_finite_scores_has_no_prediction() -> None:
    given_ = scored(
        np.array([[1, 0, 1]] * 2, bool), np.array([[0.9, 0.1, 0.8], [np.nan, 0.1, 0.8]])
    )
    assert given_.finite.tolist() == [True, False]
    assert given_.columns()["prediction"] == ['["a","c"]', None]
    assert given_.columns()["label"] == ['["a","c"]'] * 2
