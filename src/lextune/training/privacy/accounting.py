"""What steps of Poisson-sampled, noised gradients cost in epsilon, by two accountants; it knows no training.

The accountants are libraries: Opacus composes privacy loss random variables (Gopi, Lee and Wutschitz 2021,
arXiv:2106.02848), dp-accounting privacy loss distributions (Koskela et al. 2020, arXiv:1906.03049; Doroshenko et
al. 2022, arXiv:2207.04380). Both give upper bounds, for neighbours that differ in one row more or less.
"""

from __future__ import annotations

import functools
import math
import warnings
from dataclasses import dataclass

from lextune.errors import Problem, TrainingError
from lextune.extras import need

PRV, PLD = "opacus PRVAccountant", "dp-accounting PLDAccountant"
#: The PRV accountant's bound lies up to this above the truth by its own account.
_PRV_ERROR = 0.01
#: How far the two may lie apart beyond that, as a share of epsilon.
_APART = 0.02
#: Of privacy losses, in the PLD accountant: finer steps moved epsilon by less than 0.0003 and took ten times as long.
_STEP = 1e-3
#: Noise is sought between these multiples of the clipping bound, and as exactly, relatively.
_LEAST, _MOST, _EXACT = 0.15, 512.0, 1e-3


@dataclass(frozen=True)
class Mechanism:
    """What was done to the rows.

    Attributes:
        rate: Probability with which a row is in a step, in (0, 1].
        noise_multiplier: Standard deviation of the noise over the clipping bound.
        steps: How many.
    """

    rate: float
    noise_multiplier: float
    steps: int


@dataclass(frozen=True)
class Spent:
    """Epsilon at one delta, by each accountant; the larger one is what is claimed."""

    prv: float
    pld: float

    @property
    def epsilon(self) -> float:
        """The claim."""
        return max(self.prv, self.pld)


@functools.lru_cache(maxsize=64)
def spent(mechanism: Mechanism, delta: float) -> Spent:
    """Epsilon by both accountants.

    Raises:
        TrainingError: They contradict each other, or one gives no number: then there is no claim.
    """
    found = Spent(_prv(mechanism, delta), _pld(mechanism, delta))
    apart = abs(found.prv - found.pld)
    if not (math.isfinite(apart) and apart <= 2 * _PRV_ERROR + _APART * found.epsilon):
        raise TrainingError(
            Problem(
                f"two accountants give {found.prv:.4g} and {found.pld:.4g} as epsilon for a sampling rate of "
                f"{mechanism.rate:.3g}, noise of {mechanism.noise_multiplier:.4g} and {mechanism.steps} steps",
                "raise train.noise_multiplier, or set a larger train.target_delta that is below 1 / rows",
                "an epsilon that two computations do not agree on is not claimed",
            )
        )
    return found


def epsilon(mechanism: Mechanism, delta: float) -> float:
    """By the faster accountant alone, for curves."""
    return _pld(mechanism, delta)


@functools.lru_cache(maxsize=64)
def noise_for(target: float, delta: float, rate: float, steps: int) -> float:
    """The least noise multiplier with which neither accountant comes above `target`.

    Raises:
        TrainingError: There is none that the accountants can compute.
    """
    from scipy.optimize import brentq

    # what the other accountant will add
    goal = target - min(_PRV_ERROR, target / 10)

    def above(log_noise: float) -> float:
        return math.log(_pld(Mechanism(rate, math.exp(log_noise), steps), delta) / goal)

    low = high = 0.0
    while above(high) > 0:
        low, high = high, high + math.log(4)
        if high > math.log(_MOST):
            raise _out_of_reach(target, delta, steps)
    while low == high and low > math.log(_LEAST):
        low = max(math.log(_LEAST), low - math.log(2))
        low, high = (low, high) if above(low) > 0 else (low, low)
    noise = math.exp(high if low == high else brentq(above, low, high, xtol=_EXACT))
    while spent(Mechanism(rate, noise, steps), delta).epsilon > target:
        noise *= 1 + 2 * _EXACT
        if noise > _MOST:
            raise _out_of_reach(target, delta, steps)
    return noise


def _out_of_reach(target: float, delta: float, steps: int) -> TrainingError:
    return TrainingError(
        Problem(
            f"no noise of at most {_MOST:g} times the clipping bound keeps epsilon at {target:g} and delta at "
            f"{delta:.3g} over {steps} steps",
            "raise train.target_epsilon, or lower train.epochs or train.batch_size",
            "what a privacy budget allows falls with the rows and with the steps",
        )
    )


def _prv(mechanism: Mechanism, delta: float) -> float:
    accountants = need("privacy", "opacus.accountants")
    accountant = accountants.PRVAccountant()
    accountant.history = [(mechanism.noise_multiplier, mechanism.rate, mechanism.steps)]
    with warnings.catch_warnings():
        # of a looser bound that only sets the size of a grid here
        warnings.filterwarnings("ignore", message="Optimal order")
        return float(accountant.get_epsilon(delta=delta, eps_error=_PRV_ERROR))


def _pld(mechanism: Mechanism, delta: float) -> float:
    events = need("privacy", "dp_accounting")
    accounting = need("privacy", "dp_accounting.pld.pld_privacy_accountant")
    accountant = accounting.PLDAccountant(value_discretization_interval=_STEP)
    step = events.PoissonSampledDpEvent(
        mechanism.rate, events.GaussianDpEvent(mechanism.noise_multiplier)
    )
    accountant.compose(events.SelfComposedDpEvent(step, mechanism.steps))
    return float(accountant.get_epsilon(delta))
