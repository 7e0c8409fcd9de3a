"""The format `efficientnet_lite`: EfficientNet-Lite0 in a PyTorch pickle of lukemelas' names, to timm's; it trains nothing.

The file names its tensors as https://github.com/lukemelas/EfficientNet-PyTorch does; timm's
`tf_efficientnet_lite0` has the same network under other names, with TensorFlow's padding and a batch norm epsilon of
0.001, which these weights were made with. The pickle is read by torch's restricted reader, which runs no code.
"""

from __future__ import annotations

import io
import json
import pickle
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lextune.errors import ModelError, Problem
from lextune.models.conversions.base import Converter, converters

if TYPE_CHECKING:
    pass

ARCHITECTURE = "tf_efficientnet_lite0"
#: Blocks of each of the seven stages.
_STAGES = (1, 2, 2, 3, 3, 4, 1)
_TENSORS = 296
_OUTSIDE = {
    "_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier",
}  # fmt: skip
_FIRST = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_OTHERS = {
    "_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2",
    "_project_conv": "conv_pwl", "_bn2": "bn3",
}  # fmt: skip
_BLOCK = re.compile(r"_blocks\.(\d+)\.([a-z0-9_]+)\.(.+)")
#: As timm describes its own weights of this network: values scaled by 127 of 255 around 127.
_CONFIG = {
    "architecture": ARCHITECTURE,
    "num_classes": 1000,
    "num_features": 1280,
    "pretrained_cfg": {
        "input_size": [3, 224, 224], "pool_size": [7, 7], "fixed_input_size": False, "interpolation": "bicubic",
        "crop_pct": 0.875, "crop_mode": "center", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
        "num_classes": 1000, "first_conv": "conv_stem", "classifier": "classifier",
    },
}  # fmt: skip


def convert(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """config.json and model.safetensors of timm's layout.

    Raises:
        ModelError: The file holds other tensors than the network has.
    """
    import safetensors.torch
    import torch

    ((name, data),) = files.items()
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, KeyError) as error:
        raise _refused(name, "it is no file of tensors") from error
    if not isinstance(state, dict) or len(state) != _TENSORS:
        raise _refused(name, f"it does not hold {_TENSORS} tensors")
    found = {rename(key): value for key, value in state.items()}
    if None in found or len(found) != _TENSORS or not _finite(found.values()):
        raise _refused(name, "its tensors are not those of EfficientNet-Lite0")
    tensors = {key: found[key].contiguous() for key in sorted(found, key=str)}
    return {
        "config.json": json.dumps(_CONFIG, indent=2).encode() + b"\n",
        "model.safetensors": safetensors.torch.save(tensors, {"format": "pt"}),
    }


def rename(key: str) -> str | None:
    """timm's name of a tensor; None for one that the network does not have."""
    match = _BLOCK.fullmatch(key)
    if match is None:
        module, _, rest = key.partition(".")
        return f"{_OUTSIDE[module]}.{rest}" if module in _OUTSIDE and rest else None
    number, module, rest = int(match[1]), match[2], match[3]
    names = _OTHERS if number else _FIRST
    for stage, count in enumerate(_STAGES):
        if number < count and module in names:
            return f"blocks.{stage}.{number}.{names[module]}.{rest}"
        number -= count
    return None


def _finite(tensors: object) -> bool:
    return all(bool(one.isfinite().all()) for one in tensors)  # type: ignore[attr-defined]


def _refused(name: str, fact: str) -> ModelError:
    return ModelError(
        Problem(
            f"{name}: {fact}",
            "install the pinned version of the package again",
            "a file that is not exactly of the known layout is not guessed at",
        )
    )


converters.register("efficientnet_lite")(Converter(1, convert))
