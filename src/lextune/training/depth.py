"""Tells how deep in an encoder each parameter lies, from the names that transformers gives; it changes nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lextune.errors import ModelError, Problem

if TYPE_CHECKING:
    import torch

#: A stack of layers and the number of one: `encoder.layer.3`, `layers.3`, `transformer.layer.3`, `h.3`.
_LAYER = re.compile(r"^(.*?)\.(\d+)(?=\.)")


def depths(model: torch.nn.Module, method: str) -> tuple[dict[str, int], int]:
    """The depth of each parameter, and that of the head.

    The embeddings lie at 0, the first layer at 1, the head one above the last layer. What the encoder shares
    between its layers (relative positions) counts as an embedding, what comes after the last one (a pooler,
    a last norm) as head. The layers of a second stack (a decoder) lie above those of the first.

    Args:
        model: A classifier of transformers: `base_model_prefix` says where its encoder is.
        method: Of the config, for the message.

    Raises:
        ModelError: The encoder has no numbered layers.
    """
    prefix = f"{getattr(model, 'base_model_prefix', '')}."
    names = [name for name, _ in model.named_parameters()]
    found = {name: _LAYER.match(name) for name in names if name.startswith(prefix)}
    numbers: dict[tuple[str, int], int] = {}  # of a layer, in the order in which they stand
    for match in found.values():
        if match is not None:
            numbers.setdefault((match[1], int(match[2])), len(numbers) + 1)
    if not numbers:
        raise ModelError(
            Problem(
                f"{type(model).__name__} has no numbered layers",
                "set train.method: full",
                f"the method {method} goes by the layers of an encoder",
            )
        )
    import torch

    embeddings = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, torch.nn.Embedding)
        for parameter in module.parameters()
    }
    head = len(numbers) + 1
    depth, begun = {}, False
    for name, parameter in model.named_parameters():
        match = found.get(name)
        begun = begun or match is not None
        if name not in found:
            depth[name] = head
        elif match is not None:
            depth[name] = numbers[match[1], int(match[2])]
        else:
            depth[name] = 0 if not begun or id(parameter) in embeddings else head
    return depth, head
