"""Intervals of mean errors are Wilson's where errors are 0 or 1, and hold the truth for shares, rare ones and above 1."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from lextune.audits.numbers.mean_errors import error_difference, mean_error
from lextune.statistics import independent_difference, wilson

Draw = Callable[[np.random.Generator, int], np.ndarray]
#: A way to draw errors, and their mean.
WAYS: dict[str, tuple[Draw, float]] = {
    "shares": (lambda rng, n: rng.beta(2, 8, n), 0.2),
    "mostly right": (lambda rng, n: np.where(rng.random(n) < 0.8, 0, rng.random(n)), 0.1),
    "rare": (lambda rng, n: np.where(rng.random(n) < 0.97, 0, rng.random(n)), 0.015),
    "words": (lambda rng, n: rng.poisson(1.5, n) / 3, 0.5),
    "mostly wrong": (lambda rng, n: rng.beta(20, 4, n), 20 / 24),
}


@pytest.mark.parametrize(("wrong", "rows"), [(0, 5), (3, 40), (40, 40)])
def test_of_a_yes_or_no_they_are_wilsons_and_newcombes(wrong: int, rows: int) -> None:
    errors = (np.arange(rows) < wrong).astype(float)
    value, interval = mean_error(errors)
    expected = wilson(wrong, rows)
    assert interval is not None
    assert expected is not None
    assert value == wrong / rows
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    pair = independent_difference(wrong, rows, 2, 30)
    gap, limits = error_difference(errors, (np.arange(30) < 2).astype(float))
    assert pair is not None
    assert limits is not None
    assert (gap, limits.low, limits.high) == pytest.approx((pair[0], pair[1].low, pair[1].high))


def test_no_rows_are_undefined() -> None:
    value, interval = mean_error(np.empty(0))
    assert math.isnan(value)
    assert interval is None
    assert error_difference(np.ones(3), np.empty(0))[1] is None
    assert mean_error(np.array([0.5]))[1] is not None


@pytest.mark.parametrize("rows", [20, 60, 300])
@pytest.mark.parametrize("name", WAYS)
def test_the_intervals_hold_the_truth(name: str, rows: int) -> None:
    (draw, truth), rng, held = WAYS[name], np.random.default_rng(rows), np.zeros(2)
    for _ in range(300):
        errors = draw(rng, rows)
        value, interval = mean_error(errors)
        _, apart = error_difference(errors, draw(rng, 3 * rows))
        assert interval is not None
        assert apart is not None
        assert interval.low <= value <= interval.high
        held += [interval.low <= truth <= interval.high, apart.low <= 0 <= apart.high]
    assert (held / 300 >= 0.93).all()
