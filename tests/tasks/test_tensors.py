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


def test_frozen_parameters_may_be_left_out_and_stay() -> None:
    given, other = Shared(2.0), Shared(5.0)
    for model in (given, other):
        model.first.weight.requires_grad_(False)
    found = distinct_tensors(given, frozen=False)
    assert set(found) == {"first.bias", "second.bias", "empty", "void"}
    load_distinct(other, found)
    assert torch.equal(other.first.bias, given.first.bias)
    assert bool((other.second.weight == 5).all())
    load_distinct(other, distinct_tensors(given))
    assert bool((other.second.weight == 2).all())


@pytest.mark.parametrize("spoil", ["second.bias", "more"])
def test_a_trained_tensor_that_is_missing_or_unknown_is_an_error(spoil: str) -> None:
    model = Shared(2.0)
    model.first.weight.requires_grad_(False)
    found = distinct_tensors(model, frozen=False)
    if found.pop(spoil, None) is None:
        found[spoil] = torch.ones(1)
    with pytest.raises(RuntimeError, match=spoil):
        load_distinct(model, found)
