"""Operations of a pass are those that the layers' shapes say, attention included, and the model stays as it was."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention

from lextune.tasks.counting import operations


class _Task:
    """Rows of numbers into one linear layer, and attention of each row with itself where that is asked for."""

    def __init__(self, *, attends: bool) -> None:
        self.attends = attends

    def collate(self, encoded: Any, rows: Any) -> torch.Tensor:
        return torch.tensor(np.array(encoded)[rows], dtype=torch.float32)

    def logits(self, model: torch.nn.Module, batch: torch.Tensor) -> torch.Tensor:
        found = model(batch)
        if self.attends:  # (rows, heads, tokens, width)
            states = found.view(len(batch), 2, -1, 4)
            found = scaled_dot_product_attention(states, states, states)
        assert isinstance(found, torch.Tensor)
        return found


def loaded(*, attends: bool = False) -> Any:
    model = torch.nn.Linear(10, 48)
    return SimpleNamespace(task=_Task(attends=attends), model=model, encode=list, classes=())


ROWS = np.ones((5, 10)).tolist()


def test_a_linear_layer_takes_two_operations_a_weight_and_row() -> None:
    forward = 2 * 5 * 10 * 48
    assert operations(loaded(), ROWS, backward=False) == forward
    # back to its weights; the inputs need no gradient
    assert operations(loaded(), ROWS, backward=True) == 2 * forward


def test_attention_is_counted_on_a_cpu() -> None:
    tokens = 48 // 8
    attention = 2 * 2 * 5 * 2 * tokens * tokens * 4  # two products of (tokens, 4) a row and head
    plain = operations(loaded(), ROWS, backward=False)
    assert operations(loaded(attends=True), ROWS, backward=False) == plain + attention
    both = operations(loaded(attends=True), ROWS, backward=True)
    assert 2 * plain + 3 * attention <= both <= 2 * plain + 4 * attention


def test_the_model_stays_as_it_was() -> None:
    one = loaded()
    one.model.bias.requires_grad_(False)
    operations(one, ROWS, backward=True)
    assert one.model.weight.requires_grad
    assert not one.model.bias.requires_grad
    assert one.model.weight.grad is None
