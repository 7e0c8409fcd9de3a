"""Conformal sets keep their promise in simulation, and the interval of their size holds the truth."""

from __future__ import annotations

import numpy as np
import pytest

from lextune.audits.numbers.conformal import mean_size, rows_needed, threshold


def test_by_hand() -> None:
    found = threshold(np.arange(1, 20) / 20, 0.1)
    assert found is not None
    assert found.value == pytest.approx(2 / 20)  # the 18th largest of 19
    assert threshold(np.ones(8), 0.1) is None
    assert rows_needed(0.1) == 9
    assert threshold(np.ones(9), 0.1) is not None
    assert rows_needed(0.05) == 19


@pytest.mark.parametrize(("rows", "miss"), [(20, 0.1), (60, 0.05), (300, 0.2)])
def test_the_promise_is_kept_and_its_least_coverage_holds(rows: int, miss: float) -> None:
    rng, coverage, least = np.random.default_rng(rows), [], 0
    for _ in range(2000):
        found = threshold(rng.random(rows), miss)
        assert found is not None
        coverage.append(1 - found.value)  # of uniform scores
        least += coverage[-1] >= found.least
    assert 1 - miss - 0.005 <= np.mean(coverage) <= 1 - miss + 1 / (rows + 1) + 0.005
    assert 0.93 <= least / 2000 <= 0.97


@pytest.mark.parametrize("shares", [[0, 1, 0, 0], [0.02, 0.8, 0.15, 0.03], [0.01, 0.5, 0.3, 0.19]])
@pytest.mark.parametrize("rows", [10, 60])
def test_the_interval_of_the_size_holds_the_truth(shares: list[float], rows: int) -> None:
    rng, held = np.random.default_rng(rows), 0
    for _ in range(300):
        value, interval = mean_size(rng.choice(4, rows, p=shares), 5)
        assert interval is not None
        assert interval.low <= value <= interval.high
        held += interval.low <= np.dot(shares, range(4)) <= interval.high
    assert held / 300 >= 0.94
    assert mean_size(np.empty(0, np.int64), 5)[1] is None
