"""Intervals of shifts, shares and largest figures cover at their level, also of few rows, and agree with hand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.audits.numbers.shifts import (
    exact_share,
    largest,
    magnitude,
    mean_shift,
    shift_limits,
    together,
)
from lextune.records import Interval

Floats = npt.NDArray[np.float64]
_TRIALS = 2000


def shifts_of(rng: np.random.Generator, n: int) -> Iterator[tuple[Floats, float]]:
    """Changes as audits see them, with their true mean: small ones, rare large ones, shares, both directions."""
    size = (_TRIALS, n)
    yield rng.normal(0.02, 0.01, size).clip(-1, 1), 0.02
    for share in (0.01, 0.05, 0.2, 0.5, 0.95):
        rare = rng.random(size) < share
        yield rare * 1.0, share
        yield (
            np.where(rare, rng.uniform(0.5, 1, size), rng.uniform(-0.02, 0.02, size)),
            share * 0.75,
        )
    yield rng.choice([-1.0, 1.0], size), 0.0
    yield -rng.beta(0.3, 3, size), -0.3 / 3.3


@pytest.mark.parametrize("n", [3, 5, 10, 30, 100])
def test_the_interval_of_a_mean_shift_covers_whatever_the_shifts_are(n: int) -> None:
    rng = np.random.default_rng(n)
    for level in (0.95, together(10)):
        hits = []
        for drawn, truth in shifts_of(rng, n):
            low, high = shift_limits(drawn, level)
            hits.append(float(((low <= truth) & (truth <= high)).mean()))
        assert min(hits) >= level - 0.02
        assert float(np.mean(hits)) >= level


def test_a_mean_shift_by_hand() -> None:
    """Two rows of 0.1 and 0.3 and 0.96 made-up rows at either end, n = 3.92."""
    from scipy.stats import t

    found = mean_shift(np.array([0.1, 0.3]))
    assert found is not None
    size = 2 + 1.959964**2 / 2
    middle = 0.4 / size
    square = (0.01 + 0.09 + 1.959964**2 / 2 - size * middle**2) / (size - 1)
    half = t.ppf(0.975, size - 1) * (square / size) ** 0.5
    assert found[0] == pytest.approx(0.2)
    assert (found[1].low, found[1].high) == pytest.approx(
        (max(middle - half, -1), min(middle + half, 1))
    )


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30))
def test_a_mean_shift_lies_in_its_interval_and_turning_the_signs_turns_it(
    values: list[float],
) -> None:
    array = np.array(values)
    one, other = mean_shift(array), mean_shift(-array)
    assert one is not None
    assert other is not None
    assert -1 <= one[1].low <= one[0] <= one[1].high <= 1
    assert (-one[1].high, -one[1].low) == pytest.approx((other[1].low, other[1].high))


def test_nothing_has_no_interval() -> None:
    assert mean_shift(np.zeros(0)) is None
    assert exact_share(0, 0) is None
    assert largest([]) is None


def test_equal_rows_are_not_certain() -> None:
    found = mean_shift(np.zeros(10))
    assert found is not None
    assert found[1].low < -0.2
    assert found[1].high > 0.2


def test_a_share_by_hand() -> None:
    """Clopper and Pearson: of 10 of 10 the lower limit is the tenth root of 0.025."""
    found = exact_share(10, 10)
    assert found is not None
    assert found[1].low == pytest.approx(0.025**0.1)
    assert found[1].high == 1.0


@pytest.mark.parametrize("n", [5, 60])
def test_the_largest_of_several_shares_is_covered(n: int) -> None:
    """Also where all are equal, and where one stands out."""
    rng = np.random.default_rng(0)
    for truth in ([0.1] * 5, [0.02, 0.02, 0.02, 0.02, 0.9], [0.0] * 5):
        level = together(5)
        limits = [exact_share(k, n, level) for k in range(n + 1)]
        drawn = rng.binomial(n, truth, (2000, 5))
        low = np.array([one[1].low for one in limits if one is not None])[drawn].max(axis=1)
        high = np.array([one[1].high for one in limits if one is not None])[drawn].max(axis=1)
        assert ((low <= max(truth)) & (max(truth) <= high)).mean() >= 0.95
    found = largest([one for one in limits if one is not None])
    assert found is not None
    assert found[0] == 1.0
    assert "Bonferroni" in found[1].method


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_the_size_of_a_figure_is_covered_where_the_figure_is(first: float, second: float) -> None:
    low, high = sorted((first, second))
    _, limits = magnitude(low, Interval(low=low, high=high, level=0.95, method="m"))
    for truth in np.linspace(low, high, 7):
        assert limits.low - 1e-12 <= abs(truth) <= limits.high + 1e-12
