"""Builds networks that give each pixel a class from the bytes of a model's folder; it downloads nothing and knows no data.

Three layouts are read: an encoder of timm, on which a feature pyramid of segmentation-models-pytorch is drawn anew; a
model of that library as its `save_pretrained` writes it; and a model of transformers. The second is also what is
written, so that `segmentation_models_pytorch.from_pretrained(folder)` loads it as it is.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lextune.errors import ModelError, Problem
from lextune.extras import need
from lextune.tasks.base import Files
from lextune.tasks.pretrained import read_json, read_weights
from lextune.tasks.vision.backbones import build_timm, is_timm, load_exactly
from lextune.tasks.vision.transform import Transform

if TYPE_CHECKING:
    import torch

#: What config.json of segmentation-models-pytorch calls the network's class.
_CLASS = "_model_class"
#: The decoder over an encoder of timm: half of the library's own widths (docs/decisions/0031-segmentation.md).
_DECODER = {"decoder_pyramid_channels": 128, "decoder_segmentation_channels": 64}
_HEAD = "segmentation_head."
#: How far a new head's weights lie around 0: its first answer is nearly the same for each class.
_HEAD_STD = 0.01
#: Pillow's filters as preprocessor_config.json numbers them.
_RESAMPLE = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3}


def is_smp(files: Files) -> bool:
    """Whether config.json is in the layout of segmentation-models-pytorch."""
    return _CLASS in read_json(files, "config.json")


def architecture_of(config: Mapping[str, Any]) -> str | None:
    """What the network of a config.json in that layout is called, `FPN over tu-tf_efficientnet_lite0`."""
    if _CLASS not in config:
        return None
    return f"{config[_CLASS]} over {config.get('encoder_name', 'resnet34')}"


def build_segmenter(
    files: Files, classes: Sequence[str], *, dropout: float | None, new_head: bool
) -> tuple[torch.nn.Module, frozenset[str]]:
    """A network with an output for each class, and the names of the tensors that `files` did not hold.

    Its attribute `backbone_prefix` says where its encoder is.

    Args:
        files: Of the model's folder.
        classes: Names.
        dropout: Of the decoder, and of all of a model of transformers; None keeps what the files say.
        new_head: Whether a head of other classes, or a decoder that an encoder does not have yet, is drawn.

    Raises:
        ModelError: The files fit none of the libraries, or not each other.
    """
    if is_timm(files):
        return _build_over_timm(files, classes, dropout, new_head)
    if is_smp(files):
        return _build_written(files, classes, dropout, new_head)
    from lextune.tasks.vision.library_segmenters import build_library_segmenter

    return build_library_segmenter(files, classes, dropout=dropout, new_head=new_head)


def _build_over_timm(
    files: Files, classes: Sequence[str], dropout: float | None, new_head: bool
) -> tuple[torch.nn.Module, frozenset[str]]:
    if not new_head:
        raise _misfit(["decoder", "segmentation_head"])
    build_timm(files)  # refuses what timm does not know in the same words as elsewhere
    name = read_json(files, "config.json")["architecture"]
    options = {"encoder_name": f"tu-{name}", **_DECODER}
    model = _made("FPN", options, len(classes), dropout)
    own = model.encoder.model.state_dict()
    load_exactly(model.encoder.model, _features(read_weights(files), own))
    _draw_head(model)
    return model, frozenset(key for key in model.state_dict() if not key.startswith("encoder."))


def _features(
    state: Mapping[str, torch.Tensor], own: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The tensors below a classifier by the names that they have where features are asked for.

    timm writes `_` for a dot where it takes a network apart (`stages_0` for `stages.0`).
    """
    flat = {name.replace(".", "_"): one for name, one in state.items()}
    found = {name: state.get(name, flat.get(name.replace(".", "_"))) for name in own}
    return {name: one for name, one in found.items() if one is not None}


def _build_written(
    files: Files, classes: Sequence[str], dropout: float | None, new_head: bool
) -> tuple[torch.nn.Module, frozenset[str]]:
    config = read_json(files, "config.json")
    model = _made(str(config[_CLASS]), config, len(classes), dropout)
    state = read_weights(files)
    named = read_json(files, "lextune.json").get("classes")
    redrawn = new_head and named != list(classes)
    if redrawn:
        # a head of other classes would teach their order: names travel, positions do not
        state = {key: one for key, one in state.items() if not key.startswith(_HEAD)}
    new = load_exactly(model, state, (_HEAD,) if redrawn else ())
    if new:
        _draw_head(model)
    return model, new


def _made(kind: str, config: Mapping[str, Any], classes: int, dropout: float | None) -> Any:
    """The network of a class of the library, with weights that are not set yet.

    Raises:
        ModelError: There is no such class, it is none of images in RGB, or its config does not fit it.
    """
    smp = need("vision", "segmentation_models_pytorch")
    library_class: Any = getattr(smp, kind, None)
    known = isinstance(library_class, type) and issubclass(
        library_class, smp.base.SegmentationModel
    )
    given = {key: value for key, value in config.items() if not key.startswith("_")}
    if not known or given.get("in_channels", 3) != 3:
        raise ModelError(
            Problem(
                f"segmentation-models-pytorch has no network {kind!r} of images with three channels",
                "restore config.json, or update segmentation-models-pytorch",
                "code that ships inside a model's folder is never run",
            )
        )
    # weights come from the files alone, and answers are logits whatever they were made into
    given |= {"encoder_weights": None, "classes": classes, "activation": None, "aux_params": None}
    rate = next((key for key in _parameters(library_class) if key.endswith("dropout")), None)
    if dropout is not None and rate is not None:
        given[rate] = dropout
    try:
        model = library_class(**given)
    except (TypeError, ValueError, RuntimeError, KeyError, AttributeError, AssertionError) as error:
        told = " ".join(str(error).split())[:300]
        raise ModelError(
            Problem(
                f"segmentation-models-pytorch builds no {kind} from config.json",
                "restore config.json, or choose an encoder whose stages halve the image",
                f"{type(error).__name__}: {told}",
            )
        ) from error
    model.backbone_prefix = "encoder"
    return model


def _parameters(library_class: type) -> list[str]:
    return list(inspect.signature(library_class.__init__).parameters)  # type: ignore[misc]


def _draw_head(model: Any) -> None:
    """Weights near 0: the library draws them so wide that the first answers are far from equal."""
    import torch

    for module in model.segmentation_head.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.normal_(module.weight, std=_HEAD_STD)
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)


def written_config(model: Any) -> bytes:
    """config.json of a network of segmentation-models-pytorch, as its `save_pretrained` writes it."""
    config = {**model.config, _CLASS: type(model).__name__}
    return json.dumps(config, indent=2, sort_keys=True).encode() + b"\n"


def written_transform(transform: Transform) -> bytes:
    """preprocessor_config.json, in transformers' words."""
    height, width = transform.size
    config = {
        "crop_pct": transform.crop_pct, "do_normalize": True, "do_rescale": True, "do_resize": True,
        "image_mean": list(transform.mean), "image_std": list(transform.std),
        "resample": _RESAMPLE[transform.interpolation], "rescale_factor": 1 / 255,
        "size": {"height": height, "width": width},
    }  # fmt: skip
    return json.dumps(config, indent=2, sort_keys=True).encode() + b"\n"


def _misfit(names: Sequence[str]) -> ModelError:
    return ModelError(
        Problem(
            f"the weights lack tensors of the network ({', '.join(names)})",
            "use weights that belong to this config.json",
            "a tensor that is newly initialised would answer at random",
        )
    )
