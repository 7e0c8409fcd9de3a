"""Risk over coverage by hand, without regard to the order of equal rows, and intervals that hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lextune.audits.numbers.abstention import answered, risk_area, risk_area_interval
from lextune.statistics import wilson


def test_the_area_is_the_mean_over_coverages() -> None:
    confidence, wrong = np.array([0.9, 0.6, 0.8]), np.array([False, True, True])
    assert risk_area(confidence, wrong) == pytest.approx((0 + 1 / 2 + 2 / 3) / 3)
    assert risk_area(np.full(2, 0.5), np.array([True, False])) == 0.5
    assert math.isnan(risk_area(np.empty(0), np.empty(0, bool)))
    assert risk_area_interval(np.empty(0), np.empty(0, bool), samples=5, seed=0) is None


def test_the_surest_are_answered() -> None:
    least, rows = answered(np.array([0.2, 0.9, 0.5, 0.5]), 0.5)
    assert least == 0.5
    assert rows.tolist() == [False, True, True, True]
    assert answered(np.array([0.2, 0.9]), 1.0)[0] == 0.2
    assert answered(np.arange(10.0), 0.7)[1].sum() == 7


@pytest.mark.parametrize("rows", [20, 60])
@pytest.mark.parametrize("name", ["calibrated", "seldom", "contrary"])
def test_intervals_hold_the_truth(name: str, rows: int) -> None:
    curves = {
        "calibrated": lambda sure: 1 - sure,
        "seldom": lambda sure: np.full_like(sure, 0.02),
        "contrary": lambda sure: sure - 0.5,
    }
    rng, held, trials = np.random.default_rng(rows), np.zeros(2), 150
    many = np.sort(0.5 + rng.beta(5, 1, 200_000) / 2)[::-1]
    risks = curves[name](many).cumsum() / np.arange(1, len(many) + 1)
    for seed in range(trials):
        sure = 0.5 + rng.beta(5, 1, rows) / 2
        wrong = rng.random(rows) < curves[name](sure)
        area = risk_area_interval(sure, wrong, samples=200, seed=seed)
        some = answered(sure, 0.8)[1]
        limits = wilson(int(wrong[some].sum()), int(some.sum()))
        assert area is not None
        assert limits is not None
        held += [
            area.low <= risks.mean() <= area.high,
            limits.low <= risks[int(0.8 * len(risks)) - 1] <= limits.high,
        ]
    assert (held / trials >= 0.92).all()
