"""Names every tensor of a model once, also where several names share one; it knows neither files nor tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def sized(targets: torch.Tensor, class_weights: torch.Tensor | None) -> float:
    """How many items are taught, each with the weight of its class where the targets are numbers of classes."""
    if class_weights is None or targets.ndim > 1 or targets.is_floating_point():
        return float(len(targets))
    return float(class_weights.double()[targets].sum())


def distinct_tensors(model: torch.nn.Module, *, frozen: bool = True) -> dict[str, torch.Tensor]:
    """The model's tensors under the first name that each has: safetensors holds no tensor twice.

    `frozen` says whether parameters that need no gradient are given too.
    """
    left_out = _aliases(model).keys() | (set() if frozen else _frozen(model))
    return {
        name: tensor.detach() for name, tensor in model.state_dict().items() if name not in left_out
    }


def load_distinct(model: torch.nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put back what `distinct_tensors` gave, with the frozen parameters or without.

    Raises:
        RuntimeError: A tensor is missing or unknown.
    """
    shared = {alias: tensors[name] for alias, name in _aliases(model).items() if name in tensors}
    found = model.load_state_dict(shared | dict(tensors), strict=False)
    wrong = {*found.missing_keys, *found.unexpected_keys} - _frozen(model)
    if wrong:
        raise RuntimeError(f"missing or unknown: {', '.join(sorted(wrong))}")


def _frozen(model: torch.nn.Module) -> set[str]:
    parameters = model.named_parameters(remove_duplicate=False)
    return {name for name, one in parameters if not one.requires_grad}


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
