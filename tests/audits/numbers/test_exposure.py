"""Exposure: ranks by hand, what chance gives, and intervals that hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lextune.audits.numbers.exposure import chance_exposure, exposures, mean_exposure


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


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("inserted", "held_back"), [(10, 10), (60, 60), (10, 60), (60, 10)])
def test_the_interval_holds_the_truth(share: float, inserted: int, held_back: int) -> None:
    """A share of the canaries is remembered: it lies two standard deviations higher."""
    draw = np.random.default_rng(5)

    def trial() -> tuple[np.ndarray, np.ndarray]:
        known = draw.random(inserted) < share
        return draw.normal(size=inserted) + 2 * known, draw.normal(size=held_back)

    truth = np.mean([exposures(*trial()).mean() for _ in range(4000)])
    if share == 0:
        assert truth == pytest.approx(chance_exposure(held_back), abs=0.05)
    inside = 0
    for _ in range(500):
        interval = mean_exposure(*trial())[1]
        assert interval is not None
        inside += interval.low <= truth <= interval.high
    assert inside >= 0.93 * 500
