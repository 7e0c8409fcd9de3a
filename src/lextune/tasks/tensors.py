"""Names every tensor of a model once, also where several names share one; it knows neither files nor tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def distinct_tensors(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The model's tensors under the first name that each has: safetensors holds no tensor twice."""
    aliases = _aliases(model)
    return {
        name: tensor.detach() for name, tensor in model.state_dict().items() if name not in aliases
    }


def load_distinct(model: torch.nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put back what `distinct_tensors` gave; every tensor must be there."""
    shared = {alias: tensors[name] for alias, name in _aliases(model).items() if name in tensors}
    model.load_state_dict(shared | dict(tensors))


def _aliases(model: torch.nn.Module) -> dict[str, str]:
    """Further names of a tensor, to its first name."""
    first: dict[tuple[object, ...], str] = {}
    aliases = {}
    for name, tensor in model.state_dict().items():
        if not tensor.numel():
            continue  # tensors without content all begin at the same address
        place = (tensor.device, tensor.dtype, tensor.data_ptr(), tensor.shape, tensor.stride())
        if (known := first.setdefault(place, name)) != name:
            aliases[name] = known
    return aliases
