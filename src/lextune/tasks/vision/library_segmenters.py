"""Builds transformers' networks that give each pixel a class, with a head for other classes; it downloads nothing.

SegFormer, UPerNet, BEiT and whatever else `AutoModelForSemanticSegmentation` knows and answers with logits. An
encoder that was pretrained alone gets a decoder that is drawn; of a whole network only the last layer is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lextune.errors import ModelError, Problem
from lextune.tasks.base import Files
from lextune.tasks.pretrained import (
    DROPOUTS,
    library_config,
    quiet,
    read_json,
    read_weights,
    refused,
)

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
    from transformers import AutoModelForSemanticSegmentation

    raw = read_json(files, "config.json")
    _refuse_hub(raw)
    config = library_config(
        files,
        id2label=dict(enumerate(classes)),
        label2id={name: index for index, name in enumerate(classes)},
    )
    library_class = AutoModelForSemanticSegmentation._model_mapping.get(type(config), None)
    if library_class is None:
        raise ModelError(
            Problem(
                f"the architecture {config.model_type!r} gives pixels no classes in transformers",
                "choose SegFormer, UPerNet, BEiT or another one that does, or an encoder of timm",
                "code that ships inside a model's folder is never run",
            )
        )
    if dropout is not None:
        for key in (key for key in DROPOUTS if hasattr(config, key)):
            setattr(config, key, dropout)
    if hasattr(config, "use_auxiliary_head"):
        config.use_auxiliary_head = False
    same = raw.get("id2label") == {str(index): name for index, name in enumerate(classes)}
    state = read_weights(files)
    if new_head and not same:
        # a head of other classes would teach their order: names travel, positions do not
        state = {name: one for name, one in state.items() if not _LAST.search(name)}
    with quiet(), refused(f"transformers builds no {config.model_type!r} from config.json"):
        model, report = library_class.from_pretrained(
            None, config=config, state_dict=state, output_loading_info=True,
            ignore_mismatched_sizes=True, dtype="float32",
        )  # fmt: skip
    model.backbone_prefix = model.base_model_prefix or "backbone"
    _check(model, report, new_head=new_head)
    return model, frozenset(report["missing_keys"])


def _refuse_hub(raw: Mapping[str, Any]) -> None:
    """Refuse a config that names its backbone by a word that transformers would look up."""
    if raw.get("backbone") and not raw.get("backbone_config"):
        raise ModelError(
            Problem(
                "config.json of the model names its backbone, but does not describe it",
                "put the backbone's own config there as `backbone_config`",
                "no hub is asked while a model is built",
            )
        )


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
    if wrong or misfits or left:
        raise ModelError(
            Problem(
                f"the weights lack {len(wrong)}, misfit {len(misfits)} and have {len(left)} tensors too "
                f"many ({', '.join([*wrong, *misfits, *left][:5])})",
                "use weights that belong to this config.json",
                "a tensor that is newly initialised would answer at random",
            )
        )
