"""Makes tiny networks of masks and pictures of coloured rectangles with their masks; it knows no test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from PIL import Image
from safetensors.torch import save

from lextune.images import ImageInput
from lextune.labels import Mask, write_mask
from lextune.masks import write_indexed

#: What stands for each class in a picture.
COLOURS = {"field": (30, 120, 40), "lake": (30, 60, 200), "road": (220, 210, 190)}
CLASSES = tuple(COLOURS)


def tiny_encoder(name: str = "test_resnet", seed: int = 0, **about: Any) -> dict[str, bytes]:
    """A classifier of timm with random weights, in timm's layout."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = timm.create_model(name, pretrained=False, num_classes=5)
    own = {
        "input_size": [3, 64, 64],
        "mean": [0.5] * 3,
        "std": [0.25] * 3,
        "interpolation": "bilinear",
    }
    config = {"architecture": name, "num_classes": 5, "pretrained_cfg": {**own, **about}}
    return {
        "config.json": json.dumps(config).encode(),
        "model.safetensors": save(model.state_dict()),
    }


def tiny_library_model(library_class: Any, config: Any, seed: int = 0) -> dict[str, bytes]:
    """A model of transformers with random weights, in its layout."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = library_class(config)
    about = {
        "size": {"height": 64, "width": 64},
        "image_mean": [0.1, 0.2, 0.3],
        "image_std": [0.5] * 3,
    }
    return {
        "config.json": model.config.to_json_string(use_diff=False).encode(),
        "model.safetensors": save({k: v.contiguous() for k, v in model.state_dict().items()}),
        "preprocessor_config.json": json.dumps(about).encode(),
    }


def write_picture(
    folder: Path, name: str, size: tuple[int, int] = (48, 40), seed: int = 0
) -> tuple[Path, Path, np.ndarray]:
    """A PNG of three areas of noisy colour and its mask (0, 1, 2; an unknown line is 9), width by height in `size`."""
    draw = np.random.default_rng(seed)
    width, height = size
    values = np.zeros((height, width), np.uint8)
    values[:, int(draw.integers(width // 4, 3 * width // 4)) :] = 1
    top = int(draw.integers(height // 3, 2 * height // 3))
    values[top : top + height // 4, :] = 2
    image = np.array([COLOURS[one] for one in CLASSES])[values] + draw.normal(
        0, 20, (height, width, 3)
    )
    values[0, :] = 9
    folder.mkdir(parents=True, exist_ok=True)
    file, mask = folder / f"{name}.png", folder / f"{name}_mask.png"
    Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(file)
    mask.write_bytes(write_indexed(values))
    return file, mask, values


def write_pictures(folder: Path, part: str, count: int, seed: int = 0) -> Path:
    """A list of pictures and their masks, `image mask` in each line."""
    lines = []
    for number in range(count):
        size = (60, 40) if number % 2 else (44, 52)
        file, mask, _ = write_picture(folder / part, f"p{number}", size, seed + number)
        lines.append(f"{file.relative_to(folder)} {mask.relative_to(folder)}")
    (folder / f"{part}.txt").write_text("\n".join(lines) + "\n")
    return folder / f"{part}.txt"


def write_encoder(folder: Path) -> Path:
    """The folder of a tiny encoder of timm."""
    folder.mkdir(parents=True)
    for name, data in tiny_encoder().items():
        (folder / name).write_bytes(data)
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\nA tiny encoder for tests.\n")
    return folder


def picture_input(file: Path, mask: Path, classes: Sequence[str] = CLASSES) -> ImageInput:
    """The picture as the data room hands it on."""
    data = mask.read_bytes()
    with Image.open(mask) as opened:
        size = opened.size
    named = {str(number): name for number, name in enumerate(classes)}
    label = write_mask(Mask(hashlib.sha256(data).hexdigest(), size, named))
    return ImageInput(str(file), hashlib.sha256(file.read_bytes()).hexdigest(), label, str(mask))
