"""The method `full`: every weight is trained, save word embeddings that are frozen."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from lextune.training.backbone import freeze_encoder, freeze_stages, head_names
from lextune.training.freezing import freeze_embeddings
from lextune.training.methods.base import Method, ParameterGroup, decayed_groups, methods

if TYPE_CHECKING:
    import torch


@methods.register("full")
class Full(Method):
    """All parameters at one learning rate, but for word embeddings that are most of the model."""

    settings: ClassVar[frozenset[str]] = frozenset(
        {"freeze_embeddings", "freeze_encoder", "freeze_stages", "head_epochs", "backbone_lr_scale"}
    )

    def prepare(self, model: torch.nn.Module) -> list[ParameterGroup]:
        """Matrices with weight decay, vectors without; those of the encoder apart where its rate is another."""
        config = self.config
        freeze_embeddings(model, config.freeze_embeddings)
        freeze_stages(model, config.freeze_stages)
        freeze_encoder(model, config.freeze_encoder)
        if config.backbone_lr_scale == 1:
            return decayed_groups(model.parameters(), config.weight_decay)
        head = head_names(model)
        parts: tuple[list[torch.nn.Parameter], ...] = ([], [])
        for name, parameter in model.named_parameters():
            parts[name in head].append(parameter)
        return [
            *decayed_groups(parts[False], config.weight_decay, config.backbone_lr_scale),
            *decayed_groups(parts[True], config.weight_decay),
        ]

    @contextlib.contextmanager
    def phase(self, model: torch.nn.Module, epoch: int) -> Iterator[None]:
        """In the first `head_epochs` epochs the head alone learns, on an encoder that stays as it was."""
        resting: list[torch.nn.Parameter] = []
        if epoch < self.config.head_epochs:
            head = head_names(model)
            resting = [
                one for name, one in model.named_parameters() if one.requires_grad and name not in head
            ]  # fmt: skip
        for parameter in resting:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in resting:
                parameter.requires_grad_(True)
