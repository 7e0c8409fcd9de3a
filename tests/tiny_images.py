"""Makes a tiny classifier of timm and easy pictures, from which a real run releases in seconds; it knows no test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import tiny_detectors

#: What a picture of a class is full of.
COLOURS = {"forest": (30, 120, 40), "sea": (30, 60, 200)}


def write_backbone(folder: Path) -> Path:
    """A network of timm with random weights, as a folder with a licence."""
    folder.mkdir(parents=True)
    for name, data in tiny_detectors.backbone("test_resnet").items():
        (folder / name).write_bytes(data)
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\nA tiny network for tests.\n")
    return folder


def picture(label: str, seed: int, size: tuple[int, int] = (40, 32)) -> Image.Image:
    """Noise about the colour of a class."""
    noise = np.random.default_rng(seed).integers(-30, 30, (size[1], size[0], 3))
    return Image.fromarray((np.array(COLOURS[label]) + noise).clip(0, 255).astype(np.uint8))


def write_pictures(folder: Path, each: int, seed: int = 0) -> Path:
    """A folder for each class; a few of `forest` look like the sea, so that something is mistaken."""
    for place, label in enumerate(COLOURS):
        (folder / label).mkdir(parents=True)
        for number in range(each):
            shown = "sea" if label == "forest" and number < each // 10 else label
            name = folder / label / f"{number:03}.png"
            picture(shown, seed + 1000 * place + number).save(name)
    return folder


def config(folder: Path) -> dict[str, Any]:
    """A config that releases; its model and pictures are written into the folder."""
    return {
        "task": "image_classification",
        "model": {"source": str(write_backbone(folder / "model"))},
        "data": {
            "train": str(write_pictures(folder / "train", 40)),
            "test": str(write_pictures(folder / "test", 20, seed=5000)),
            "licence": "CC0-1.0",
        },
        "train": {
            "method": "full", "epochs": 6, "batch_size": 16, "learning_rate": 3e-3, "image_size": 32,
            "precision": "fp32",
        },
        "evaluation": {"bootstrap_samples": 200},
        "use": {"purpose": "test the tests", "commercial": False, "places": ["EU"]},
        "policy": {"packs": ["licences"]},
        "release": {"name": "colours", "version": "1.0.0"},
    }  # fmt: skip
