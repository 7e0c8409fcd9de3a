"""The temperature is the one that made the scores, its interval holds it, and rows that say nothing of it give none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax

from lextune.temperature import LEAST_ROWS, Fit, fit_temperature, tempered


def drawn(
    rows: int, temperature: float, seed: int, classes: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """Labels of calibrated scores, and those scores made too sure by a factor."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (rows, classes))
    truth = softmax(logits, axis=1)
    labels = (rng.random((rows, 1)) > truth.cumsum(axis=1)).sum(axis=1).clip(0, classes - 1)
    return labels.astype(np.int64), softmax(logits * temperature, axis=1)


def loss(labels: np.ndarray, scores: np.ndarray, temperature: float) -> float:
    made = log_softmax(np.log(scores) / temperature, axis=1)
    return float(-made[np.arange(len(labels)), labels].mean())


def test_it_is_found_again_and_no_other_has_a_lower_loss() -> None:
    labels, scores = drawn(20_000, 2.5, 0)
    found = fit_temperature(labels, scores)
    assert found.value == pytest.approx(2.5, rel=0.04)
    assert found.interval is not None
    assert found.interval.low < 2.5 < found.interval.high
    best = loss(labels, scores, found.value)
    assert best < min(loss(labels, scores, found.value * by) for by in (0.9, 0.99, 1.01, 1.1))


@settings(max_examples=25, deadline=None)
@given(st.floats(0.2, 5), st.integers(0, 100))
def test_tempering_keeps_sums_and_order_and_is_undone(temperature: float, seed: int) -> None:
    _, scores = drawn(5, 1.0, seed)
    made = tempered(scores, temperature)
    np.testing.assert_allclose(made.sum(axis=1), 1)
    np.testing.assert_array_equal(made.argsort(axis=1), scores.argsort(axis=1))
    np.testing.assert_allclose(tempered(made, 1 / temperature), scores, atol=1e-9)


def test_by_hand() -> None:
    np.testing.assert_allclose(tempered(np.array([[0.8, 0.2]]), 2.0), [[2 / 3, 1 / 3]])
    np.testing.assert_allclose(
        tempered(np.array([[1.0, 0.0]], np.float32), 1.0), [[1, 0]], atol=1e-30
    )
    assert np.isnan(tempered(np.array([[np.nan, 0.5]]), 2.0)).all()


@pytest.mark.parametrize(("rows", "temperature", "least"), [(50, 2.0, 0.93), (200, 1.3, 0.93)])
def test_the_interval_holds_the_truth(rows: int, temperature: float, least: float) -> None:
    held = 0
    for seed in range(150):
        found = fit_temperature(*drawn(rows, temperature, seed, 2))
        held += (
            found.interval is not None and found.interval.low <= temperature <= found.interval.high
        )
    assert held / 150 >= least


def test_rows_that_say_nothing_give_none() -> None:
    labels, scores = drawn(400, 2.0, 1)
    few = fit_temperature(labels[: LEAST_ROWS - 1], scores[: LEAST_ROWS - 1])
    assert few == Fit(None, problem="49 rows do not determine a temperature; 50 are needed")
    right = fit_temperature(scores.argmax(axis=1), scores)
    assert right.value is None
    assert "ever surer" in right.problem
    wrong = fit_temperature(scores.argmin(axis=1), scores)
    assert wrong.value is None
    assert "contrary" in wrong.problem
    blind = fit_temperature(labels, np.full_like(scores, 1 / 3))
    assert blind.value is None
    broken = scores.copy()
    broken[3] = np.nan
    assert "finite" in fit_temperature(labels, broken).problem
