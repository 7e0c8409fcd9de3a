from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lextune.training.privacy.secret import Secret, fresh

SECRET = Secret(bytes(range(32)))


def test_a_fresh_secret_is_another_each_time() -> None:
    assert len({fresh() for _ in range(8)}) == 8
    with pytest.raises(ValueError, match="32 bytes"):
        Secret(b"short")


def noise(secret: Secret, count: int, number: int, scale: float = 1.0) -> torch.Tensor:
    found = torch.zeros(count)
    secret.add_noise([found], scale, number)
    return found


def test_noise_is_normal_with_the_asked_deviation() -> None:
    found = noise(SECRET, 400_001, 0, 3.0).double().numpy() / 3
    assert stats.kstest(found, "norm").pvalue > 0.001
    # the squares too: each is chi-squared, so that their sum has a deviation of sqrt(2 n)
    assert abs((found**2).sum() - len(found)) < 4 * np.sqrt(2 * len(found))
    tails = (np.abs(found) > 3).sum()
    assert stats.binomtest(int(tails), len(found), 2 * stats.norm.sf(3)).pvalue > 0.001
    half = len(found) // 2  # cosine and sine of one draw
    assert abs(np.corrcoef(found[:half], found[half : 2 * half])[0, 1]) < 4 / np.sqrt(half)


def test_each_step_has_its_own_noise_and_the_same_one_again_on_resume() -> None:
    assert torch.equal(noise(SECRET, 1000, 7), noise(Secret(SECRET.key), 1000, 7))
    for other in (noise(SECRET, 1000, 8), noise(Secret(bytes(32)), 1000, 7)):
        assert abs(float(torch.corrcoef(torch.stack([noise(SECRET, 1000, 7), other]))[0, 1])) < 0.15


def test_noise_goes_on_from_tensor_to_tensor_and_is_added() -> None:
    one, two = torch.ones(600_000, 1), torch.ones(3)
    SECRET.add_noise([one, two], 2.0, 1)
    assert not torch.equal(one[:3, 0], two)
    assert abs(float(one.mean()) - 1) < 0.02
    assert float(two.sub(1).abs().min()) > 0


def test_each_row_is_sampled_by_a_coin_of_its_own() -> None:
    rate, rows, steps = 0.1, 200, 3000
    taken = np.zeros((steps, rows))
    for step in range(steps):
        taken[step, SECRET.sample(rows, rate, step)] = 1
    sizes = taken.sum(1)
    # sizes of samples vary as sums of coins do: chi-squared of their variance, and of the rows' counts
    spread = sizes.var(ddof=1) / (rows * rate * (1 - rate)) * (steps - 1)
    assert 0.001 < stats.chi2.sf(spread, steps - 1) < 0.999
    counts = (taken.sum(0) - steps * rate) / np.sqrt(steps * rate * (1 - rate))
    assert stats.kstest(counts, "norm").pvalue > 0.001


@given(rows=st.integers(1, 50), rate=st.floats(1e-6, 1), number=st.integers(0, 10**9))
@settings(max_examples=50, deadline=None)
def test_samples_are_ascending_and_the_same_again(rows: int, rate: float, number: int) -> None:
    found = SECRET.sample(rows, rate, number)
    assert (np.diff(found) > 0).all()
    assert len(found) == 0 or (found[0] >= 0 and found[-1] < rows)
    np.testing.assert_array_equal(found, SECRET.sample(rows, rate, number))
    assert len(SECRET.sample(rows, 1.0, number)) == rows
