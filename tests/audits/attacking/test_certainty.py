"""Regressions beside an attack: they do not see the row, and two equal samples look equal to them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from lextune.audits.attacking.certainty import out_of_fold, told_apart
from lextune.audits.numbers.attacks import area


def test_probabilities_are_of_regressions_that_did_not_see_the_row() -> None:
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 3, 300)
    plain = out_of_fold(np.eye(3)[labels] + 0.1 * draw.normal(size=(300, 3)), labels, 0)
    assert plain is not None
    np.testing.assert_allclose(plain.sum(axis=1), 1)
    assert (plain.argmax(axis=1) == labels).mean() > 0.95
    alone = out_of_fold(np.eye(300), labels, 0)  # a row is told by a place of its own alone
    assert alone is not None
    assert abs((alone.argmax(axis=1) == labels).mean() - 1 / 3) < 0.12


def test_too_few_rows_are_not_fitted() -> None:
    assert out_of_fold(np.zeros((20, 2)), np.repeat([0, 1], [15, 5]), 0) is None
    assert told_apart(np.zeros((20, 2)), np.arange(20) < 9, 0) is None


@pytest.mark.parametrize("hidden", [1, 20])
def test_two_samples_of_one_kind_are_seldom_told_apart(hidden: int) -> None:
    draw, trials, count, wrong = np.random.default_rng(1), 120, 30, 0
    for trial in range(trials):
        features = draw.standard_t(3, (2 * count, hidden))
        found = told_apart(features, np.arange(2 * count) < count, trial)
        assert found is not None
        interval = area(*found)[1]
        assert interval is not None
        wrong += not interval.low <= 0.5 <= interval.high
    assert wrong <= binom.ppf(0.99, trials, 0.05)


def test_two_samples_of_two_kinds_are() -> None:
    features = np.random.default_rng(2).normal(size=(200, 3))
    first = np.arange(200) < 100
    features[first, 1] += 2
    found = told_apart(features, first, 0)
    assert found is not None
    interval = area(*found)[1]
    assert interval is not None
    assert interval.low > 0.7
