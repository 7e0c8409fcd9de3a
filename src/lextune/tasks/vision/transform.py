"""How an image becomes a model's input: size, crop and scale of its numbers, as the model's own files say; it reads no disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lextune.config import RunConfig
from lextune.errors import ModelError, Problem
from lextune.tasks.base import Files
from lextune.tasks.pretrained import read_json

#: What models without a word on it take: ImageNet's (He et al. 2015).
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
#: What preprocessor_config.json calls Pillow's filters by number.
_RESAMPLE = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}


@dataclass(frozen=True)
class Transform:
    """What is done to an upright image.

    Attributes:
        size: Height and width of the input in pixels.
        crop_pct: Share of the shorter side that the middle crop takes; the rest is cut off.
        interpolation: Pillow's name of the filter.
        mean: Of each channel, of values from 0 to 1.
        std: As well.
        flip: Whether the answer is the mean over the image and its mirror image.
    """

    size: tuple[int, int]
    crop_pct: float
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flip: bool = False

    @property
    def short_side(self) -> int:
        """To which the shorter side is resized before the crop."""
        return max(1, round(min(self.size) / self.crop_pct))


def image_settings(config: RunConfig) -> dict[str, str]:
    """What the config says of images, for `lextune.json`: what is measured is what is served."""
    train = config.train
    found: dict[str, str] = {"test_time_augmentation": config.evaluation.test_time_augmentation}
    if train.image_size is not None:
        found["image_size"] = str(train.image_size)
    if train.crop_pct is not None:
        found["crop_pct"] = str(train.crop_pct)
    return found


def read_transform(files: Files, settings: Mapping[str, str]) -> Transform:
    """The transform of a model in timm's or transformers' layout.

    Args:
        files: With `config.json` of timm (`pretrained_cfg`) or `preprocessor_config.json` of transformers.
        settings: As `image_settings` gives them.

    Raises:
        ModelError: A value in the files is none that can be used.
    """
    own = read_json(files, "config.json").get("pretrained_cfg")
    try:
        found = _of_timm(own) if isinstance(own, dict) else _of_transformers(files)
        if size := settings.get("image_size"):
            found["size"] = (int(size), int(size))
        if share := settings.get("crop_pct"):
            found["crop_pct"] = float(share)
        made = Transform(**found, flip=settings.get("test_time_augmentation") == "flip")
        if not (len(made.mean) == len(made.std) == 3 and min(made.std) > 0 and min(made.size) > 0):
            raise ValueError("an image has three channels")
        if not 0 < made.crop_pct <= 1:
            raise ValueError("crop_pct is a share")
    except (TypeError, ValueError, KeyError, IndexError) as error:
        raise ModelError(
            Problem(
                "the model's files do not say how images are prepared",
                "restore config.json (timm) or preprocessor_config.json (transformers)",
                str(error),
            )
        ) from error
    return made


def _of_timm(own: Mapping[str, Any]) -> dict[str, Any]:
    """https://huggingface.co/docs/timm/hf_hub: `pretrained_cfg`."""
    _, height, width = own.get("input_size", (3, 224, 224))
    return {
        "size": (int(height), int(width)),
        "crop_pct": float(own.get("crop_pct", 0.875)),
        "interpolation": _filter(own.get("interpolation", "bicubic")),
        "mean": tuple(float(one) for one in own.get("mean", _MEAN)),
        "std": tuple(float(one) for one in own.get("std", _STD)),
    }


def _of_transformers(files: Files) -> dict[str, Any]:
    own = read_json(files, "preprocessor_config.json")
    model = read_json(files, "config.json")
    wanted = own.get("crop_size") if own.get("do_center_crop") else own.get("size")
    wanted = wanted or model.get("image_size", 224)
    height, width = _sides(wanted)
    short = min(_sides(own["size"])) if own.get("do_center_crop") and "size" in own else height
    scale = 1.0 if own.get("do_rescale", True) else 1 / 255
    plain = own.get("do_normalize", True) is False
    mean, std = (
        ((0.0,) * 3, (1.0,) * 3)
        if plain
        else (own.get("image_mean", _MEAN), own.get("image_std", _STD))
    )
    return {
        "size": (height, width),
        "crop_pct": float(own.get("crop_pct") or min(1.0, min(height, width) / short)),
        "interpolation": _filter(_RESAMPLE.get(own.get("resample", 2), "bilinear")),
        "mean": tuple(float(one) * scale for one in mean),
        "std": tuple(float(one) * scale for one in std),
    }


def _sides(size: Any) -> tuple[int, int]:
    if isinstance(size, dict):
        if "shortest_edge" in size:
            return int(size["shortest_edge"]), int(size["shortest_edge"])
        return int(size["height"]), int(size["width"])
    if isinstance(size, (list, tuple)):
        return int(size[0]), int(size[1])
    return int(size), int(size)


def _filter(name: str) -> str:
    if name not in {"nearest", "bilinear", "bicubic", "lanczos"}:
        raise ValueError(f"no filter is called {name!r}")
    return name
