"""Limits of bounded means against a value by hand and against simulated truth, where Student's own fail."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import t

from lextune.audits.numbers import means, proportions
from lextune.audits.numbers.comparison import Means
from lextune.audits.numbers.means import Sums

Z = proportions.critical(0.95, 1)
TRIALS = 1500


def summed(values: np.ndarray, bounds: tuple[float, float]) -> Sums:
    n = np.array(values.shape[-1])
    return Sums(n, values.sum(axis=-1), np.square(values).sum(axis=-1), bounds)


def test_limits_by_hand() -> None:
    """Six numbers, and z * z / 2 zeros and ones beside them, with the degrees of freedom of the six."""
    values = np.array([0.0, 0.0, 0.25, 0.5, 0.0, 1.0])
    extra = Z * Z / 2
    n = 6 + 2 * extra
    mean = (1.75 + extra) / n
    variance = (0.0625 + 0.25 + 1 + extra - n * mean**2) / (n - 1)
    half = t.isf(0.025, 5) * np.sqrt(variance / n)
    low, high = means.limits(summed(values[None], (0.0, 1.0)), Z)
    assert (low[0], high[0]) == pytest.approx((max(mean - half, 0), min(mean + half, 1)))


def test_sums_leave_out_what_has_no_group_or_no_number() -> None:
    values = np.array([1.0, np.nan, 3.0, 5.0, 7.0])
    found = Sums.of(values, np.array([0, 0, 2, 2, -1]), 3, (0.0, 9.0))
    assert found.n.tolist() == [1, 0, 2]
    assert found.total.tolist() == [1.0, 0.0, 8.0]
    assert found.squares.tolist() == [1.0, 0.0, 34.0]
    np.testing.assert_array_equal(found.mean, [1.0, np.nan, 4.0])


SHAPES: dict[str, tuple[Callable[..., np.ndarray], float]] = {
    "rare errors": (lambda rng, size: (rng.random(size) < 0.05) * 1.0, 0.05),
    "even errors": (lambda rng, size: (rng.random(size) < 0.5) * 1.0, 0.5),
    "rare parts": (lambda rng, size: (rng.random(size) < 0.1) * rng.random(size), 0.05),
    "words": (lambda rng, size: rng.binomial(7, 0.15, size) / 7, 0.15),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [10, 30, 60, 200])
def test_95_percent_limits_hold_the_truth(shape: str, n: int) -> None:
    draw, truth = SHAPES[shape]
    values = draw(np.random.default_rng(n), (TRIALS, n))
    low, high = means.limits(summed(values, (0.0, 1.0)), Z)
    assert ((low <= truth) & (truth <= high)).mean() >= 0.935


@pytest.mark.parametrize("n", [10, 60, 200])
def test_limits_of_a_score_that_hides_rare_mistakes_hold_the_truth(n: int) -> None:
    """A model that is always sure and wrong 6 times in 100: most samples of 10 show no mistake at all."""
    rng = np.random.default_rng(n)
    values = 0.001 - (rng.random((TRIALS, n)) < 0.06)
    low, high = means.limits(summed(values, (-1.0, 1.0)), Z)
    assert ((low <= 0.001 - 0.06) & (high >= 0.001 - 0.06)).mean() >= 0.95
    naive = t.isf(0.025, n - 1) * values.std(axis=-1, ddof=1) / np.sqrt(n)
    if n == 10:  # what the added numbers are for
        assert (np.abs(values.mean(axis=-1) + 0.059) <= naive).mean() < 0.5


def test_p_values_say_what_the_intervals_say() -> None:
    rng = np.random.default_rng(0)
    counts = np.array([12, 40, 90])
    total = counts * rng.random((200, 3)) ** 2
    sums = Sums(np.broadcast_to(counts, total.shape), total, total * 0.8, (0.0, 1.0))
    for comparisons in (1, 3):
        found = Means(sums).differences(comparisons)
        outside = (found.low > 0) | (found.high < 0)
        np.testing.assert_array_equal(means.p_values(sums) * comparisons < 0.05, outside)
    same = Sums(np.array([5, 5]), np.array([2.0, 2.0]), np.array([2.0, 2.0]), (0.0, 1.0))
    assert (means.p_values(same) == 1).all()
    none = Sums(np.array([5, 0]), np.array([2.0, 0.0]), np.array([2.0, 0.0]), (0.0, 1.0))
    assert np.isnan(means.p_values(none)[0, 1])


def test_differences_hold_the_truth_and_those_of_like_groups_hold_0() -> None:
    rng = np.random.default_rng(3)
    counts, truth = np.array([30, 60, 200]), np.array([0.05, 0.2, 0.5])
    hits = rng.binomial(counts, truth, (4000, 3)).astype(float)
    found = Means(Sums(np.broadcast_to(counts, hits.shape), hits, hits, (0.0, 1.0))).differences(3)
    apart = truth[:, None] - truth[None, :]
    assert ((found.low <= apart) & (apart <= found.high)).all(axis=(1, 2)).mean() >= 0.95
