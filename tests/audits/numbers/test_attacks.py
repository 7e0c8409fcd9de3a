"""What an attack achieves: hand-checked rates, and intervals that hold the truth, also where rows are few."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from lextune.audits.numbers.attacks import area, calibrated, caught, log_odds
from lextune.statistics import clopper_pearson


def test_log_odds_are_of_the_rows_own_class_and_finite() -> None:
    scores = np.array([[0.8, 0.2], [0.8, 0.2], [1.0, 0.0], [1.0, 0.0]])
    found = log_odds(scores, np.array([0, 1, 0, 1]))
    assert found[0] == pytest.approx(math.log(4))
    assert found[1] == pytest.approx(-math.log(4))
    assert found[2] == pytest.approx(math.log(1e7), rel=1e-6)
    assert found[3] == pytest.approx(-math.log(1e7), rel=1e-6)


def test_what_others_foresee_is_taken_away_on_whatever_scale() -> None:
    draw = np.random.default_rng(2)
    hard, own = draw.normal(size=200), draw.normal(size=200)
    found = calibrated(own + 3 * hard + 5, np.array([hard, draw.normal(size=200)]))
    assert abs(np.corrcoef(found, hard)[0, 1]) < 1e-9
    assert np.corrcoef(found, own)[0, 1] > 0.98
    few = calibrated(np.array([3.0, 1.0]), np.array([[1.0, 1.0], [3.0, 0.0]]))
    assert few.tolist() == [1.0, 0.5]
    assert calibrated(own, np.array([])) is own


def test_area_by_hand() -> None:
    value, interval = area(np.array([3.0, 1.0]), np.array([2.0, 1.0]))
    assert value == (1 + 1 + 0 + 0.5) / 4
    assert interval is not None
    assert interval.low < value < interval.high
    assert math.isnan(area(np.array([1.0]), np.array([]))[0])


def test_clopper_pearson_by_the_tables() -> None:
    found = clopper_pearson(0, 10)
    assert found is not None
    assert (found.low, found.high) == (0, pytest.approx(1 - 0.025**0.1))
    found = clopper_pearson(5, 10)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.187086, 0.812914), abs=1e-6)
    assert clopper_pearson(0, 0) is None


def test_rate_at_a_false_positive_rate_by_hand() -> None:
    others = np.arange(100.0)
    members = np.array([10.0, 97.5, 98.0, 98.5, 200.0])
    found = caught(members, others, 0.01)
    assert found is not None
    assert found.threshold == 98  # one of a hundred others, 99, lies above it
    assert found.rate == 2 / 5
    assert found.interval.low <= found.rate <= found.interval.high
    both = caught(members, others, 0.02)
    assert both is not None
    assert both.rate == 4 / 5


def test_too_few_others_have_no_rate() -> None:
    assert caught(np.ones(1000), np.zeros(99), 0.01) is None
    assert caught(np.ones(1000), np.zeros(999), 0.001) is None
    assert caught(np.ones(1000), np.zeros(1000), 0.001) is not None
    assert caught(np.array([]), np.zeros(1000), 0.01) is None


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
@pytest.mark.parametrize(("count", "rate"), [(100, 0.01), (400, 0.01), (1000, 0.001)])
def test_the_interval_of_the_rate_holds_the_truth(share: float, count: int, rate: float) -> None:
    """A share of the members is remembered: it lies four standard deviations higher."""
    draw = np.random.default_rng(0)
    line = norm.isf(rate)
    truth = share * norm.sf(line - 4) + (1 - share) * rate
    inside = 0
    for _ in range(100):
        members = draw.normal(size=count) + 4 * (draw.random(count) < share)
        found = caught(members, draw.normal(size=count), rate)
        assert found is not None
        inside += found.interval.low <= truth <= found.interval.high
    assert inside >= 95


@pytest.mark.parametrize(("share", "truth"), [(0.0, 0.5), (0.1, 0.5 * 0.9 + 0.1 * norm.cdf(4 / math.sqrt(2)))])  # fmt: skip
@pytest.mark.parametrize("count", [20, 60])
def test_the_interval_of_the_area_holds_the_truth(share: float, truth: float, count: int) -> None:
    """A few well-remembered rows spread the members' scores more than the formula supposes; 0.5 is no memory."""
    draw = np.random.default_rng(1)
    inside = 0
    for _ in range(400):
        members = draw.normal(size=count) + 4 * (draw.random(count) < share)
        interval = area(members, draw.normal(size=count))[1]
        assert interval is not None
        inside += interval.low <= truth <= interval.high
    assert inside >= 0.93 * 400


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.integers(100, 300))
def test_the_rate_lies_in_its_interval(members: list[float], count: int) -> None:
    found = caught(np.array(members), np.random.default_rng(count).normal(size=count), 0.01)
    assert found is not None
    assert found.interval.low <= found.rate <= found.interval.high
