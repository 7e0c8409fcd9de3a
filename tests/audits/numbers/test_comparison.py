"""Gaps and ratios of several groups against simulated and counted truth: of like groups they hold 0 or 1."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from lextune.audits.numbers import comparison
from lextune.audits.numbers.comparison import Means, Proportions
from lextune.audits.numbers.means import Sums

TRIALS = 1000
SHARES = [0.02, 0.1, 0.5, 0.97]


def drawn(sizes: tuple[int, ...], truth: list[float], trials: int = TRIALS) -> Proportions:
    rng = np.random.default_rng([len(sizes), *sizes])
    of = np.broadcast_to(np.array(sizes), (trials, len(sizes)))
    return Proportions(rng.binomial(of, truth), of)


@pytest.mark.parametrize("sizes", [(60, 60), (30, 30), (12, 48), (10, 200), (80, 80)])
def test_the_gap_of_two_like_groups_excludes_0_in_at_most_5_of_100(sizes: tuple[int, int]) -> None:
    """Not simulated but counted: over all pairs of counts with their probabilities."""
    grid = np.stack(np.meshgrid(*(np.arange(n + 1) for n in sizes), indexing="ij"), axis=-1)
    figure = Proportions(grid, np.array(sizes))
    excludes = comparison.widest(figure).low > 0
    below_1 = comparison.to_best(figure).high.min(axis=-1) < 1
    for share in np.linspace(0.02, 0.98, 25):
        chance = np.outer(*(binom.pmf(np.arange(n + 1), n, share) for n in sizes))
        assert chance[excludes].sum() <= 0.05
        assert chance[below_1].sum() <= 0.05
    assert excludes.any()


@pytest.mark.parametrize(
    "sizes", [(20, 20, 20), (60, 60, 60), (15,) * 4, (60,) * 6, (10, 200, 30), (10,) * 4 + (400,)]
)
def test_the_gap_of_several_like_groups_excludes_0_in_at_most_5_of_100(
    sizes: tuple[int, ...],
) -> None:
    for share in SHARES:
        figure = drawn(sizes, [share] * len(sizes))
        assert (comparison.widest(figure).low > 0).mean() <= 0.05
        assert (comparison.widest(figure, 2).low > 0).mean() <= 0.025
        with np.errstate(invalid="ignore"):
            assert (comparison.to_best(figure).high.min(axis=-1) < 1).mean() <= 0.05


def test_the_bootstrap_of_the_gap_would_exclude_0_nearly_always() -> None:
    """The trap: 40 trials with six like groups of 60 rows, percentile bootstrap of max minus min."""
    rng = np.random.default_rng(0)
    hits = rng.binomial(60, 0.3, (40, 6))
    again = rng.binomial(60, hits[:, None] / 60, (40, 500, 6)) / 60
    low = np.quantile(again.max(axis=-1) - again.min(axis=-1), 0.025, axis=1)
    assert (low > 0).sum() == 40
    ours = comparison.widest(Proportions(hits, np.full(6, 60)))
    assert (ours.low > 0).sum() <= 2


@pytest.mark.parametrize(
    "sizes", [(60, 60), (20, 20, 20), (60, 60, 60, 60), (10, 200, 40), (15,) * 5]
)
def test_joint_limits_hold_all_truths_at_once(sizes: tuple[int, ...]) -> None:
    count = len(sizes)
    pairs = count * (count - 1) // 2
    for truth in (
        [0.05, 0.1, 0.2, 0.02, 0.1],
        [0.3, 0.5, 0.6, 0.4, 0.8],
        [0.02, 0.9, 0.97, 0.5, 0.1],
    ):
        shares = np.array(truth[:count])
        figure = drawn(sizes, truth[:count])
        apart = figure.together(pairs)
        true = shares[:, None] - shares[None, :]
        held = (apart.low <= true + 1e-12) & (true <= apart.high + 1e-12)
        assert held.all(axis=(-1, -2)).mean() >= 0.93
        over = figure.ratios_together(pairs)
        true = shares[:, None] / shares[None, :]
        held = (over.low <= true * (1 + 1e-9)) & (true <= over.high * (1 + 1e-9))
        assert held.all(axis=(-1, -2)).mean() >= 0.93
        gap = comparison.widest(figure)
        width = shares.max() - shares.min()
        assert ((gap.low <= width) & (width <= gap.high)).mean() >= 0.93
        best, least = comparison.to_best(figure), shares / shares.max()
        known = np.isfinite(best.value)
        held = (best.low <= least + 1e-12) & (least <= best.high + 1e-12)
        assert held[known.all(axis=-1)].all(axis=-1).mean() >= 0.93


@pytest.mark.parametrize("count", [2, 3, 6])
def test_the_gap_of_means_of_like_groups_excludes_0_in_at_most_5_of_100(count: int) -> None:
    """Errors of rows in thirds, as those of entities are; 60 rows a group, and 60 in all."""
    for n in (60, 60 // count):
        rng = np.random.default_rng([count, n])
        values = rng.choice([0.0, 1 / 3, 1.0], (TRIALS, count, n), p=[0.6, 0.3, 0.1])
        sums = Sums(
            np.full((TRIALS, count), n), values.sum(-1), np.square(values).sum(-1), (0.0, 1.0)
        )
        assert (comparison.widest(Means(sums)).low > 0).mean() <= 0.05


def test_a_gap_by_hand() -> None:
    figure = Proportions(np.array([9, 3]), np.array([10, 10]))
    gap = comparison.widest(figure)
    assert (float(gap.value), float(gap.low), float(gap.high)) == pytest.approx(
        (0.6, 0.1705, 0.8090), abs=5e-5
    )
    best = comparison.to_best(figure)
    assert best.value.tolist() == pytest.approx([1.0, 1 / 3])
    assert best.high[0] == 1.0
    assert best.high[1] == pytest.approx(figure.ratios(1).high[1, 0])


def test_a_gap_that_the_exact_test_does_not_tell_from_chance_holds_0() -> None:
    """Newcombe's interval of 1 of 10 against 0 of 200 leaves 0 out at the level of 45 pairs; Fisher's p is 0.095."""
    figure = Proportions(np.array([1, 0]), np.array([10, 200]))
    assert figure.differences(1).low[0, 1] > 0
    assert figure.p_values[0, 1] == pytest.approx(2 * 10 / 210)
    assert comparison.widest(figure).low == 0


def test_nobody_selected_has_no_impact_ratio() -> None:
    best = comparison.to_best(Proportions(np.array([0, 0]), np.array([20, 30])))
    assert np.isnan(best.value).all()


def test_adjusted_p_values_are_of_each_pair_once() -> None:
    raw = np.array([[1.0, 0.01, 0.04], [0.01, 1.0, np.nan], [0.04, np.nan, 1.0]])
    found = comparison.adjusted(raw)
    assert found[0, 1] == found[1, 0] == pytest.approx(0.02)
    assert found[0, 2] == pytest.approx(0.04)
    assert np.isnan(found[1, 2])
    assert np.isnan(found[0, 0])


def test_each_group_against_the_rest() -> None:
    figure = Proportions(np.array([1, 2, 3]), np.array([4, 5, 6])).against_rest()
    assert figure.hits.tolist() == [[1, 5], [2, 4], [3, 3]]
    assert figure.of.tolist() == [[4, 11], [5, 10], [6, 9]]
