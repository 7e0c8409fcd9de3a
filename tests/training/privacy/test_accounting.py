from __future__ import annotations

import numpy as np
import pytest

from lextune.errors import TrainingError
from lextune.training.privacy import accounting
from lextune.training.privacy.accounting import Mechanism, Spent, epsilon, noise_for, spent


def test_two_accountants_agree_and_the_larger_one_is_claimed() -> None:
    found = spent(Mechanism(0.01, 4.0, 1_000), 1e-5)
    assert 0.2 < found.pld < 0.4
    assert found.pld == pytest.approx(found.prv, abs=0.02)
    assert found.epsilon == max(found.prv, found.pld)


def test_a_gaussian_without_sampling_costs_what_its_formula_says() -> None:
    """Balle and Wang 2018, arXiv:1805.06530, theorem 8, solved for epsilon."""
    from scipy.optimize import brentq
    from scipy.stats import norm

    def delta(eps: float, mu: float) -> float:
        return float(norm.cdf(mu / 2 - eps / mu) - norm.cdf(-mu / 2 - eps / mu) * np.exp(eps))

    exact = brentq(lambda eps: delta(eps, 4**0.5 / 2.0) - 1e-5, 0.1, 20)
    assert epsilon(Mechanism(1.0, 2.0, 4), 1e-5) == pytest.approx(exact, abs=2e-3)


def test_more_steps_or_rows_or_less_noise_cost_more() -> None:
    base = epsilon(Mechanism(0.05, 1.0, 100), 1e-5)
    assert epsilon(Mechanism(0.05, 1.0, 200), 1e-5) > base
    assert epsilon(Mechanism(0.1, 1.0, 100), 1e-5) > base
    assert epsilon(Mechanism(0.05, 0.8, 100), 1e-5) > base
    assert epsilon(Mechanism(0.05, 1.0, 100), 1e-6) > base


def test_the_least_noise_for_a_target_keeps_it_and_hardly_less_does() -> None:
    noise = noise_for(3.0, 1e-3, 0.1, 10)
    assert spent(Mechanism(0.1, noise, 10), 1e-3).epsilon <= 3.0
    assert epsilon(Mechanism(0.1, noise * 0.99, 10), 1e-3) > 3.0 - 0.02


def test_accountants_that_contradict_each_other_claim_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(accounting, "_prv", lambda mechanism, delta: 1.0)
    for other in (1.2, float("nan"), float("inf")):
        monkeypatch.setattr(accounting, "_pld", lambda mechanism, delta, other=other: other)
        with pytest.raises(TrainingError, match="two accountants"):
            spent.__wrapped__(Mechanism(0.01, 1.0, 10), 1e-5)
    assert Spent(1.0, 1.2).epsilon == 1.2


def test_a_target_out_of_reach_is_refused() -> None:
    with pytest.raises(TrainingError, match="no noise"):
        noise_for(1e-4, 1e-9, 1.0, 1000)
