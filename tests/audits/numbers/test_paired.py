"""Rises of numbers in the same rows: values by hand, and intervals that hold the truth as often as they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from lextune.audits.numbers.paired import joint_level, joint_maximum, mean_rise
from lextune.records import Interval
from lextune.statistics import paired_difference


def test_a_rise_by_hand() -> None:
    found = mean_rise(np.zeros(8), np.array([1.0, 1, 0, 0, 0, 0, 0, 0]))
    assert found is not None
    value, interval = found
    assert value == 0.25
    # ten rows, of which three rise and one falls: mean 0.2, variance 0.4 - 0.04
    half = float(t.ppf(0.975, 9)) * math.sqrt(0.36 / 10)
    assert interval.low == pytest.approx(0.2 - half)
    assert interval.high == pytest.approx(0.2 + half)


def test_rows_that_are_all_alike_give_no_certainty() -> None:
    found = mean_rise(np.zeros(30), np.zeros(30))
    assert found is not None
    assert found[1].low < -0.05 < 0.05 < found[1].high


def test_no_rows_have_no_rise_and_other_numbers_are_refused() -> None:
    assert mean_rise(np.zeros(0), np.zeros(0)) is None
    for wrong in (math.nan, 1.5, -0.1):
        with pytest.raises(ValueError, match="between 0 and 1"):
            mean_rise(np.zeros(1), np.array([wrong]))


rows = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40)


@settings(max_examples=50, deadline=None)
@given(rows)
def test_the_interval_holds_the_rise_and_turns_with_it(pairs: list[tuple[float, float]]) -> None:
    before, after = np.array(pairs).T
    one, other = mean_rise(before, after), mean_rise(after, before)
    assert one is not None
    assert other is not None
    assert one[1].low <= one[0] <= one[1].high
    assert one[1].low == pytest.approx(-other[1].high)
    wider = mean_rise(before, after, 0.99)
    assert wider is not None
    assert wider[1].low < one[1].low < one[1].high < wider[1].high


@pytest.mark.parametrize("n", [10, 30, 100, 300])
def test_intervals_of_rises_hold_the_truth(n: int) -> None:
    """Rare large rises, rises of a third of the rows, and errors of sentences cut at 1."""
    draw = np.random.default_rng(n)
    trials = 400

    def shares(rows: int) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
        before = draw.beta(0.5, 3, (rows, n))
        return before, np.where(draw.random((rows, n)) < 0.3, draw.random((rows, n)), before)

    def sentences(rows: int) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
        before = draw.exponential(0.1, (rows, n))
        worse = np.where(draw.random((rows, n)) < 0.1, draw.exponential(1.5, (rows, n)), 0)
        return before.clip(0, 1), (before + worse).clip(0, 1)

    for make in (shares, sentences):
        many = make(max(400_000 // n, 1))
        truth = float((many[1] - many[0]).mean())
        before, after = make(trials)
        found = [mean_rise(one, two) for one, two in zip(before, after, strict=True)]
        held = [one is not None and one[1].low <= truth <= one[1].high for one in found]
        assert np.mean(held) >= 0.93
    for share in (0.01, 0.05, 0.3):
        after = (draw.random((trials, n)) < share).astype(float)
        found = [mean_rise(np.zeros(n), one) for one in after]
        held = [one is not None and one[1].low <= share <= one[1].high for one in found]
        assert np.mean(held) >= 0.93


@pytest.mark.parametrize("n", [20, 200])
def test_paired_proportions_hold_the_truth_at_any_level(n: int) -> None:
    draw = np.random.default_rng(n)
    lost, won = 0.15, 0.03
    for level, least in ((0.95, 0.93), (joint_level(7), 0.985)):
        first = draw.random((250, n)) < 0.9
        second = np.where(first, draw.random((250, n)) >= lost, draw.random((250, n)) < won)
        truth = 0.9 * lost - 0.1 * won
        found = [paired_difference(one, two, level) for one, two in zip(first, second, strict=True)]
        held = [one is not None and one[1].low <= truth <= one[1].high for one in found]
        assert np.mean(held) >= least
        assert all(one is not None and one[1].level == level for one in found)


def test_limits_of_the_largest_by_hand() -> None:
    level = joint_level(2)
    assert level == pytest.approx(0.975)
    both = [
        Interval(low=0.1, high=0.3, level=level, method="m"),
        Interval(low=-0.2, high=0.5, level=level, method="m"),
    ]
    found = joint_maximum(both)
    assert (found.low, found.high, found.level) == (0.1, 0.5, 0.95)
    with pytest.raises(ValueError, match="joint"):
        joint_maximum([both[0]])


@pytest.mark.parametrize("n", [20, 150])
def test_limits_of_the_largest_hold_it(n: int) -> None:
    """Five changes, two of them equally bad, all on the same rows: the largest rise seen is too large on average."""
    draw = np.random.default_rng(n)
    lost = np.array([0.0, 0.05, 0.1, 0.2, 0.2])
    held, seen = [], []
    for _ in range(120):
        clean = draw.random(n) < 0.9
        after = clean & (draw.random((5, n)) >= lost[:, None])
        rises = [paired_difference(clean, one, joint_level(5)) for one in after]
        known = [one for one in rises if one is not None]
        limits = joint_maximum([interval for _, interval in known])
        held.append(limits.low <= 0.9 * 0.2 <= limits.high)
        seen.append(max(value for value, _ in known))
    assert np.mean(held) >= 0.95
    assert np.mean(seen) > 0.9 * 0.2
