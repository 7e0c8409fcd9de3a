"""What a training method is: a function from a model to the parameters that an optimiser may change."""

from __future__ import annotations

from typing import Protocol, TypedDict

import torch

from lextune.registry import Registry


class ParameterGroup(TypedDict):
    """A group as torch.optim takes it."""

    params: list[torch.nn.Parameter]
    weight_decay: float


class Method(Protocol):
    """May freeze parts of the model, but not rename or wrap them; returns what is trained."""

    def __call__(self, model: torch.nn.Module, weight_decay: float) -> list[ParameterGroup]: ...  # noqa: D102


methods: Registry[Method] = Registry("method", "lextune.training.methods")
