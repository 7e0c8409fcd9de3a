"""Each tensor of a model is named once, and all names get it back."""

from __future__ import annotations

import pytest
import torch

from lextune.tasks.tensors import distinct_tensors, load_distinct


class Shared(torch.nn.Module):
    """Two layers with one weight, a buffer without content, and a slice of nothing."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.first, self.second = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
        torch.nn.init.constant_(self.first.weight, value)
        self.second.weight = self.first.weight
        self.register_buffer("empty", torch.zeros(0))
        self.register_buffer("void", torch.zeros(0))


def test_a_shared_tensor_is_named_once_and_restored_under_both_names() -> None:
    given, other = Shared(2.0), Shared(5.0)
    found = distinct_tensors(given)
    assert set(found) == {"first.weight", "first.bias", "second.bias", "empty", "void"}
    load_distinct(other, found)
    assert all(
        torch.equal(one, two)
        for one, two in zip(given.state_dict().values(), other.state_dict().values(), strict=True)
    )
    assert other.second.weight is other.first.weight


def test_a_tensor_that_is_not_there_is_an_error() -> None:
    found = distinct_tensors(Shared(2.0))
    del found["first.weight"]
    with pytest.raises(RuntimeError, match=r"first\.weight"):
        load_distinct(Shared(1.0), found)


def test_a_model_that_shares_nothing_is_its_state() -> None:
    model = torch.nn.Linear(3, 2)
    assert distinct_tensors(model).keys() == model.state_dict().keys()
