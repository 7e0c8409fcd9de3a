"""Debiased calibration errors are near 0 where scores are calibrated, and their intervals hold the truth."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.audits.numbers.reliability import adaptive_bins, adaptive_error, classwise_error
from lextune.audits.numbers.shifts import together

CURVES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "calibrated": lambda scores: scores,
    "too sure": lambda scores: 0.5 + 0.6 * (scores - 0.5),
    "always right": lambda scores: np.full_like(scores, 0.995),
}


def truth(scores: np.ndarray, chance: np.ndarray) -> float:
    index = adaptive_bins(scores, 15)
    rows = np.bincount(index)
    gaps = (np.bincount(index, weights=scores) - np.bincount(index, weights=chance)) / rows
    return math.sqrt(float(rows / len(scores) @ gaps**2))


def test_by_hand() -> None:
    # one bin of 4: gap 0.9 - 0.75, noise 0.75 * 0.25 / 3
    value, interval = adaptive_error(
        np.full(4, 0.9), np.array([1, 1, 1, 0], bool), samples=50, seed=0
    )
    assert value == 0.0
    assert interval is not None
    assert interval.low == 0.0
    wrong, _ = adaptive_error(np.full(4, 0.9), np.array([0, 0, 0, 1], bool), samples=50, seed=0)
    assert wrong == pytest.approx(math.sqrt(0.65**2 - 0.0625))


def test_bins_hold_equally_many_rows_and_equal_scores_share_one() -> None:
    assert np.bincount(adaptive_bins(np.linspace(0, 1, 150), 15)).tolist() == [10] * 15
    assert adaptive_bins(np.r_[np.zeros(70), np.ones(30)], 15).tolist() == [0] * 70 + [1] * 30
    assert set(adaptive_bins(np.arange(19.0), 15)) == {0}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.9]), st.booleans()), min_size=1, max_size=60)
)
def test_the_order_of_rows_does_not_matter(rows: list[tuple[float, bool]]) -> None:
    def of(some: list[tuple[float, bool]]) -> float:
        scores, hits = np.array([one for one, _ in some]), np.array([one for _, one in some])
        return adaptive_error(scores, hits, samples=5, seed=0)[0]

    assert of(rows) == pytest.approx(of(rows[::-1]), abs=1e-7)


@pytest.mark.parametrize("rows", [20, 60, 400])
@pytest.mark.parametrize("name", CURVES)
def test_the_interval_holds_the_truth(name: str, rows: int) -> None:
    rng, held, squares, real = np.random.default_rng(rows), 0, [], []
    for seed in range(150):
        scores = 0.5 + rng.beta(5, 1, rows) / 2
        chance = CURVES[name](scores)
        value, interval = adaptive_error(scores, rng.random(rows) < chance, samples=200, seed=seed)
        assert interval is not None
        assert interval.low <= value <= interval.high
        real.append(truth(scores, chance))
        held += interval.low <= real[-1] <= interval.high
        squares.append(value**2)
    assert held / 150 >= 0.94
    if rows == 400:
        assert np.mean(squares) == pytest.approx(np.mean(np.square(real)), abs=0.002)


def test_classes_are_joined_as_if_they_erred_together() -> None:
    each = [
        adaptive_error(np.full(50, 0.5), np.arange(50) < hits, samples=50, seed=0)
        for hits in (20, 45)
    ]
    value, interval = classwise_error(each)
    assert value == pytest.approx(math.sqrt((each[0][0] ** 2 + each[1][0] ** 2) / 2))
    assert interval is not None
    assert interval.low <= value <= interval.high
    assert classwise_error([])[1] is None
    assert math.isnan(classwise_error([each[0], (math.nan, None)])[0])


@pytest.mark.parametrize("sure", [0.8, 1.0])
def test_classwise_intervals_hold_the_truth_for_three_classes(sure: float) -> None:
    """Also where all scores are right, and any class that seems off by chance pushes the whole away from 0."""
    rng, held = np.random.default_rng(3), 0
    for seed in range(100):
        scores = rng.dirichlet([0.6, 0.6, 0.6], 120)
        chance = sure * scores + (1 - sure) / 3
        labels = (rng.random((120, 1)) > chance.cumsum(axis=1)).sum(axis=1)
        each = [
            adaptive_error(scores[:, k], labels == k, samples=500, seed=seed, level=together(3))
            for k in range(3)
        ]
        real = math.sqrt(sum(truth(scores[:, k], chance[:, k]) ** 2 for k in range(3)) / 3)
        interval = classwise_error(each)[1]
        assert interval is not None
        held += interval.low <= real <= interval.high
    assert held >= 95
