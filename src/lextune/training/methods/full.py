"""The method `full`: every weight is trained, save word embeddings that are frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lextune.training.freezing import freeze_embeddings
from lextune.training.methods.base import Method, ParameterGroup, decayed_groups, methods

if TYPE_CHECKING:
    import torch


@methods.register("full")
class Full(Method):
    """All parameters at one learning rate, but for word embeddings that are most of the model."""

    settings: ClassVar[frozenset[str]] = frozenset({"freeze_embeddings"})

    def prepare(self, model: torch.nn.Module) -> list[ParameterGroup]:
        """Matrices with weight decay, vectors without."""
        freeze_embeddings(model, self.config.freeze_embeddings)
        return decayed_groups(model.parameters(), self.config.weight_decay)
