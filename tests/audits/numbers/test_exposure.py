"""Exposure: ranks by hand, what chance gives, and intervals that hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from lextune.audits.numbers.exposure import by_chance, chance_exposure, exposures, mean_exposure


def test_exposure_by_hand() -> None:
    held_back = np.array([1.0, 2.0, 3.0])
    found = exposures(np.array([9.0, 2.5, 0.0, 2.0]), held_back)
    assert found[:3] == pytest.approx([2.0, 1.0, 0.0])  # ranks 1, 2 and 4 of 4
    assert found[3] == pytest.approx(2 - math.log2(2.5))  # level with one: ranks 2 and 3


def test_chance_is_the_mean_over_all_ranks() -> None:
    assert chance_exposure(3) == pytest.approx(2 - (0 + 1 + math.log2(3) + 2) / 4)
    assert chance_exposure(10_000) == pytest.approx(1 / math.log(2), abs=2e-3)


def test_without_either_there_is_no_exposure() -> None:
    assert mean_exposure(np.array([]), np.array([1.0]))[1] is None
    value, interval = mean_exposure(np.array([1.0]), np.array([]))
    assert math.isnan(value)
    assert interval is None


def test_an_interval_stays_wide_where_every_canary_ranks_first() -> None:
    value, interval = mean_exposure(np.full(20, 5.0), np.zeros(20))
    assert interval is not None
    assert value == interval.high == pytest.approx(math.log2(21))
    assert interval.low < 0.9 * value


@pytest.mark.parametrize("shift", [0.0, 1.0, 3.0])
@pytest.mark.parametrize(("inserted", "held_back"), [(10, 10), (60, 60), (10, 60), (60, 10)])
def test_the_interval_holds_the_truth_given_those_held_back(
    shift: float, inserted: int, held_back: int
) -> None:
    """Also where a few of those held back score far above the others: scores with heavy tails."""
    draw = np.random.default_rng(5)
    inside = 0
    for _ in range(10):
        others = draw.standard_t(3, held_back)
        truth = exposures(draw.standard_t(3, 20_000) + shift, others).mean()
        for _ in range(40):
            interval = mean_exposure(draw.standard_t(3, inserted) + shift, others)[1]
            assert interval is not None
            inside += interval.low <= truth <= interval.high
    assert inside >= 0.93 * 400


@pytest.mark.parametrize("count", [12, 60])
def test_chance_is_seldom_taken_for_memory(count: int) -> None:
    draw, trials, alarms = np.random.default_rng(6), 200, 0
    for trial in range(trials):
        scores, inserted = draw.standard_t(3, count), np.arange(count) < count // 2
        alarms += by_chance(scores, inserted, 39, trial) <= 0.05
    assert alarms <= binom.ppf(0.999, trials, 0.05)


def test_memory_is_not_taken_for_chance() -> None:
    inserted = np.arange(40) < 20
    scores = np.random.default_rng(7).normal(size=40) + 2 * inserted
    assert by_chance(scores, inserted, 999, 0) == 1 / 1000
