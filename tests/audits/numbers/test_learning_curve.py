"""The power law goes through errors that follow one, and its interval holds the error that it leads to."""

from __future__ import annotations

import numpy as np
import pytest

from lextune.audits.numbers.learning_curve import extrapolate, power_law

SIZES = [250, 500, 1000]


def test_an_exact_law_is_found_again() -> None:
    a, b = power_law(SIZES, 3.0 * np.array(SIZES, float) ** -0.4)
    assert (a, b) == pytest.approx((3.0, -0.4))
    errors = np.array([np.arange(400) < wrong for wrong in (200, 100, 50)], float)
    value, interval = extrapolate(SIZES, errors, 2000, samples=200, seed=0)
    assert value == pytest.approx(25 / 400)
    assert interval is not None
    assert interval.low < value < interval.high
    assert extrapolate(SIZES, errors, 1000, samples=50, seed=0)[0] == pytest.approx(50 / 400)


@pytest.mark.parametrize("rows", [200, 1000])
@pytest.mark.parametrize("slope", [-0.1, -0.35])
def test_the_interval_holds_the_truth(slope: float, rows: int) -> None:
    rng, held = np.random.default_rng(rows), 0
    chances = 0.25 * (np.array(SIZES) / 250) ** slope
    for seed in range(150):
        shared, own = rng.random((1, rows)), rng.random((3, rows))
        hard = np.where(
            rng.random((3, rows)) < 0.5, shared, own
        )  # models err on the same rows more often than not
        errors = (hard < chances[:, None]).astype(float)
        _, interval = extrapolate(SIZES, errors, 2000, samples=200, seed=seed)
        assert interval is not None
        held += interval.low <= 0.25 * 8**slope <= interval.high
    assert held / 150 >= 0.91


def test_few_errors_are_undefined() -> None:
    errors = np.array([np.arange(400) < wrong for wrong in (40, 20, 9)], float)
    assert extrapolate(SIZES, errors, 2000, samples=50, seed=0)[1] is None
    assert extrapolate(SIZES, np.empty((3, 0)), 2000, samples=50, seed=0)[1] is None
