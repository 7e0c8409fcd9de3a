"""How training sees images: crops, mirrors, colours and blends, as a pure function of seed, epoch and row; it knows no model.

What decides an image's geometry is computed apart from its pixels, so that masks and boxes go the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from lextune.config_training import AugmentationConfig
from lextune.extras import need
from lextune.images import Pixels8

if TYPE_CHECKING:
    from PIL.Image import Image

#: Crops are tried so often before the whole image is taken, within these bounds of width by height.
_TRIES, _RATIO = 10, (3 / 4, 4 / 3)


class Geometry(NamedTuple):
    """What of an image is taken, and how it is laid into the input.

    Attributes:
        box: Left, upper, right and lower end in pixels of the image, not always whole ones.
        size: Height and width of what is made of it.
        flip: Whether left and right are exchanged.
        upside_down: Whether top and bottom are.
    """

    box: tuple[float, float, float, float]
    size: tuple[int, int]
    flip: bool = False
    upside_down: bool = False


class Mixing(NamedTuple):
    """How a batch is blended with itself in another order.

    Attributes:
        share: Of the image itself, of the other one 1 - share.
        piece: Where the other image is pasted in (top, left, bottom, right); None where the two are blended.
    """

    share: float
    piece: tuple[int, int, int, int] | None


@dataclass(frozen=True)
class View:
    """The images as they are seen in one epoch.

    Attributes:
        config: What is changed, and how far.
        seed: Of the run.
        epoch: From 0.
    """

    config: AugmentationConfig
    seed: int
    epoch: int

    def random(self, row: int, purpose: int = 0) -> np.random.Generator:
        """Of one row in this epoch, whatever the order in which rows are asked for."""
        return np.random.default_rng([self.seed, self.epoch, int(row), purpose])

    def crop(self, row: int, shape: tuple[int, int], size: tuple[int, int]) -> Geometry:
        """A random piece of the image, resized to `size` (Szegedy et al. 2015, arXiv:1409.4842, section 6)."""
        draw = self.random(row)
        flip = bool(draw.random() < self.config.horizontal_flip)
        height, width = shape
        for _ in range(_TRIES):
            area = height * width * draw.uniform(self.config.crop_scale, 1)
            ratio = np.exp(draw.uniform(*np.log(_RATIO)))
            across, down = float(np.sqrt(area * ratio)), float(np.sqrt(area / ratio))
            if across <= width and down <= height:
                left, top = draw.uniform(0, width - across), draw.uniform(0, height - down)
                return Geometry((left, top, left + across, top + down), size, flip)
        return middle_crop(shape, size, 1.0)._replace(flip=flip)

    def zoom(self, row: int, shape: tuple[int, int], size: tuple[int, int]) -> Geometry:
        """A random piece of the image in its own shape, or as often all of it, smaller than `size` by as much."""
        draw = self.random(row)
        flip = bool(draw.random() < self.config.horizontal_flip)
        upside_down = bool(draw.random() < self.config.vertical_flip)
        height, width = shape
        side = float(np.sqrt(draw.uniform(self.config.crop_scale, 1)))
        if draw.random() < 0.5:
            smaller = max(1, round(size[0] * side)), max(1, round(size[1] * side))
            return whole(shape, smaller)._replace(flip=flip, upside_down=upside_down)
        left, top = draw.uniform(0, width * (1 - side)), draw.uniform(0, height * (1 - side))
        return Geometry(
            (left, top, left + width * side, top + height * side), size, flip, upside_down
        )

    def colours(self, row: int, image: Pixels8) -> Pixels8:
        """Brightness, contrast and saturation changed by up to `color_jitter`, in this order."""
        most = self.config.color_jitter
        if not most:
            return image
        enhance = need("vision", "PIL.ImageEnhance")
        draw = self.random(row, 1)
        found: Image = need("vision", "PIL.Image").fromarray(image)
        for kind in (enhance.Brightness, enhance.Contrast, enhance.Color):
            found = kind(found).enhance(float(draw.uniform(1 - most, 1 + most)))
        return np.asarray(found)

    def mixing(self, rows: npt.NDArray[np.int64], size: tuple[int, int]) -> Mixing | None:
        """How a batch is blended; the first row stands for it. None where it is not.

        Where both kinds are asked for, a batch gets one of them, each as often.
        """
        mixup, cutmix = self.config.mixup_alpha, self.config.cutmix_alpha
        if len(rows) < 2 or not (mixup or cutmix):
            return None
        draw = self.random(int(rows[0]), 2)
        if mixup and (not cutmix or draw.random() < 0.5):
            return Mixing(float(draw.beta(mixup, mixup)), None)
        share = float(draw.beta(cutmix, cutmix))
        height, width = size
        down, across = (round(side * np.sqrt(1 - share)) for side in size)
        y, x = int(draw.integers(height)), int(draw.integers(width))
        top, left = max(0, y - down // 2), max(0, x - across // 2)
        bottom, right = min(height, top + down), min(width, left + across)
        kept = 1 - (bottom - top) * (right - left) / (height * width)
        return Mixing(kept, (top, left, bottom, right))


def middle_crop(shape: tuple[int, int], size: tuple[int, int], crop_pct: float) -> Geometry:
    """The middle of an image in the shape of `size`, as large as fits, less what `crop_pct` leaves out."""
    height, width = shape
    scale = crop_pct * min(height / size[0], width / size[1])
    down, across = size[0] * scale, size[1] * scale
    left, top = (width - across) / 2, (height - down) / 2
    return Geometry((left, top, left + across, top + down), size)


def whole(shape: tuple[int, int], size: tuple[int, int]) -> Geometry:
    """The whole image at another size."""
    return Geometry((0.0, 0.0, float(shape[1]), float(shape[0])), size)


def lay(image: Pixels8, geometry: Geometry, interpolation: str) -> Pixels8:
    """The pixels that a geometry takes of an image, shape (*size, 3), or of a mask, shape size.

    A mask is read with `nearest`: a value in between two classes would be a third one.
    """
    pil = need("vision", "PIL.Image")
    height, width = geometry.size
    left, top, right, bottom = geometry.box
    same = (0, 0, width, height) == geometry.box and image.shape[:2] == geometry.size
    if not same:
        how = getattr(pil.Resampling, interpolation.upper())
        box = (
            max(0.0, left),
            max(0.0, top),
            min(image.shape[1], right),
            min(image.shape[0], bottom),
        )
        image = np.asarray(pil.fromarray(image).resize((width, height), how, box=box))
    if geometry.upside_down:
        image = image[::-1]
    return image[:, ::-1] if geometry.flip else image
