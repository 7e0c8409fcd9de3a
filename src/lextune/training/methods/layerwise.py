"""The method `layerwise`: every weight is trained, the deeper it lies the more slowly."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lextune.training.depth import depths
from lextune.training.freezing import freeze_embeddings
from lextune.training.methods.base import Method, ParameterGroup, decayed_groups, methods

if TYPE_CHECKING:
    import torch


@methods.register("layerwise")
class Layerwise(Method):
    """The learning rate falls by `train.layer_decay` a layer, from the head down to the embeddings.

    Howard and Ruder 2018, arXiv:1801.06146, section 3.2 (discriminative fine-tuning); Clark et al. 2020,
    arXiv:2003.10555, appendix B, take 0.65 to 0.9 for encoders.
    """

    settings: ClassVar[frozenset[str]] = frozenset({"layer_decay", "freeze_embeddings"})

    def prepare(self, model: torch.nn.Module) -> list[ParameterGroup]:
        """Two groups a layer; the head learns at the whole rate, the layer below it at `layer_decay` of it."""
        freeze_embeddings(model, self.config.freeze_embeddings)
        depth, head = depths(model, "layerwise")
        return [
            group
            for level in range(head, -1, -1)
            for group in decayed_groups(
                (one for name, one in model.named_parameters() if depth[name] == level),
                self.config.weight_decay,
                self.config.layer_decay ** (head - level),
            )
        ]
