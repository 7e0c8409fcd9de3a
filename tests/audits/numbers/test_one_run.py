"""One-run auditing: values that can be worked out, and how often it accuses training that did nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from lextune.audits.numbers.one_run import chance, lower_bound, right_guesses


def test_all_of_ten_guesses_right_by_hand() -> None:
    q = 0.05**0.1  # so sure each guess must be that all ten are right once in twenty times
    assert lower_bound(10, 10, 10, 0.0) == pytest.approx(math.log(q / (1 - q)), abs=1e-6)
    assert lower_bound(10, 4, 4, 0.0) == 0  # 1/16 is more than 1/20
    assert lower_bound(10, 5, 5, 0.0) > 0
    assert lower_bound(10, 0, 0, 0.0) == 0


def test_the_chance_is_binomial_without_delta_and_grows_with_it() -> None:
    q = 1 / (1 + math.exp(-1.5))
    assert chance(100, 50, 45, 1.5, 0.0) == pytest.approx(binom.sf(44, 50, q))
    one, other = chance(100, 50, 45, 1.5, 1e-6), chance(100, 50, 45, 1.5, 1e-3)
    assert chance(100, 50, 45, 1.5, 0.0) < one < other <= 1
    # the largest mean of the probabilities just below 45 right ones is that of some number of them
    below = [binom.pmf(range(45 - i, 45), 50, q).sum() / i for i in range(1, 46)]
    assert one == pytest.approx(binom.sf(44, 50, q) + 2 * 100 * 1e-6 * max(below))


@settings(max_examples=50)
@given(st.integers(1, 60), st.integers(0, 60), st.floats(0, 1e-4))
def test_more_right_guesses_never_lower_the_bound(guesses: int, right: int, delta: float) -> None:
    right = min(right, guesses)
    bounds = [lower_bound(100, guesses, one, delta) for one in (max(right - 1, 0), right)]
    assert 0 <= bounds[0] <= bounds[1] + 1e-9
    assert lower_bound(100, guesses, right, 0.01) <= bounds[1] + 1e-9


def test_copies_of_a_row_share_the_bound() -> None:
    assert lower_bound(50, 50, 48, 0.0, copies=4) == pytest.approx(lower_bound(50, 50, 48, 0.0) / 4)
    assert lower_bound(50, 50, 48, 1e-5, copies=4) <= lower_bound(50, 50, 48, 0.0, copies=4)


def test_guesses_by_hand() -> None:
    scores = np.array([0.1, 0.9, 0.5, 0.4])
    inserted = np.array([False, True, False, True])
    assert right_guesses(scores, inserted, 1, 1, 0) == (1, 1)
    assert right_guesses(scores, inserted, 2, 2, 0) == (1, 1)
    with pytest.raises(ValueError, match="5 guesses about 4"):
        right_guesses(scores, inserted, 3, 2, 0)


def null_scores(draw: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores that know nothing of the coins, rounded so that many are equal."""
    return np.round(draw.normal(size=count), 1), draw.random(count) < 0.5


@pytest.mark.parametrize(("count", "positive", "negative"), [(20, 5, 5), (100, 25, 25), (100, 100, 0), (400, 30, 0)])  # fmt: skip
def test_training_that_did_nothing_is_accused_no_more_often_than_the_level_says(
    count: int, positive: int, negative: int
) -> None:
    draw, trials, alarms = np.random.default_rng(2), 1000, 0
    bounds = {
        right: lower_bound(count, positive + negative, right, 1e-5)
        for right in range(positive + negative + 1)
    }
    for trial in range(trials):
        scores, inserted = null_scores(draw, count)
        alarms += bounds[sum(right_guesses(scores, inserted, positive, negative, trial))] > 0
    assert alarms <= binom.ppf(0.999, trials, 0.05)


def test_whoever_tries_all_numbers_of_guesses_accuses_too_often() -> None:
    """Why the numbers are parameters: the best of many is no bound at all."""
    draw, alarms = np.random.default_rng(3), 0
    bounds = {(n, k): lower_bound(100, n, k, 0.0) for n in range(5, 101, 5) for k in range(n // 2, n + 1)}  # fmt: skip
    for trial in range(300):
        scores, inserted = null_scores(draw, 100)
        right = {n: right_guesses(scores, inserted, n, 0, trial)[0] for n in range(5, 101, 5)}
        alarms += any(bounds.get((n, k), 0) > 0 for n, k in right.items())
    assert alarms > 0.1 * 300


@pytest.mark.parametrize("epsilon", [0.5, 2.0])
@pytest.mark.parametrize("delta", [0.0, 1e-3])
def test_training_that_spends_what_it_claims_is_seldom_accused(
    epsilon: float, delta: float
) -> None:
    """Randomised response spends exactly epsilon on each coin; with a chance of delta it gives the coin away."""
    draw, trials, count, over = np.random.default_rng(4), 1000, 100, 0
    bounds = [lower_bound(count, count, right, delta) for right in range(count + 1)]
    for trial in range(trials):
        inserted = draw.random(count) < 0.5
        lie = draw.random(count) < 1 / (1 + math.exp(epsilon))
        lie &= draw.random(count) >= delta
        scores = (inserted ^ lie).astype(float)
        half = count // 2
        over += bounds[sum(right_guesses(scores, inserted, half, half, trial))] > epsilon
    assert over <= binom.ppf(0.999, trials, 0.05)
