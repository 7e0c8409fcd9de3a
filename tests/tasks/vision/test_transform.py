"""How a model's own files say that images are prepared, in timm's and in transformers' words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lextune.config import load_config
from lextune.errors import ModelError
from lextune.tasks.vision.transform import image_settings, read_transform


def files(config: dict[str, Any], processor: dict[str, Any] | None = None) -> dict[str, bytes]:
    found = {"config.json": json.dumps(config).encode()}
    if processor is not None:
        found["preprocessor_config.json"] = json.dumps(processor).encode()
    return found


def test_timms_words() -> None:
    own = {
        "input_size": [3, 160, 192], "crop_pct": 0.8, "interpolation": "bilinear",
        "mean": [0.1, 0.2, 0.3], "std": [1, 2, 3],
    }  # fmt: skip
    found = read_transform(files({"architecture": "x", "pretrained_cfg": own}), {})
    assert found.size == (160, 192)
    assert found.short_side == 200
    assert (found.mean, found.std) == ((0.1, 0.2, 0.3), (1.0, 2.0, 3.0))
    assert found.interpolation == "bilinear"
    assert not found.flip


def test_transformers_words() -> None:
    own = {
        "size": {"shortest_edge": 256}, "do_center_crop": True, "resample": 3,
        "crop_size": {"height": 224, "width": 224},
    }  # fmt: skip
    found = read_transform(files({"model_type": "resnet"}, own), {})
    assert found.size == (224, 224)
    assert found.short_side == 256
    assert found.interpolation == "bicubic"
    assert found.mean == (0.485, 0.456, 0.406)
    plain = read_transform(files({"model_type": "vit", "image_size": 96}), {})
    assert plain.size == (96, 96)
    assert plain.crop_pct == 1.0


def test_pixels_that_are_not_scaled_are_taken_as_they_are() -> None:
    own = {"size": 32, "do_rescale": False, "image_mean": [127.5] * 3, "image_std": [51.0] * 3}
    found = read_transform(files({"model_type": "x"}, own), {})
    assert found.mean == pytest.approx((0.5,) * 3)
    assert found.std == pytest.approx((0.2,) * 3)
    without = read_transform(files({"model_type": "x"}, {**own, "do_normalize": False}), {})
    assert without.mean == (0.0,) * 3
    assert without.std == pytest.approx((1 / 255,) * 3)


def test_what_the_config_says_comes_first_and_is_kept_for_serving() -> None:
    config = load_config({
        "task": "image_classification", "model": {"source": "auto"}, "data": {"train": ["x"]},
        "train": {"image_size": 96, "crop_pct": 0.95}, "evaluation": {"test_time_augmentation": "flip"},
    })  # fmt: skip
    settings = image_settings(config)
    assert settings == {"image_size": "96", "crop_pct": "0.95", "test_time_augmentation": "flip"}
    found = read_transform(files({"architecture": "x", "pretrained_cfg": {}}), settings)
    assert (found.size, found.crop_pct, found.flip) == ((96, 96), 0.95, True)


@pytest.mark.parametrize(
    "own",
    [
        {"mean": [0.5]}, {"std": [0.5, 0.0, 0.5]}, {"interpolation": "magic"}, {"crop_pct": 1.5},
        {"input_size": [224]}, {"input_size": [3, 0, 224]}, {"mean": ["a", "b", "c"]}, {"crop_pct": 0},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(own: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="how images are prepared"):
        read_transform(files({"architecture": "x", "pretrained_cfg": own}), {})
