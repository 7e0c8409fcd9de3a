"""Holds images decoded once, as bytes in one array that may lie in a mapped file; it knows no model and no label.

An image is kept no larger than its model needs, so that no epoch decodes or shrinks it again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lextune.errors import DataError, Problem
from lextune.extras import need
from lextune.images import ImageInput, Pixels8, UnfitImageError, decode
from lextune.tasks.checked import checked_bytes, unreadable
from lextune.tasks.mapped import Arrays
from lextune.tasks.vision.transform import Transform

if TYPE_CHECKING:
    from lextune.tasks.vision.augment import View

#: Pixels that one pass through a model takes on a CPU; a larger batch is summed over several.
PIXELS_AT_ONCE = 2_500_000


@dataclass(frozen=True)
class Pixels:
    """Upright RGB images one after the other.

    Attributes:
        data: Of all images, uint8, shape (bytes,).
        shapes: Height and width of each image as it is kept, int32, shape (images, 2).
        originals: The same of the upright image in its file.
        transform: How an image becomes the model's input.
        masks: A value for each pixel that is kept, uint8, shape (pixels,); None where images have no masks.
        view: How training sees the images in one epoch; None is as prediction sees them.
        alike: Whether all images become inputs of one size; otherwise batches are of images of similar shape.
    """

    data: npt.NDArray[np.uint8]
    shapes: npt.NDArray[np.int32]
    originals: npt.NDArray[np.int32]
    transform: Transform
    masks: npt.NDArray[np.uint8] | None = None
    view: View | None = None
    alike: bool = True

    def __post_init__(self) -> None:
        sizes = self.shapes.astype(np.int64).prod(axis=1)
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
        object.__setattr__(self, "_starts", starts)

    def __len__(self) -> int:
        return len(self.shapes)

    @property
    def truncated(self) -> int:
        """None: an image is scaled, not cut."""
        return 0

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """1 where all become inputs of one size, else the pixels that are kept; shape (images,)."""
        if self.alike:
            return np.ones(len(self), np.int64)
        return np.asarray(self.shapes.astype(np.int64).prod(axis=1))

    def image(self, row: int) -> Pixels8:
        """One image as it is kept, shape (height, width, 3)."""
        start, stop = self._span(row)
        height, width = self.shapes[row].tolist()
        return self.data[3 * start : 3 * stop].reshape(height, width, 3)

    def mask(self, row: int) -> Pixels8:
        """The mask of one image, at the size at which the image is kept."""
        assert self.masks is not None
        start, stop = self._span(row)
        height, width = self.shapes[row].tolist()
        return self.masks[start:stop].reshape(height, width)

    def in_order(self, batch_size: int) -> list[npt.NDArray[np.int64]]:
        """Batches for prediction, of images of similar shape where they differ."""
        order = np.arange(len(self))
        if not self.alike:
            order = np.lexsort((self.shapes[:, 1], self.shapes[:, 0]))
        batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        return [part for batch in batches for part in self.cut(batch)]

    def cut(
        self, rows: npt.NDArray[np.int64], tokens: int | None = None  # noqa: ARG002
    ) -> list[npt.NDArray[np.int64]]:  # fmt: skip
        """The rows in parts of about equally many pixels, at most `PIXELS_AT_ONCE` where that is possible."""
        if not len(rows):
            return []
        height, width = self.transform.size
        pixels = height * width if self.alike else int(self.lengths[rows].max())
        parts = -(-pixels * len(rows) // PIXELS_AT_ONCE)
        return [part for part in np.array_split(rows, min(parts, len(rows))) if len(part)]

    def seen(self, view: View) -> Pixels:
        """The same images as training sees them in an epoch."""
        return dataclasses.replace(self, view=view)

    def arrays(self) -> Arrays:
        """The pixels, sizes and masks, for a file."""
        found: Arrays = {"data": self.data, "shapes": self.shapes, "originals": self.originals}
        return found if self.masks is None else found | {"masks": self.masks}

    def with_arrays(self, arrays: Arrays) -> Pixels:
        """Other images that are kept alike."""
        return dataclasses.replace(self, **arrays)

    def _span(self, row: int) -> tuple[int, int]:
        starts: npt.NDArray[np.int64] = self._starts  # type: ignore[attr-defined]
        return int(starts[row]), int(starts[row + 1])


#: Gives the size (height, width) at which an image of an upright size is kept.
Fit = Callable[[tuple[int, int]], tuple[int, int]]
#: Reads the mask of an input at the size that its image has upright.
ReadMask = Callable[[ImageInput], Pixels8]


def encode_images(
    inputs: Sequence[ImageInput], transform: Transform, fit: Fit, *, read_mask: ReadMask | None = None,
    alike: bool = True,
) -> Pixels:  # fmt: skip
    """Decode images and keep them at the size that `fit` says, none larger than it is.

    Raises:
        VerificationError: A file is not the one that was looked at.
        DataError: A file cannot be read any more.
    """
    images, masks = [], []
    originals = np.zeros((len(inputs), 2), np.int32)
    for row, given in enumerate(inputs):
        image, originals[row] = _decoded(given, transform, fit)
        images.append(image)
        if read_mask is not None:
            masks.append(_shrunk(read_mask(given), image.shape[:2]))
    shapes = np.array([image.shape[:2] for image in images], np.int32).reshape(-1, 2)
    data = np.concatenate([image.ravel() for image in images]) if images else np.zeros(0, np.uint8)
    values = None
    if read_mask is not None:
        values = np.concatenate([one.ravel() for one in masks]) if masks else np.zeros(0, np.uint8)
    return Pixels(data, shapes, originals, transform, values, alike=alike)


def _decoded(given: ImageInput, transform: Transform, fit: Fit) -> tuple[Pixels8, tuple[int, int]]:
    pil = need("vision", "PIL.Image")
    data = checked_bytes(given)
    size = original_size(data)
    height, width = fit(size)
    try:
        image = decode(data, min(height, width))
    except UnfitImageError as error:
        raise unreadable(given, error.fact) from error
    if image.shape[0] > height or image.shape[1] > width:
        how = getattr(pil.Resampling, transform.interpolation.upper())
        shrunk = pil.fromarray(image).resize((width, height), how)
        image = np.asarray(shrunk)
    return image, size


def original_size(data: bytes) -> tuple[int, int]:
    """Height and width of the upright image in a file, from its header.

    Raises:
        DataError: It is no image.
    """
    from lextune.images import open_image, orientation

    try:
        image = open_image(data)
    except UnfitImageError as error:
        raise DataError(Problem(f"found {error.fact}", error.remedy)) from error
    turned = image.format != "TIFF" and orientation(image) > 4  # Pillow turns TIFF by itself
    return (image.width, image.height) if turned else (image.height, image.width)


def _shrunk(mask: Pixels8, shape: tuple[int, ...]) -> Pixels8:
    """A mask at another size: the nearest value, for a value in between would be another class."""
    if mask.shape == shape:
        return mask
    pil = need("vision", "PIL.Image")
    small = pil.fromarray(mask).resize((shape[1], shape[0]), pil.Resampling.NEAREST)
    return np.asarray(small)


def short_side_fit(short_side: int) -> Fit:
    """Keep an image so that its shorter side has that many pixels, unless it is smaller."""

    def fit(size: tuple[int, int]) -> tuple[int, int]:
        scale = min(1.0, short_side / min(size))
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))

    return fit
