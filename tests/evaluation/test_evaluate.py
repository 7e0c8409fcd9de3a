"""An evaluation is complete, shows what it left out, and sets baselines beside the model on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from lextune.evaluation import baselines as module
from lextune.evaluation.baselines import baselines
from lextune.evaluation.evaluate import compare, evaluate
from lextune.evaluation.kinds import Resampling, TrainingInputs
from lextune.evaluation.metrics import metrics
from lextune.evaluation.predict import Scored
from lextune.records import Evaluation, Measurement, Predictions

DRAWS = Resampling(200, 0)
ALL = (
    "accuracy", "macro_f1", "precision", "recall", "roc_auc", "log_loss",
    "expected_calibration_error",
)  # fmt: skip
FILE = Predictions(path="p", sha256="0" * 64, split="test", rows=4, classes=("neg", "pos"))


def scored(labels: Sequence[int], positive: Sequence[float]) -> Scored:
    scores = np.stack([1 - np.array(positive, float), np.array(positive, float)], axis=1)
    ids = tuple(f"t{i}" for i in range(len(labels)))
    return Scored(ids, np.array(labels, np.int64), scores, ("neg", "pos"), {})


def by_name(evaluation: Evaluation) -> dict[str, Measurement]:
    return {one.name: one for one in evaluation.measurements}


def test_all_rows_scored_and_all_metrics_there_is_complete() -> None:
    found = evaluate(scored([0, 1, 0, 1], [0.1, 0.9, 0.6, 0.7]), FILE, ALL, DRAWS)
    assert found.status == "complete"
    values = by_name(found)
    assert values["accuracy"].value == 0.75
    assert values["evaluated_share"].value == 1
    assert values["failed_metrics"].value == 0
    assert "accuracy_without_leaked_rows" not in values


def test_a_row_without_a_score_lowers_the_share_and_is_not_measured() -> None:
    found = by_name(evaluate(scored([0, 1, 0, 1], [0.1, 0.9, np.nan, np.inf]), FILE, ALL, DRAWS))
    assert found["evaluated_share"].value == 0.5
    assert found["evaluated_share"].n == 4
    assert found["accuracy"].n == 2


@pytest.mark.parametrize(
    ("labels", "positive", "failed"),
    [
        ([1, 1, 1], [0.9, 0.9, 0.2], "roc_auc"),  # no AUC of one class
        ([0, 1, 1], [0.1, 0.2, 0.3], ""),  # `pos` is never predicted: no precision, and no failure
        ([1, 0, 0], [0.25, 0.75, 0.75], "log_loss"),  # rows that are all alike: no interval
    ],
)
def test_a_metric_that_came_out_undefined_or_without_interval_is_named(
    labels: list[int], positive: list[float], failed: str
) -> None:
    found = by_name(evaluate(scored(labels, positive), FILE, ALL, DRAWS))["failed_metrics"]
    assert found.value == (None if failed else 0)
    if failed:
        assert found.problem is not None
        assert found.problem.endswith(f": {failed}")


def test_a_metric_that_does_not_apply_has_not_failed() -> None:
    given = scored([0, 1, 0, 1], [0.1, 0.9, 0.6, 0.7])
    found = by_name(evaluate(given, FILE, (*ALL, "top_5_accuracy"), DRAWS))
    assert found["top_5_accuracy"].value is None
    assert found["failed_metrics"].value == 0


@pytest.mark.parametrize("positive", [[], [np.nan] * 3])
def test_nothing_to_measure_proves_nothing(positive: list[float]) -> None:
    found = by_name(evaluate(scored([0] * len(positive), positive), FILE, ALL, DRAWS))
    assert found["accuracy"].value is None
    assert found["failed_metrics"].value != 0
    assert found["evaluated_share"].value != 1


def test_leaked_rows_are_measured_without() -> None:
    given = scored([0, 1, 0, 1], [0.1, 0.9, 0.9, 0.1])
    found = by_name(evaluate(given, FILE, ALL, DRAWS, leaked={"t0", "t1"}))
    assert found["accuracy"].value == 0.5
    assert found["accuracy_without_leaked_rows"].value == 0.0
    assert found["accuracy_without_leaked_rows"].n == 2
    every = by_name(evaluate(given, FILE, ALL, DRAWS, leaked=set(given.ids)))
    assert every["accuracy_without_leaked_rows"].value is None
    assert every["accuracy_without_leaked_rows"].n == 0


def taught(inputs: Sequence[str], labels: Sequence[int]) -> TrainingInputs:
    return TrainingInputs(inputs, np.array(labels), len(inputs))


TRAIN = TrainingInputs(
    ["fine plot", "fine cast", "fine end", "dull plot", "dull cast"], np.array([1, 1, 1, 0, 0]), 8
)


def test_baselines_stand_beside_the_model_with_a_paired_difference() -> None:
    given = scored([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1])
    texts = ["fine story", "fine acting", "dull story", "dull acting"]
    told: list[str] = []
    found = compare(
        evaluate(given, FILE, ALL, DRAWS), given, texts, TRAIN,
        ("majority", "tfidf_logistic_regression"), DRAWS, told.append,
    )  # fmt: skip
    assert told == ["majority", "tfidf_logistic_regression"]
    names = {name: {one.name: one.value for one in got} for name, got in found.baselines.items()}
    assert names["majority"]["accuracy"] == 0.5
    assert names["majority"]["training_rows"] == 5
    assert {one.n for one in found.baselines["majority"] if one.unit == "rows"} == {8}
    assert names["tfidf_logistic_regression"]["accuracy"] == 1.0
    values = by_name(found)
    assert values["accuracy_minus_majority"].value == 0.5
    assert values["accuracy_minus_tfidf_logistic_regression"].value == 0
    interval = values["accuracy_minus_majority"].interval
    assert interval is not None
    assert interval.method.startswith("Newcombe paired")


def test_a_model_without_scores_is_not_better_than_the_majority() -> None:
    given = scored([1, 1, 0, 0], [np.nan] * 4)
    found = compare(
        evaluate(given, FILE, ALL, DRAWS), given, ["a"] * 4, TRAIN, ("majority",), DRAWS
    )
    value = by_name(found)["accuracy_minus_majority"].value
    assert value == -0.5


def test_the_majority_is_that_of_train() -> None:
    scores = baselines.get("majority")(taught(["a", "b", "c"], [2, 2, 0]), ["x", "y"], 4)
    np.testing.assert_allclose(scores, [[1 / 3, 0, 2 / 3, 0]] * 2)


def test_the_words_tell_classes_apart_and_an_unseen_class_gets_nothing() -> None:
    scores = baselines.get("tfidf_logistic_regression")(
        taught(TRAIN.inputs, [3, 3, 3, 1, 1]), ["fine", "dull"], 5
    )
    assert scores.argmax(axis=1).tolist() == [3, 1]
    assert scores[:, [0, 2, 4]].sum() == 0
    np.testing.assert_allclose(scores.sum(axis=1), 1)


def test_text_without_spaces_is_cut_into_characters() -> None:
    good, bad = "这部电影非常好看推荐", "这部电影实在难看失望"
    scores = baselines.get("tfidf_logistic_regression")(
        taught([good, bad] * 5, [1, 0] * 5), ["故事好看推荐大家", "故事难看让人失望"], 2
    )
    assert scores.argmax(axis=1).tolist() == [1, 0]


@pytest.mark.parametrize("copies", [5, 600])  # from 1,000 rows on, words of one row do not count
def test_text_without_words_is_cut_into_characters_too(copies: int) -> None:
    """Ratings, emoji and codes have spaces but no word of two letters."""
    good, bad = "5 / 5 ! : )", "1 / 5 ? : ("
    scores = baselines.get("tfidf_logistic_regression")(
        taught([good, bad] * copies, [1, 0] * copies), ["5 ! )", "1 ? ("], 2
    )
    assert scores.argmax(axis=1).tolist() == [1, 0]


def test_mixed_scripts_and_chinese_with_spaces_are_cut_into_characters_too() -> None:
    """Spaces for punctuation would make whole Chinese phrases single words that never come again."""
    good = [f"这部 电影 {n} 非常好看推荐" for n in range(20)]
    bad = [f"这部 电影 {n} 实在难看失望" for n in range(20)]
    english = ["a wonderful warm film", "an awful cold mess"] * 20
    train = [*good, *bad, *english]
    labels = [1] * 20 + [0] * 20 + [1, 0] * 20
    test = ["故事好看推荐大家", "故事难看让人失望", "warm and wonderful", "cold and awful"]
    scores = baselines.get("tfidf_logistic_regression")(taught(train, labels), test, 2)
    assert scores.argmax(axis=1).tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("texts", "share"),
    [
        (["plain words, 12 numbers"], 0.0),
        (["这部电影"], 1.0),
        (["ab这部"], 0.5),
        (["123 :-)"], 0.0),
        (["คำ ab"], 0.5),
    ],
)
def test_the_share_of_unspaced_scripts_is_of_letters(texts: list[str], share: float) -> None:
    assert module._unspaced_share(texts) == pytest.approx(share, abs=0.2)


def test_a_metric_that_gives_no_measurement_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(metrics._items, "accuracy", lambda *_: [])
    given = scored([0, 1, 0, 1], [0.1, 0.9, 0.6, 0.7])
    found = by_name(evaluate(given, FILE, ALL, DRAWS))["failed_metrics"]
    assert found.value is None
    assert found.problem is not None
    assert found.problem.endswith(": accuracy")


class TestLinearProbe:
    """The baseline on the features of the pretrained model."""

    def probe(self, train: np.ndarray[Any, Any], labels: list[int]) -> np.ndarray[Any, Any]:
        def features(rows: Sequence[int]) -> np.ndarray[Any, Any]:
            return train[np.array(rows)]

        rows = list(range(len(labels)))
        learnt = TrainingInputs(rows, np.array(labels), len(rows), features)
        return baselines.get("linear_probe")(learnt, rows, 4)

    def test_it_tells_classes_apart_whatever_the_scale_of_a_feature(self) -> None:
        rng = np.random.default_rng(0)
        labels = [0, 2] * 50
        useful = np.array(labels) * 1e-6 + rng.normal(0, 1e-7, 100)
        scores = self.probe(np.column_stack([useful, rng.normal(0, 1e6, 100)]), labels)
        assert scores.argmax(axis=1).tolist() == labels
        assert (scores[:, [1, 3]] == 0).all()
        np.testing.assert_allclose(scores.sum(axis=1), 1)

    def test_a_feature_that_is_the_same_in_all_rows_is_no_trouble(self) -> None:
        scores = self.probe(np.column_stack([np.ones(8), np.arange(8) % 2]), [0, 1] * 4)
        assert scores.argmax(axis=1).tolist() == [0, 1] * 4

    def test_without_features_it_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="features"):
            baselines.get("linear_probe")(TRAIN, ["a"], 2)
