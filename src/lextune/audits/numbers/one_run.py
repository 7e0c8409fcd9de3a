"""A lower bound of epsilon from guesses about one training run; it knows no model and no accountant.

Steinke, Nasr and Jagielski 2023, "Privacy Auditing with One (1) Training Run" (arXiv:2305.08846): `canaries` rows are each put
in or left out by a fair coin; an auditor guesses of some of them. Where training is (epsilon, delta)-private, the number of right
guesses is stochastically below a binomial number (theorem 5.2, with the code of appendix D). How many guesses are made must not
depend on the coins: whoever tries several numbers and reports the best claims privacy loss where there is none.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Beyond it the chance that all guesses are right is 1 in float64.
_LARGEST = 60.0
_HALVINGS = 40


def right_guesses(
    scores: Floats, inserted: Bools, positive: int, negative: int, seed: int
) -> tuple[int, int]:
    """How many guesses are right: that the highest scores are in, and that the lowest are not.

    Args:
        scores: Shape (canaries,); the higher, the more it looks as if it was trained on.
        inserted: The coins, shape (canaries,).
        positive: Guesses that one is in.
        negative: Guesses that one is not.
        seed: Of the order of equal scores, which must not follow the coins.

    Returns:
        Right ones of either sort.

    Raises:
        ValueError: There are more guesses than canaries.
    """
    if positive + negative > len(scores):
        raise ValueError(f"{positive + negative} guesses about {len(scores)} canaries")
    ties = np.random.default_rng(seed).random(len(scores))
    order = np.lexsort((ties, scores))
    return int(inserted[order[len(order) - positive :]].sum()), int(
        (~inserted[order[:negative]]).sum()
    )


def chance(canaries: int, guesses: int, right: int, epsilon: float, delta: float) -> float:
    """Most probable that at least so many guesses are right, if training is (epsilon, delta)-private.

    Args:
        canaries: Coins that were tossed.
        guesses: At most `canaries`.
        right: At most `guesses`.
        epsilon: At least 0.
        delta: 0 to 1.
    """
    from scipy.special import betainc

    if not right:
        return 1.0
    q = 1 / (1 + math.exp(-epsilon))
    beta = float(betainc(right, guesses - right + 1, q))
    if not delta:
        return beta
    steps = np.arange(1, right + 1)
    # P(right > B >= right - i) for each i: P(B >= j) is an incomplete beta function of j, and 1 for j = 0
    reached = np.append(betainc(right - steps[:-1], guesses - right + 1 + steps[:-1], q), 1.0)
    alpha = float(((reached - beta) / steps).max())
    return min(beta + 2 * canaries * delta * alpha, 1.0)


def lower_bound(
    canaries: int, guesses: int, right: int, delta: float, level: float = 0.95, copies: int = 1
) -> float:
    """The largest epsilon of one row that the guesses refute at this level; 0 where they refute none.

    Where every canary stands in training `copies` times, what is refuted is the privacy of a group of so many rows:
    copies * epsilon, and delta * (e^(copies * epsilon) - 1) / (e^epsilon - 1) (Vadhan 2017, "The Complexity of
    Differential Privacy", lemma 2.2).

    Args:
        canaries: Coins that were tossed.
        guesses: How many, fixed before anything was scored.
        right: How many were right.
        delta: Of one row.
        level: One-sided.
        copies: Of each canary that is in.
    """

    def refuted(epsilon: float) -> bool:
        group = delta * copies
        if epsilon > 0 and copies > 1:
            group = delta * math.expm1(min(copies * epsilon, 700.0)) / math.expm1(epsilon)
        return chance(canaries, guesses, right, copies * epsilon, min(group, 1.0)) < 1 - level

    low, high = 0.0, _LARGEST / copies
    if not guesses or not refuted(0.0):
        return 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if refuted(middle) else (low, middle)
    return low
