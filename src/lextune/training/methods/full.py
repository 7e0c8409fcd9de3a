"""The method `full`: every weight is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lextune.training.methods.base import Method, ParameterGroup, decayed_groups, methods

if TYPE_CHECKING:
    import torch


@methods.register("full")
class Full(Method):
    """All parameters at one learning rate."""

    def prepare(self, model: torch.nn.Module) -> list[ParameterGroup]:
        """Matrices with weight decay, vectors without."""
        return decayed_groups(model.parameters(), self.config.weight_decay)
