"""The network over events: it sees no event to come, nor padding, and leaves items without events where they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lextune.histories import Event, HistoryInput
from lextune.tasks.sequence.events import HistoryEncoder, Sequences, View, batch_of
from lextune.tasks.sequence.network import SequenceRecommender, Shape

ITEMS = tuple("abcdef")


def network(dropout: float = 0.0, cold: tuple[bool, ...] | None = None) -> SequenceRecommender:
    torch.manual_seed(0)
    model = SequenceRecommender(
        Shape(len(ITEMS), 5, 16, 2, 2), dropout, torch.randn(len(ITEMS), 5),
        None if cold is None else torch.tensor(cold),
    )  # fmt: skip
    with torch.no_grad():
        model.own.normal_()
        model.popularity.normal_()
    return model.eval()


def histories(*words: str) -> Sequences:
    return HistoryEncoder(ITEMS, 50)(
        [HistoryInput(tuple(Event(one, float(n * n)) for n, one in enumerate(word))) for word in words]
    )  # fmt: skip


@torch.inference_mode()
def test_what_comes_later_or_stands_beside_changes_no_answer() -> None:
    model = network()
    rows = histories("abcdef", "ab", "")
    both = model(batch_of(rows.seen(View(0, 0)), np.array([0, 1, 2])))
    assert both.shape == (7 + 3 + 1, len(ITEMS))
    alone = model(batch_of(rows, np.array([1])))
    torch.testing.assert_close(both[9:10], alone)  # after `ab`, beside a longer row
    torch.testing.assert_close(both[2:3], alone)  # after `ab`, before `cdef`
    torch.testing.assert_close(both[0:1], both[10:11])  # before any event
    longer = model(batch_of(histories("abc"), np.array([0])))
    assert not torch.allclose(longer, alone)


@torch.inference_mode()
def test_a_history_without_events_is_answered_alike_for_everybody() -> None:
    model = network()
    found = model(batch_of(histories("", "", "abc"), np.array([0, 1])))
    torch.testing.assert_close(found[0], found[1])


@torch.inference_mode()
def test_time_and_order_count() -> None:
    model = network()
    quick = HistoryEncoder(ITEMS, 9)([HistoryInput((Event("a", 0.0), Event("b", 1.0)))])
    slow = HistoryEncoder(ITEMS, 9)([HistoryInput((Event("a", 0.0), Event("b", 1e6)))])
    one, other = (model(batch_of(rows, np.array([0]))) for rows in (quick, slow))
    assert not torch.allclose(one, other)
    turned = model(batch_of(histories("ba"), np.array([0])))
    assert not torch.allclose(model(batch_of(histories("ab"), np.array([0]))), turned)


def test_training_leaves_an_item_without_events_out_of_its_softmax() -> None:
    model = network(cold=(False,) * 5 + (True,)).train()
    scores = model(batch_of(histories("abc").seen(View(0, 0)), np.array([0])))
    assert scores[:, 5].tolist() == [-float("inf")] * 4
    torch.nn.functional.cross_entropy(scores, torch.tensor([0, 1, 2, 3])).backward()
    assert model.own.grad is not None
    assert model.own.grad[5].abs().sum() == 0
    assert model.popularity.grad is not None
    assert model.popularity.grad[5] == 0
    assert torch.isfinite(model.eval()(batch_of(histories("abc"), np.array([0])))).all()


def test_in_training_some_items_are_told_by_their_text_alone() -> None:
    model = network().train()
    texts = model.project(model.texts)
    seen = [(model.table()[0] - texts).abs().sum(1) == 0 for _ in range(200)]
    share = torch.stack(seen).float().mean()
    assert share == pytest.approx(0.1, abs=0.03)
    torch.testing.assert_close(model.eval().table()[0], texts + model.own)
