"""Metrics have the values that one computes by hand; what is undefined is null with its n."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from lextune.evaluation.kinds import Resampling
from lextune.evaluation.metrics import by_group, metrics
from lextune.evaluation.predict import Scored
from lextune.records import Measurement

DRAWS = Resampling(200, 0)


def scored(
    labels: Sequence[int],
    predicted: Sequence[int],
    classes: tuple[str, ...] = ("neg", "pos"),
    groups: Mapping[str, Sequence[str | None]] | None = None,
    sure: float = 0.8,
) -> Scored:
    """The predicted class gets the score `sure`, the others share the rest."""
    size = len(classes)
    scores = np.full((len(labels), size), (1 - sure) / (size - 1))
    if len(labels):
        scores[np.arange(len(labels)), list(predicted)] = sure
    ids = tuple(f"row-{i}" for i in range(len(labels)))
    return Scored(ids, np.array(labels, np.int64), scores, classes, groups or {})


def measured(name: str, given: Scored) -> dict[str, Measurement]:
    return {one.name: one for one in metrics.get(name)(given, DRAWS)}


def test_accuracy_is_the_share_of_right_rows_with_wilsons_interval() -> None:
    one = measured("accuracy", scored([0, 0, 1, 1, 1], [0, 1, 1, 1, 0]))["accuracy"]
    assert one.value == 0.6
    assert one.n == 5
    assert one.interval is not None
    assert one.interval.method == "Wilson score"
    assert one.interval.low < 0.6 < one.interval.high


def test_precision_and_recall_of_each_class() -> None:
    given = scored([0, 0, 0, 1, 1], [0, 0, 1, 1, 1])
    precision, recall = measured("precision", given), measured("recall", given)
    assert precision["precision.neg"].value == 1.0
    assert precision["precision.neg"].n == 2
    assert precision["precision.pos"].value == pytest.approx(2 / 3)
    assert recall["recall.neg"].value == pytest.approx(2 / 3)
    assert recall["recall.pos"].value == 1.0
    assert recall["recall.pos"].n == 2


def test_a_class_that_never_occurs_has_no_precision_and_no_recall() -> None:
    given = scored([0, 0, 1], [0, 0, 1], ("a", "b", "c"))
    for name in ("precision", "recall"):
        one = measured(name, given)[f"{name}.c"]
        assert (one.value, one.interval, one.n) == (None, None, 0)
        assert one.problem


@pytest.mark.parametrize("size", range(3, 9))
def test_macro_f1_does_not_depend_on_classes_that_never_occur(size: int) -> None:
    given = scored([2, 1, 0, 0], [2, 1, 0, 1], tuple("abcdefgh"[:size]))
    value = measured("macro_f1", given)["macro_f1"].value
    assert value is not None
    assert round(value, 3) == 0.778


def test_auc_loss_and_calibration_by_hand() -> None:
    given = scored([0, 1, 1, 0], [0, 1, 0, 0])
    auc = measured("roc_auc", given)["roc_auc"]
    assert auc.value == pytest.approx((2 + 2 * 0.5) / 4)
    loss = measured("log_loss", given)["log_loss"]
    assert loss.value == pytest.approx(-(3 * math.log(0.8) + math.log(0.2)) / 4)
    assert loss.unit == "nats"
    error = measured("expected_calibration_error", given)["expected_calibration_error"]
    assert error.value == pytest.approx(abs(0.8 - 0.75))


def test_auc_of_one_class_only_is_undefined() -> None:
    one = measured("roc_auc", scored([1, 1, 1], [1, 0, 1]))["roc_auc"]
    assert (one.value, one.interval, one.n) == (None, None, 3)
    assert one.problem == "not a number"


@pytest.mark.parametrize("name", metrics.names())
def test_no_rows_are_undefined_and_never_zero(name: str) -> None:
    for one in metrics.get(name)(scored([], []), DRAWS):
        assert (one.value, one.interval, one.n) == (None, None, 0)
        assert one.problem


def test_the_same_seed_gives_the_same_interval() -> None:
    given = scored([0, 1, 1, 0, 1, 0], [0, 1, 0, 0, 1, 1])
    first, second = (metrics.get("macro_f1")(given, Resampling(200, 3))[0] for _ in range(2))
    assert first == second
    assert first.interval is not None
    assert "seed 3" in first.interval.method


def test_groups_are_measured_apart_and_rows_without_one_are_counted() -> None:
    groups = {"place": ["n", "n", None, "s", "s", ""], "age": [None] * 6}
    found = {
        (one.name, one.group): one
        for one in by_group(scored([0, 1, 1, 0, 1, 1], [0, 0, 1, 0, 1, 0], groups=groups), DRAWS)
    }
    assert found["accuracy", "place=n"].value == 0.5
    assert found["accuracy", "place=s"].value == 1.0
    assert found["accuracy", "place="].n == 1  # a group of that name; not the row without a group
    assert found["accuracy", "place="].value == 0.0
    assert found["rows_without_place", None].value == 1
    assert found["rows_without_place", None].n == 6
    assert found["rows_without_age", None].value == 6
    assert not any(group and group.startswith("age=") for _, group in found)


def test_top_5_counts_rows_whose_label_is_among_the_five_best() -> None:
    from sklearn.metrics import top_k_accuracy_score

    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.ones(9), 200)
    labels = rng.integers(0, 9, 200)
    names = tuple("abcdefghi")
    given = Scored(tuple(map(str, range(200))), labels, scores, names, {})
    one = measured("top_5_accuracy", given)["top_5_accuracy"]
    expected = top_k_accuracy_score(labels, scores, k=5, labels=range(9))
    assert one.value == pytest.approx(expected)
    assert one.n == 200
    assert one.interval is not None


def test_top_5_of_five_classes_is_not_1_but_says_nothing() -> None:
    one = measured("top_5_accuracy", scored([0, 1], [0, 0], tuple("abcde")))["top_5_accuracy"]
    assert one.value is None
    assert one.n == 0
    assert one.problem == "not applicable: there are no more than 5 classes"
    equal = Scored(("r",), np.array([5]), np.full((1, 6), 1 / 6), tuple("abcdef"), {})
    assert measured("top_5_accuracy", equal)["top_5_accuracy"].value == 0.0
