"""The method `full`: every weight is trained; weight decay spares biases and norms."""

from __future__ import annotations

import torch

from lextune.training.methods.base import ParameterGroup, methods


@methods.register("full")
def full(model: torch.nn.Module, weight_decay: float) -> list[ParameterGroup]:
    """All parameters in two groups (Loshchilov and Hutter 2019, arXiv:1711.05101, for the decoupled decay)."""
    decayed: list[torch.nn.Parameter] = []
    plain: list[torch.nn.Parameter] = []
    for parameter in model.parameters():
        if parameter.requires_grad:
            # biases and norms are vectors, everything that multiplies is a matrix
            (decayed if parameter.ndim > 1 else plain).append(parameter)
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
