"""Histories as numbers: what is kept of them, how they are cut into passes, and what each position is taught."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.histories import Event, HistoryInput
from lextune.tasks.mapped import kept_rows
from lextune.tasks.sequence.events import (
    NOTHING,
    SCORES_AT_ONCE,
    HistoryEncoder,
    Sequences,
    View,
    batch_of,
    starts,
    taught_of,
)

ITEMS = ("007", "7", "a", "b", "c")


def history(*items: str, step: float = 60.0) -> HistoryInput:
    return HistoryInput(tuple(Event(name, step * place) for place, name in enumerate(items)))


def test_the_last_events_of_known_items_are_kept_and_ids_are_texts() -> None:
    encode = HistoryEncoder(ITEMS, 2)
    found = encode([history("a", "unheard", "7", "007"), history(), history("unheard")])
    assert found.items.tolist() == [1, 0]
    assert found.counts.tolist() == [2, 0, 0]
    assert found.truncated == 1
    assert found.lengths.tolist() == [3, 1, 1]
    assert encode.known(history("a", "unheard", "7", "007")) == [2, 1, 0]


def test_a_batch_is_padded_behind_and_says_the_time_between_events() -> None:
    found = HistoryEncoder(ITEMS, 8)([history("a"), history(), history("b", "c", "a")])
    batch = batch_of(found, np.array([2, 1, 0]))
    assert batch.items.tolist() == [[3, 4, 2], [-1, -1, -1], [2, -1, -1]]
    assert batch.gaps.tolist() == [[0, 60, 60], [0, 0, 0], [0, 0, 0]]
    assert batch.counts.tolist() == [3, 0, 1]
    assert not batch.every


def test_in_prediction_each_row_is_taught_its_label_alone() -> None:
    found = HistoryEncoder(ITEMS, 8)([history("a", "b"), history()])
    assert taught_of(found, np.array([1, 0]), np.array([4, NOTHING])).tolist() == [NOTHING, 4]


rows = st.lists(st.lists(st.sampled_from(ITEMS), max_size=20), min_size=1, max_size=12)


@given(rows, st.integers(0, 3))
def test_in_training_each_position_is_taught_what_follows(
    found: list[list[str]], epoch: int
) -> None:
    plain = HistoryEncoder(ITEMS, 18)([history(*one) for one in found])
    seen = plain.seen(View(7, epoch))
    labels = np.arange(len(found)) % (len(ITEMS) + 1) - 1
    order = np.arange(len(found))[::-1]
    taught = taught_of(seen, order, labels)
    times = starts(seen.counts)
    assert (times >= 1).all()
    ends = np.cumsum((times + seen.counts)[order])
    assert len(taught) == ends[-1]
    for row, end in zip(order, ends, strict=True):
        own = taught[end - times[row] - seen.counts[row] : end].tolist()
        items = [*seen.row(row)[0].tolist(), labels[row]]  # times differ, so no order is drawn
        assert own[times[row] :] == items[1:]
        known = {*items} - {NOTHING} or {NOTHING}
        assert {*own[: times[row]]} <= known
    assert taught.tolist() == taught_of(seen, order, labels).tolist()


def test_events_of_one_time_are_seen_in_another_order_in_each_epoch_and_others_are_not() -> None:
    together = HistoryEncoder(ITEMS, 8)([history(*"abc", step=0.0), history(*"abc")])
    orders = {tuple(together.seen(View(0, epoch)).row(0)[0].tolist()) for epoch in range(40)}
    assert orders == {(2, 3, 4), (2, 4, 3), (3, 2, 4), (3, 4, 2), (4, 2, 3), (4, 3, 2)}
    assert {tuple(together.seen(View(0, n)).row(1)[0].tolist()) for n in range(40)} == {(2, 3, 4)}


@given(st.lists(st.integers(0, 60), max_size=40), st.integers(1, 200), st.integers(1, 10**8))
def test_every_row_is_in_one_part_and_no_part_holds_too_many_scores(
    counts: list[int], tokens: int, catalogue: int
) -> None:
    events = np.zeros(sum(counts), np.int32)
    rows = Sequences(events, events.astype(float), np.array(counts, np.int64),
                     np.zeros(len(counts), bool), catalogue)  # fmt: skip
    parts = rows.cut(np.arange(len(rows)), tokens)
    assert sorted(row for part in parts for row in part.tolist()) == list(range(len(rows)))
    for part in parts:
        places = len(part) * int(rows.lengths[part].max())
        assert len(part) == 1 or places <= min(tokens, max(1, SCORES_AT_ONCE // catalogue))


def test_kept_histories_are_mapped_as_they_were(tmp_path: Path) -> None:
    encode = HistoryEncoder(ITEMS, 2)
    blocks = [[history("a", "b", "c"), history()], [history("7")]]
    whole = encode([one for block in blocks for one in block])
    found = kept_rows(tmp_path / "tokens" / "x", encode, blocks, lambda _: None)
    for name, array in whole.arrays().items():
        np.testing.assert_array_equal(array, found.arrays()[name])
    assert found.catalogue == whole.catalogue
    assert found.row(2)[0].tolist() == [1]


def test_draws_belong_to_an_epoch() -> None:
    with pytest.raises(AssertionError):
        HistoryEncoder(ITEMS, 2)([history("a")]).draw(0)
