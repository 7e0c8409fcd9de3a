"""Tells the head of a model from what was pretrained below it, and freezes the first stages; it trains nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lextune.errors import ModelError, Problem

if TYPE_CHECKING:
    import torch

_NUMBER = re.compile(r"^(.*?\D)(\d+)(?=[._])")


def head_names(model: torch.nn.Module) -> frozenset[str]:
    """Names of the parameters above the encoder, and of a pooler in it.

    A model of transformers says where its encoder is (`base_model_prefix`), one of timm which is its classifier;
    others have an attribute `backbone_prefix`.
    """
    names = [name for name, _ in model.named_parameters()]
    classifier = _classifier_of(model)
    if classifier is not None:
        return frozenset(name for name in names if name.startswith(f"{classifier}."))
    prefix = f"{getattr(model, 'backbone_prefix', getattr(model, 'base_model_prefix', ''))}."
    return frozenset(name for name in names if not name.startswith(prefix) or ".pooler." in name)


def freeze_stages(model: torch.nn.Module, count: int) -> None:
    """Let what comes first in the encoder stay as it was pretrained: all before its stages, and `count` of these.

    Args:
        model: In whose encoder stages have numbered names (`blocks.0`, `layer1`, `stages.0`, `encoder.layer.0`).
        count: Of stages; 0 freezes nothing.

    Raises:
        ModelError: The encoder has no more stages than that.
    """
    if not count:
        return
    head = head_names(model)
    inside = [name for name, _ in model.named_parameters() if name not in head]
    stages = _stages(inside)
    frozen, reached = [], 0
    for name in inside:
        stage = _NUMBER.match(name)
        if stage is not None and stage[0] in stages:
            reached = stages.index(stage[0]) + 1
        if reached > count:
            break
        frozen.append(name)
    if len(stages) <= count:
        raise ModelError(
            Problem(
                f"train.freeze_stages is {count}, but the encoder has {len(stages)} stages",
                "set a smaller number, or train.method: head to train nothing but the head",
            )
        )
    parameters = dict(model.named_parameters())
    for name in frozen:
        parameters[name].requires_grad_(False)


def freeze_encoder(model: torch.nn.Module, asked: bool) -> None:
    """Let all that hears stay as it was pretrained, where that is asked for: what writes or answers above it learns.

    An encoder with a decoder (Whisper) says where it is; of other models it is all below the head.
    """
    if not asked:
        return
    config: Any = getattr(model, "config", None)
    if getattr(config, "is_encoder_decoder", False):
        encoder: Any = model.get_encoder()  # type: ignore[operator]
        encoder.requires_grad_(False)
        return
    head = head_names(model)
    for name, parameter in model.named_parameters():
        if name not in head:
            parameter.requires_grad_(False)


def _stages(names: list[str]) -> list[str]:
    """Beginnings of the names of each stage, in their order: of all that are numbered alike the largest family.

    A first norm or convolution has a number too (`bn1`, `stem_0`), but fewer like it.
    """
    families: dict[str, dict[str, None]] = {}
    for name in names:
        if found := _NUMBER.match(name):
            families.setdefault(found[1], {})[found[0]] = None
    return max(map(list, families.values()), key=len, default=[])


def _classifier_of(model: Any) -> str | None:
    get = getattr(model, "get_classifier", None)
    if get is None:
        return None
    wanted = get()
    return next((name for name, module in model.named_modules() if module is wanted), None)
