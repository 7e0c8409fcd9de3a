"""Limits of quantiles cover what they say, by ranks that can be looked up."""

from __future__ import annotations

import numpy as np
import pytest

from lextune.audits.numbers.quantiles import quantile_interval


def test_the_median_of_a_hundred_lies_between_the_40th_and_the_61st() -> None:
    found = quantile_interval(np.arange(1.0, 101.0), 0.5)
    assert found is not None
    assert (found.low, found.high) == (40.0, 61.0)


@pytest.mark.parametrize(("n", "share"), [(0, 0.5), (1, 0.5), (5, 0.5), (50, 0.95)])
def test_too_few_numbers_give_none(n: int, share: float) -> None:
    assert quantile_interval(np.arange(float(n)), share) is None


@pytest.mark.parametrize(("n", "share"), [(6, 0.5), (30, 0.5), (100, 0.95), (300, 0.95)])
def test_the_limits_cover_the_quantile(n: int, share: float) -> None:
    drawn = np.random.default_rng(n).exponential(size=(800, n))
    truth = -np.log(1 - share)
    found = [quantile_interval(one, share) for one in drawn]
    inside = [one is not None and one.low <= truth <= one.high for one in found]
    assert np.mean(inside) >= 0.94
