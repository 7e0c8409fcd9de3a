"""Builds a detector from the bytes of its folder: torchvision's over a network of timm, or one of transformers; it reads no file.

A folder with `architecture` in its config.json is a backbone of timm, one with the model type `fcos` a detector that
was written here, and any other must be a detector that transformers knows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from lextune.errors import ModelError, Problem
from lextune.tasks.base import Files
from lextune.tasks.pretrained import read_json, read_weights

if TYPE_CHECKING:
    import torch

    from lextune.tasks.vision.boxes import BoxTargets
    from lextune.tasks.vision.pyramid import Detector, Shape
    from lextune.tasks.vision.scaled import Scaling

#: The shorter side of an input in pixels, and how much longer the other may be (torchvision's 800 by 1333).
SHORT_SIDE, LONGEST = 320, 5 / 3
#: Boxes with a lower score are not looked at; of more boxes in an image the best ones are kept (COCO: 100).
SCORE_THRESHOLD, MOST_BOXES = 0.05, 100
#: Of two boxes of one class with a larger overlap (intersection over union) only the better one is kept.
NMS_THRESHOLD = 0.6
MODEL_TYPE = "fcos"


class Detections(Protocol):
    """What a detector says of one batch."""

    @property
    def shape(self) -> torch.Size:
        """Images, places or queries, and classes."""
        ...

    def loss(
        self, targets: BoxTargets, class_weights: torch.Tensor | None, label_smoothing: float
    ) -> torch.Tensor:
        """A scalar: the mean over the boxes of the batch."""
        ...

    def finite(self) -> torch.Tensor:
        """Whether each image's answer is nothing but finite numbers, bool, shape (images,)."""
        ...

    def boxes(self) -> list[dict[str, torch.Tensor]]:
        """Of each image `boxes` (x1, y1, x2, y2 in pixels of the input), `labels` and `scores`, best first."""
        ...


def is_library_detector(files: Files) -> bool:
    """Whether the folder holds a detector of transformers."""
    config = read_json(files, "config.json")
    return "architecture" not in config and config.get("model_type") != MODEL_TYPE


def build_detector(
    files: Files, classes: Sequence[str], *, new_head: bool
) -> tuple[torch.nn.Module, frozenset[str]]:
    """The detector of `classes`, and the names of the tensors that `files` did not hold.

    Args:
        files: Of the model's folder.
        classes: Names.
        new_head: Whether what a backbone lacks to be a detector, or a detector to know these classes, is drawn.

    Raises:
        ModelError: The files fit no detector, or not each other.
    """
    if is_library_detector(files):
        from lextune.tasks.vision.library_detectors import build_library_detector

        return build_library_detector(files, classes, new_head=new_head)
    config = read_json(files, "config.json")
    if config.get("model_type") == MODEL_TYPE:
        return _build_written(files, config, classes, new_head)
    if not new_head:
        raise _misfit(["head"], [])
    return _build_on_backbone(files, config, classes)


def _build_on_backbone(
    files: Files, config: Mapping[str, Any], classes: Sequence[str]
) -> tuple[torch.nn.Module, frozenset[str]]:
    from lextune.tasks.vision.pyramid import Shape, build_body, build_pyramid
    from lextune.tasks.vision.transform import read_transform

    body, channels, indices = build_body(str(config["architecture"]))
    body.load_state_dict(_matching(read_weights(files), body))
    transform = read_transform(files, {})
    how = torchvision_arguments(transform.mean, transform.std)
    model = build_pyramid(body, channels, len(classes), Shape(), how)
    model.written = _description(str(config["architecture"]), indices, Shape(), how, classes)
    held = f"{model.backbone_prefix}."
    return model, frozenset(name for name in model.state_dict() if not name.startswith(held))


def _build_written(
    files: Files, config: Mapping[str, Any], classes: Sequence[str], new_head: bool
) -> tuple[torch.nn.Module, frozenset[str]]:
    import dataclasses

    import torch

    from lextune.tasks.vision.pyramid import Shape, build_body, build_pyramid

    try:
        architecture = str(config["backbone"])
        shape = Shape(**{one.name: int(config[one.name]) for one in dataclasses.fields(Shape)})
        how = {**torchvision_arguments((), ()), **config["detector"]}
        names = {int(number): str(name) for number, name in config["id2label"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            Problem(
                "config.json does not describe a detector that lextune wrote",
                "restore the config.json that belongs to the weights",
                str(error),
            )
        ) from error
    body, channels, indices = build_body(architecture)
    model = build_pyramid(body, channels, len(classes), shape, how)
    model.written = _description(architecture, indices, shape, how, classes)
    state, own = read_weights(files), model.state_dict()
    same = [names.get(index) for index in range(len(names))] == list(classes)
    fresh = {name for name in own if new_head and not same and ".cls_logits." in name}
    missing = sorted(own.keys() - state.keys() - fresh)
    misfits = [
        name for name in sorted(own.keys() & state.keys() - fresh) if own[name].shape != state[name].shape
    ]  # fmt: skip
    if missing or misfits or state.keys() - own.keys() or (not new_head and not same):
        raise _misfit(missing or sorted(state.keys() - own.keys()), misfits)
    with torch.no_grad():
        model.load_state_dict({**own, **{name: state[name] for name in own.keys() - fresh}})
    return model, frozenset(fresh)


def torchvision_arguments(mean: Sequence[float], std: Sequence[float]) -> dict[str, Any]:
    """What torchvision's FCOS is told of its inputs and of what it keeps; the same words in config.json."""
    return {
        "min_size": SHORT_SIDE, "max_size": round(SHORT_SIDE * LONGEST), "image_mean": list(mean),
        "image_std": list(std), "score_thresh": SCORE_THRESHOLD, "nms_thresh": NMS_THRESHOLD,
        "detections_per_img": MOST_BOXES,
    }  # fmt: skip


def _description(
    architecture: str,
    indices: Sequence[int],
    shape: Shape,
    how: Mapping[str, Any],
    classes: Sequence[str],
) -> dict[str, Any]:
    import dataclasses

    return {
        "model_type": MODEL_TYPE,
        "backbone": architecture,
        "out_indices": list(indices),
        **dataclasses.asdict(shape),
        "detector": dict(how),
        "id2label": {str(index): name for index, name in enumerate(classes)},
    }


def _matching(state: Mapping[str, torch.Tensor], body: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The tensors that the body has, by its names: where timm flattens a stage it writes `_` for a dot."""
    by_name = {name.replace(".", "_"): one for name, one in state.items()}
    found, missing, misfits = {}, [], []
    for name, own in body.state_dict().items():
        given = state.get(name, by_name.get(name.replace(".", "_")))
        if given is None and name.endswith("num_batches_tracked"):
            given = own
        if given is None:
            missing.append(name)
        elif given.shape != own.shape:
            misfits.append(name)
        else:
            found[name] = given
    if missing or misfits:
        raise _misfit(missing, misfits)
    return found


def _misfit(missing: Sequence[str], misfits: Sequence[str]) -> ModelError:
    return ModelError(
        Problem(
            f"the weights lack {len(missing)} and misfit {len(misfits)} tensors of the detector "
            f"({', '.join([*missing, *misfits][:5])})",
            "use weights that belong to this config.json",
            "a tensor that is newly initialised would answer at random",
        )
    )


def written_config(model: Detector, scaling: Scaling) -> bytes:
    """config.json of a detector over a backbone of timm that takes images so scaled.

    `pretrained_cfg` says of the input what timm says of a backbone's.
    """
    described = dict(model.written)
    short, longest = min(scaling.size), scaling.longest or max(scaling.size)
    described["detector"] = {**described["detector"], "min_size": short, "max_size": longest}
    described["pretrained_cfg"] = {
        "input_size": [3, short, short], "crop_pct": 1.0, "interpolation": scaling.interpolation,
        "mean": list(scaling.mean), "std": list(scaling.std),
    }  # fmt: skip
    return json.dumps(described, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"
