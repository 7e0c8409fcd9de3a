"""An epoch's plan holds every row once, is a function of its arguments alone, and pads little."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.training.batching import plan_epoch

LENGTHS = st.lists(st.integers(1, 512), min_size=0, max_size=400).map(
    lambda found: np.array(found, np.int64)
)


@settings(max_examples=100, deadline=None)
@given(LENGTHS, st.integers(1, 40), st.integers(0, 2**32 - 1), st.integers(0, 50))
def test_every_row_comes_once_in_full_batches_but_one(
    lengths: np.ndarray, batch: int, seed: int, epoch: int
) -> None:
    plan = plan_epoch(lengths, batch, seed, epoch)
    rows = [int(row) for one in plan for row in one]
    assert sorted(rows) == list(range(len(lengths)))
    assert len(plan) == -(-len(lengths) // batch)
    assert sum(len(one) != batch for one in plan) <= 1
    assert all(len(one) for one in plan)


@settings(max_examples=30, deadline=None)
@given(LENGTHS, st.integers(1, 40), st.integers(0, 2**32 - 1), st.integers(0, 50))
def test_the_same_arguments_give_the_same_plan(
    lengths: np.ndarray, batch: int, seed: int, epoch: int
) -> None:
    np.random.default_rng().random()  # no hidden state is drawn from
    one, two = (plan_epoch(lengths, batch, seed, epoch) for _ in range(2))
    assert [a.tolist() for a in one] == [b.tolist() for b in two]


@pytest.mark.parametrize(("seed", "epoch"), [(1, 0), (0, 1), (0, 2)])
def test_another_seed_or_epoch_has_another_order(seed: int, epoch: int) -> None:
    lengths = np.arange(1, 101)
    first = plan_epoch(lengths, 8, 0, 0)
    other = plan_epoch(lengths, 8, seed, epoch)
    assert [a.tolist() for a in first] != [b.tolist() for b in other]


def test_rows_of_a_batch_have_similar_lengths() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(8, 512, 3200)
    padded = sum(int(lengths[rows].max()) * len(rows) for rows in plan_epoch(lengths, 32, 0, 0))
    shuffled = rng.permutation(3200).reshape(-1, 32)
    at_random = sum(int(lengths[rows].max()) * 32 for rows in shuffled)
    assert padded < 1.05 * lengths.sum() < 0.6 * at_random


def test_batches_do_not_come_in_the_order_of_length() -> None:
    longest = [int(rows.max()) for rows in plan_epoch(np.arange(1, 401), 8, 0, 0)]
    assert longest != sorted(longest)
    assert longest != sorted(longest, reverse=True)
