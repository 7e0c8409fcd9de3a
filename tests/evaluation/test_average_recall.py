"""The mean recall over classes, its interval, and its paired difference to a baseline's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import recall_score

from lextune import statistics
from lextune.evaluation.baselines import recall_difference
from lextune.evaluation.kinds import Resampling
from lextune.evaluation.metrics import metrics
from lextune.evaluation.predict import Scored

HOW = Resampling(20, 0)


def answers(labels: np.ndarray, predicted: np.ndarray, classes: int = 3) -> Scored:
    names = tuple(f"c{n}" for n in range(classes))
    ids = tuple(str(n) for n in range(len(labels)))
    return Scored(ids, np.asarray(labels), np.eye(classes)[predicted], names, {})


def test_it_is_the_mean_over_the_classes_that_have_rows() -> None:
    scored = answers(np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 1, 2]))
    (found,) = metrics.get("unweighted_average_recall")(scored, HOW)
    assert found.value == pytest.approx((0.75 + 0.5) / 2)
    assert found.interval is not None
    assert found.interval.low < 0.625 < found.interval.high
    assert found.interval.method == "MOVER over classes of Wilson score"


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
def test_it_is_scikit_learn_s_and_lies_in_its_interval(rows: list[tuple[int, int]]) -> None:
    labels, predicted = (np.array(one) for one in zip(*rows, strict=True))
    counts = statistics.confusion(labels, predicted, 4)
    value, interval = statistics.mean_recall(counts)
    expected = recall_score(labels, predicted, labels=np.unique(labels), average="macro", zero_division=0)  # fmt: skip
    assert value == pytest.approx(expected)
    assert interval is not None
    assert -1e-12 <= interval.low <= value <= interval.high <= 1 + 1e-12


def test_of_one_class_it_is_wilson_s_interval_and_of_none_undefined() -> None:
    value, interval = statistics.mean_recall(np.array([[7, 3], [0, 0]]))
    wilson = statistics.wilson(7, 10)
    assert value == 0.7
    assert interval is not None
    assert wilson is not None
    assert (interval.low, interval.high) == pytest.approx((wilson.low, wilson.high))
    value, interval = statistics.mean_recall(np.zeros((2, 2), np.int64))
    assert np.isnan(value)
    assert interval is None


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    draw = np.random.default_rng(0)
    sizes, truths = (10, 25, 8), (0.5, 0.9, 0.7)
    held = 0
    for _ in range(1000):
        right = [draw.binomial(n, p) for n, p in zip(sizes, truths, strict=True)]
        counts = np.zeros((3, 3), np.int64)
        for one, (n, hits) in enumerate(zip(sizes, right, strict=True)):
            counts[one, one], counts[one, (one + 1) % 3] = hits, n - hits
        _, interval = statistics.mean_recall(counts)
        assert interval is not None
        held += interval.low <= np.mean(truths) <= interval.high
    assert 930 <= held <= 975


def pair(draw: np.random.Generator, sizes: tuple[int, ...]) -> tuple[Scored, Scored]:
    """Two classifiers that err together half of the time, the first 10 % more seldom."""
    labels = np.repeat(np.arange(3), sizes)
    hard = draw.random(len(labels))
    own = [0.5 * hard + 0.5 * draw.random(len(labels)) for _ in range(2)]
    # the mean of two uniform numbers is below 1 - sqrt((1 - p) / 2) with the probability p, for p above a half
    right = [one < 1 - np.sqrt((1 - share) / 2) for one, share in zip(own, (0.8, 0.7), strict=True)]
    made = [answers(labels, np.where(one, labels, (labels + 1) % 3)) for one in right]
    return made[0], made[1]


def test_the_paired_interval_holds_the_difference_as_often_as_it_says() -> None:
    draw = np.random.default_rng(1)
    held = 0
    for _ in range(600):
        found = recall_difference(*pair(draw, (20, 30, 12)), "other", HOW)
        assert found.name == "unweighted_average_recall_minus_other"
        assert found.interval is not None
        held += found.interval.low <= 0.1 <= found.interval.high
    assert 560 <= held <= 598


@given(st.integers(0, 10_000))
def test_the_difference_is_that_of_the_metrics_and_turns_its_sign(seed: int) -> None:
    one, other = pair(np.random.default_rng(seed), (5, 9, 4))
    values = [metrics.get("unweighted_average_recall")(each, HOW)[0].value for each in (one, other)]
    there, back = recall_difference(one, other, "x", HOW), recall_difference(other, one, "x", HOW)
    assert there.value == pytest.approx(values[0] - values[1])  # type: ignore[operator]
    assert there.interval is not None
    assert back.interval is not None
    assert (back.interval.low, back.interval.high) == pytest.approx(
        (-there.interval.high, -there.interval.low)
    )
    assert recall_difference(one.keep(np.zeros(18, bool)), other.keep(np.zeros(18, bool)), "x", HOW).value is None  # fmt: skip
