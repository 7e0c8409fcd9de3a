"""Makes a model's inputs of images as they are kept, for training and for prediction; it knows no model and no label."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import torch

from lextune.images import Pixels8
from lextune.tasks.vision.augment import Geometry, Mixing, lay, middle_crop
from lextune.tasks.vision.pixels import Pixels


@dataclass(frozen=True)
class ImageBatch:
    """Inputs of one size.

    Attributes:
        pixels: Normalised, float32, shape (images, 3, height, width), channels last in memory.
        flip: Whether the model is asked twice, for the images and for their mirror images.
    """

    pixels: torch.Tensor
    flip: bool = False

    def to(self, device: torch.device) -> ImageBatch:
        """The same on a device."""
        return ImageBatch(self.pixels.to(device, non_blocking=True), self.flip)


def crops(pixels: Pixels, rows: npt.NDArray[np.int64]) -> ImageBatch:
    """The images as inputs of the transform's size: random crops in training, the middle in prediction."""
    view, transform = pixels.view, pixels.transform

    def made(row: int) -> Pixels8:
        image = pixels.image(row)
        laid = lay(image, _geometry(pixels, row), transform.interpolation)
        return laid if view is None else view.colours(row, laid)

    found = normalised(stacked(made, rows), pixels)
    if view is not None and (mixing := view.mixing(rows, transform.size)) is not None:
        found = mixed(found, mixing)
    return ImageBatch(found, flip=view is None and transform.flip)


def _geometry(pixels: Pixels, row: int) -> Geometry:
    height, width = pixels.shapes[row].tolist()
    transform = pixels.transform
    if pixels.view is not None:
        return pixels.view.crop(row, (height, width), transform.size)
    return middle_crop((height, width), transform.size, transform.crop_pct)


def stacked(make: Callable[[int], Pixels8], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """What `make` gives of each row, side by side; several are made at a time."""
    numbers = rows.tolist()
    if len(numbers) < 4:
        return np.stack([make(row) for row in numbers])
    return np.stack(list(_pool().map(make, numbers)))


def normalised(images: npt.NDArray[np.uint8], pixels: Pixels) -> torch.Tensor:
    """Bytes (images, height, width, 3) as the model takes them, shape (images, 3, height, width), channels last."""
    transform = pixels.transform
    mean, std = torch.tensor(transform.mean) * 255, torch.tensor(transform.std) * 255
    found = torch.from_numpy(images).float().sub_(mean).div_(std)
    return found.permute(0, 3, 1, 2)


def mixed(images: torch.Tensor, mixing: Mixing) -> torch.Tensor:
    """Each image with the one after it (mixup: Zhang et al. 2018; cutmix: Yun et al. 2019)."""
    other = images.roll(-1, 0)
    if mixing.piece is None:
        return images.lerp(other, 1 - mixing.share)
    top, left, bottom, right = mixing.piece
    made = images.clone(memory_format=torch.preserve_format)
    made[:, :, top:bottom, left:right] = other[:, :, top:bottom, left:right]
    return made


def mixed_targets(numbers: torch.Tensor, classes: int, mixing: Mixing) -> torch.Tensor:
    """Shares of the classes in each blended image, shape (images, classes)."""
    own = torch.nn.functional.one_hot(numbers, classes).float()
    return own.lerp(own.roll(-1, 0), 1 - mixing.share)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="images")
