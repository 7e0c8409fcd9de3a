from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.evaluation.costs import (
    average_precision_difference,
    average_precision_of,
    brier_score,
    cost_curve,
    normalised_expected_cost,
)
from lextune.evaluation.kinds import Resampling
from lextune.evaluation.predict import Scored


def scored(labels: list[int], positive: list[float]) -> Scored:
    array = np.array(positive, float)
    ids = tuple(str(i) for i in range(len(labels)))
    return Scored(ids, np.array(labels, np.int64), np.stack([1 - array, array], 1), ("no", "yes"), {})  # fmt: skip


some = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 10)), min_size=2, max_size=40)


@given(some)
@settings(max_examples=60, deadline=None)
def test_average_precision_and_brier_are_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    from sklearn.metrics import average_precision_score, brier_score_loss

    labels = [label for label, _ in pairs]
    given_ = scored(labels, [score / 10 for _, score in pairs])
    found = average_precision_of(given_.labels, given_.scores)
    if not any(labels):
        assert math.isnan(found)
    else:
        assert found == pytest.approx(average_precision_score(labels, given_.scores[:, 1]))
    (brier,) = brier_score(given_, Resampling(20, 0))
    if 0 < sum(labels) < len(labels):
        assert brier.value == pytest.approx(brier_score_loss(labels, given_.scores[:, 1]))


def test_average_precision_of_several_classes_is_their_mean() -> None:
    labels = np.array([0, 1, 2, 1])
    scores = np.array([[0.8, 0.1, 0.1], [0.2, 0.6, 0.2], [0.3, 0.3, 0.4], [0.5, 0.3, 0.2]])
    # class 0 is first of its ranks, class 1 first and in the second rank with another, class 2 first
    assert average_precision_of(labels, scores) == pytest.approx((1 + (0.5 + 0.5 * 2 / 3) + 1) / 3)


def test_errors_cost_what_they_are_said_to() -> None:
    # one of two positives is missed at even cost (5 more rows would be one false alarm at ratio 5)
    given_ = scored([1, 1, 0, 0, 0, 0], [0.9, 0.3, 0.2, 0.1, 0.05, 0.0])
    even, five, ten = normalised_expected_cost(given_, Resampling(200, 0))
    assert [one.name for one in (even, five, ten)] == [
        f"normalised_expected_cost.{ratio}" for ratio in (1, 5, 10)
    ]
    assert even.value == pytest.approx(1 / 2)  # one missed; answering no to all would cost 2
    assert five.value == pytest.approx(
        1 / 4
    )  # one false alarm at 0.2; answering yes to all costs 4
    assert ten.value == pytest.approx(2 / 4)


def test_the_cost_curve_is_bounded_by_constant_answers_and_zero_for_a_perfect_order() -> None:
    perfect = cost_curve(np.array([0, 0, 1]), np.array([0.1, 0.2, 0.9]))
    assert perfect.shape == (101, 2)
    np.testing.assert_allclose(perfect[:, 1], 0)
    blind = cost_curve(np.array([0, 1]), np.array([0.5, 0.5]), 11)
    np.testing.assert_allclose(blind[:, 1], np.minimum(blind[:, 0], 1 - blind[:, 0]))
    assert np.isnan(cost_curve(np.array([1, 1]), np.array([0.5, 0.5]))[:, 1]).all()


def test_the_difference_to_an_equal_baseline_is_exactly_nothing() -> None:
    one = scored([0, 1, 0, 1, 1], [0.1, 0.8, 0.3, 0.2, 0.7])
    found = average_precision_difference(one, one, "twin", Resampling(200, 0))
    assert found.name == "average_precision_minus_twin"
    assert found.value == 0
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == (0, 0)


def test_the_difference_is_paired() -> None:
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 2, 400)
    good = np.clip(labels * 0.4 + draw.random(400) * 0.6, 0, 1)
    worse = np.clip(good + draw.normal(0, 0.3, 400), 0, 1)
    first, second = scored(labels.tolist(), good.tolist()), scored(labels.tolist(), worse.tolist())
    found = average_precision_difference(first, second, "worse", Resampling(200, 0))
    assert found.interval is not None
    assert 0 < found.interval.low < (found.value or 0) < found.interval.high


@pytest.mark.parametrize(
    ("value", "high", "told"),
    [(-0.1, -0.05, "on the same rows; to release"), (-0.1, 0.01, "may be chance"), (0.0, 0.0, "")],
)
def test_a_run_says_that_gradient_boosting_is_better_and_how_to_release_it(
    value: float, high: float, told: str
) -> None:
    from lextune.pipeline_evaluation import better_baseline
    from lextune.records import Evaluation, Interval, Measurement

    one = Measurement(
        name="average_precision_minus_hist_gradient_boosting", value=value, n=100, unit="proportion",
        interval=Interval(low=-0.2, high=high, level=0.95, method="made up"),
    )  # fmt: skip
    made = Evaluation(status="complete", split="test", predictions=None, measurements=(one,), baselines={})  # fmt: skip
    said = better_baseline(made) or ""
    assert told in said
    assert bool(said) is bool(told)
    assert ("init:hist-gradient-boosting" in said) is bool(told)
