"""Layers that are computed again give the very gradient; an architecture that cannot is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from architectures import built, of_kind
from bench import Bench
from lextune.errors import ModelError
from lextune.training.recomputing import recompute_layers


@pytest.mark.parametrize("kind", ["bert", "roberta", "electra", "distilbert", "deberta-v2"])
def test_the_gradient_is_the_same_with_dropout_too(bench: Bench, kind: str) -> None:
    bench, found = of_kind(bench, kind), []
    rows = bench.part(bench.rows[:8])
    calls: list[int] = []
    for again in (False, True):
        model = built(bench, dropout=0.2)
        if again:
            recompute_layers(model)
            assert model.is_activation_checkpointing
        stack = next(one for one in model.modules() if isinstance(one, torch.nn.ModuleList))
        activation = next(one for name, one in stack.named_modules() if "act" in name)
        activation.register_forward_pre_hook(lambda *_: calls.append(len(found)))
        model.train()
        torch.manual_seed(1)
        logits = bench.task.logits(model, bench.task.collate(rows.encoded, np.arange(8)))
        bench.task.loss(logits, torch.from_numpy(rows.labels)).backward()  # type: ignore
        found.append({name: one.grad for name, one in model.named_parameters()})
    assert calls == [0, 1, 1]
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[0].items():
        assert gradient is not None, name
        assert torch.equal(gradient, found[1][name]), name


def test_an_architecture_that_cannot_is_told_before_training(bench: Bench, tmp_path: Path) -> None:
    bench.settings = {"gradient_checkpointing": True}
    bench.trainer(tmp_path / "c")
    for model in (torch.nn.Linear(2, 2), Unable()):
        with pytest.raises(ModelError, match="cannot compute its layers again") as caught:
            recompute_layers(model)
        assert "train.gradient_checkpointing: false" in caught.value.problems[0].remedy


class Unable(torch.nn.Module):
    def activation_checkpointing_enable(self, how: dict[str, Any]) -> None:
        raise ValueError("Unable does not support activation checkpointing.")
