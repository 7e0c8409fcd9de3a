"""A moving average of the weights that are trained, kept beside them; it knows no loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Average:
    """The exponential moving average of the trained parameters (Polyak and Juditsky 1992).

    As in TensorFlow's `ExponentialMovingAverage` the decay after n steps is at most (1 + n) / (10 + n), so
    that a short training is not held at the weights with which it began.

    Args:
        model: Its parameters that need a gradient are averaged.
        decay: What of the average stays at a step.

    Attributes:
        tensors: The average, by the parameters' names.
    """

    def __init__(self, model: torch.nn.Module, decay: float) -> None:
        self.decay = decay
        self._parameters = {
            name: one for name, one in model.named_parameters() if one.requires_grad
        }
        self.tensors = {name: one.detach().clone() for name, one in self._parameters.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take the weights in after `step`, counted from 1."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(
            list(self.tensors.values()), list(self._parameters.values()), 1 - decay
        )

    @contextmanager
    def in_model(self) -> Iterator[None]:
        """The model holds the average inside, and its own weights again after."""
        own = {name: one.detach().clone() for name, one in self._parameters.items()}
        self._fill(self.tensors)
        try:
            yield
        finally:
            self._fill(own)

    @torch.no_grad()
    def _fill(self, tensors: dict[str, torch.Tensor]) -> None:
        for name, parameter in self._parameters.items():
            parameter.copy_(tensors[name])
