"""The interval of a mean covers it in 93 of 100 trials and more, also of few skewed numbers; of fewer there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from lextune.audits.numbers.skewed import FEWEST, mean_interval

Draw = Callable[[np.random.Generator, Any], Any]


def rare(draw: np.random.Generator, size: Any) -> Any:
    """Four of five near 0, the rest large: as the falls of scores are."""
    return np.where(draw.random(size) < 0.8, draw.normal(0, 0.01, size), draw.beta(3, 2, size))


DRAWS: dict[str, tuple[Draw, float]] = {
    "normal": (lambda draw, size: draw.normal(0.2, 0.2, size), 0.2),
    "exponential": (lambda draw, size: draw.exponential(0.15, size), 0.15),
    "two hills": (lambda draw, size: draw.normal(0.45 * draw.choice([-1, 1], size), 0.1), 0.0),
    "rare": (rare, 0.2 * 0.6),
}


@pytest.mark.parametrize("n", [FEWEST, 40])
@pytest.mark.parametrize("name", DRAWS)
def test_the_interval_covers_the_mean(name: str, n: int) -> None:
    make, truth = DRAWS[name]
    drawn = make(np.random.default_rng(n), (400, n))
    found = [mean_interval(one, samples=200, seed=i) for i, one in enumerate(drawn)]
    inside = [one is not None and one.low <= truth <= one.high for one in found]
    assert np.mean(inside) >= 0.93


def test_it_is_never_narrower_than_student_s() -> None:
    values = np.random.default_rng(0).normal(size=40)
    found, student = mean_interval(values, samples=500, seed=0), ttest_1samp(values, 0).confidence_interval()  # fmt: skip
    assert found is not None
    assert found.low <= student.low + 1e-12
    assert found.high >= student.high - 1e-12
    assert found == mean_interval(values, samples=500, seed=0)


@pytest.mark.parametrize("values", [np.arange(19.0), np.full(50, 0.3), np.zeros(30), np.zeros(0)])
def test_few_numbers_and_equal_ones_have_none(values: Any) -> None:
    assert mean_interval(values, samples=100, seed=0) is None
