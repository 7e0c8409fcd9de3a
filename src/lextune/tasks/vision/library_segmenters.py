"""Builds transformers' networks that give each pixel a class, with a head for other classes; it downloads nothing.

SegFormer, UPerNet, BEiT and whatever else `AutoModelForSemanticSegmentation` knows and answers with logits. An
encoder that was pretrained alone gets a decoder that is drawn; of a whole network only the last layer is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lextune.errors import Problem
from lextune.tasks.base import Files
from lextune.tasks.pretrained import DROPOUTS, read_json
from lextune.tasks.vision.library import build, refuse_other_tensors, undescribed_backbone

if TYPE_CHECKING:
    import torch

#: The layer whose outputs are the classes, over transformers' architectures.
_LAST = re.compile(r"^(?:decode_head|segmentation_head)\.(?:.+\.)?classifier\.")
#: A second head that only helps to train, and counters of batch norms.
_IDLE = re.compile(r"^auxiliary_head\.|\.num_batches_tracked$")


def build_library_segmenter(
    files: Files, classes: Sequence[str], *, dropout: float | None, new_head: bool
) -> tuple[torch.nn.Module, frozenset[str]]:
    """The network and the names of the tensors that `files` did not hold.

    Args:
        files: In the layout of a hub: config.json, model.safetensors, preprocessor_config.json.
        classes: Names.
        dropout: Over all rates of the model's config; None keeps them.
        new_head: Whether the last layer, or the decoder of an encoder without one, is drawn anew.

    Raises:
        ModelError: The files fit neither transformers nor each other.
    """
    raw = read_json(files, "config.json")
    if raw.get("backbone") and not raw.get("backbone_config"):
        raise undescribed_backbone()

    def adjust(config: Any) -> None:
        for key in (key for key in DROPOUTS if dropout is not None and hasattr(config, key)):
            setattr(config, key, dropout)
        if hasattr(config, "use_auxiliary_head"):
            config.use_auxiliary_head = False

    what = Problem(
        f"the architecture {raw.get('model_type')!r} gives pixels no classes in transformers",
        "choose SegFormer, UPerNet, BEiT or another one that does, or an encoder of timm",
        "code that ships inside a model's folder is never run",
    )
    built = build(
        files, classes, "AutoModelForSemanticSegmentation", _LAST, new_head=new_head, what=what,
        adjust=adjust,
    )  # fmt: skip
    model, report = built.model, built.report
    model.backbone_prefix = model.base_model_prefix or "backbone"
    _check(model, report, new_head=new_head)
    return model, frozenset(report["missing_keys"])


def _check(model: Any, report: Mapping[str, Any], *, new_head: bool) -> None:
    missing = {name for name in report["missing_keys"] if not _IDLE.search(name)}
    above = {
        name for name in model.state_dict()
        if not name.startswith(f"{model.backbone_prefix}.") and not _IDLE.search(name)
    }  # fmt: skip
    # where nothing above the encoder was there, the encoder was pretrained alone
    drawn = above if above <= missing else {name for name in above if _LAST.search(name)}
    wrong = sorted(missing - drawn if new_head else missing)
    misfits = sorted(str(one[0]) for one in report["mismatched_keys"])
    held = (f"{model.backbone_prefix}.", *(f"{name.split('.')[0]}." for name in above))
    # a pooler or a classifier of whole images is not meant, numbered layers are
    left = sorted(
        name for name in report["unexpected_keys"]
        if name.startswith(held) and re.search(r"\.\d+\.", name) and not _IDLE.search(name)
    )  # fmt: skip
    refuse_other_tensors(wrong, misfits, left)
