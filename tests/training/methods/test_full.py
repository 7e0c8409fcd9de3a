"""`full` trains everything that is not frozen, and weight decay spares biases and norms."""

from __future__ import annotations

import torch

from lextune.config_training import TrainConfig
from lextune.training.methods.base import methods

CONFIG = TrainConfig(weight_decay=0.3)


def test_everything_is_trained_and_biases_and_norms_are_spared_from_decay() -> None:
    model = torch.nn.Sequential(
        torch.nn.Embedding(5, 4), torch.nn.Linear(4, 3), torch.nn.LayerNorm(3)
    )
    decayed, plain = methods.get("full")(CONFIG).prepare(model)
    assert decayed["weight_decay"] == 0.3
    assert plain["weight_decay"] == 0.0
    assert decayed["lr_scale"] == plain["lr_scale"] == 1
    assert [one.ndim for one in decayed["params"]] == [2, 2]
    assert [one.ndim for one in plain["params"]] == [1, 1, 1]
    both = {id(one) for group in (decayed, plain) for one in group["params"]}
    assert both == {id(one) for one in model.parameters()}


def test_what_is_frozen_stays_frozen() -> None:
    model = torch.nn.Linear(2, 2)
    model.weight.requires_grad_(False)
    (plain,) = methods.get("full")(CONFIG).prepare(model)
    assert plain["params"] == [model.bias]
