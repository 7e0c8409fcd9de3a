"""One class a row: classes go by name, shares of classes are taught like classes, and near answers are unsure."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lextune.tasks.one_class import OneClass

TASK = OneClass()


def test_classes_go_by_name() -> None:
    assert TASK.numbers(["b", "a", "b"], ["a", "b"]).tolist() == [1, 0, 1]
    with pytest.raises(KeyError):
        TASK.numbers(["c"], ["a", "b"])


def test_shares_of_classes_are_taught_like_classes() -> None:
    logits = torch.tensor([[1.0, 0.0, -1.0], [0.5, 2.0, 0.0]])
    whole = TASK.loss(logits, torch.tensor([0, 1]))
    shares = torch.tensor([[1.0, 0.0], [0.0, 1.0]])  # the last class occurs in no row
    assert float(TASK.loss(logits, shares)) == pytest.approx(float(whole))
    assert float(whole) == pytest.approx(float(-logits.log_softmax(1)[[0, 1], [0, 1]].mean()))


def test_near_answers_are_unsure_and_so_are_numbers_that_are_none() -> None:
    scores = np.array([[0.9, 0.1], [0.52, 0.48], [np.nan, 0.5]], np.float32)
    assert TASK.unsure(scores).tolist() == [False, True, True]
    assert TASK.right(torch.tensor([[2.0, 1.0], [0.0, 1.0]]), torch.tensor([0, 0])) == (1, 2)
    assert TASK.accepts(torch.zeros(2, 3), torch.zeros(2), 3)
    assert not TASK.accepts(torch.zeros(2, 3), torch.zeros(3), 3)
