"""Limits of proportions and their pairs against published values, scipy's tests and the definitions they come from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest

from lextune import statistics
from lextune.audits.numbers import proportions
from lextune.audits.numbers.comparison import Proportions

Z = proportions.critical(0.95, 1)


def pair(s1: int, n1: int, s2: int, n2: int) -> Proportions:
    return Proportions(np.array([s1, s2]), np.array([n1, n2]))


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_a_pair_alone_is_newcombes_published_table(
    counts: tuple[int, int, int, int], low: float, high: float
) -> None:
    """Newcombe 1998, Statistics in Medicine 17, table II, method 10."""
    found = pair(*counts).differences(1)
    assert (found.low[0, 1], found.high[0, 1]) == pytest.approx((low, high), abs=5e-5)
    assert found.low[1, 0] == -found.high[0, 1]
    known = statistics.independent_difference(*counts)
    assert known is not None
    assert (found.value[0, 1], found.low[0, 1]) == pytest.approx((known[0], known[1].low))


def deviance(ratio: float, counts: tuple[int, int, int, int]) -> float:
    """The score statistic at a ratio, with the proportions found by maximising the likelihood numerically."""
    s1, n1, s2, n2 = counts

    def against(p2: float) -> float:
        p1 = ratio * p2
        return -float(
            s1 * np.log(p1)
            + (n1 - s1) * np.log1p(-p1)
            + s2 * np.log(p2)
            + (n2 - s2) * np.log1p(-p2)
        )

    top = min(1.0, 1 / ratio) - 1e-12
    p2 = minimize_scalar(against, bounds=(1e-12, top), method="bounded", options={"xatol": 1e-13}).x
    p1 = ratio * p2
    variance = (p1 * (1 - p1) / n1 + ratio**2 * p2 * (1 - p2) / n2) * (n1 + n2) / (n1 + n2 - 1)
    return float((s1 / n1 - ratio * s2 / n2) / np.sqrt(variance))


@pytest.mark.parametrize("counts", [(7, 34, 1, 34), (36, 40, 16, 80), (5, 12, 30, 55)])
def test_limits_of_a_ratio_are_where_the_score_statistic_is_z(
    counts: tuple[int, int, int, int],
) -> None:
    found = pair(*counts).ratios(1)
    assert deviance(found.low[0, 1], counts) == pytest.approx(Z, abs=1e-4)
    assert deviance(found.high[0, 1], counts) == pytest.approx(-Z, abs=1e-4)
    assert found.low[1, 0] == pytest.approx(1 / found.high[0, 1])


def test_ratios_without_hits_are_open_on_one_side_and_undefined_without_any() -> None:
    for comparisons in (1, 3):
        found = Proportions(np.array([4, 0, 0]), np.array([9, 9, 9])).ratios(comparisons)
        assert found.value[0, 1] == np.inf
        assert found.low[0, 1] > 0
        assert found.high[0, 1] == np.inf
        assert (found.value[1, 0], found.low[1, 0]) == (0.0, 0.0)
        assert 0 < found.high[1, 0] < 3
        assert np.isnan(found.value[1, 2])


def test_exact_limits_are_clopper_and_pearsons() -> None:
    hits, of = np.array([0, 3, 10, 97]), np.array([10, 10, 10, 200])
    low, high = proportions.exact_limits(hits, of, Z)
    for at in range(4):
        known = binomtest(int(hits[at]), int(of[at])).proportion_ci(0.95, "exact")
        assert (low[at], high[at]) == pytest.approx((known.low, known.high))


def test_groups_without_rows_are_undefined_everywhere() -> None:
    empty = Proportions(np.array([0, 3]), np.array([0, 9]))
    for comparisons in (1, 4):
        for found in (empty.differences(comparisons), empty.ratios(comparisons)):
            assert all(np.isnan(one[0, 1]) and np.isnan(one[1, 0]) for one in found)
    assert np.isnan(empty.p_values[0, 1])


def test_fishers_test_by_hand() -> None:
    """Four of four against none of four: each tail holds one of the 70 ways."""
    assert pair(4, 4, 0, 4).p_values[0, 1] == pytest.approx(2 / 70)
    assert pair(2, 4, 2, 4).p_values[0, 1] == 1.0


def test_holm_by_hand() -> None:
    found = proportions.holm(np.array([0.01, 0.04, 0.03, 0.9]))
    np.testing.assert_allclose(found, [0.04, 0.09, 0.09, 0.9])
    assert proportions.holm(np.array([])).shape == (0,)
    assert proportions.holm(np.array([0.9, 0.8])).max() == 1.0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60), st.floats(0, 1)), min_size=2, max_size=5))
def test_pairs_are_symmetric_and_hold_their_values(drawn: list[tuple[int, float]]) -> None:
    of = np.array([n for n, _ in drawn])
    hits = np.array([round(n * share) for n, share in drawn])
    for comparisons in (1, 10):
        figure = Proportions(hits, of)
        apart, over = figure.differences(comparisons), figure.ratios(comparisons)
        np.testing.assert_allclose(apart.low, -apart.high.T, atol=1e-12)
        assert (apart.low <= apart.value + 1e-12).all()
        assert (apart.value <= apart.high + 1e-12).all()
        assert (apart.low >= -1 - 1e-12).all()
        some = np.isfinite(over.value)
        assert (over.low[some] <= over.value[some] * (1 + 1e-9)).all()
        assert (over.value[some] <= over.high[some] * (1 + 1e-9)).all()
        both = (over.low > 0) & np.isfinite(over.high.T)
        np.testing.assert_allclose(over.low[both], 1 / over.high.T[both], rtol=1e-6)
