"""An image as patches that can be painted over with its mean colour; it knows no model."""

from __future__ import annotations

import io
import itertools
import math

import numpy as np

from lextune.extras import need
from lextune.images import ImageInput, decode
from lextune.tasks.attribution.parts import Bools, Part

#: Patches of an image where nobody says.
USUAL = 49
#: Pixels of the longer side: what a patch shows is larger than the pixels that this loses.
_LONGEST = 1024


class Patches:
    """An image in a grid of patches of about equal sides.

    Args:
        image: From its file or its bytes.
        most: Patches; None is 49.

    Raises:
        UnfitImageError: It cannot be read.
    """

    def __init__(self, image: ImageInput, most: int | None = None) -> None:
        data = image.data
        if data is None:
            with open(image.file, "rb") as stream:
                data = stream.read()
        pixels = decode(data)
        self._full = pixels.shape[:2]
        self._pixels = _smaller(pixels)
        self._mean = np.rint(self._pixels.reshape(-1, 3).mean(axis=0)).astype(np.uint8)
        self._image = image
        height, width = self._pixels.shape[:2]
        rows, columns = _grid(height, width, USUAL if most is None else max(most, 1))
        down, across = _edges(height, rows), _edges(width, columns)
        self._boxes = [
            (top, left, bottom, right)
            for top, bottom in itertools.pairwise(down)
            for left, right in itertools.pairwise(across)
        ]
        self.parts = tuple(self._part(box) for box in self._boxes)
        self.whole = self._written(self._pixels)

    def _part(self, box: tuple[int, int, int, int]) -> Part:
        """A patch in pixels of the upright image as it was."""
        scale_y = self._full[0] / self._pixels.shape[0]
        scale_x = self._full[1] / self._pixels.shape[1]
        top, left, bottom, right = box
        corners = {
            "xmin": round(left * scale_x), "ymin": round(top * scale_y),
            "xmax": round(right * scale_x), "ymax": round(bottom * scale_y),
        }  # fmt: skip
        name = "pixels {xmin}-{xmax} across, {ymin}-{ymax} down".format(**corners)
        return Part(name, tuple((key, float(value)) for key, value in corners.items()))

    def without(self, gone: Bools) -> ImageInput:
        """The image with some patches in its mean colour."""
        pixels = self._pixels.copy()
        for (top, left, bottom, right), painted in zip(self._boxes, gone, strict=True):
            if painted:
                pixels[top:bottom, left:right] = self._mean
        return self._written(pixels)

    def _written(self, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> ImageInput:
        sink = io.BytesIO()
        need("vision", "PIL.Image").fromarray(pixels).save(
            sink, "BMP"
        )  # loses nothing, takes no time
        return self._image._replace(data=sink.getvalue())


def _smaller(
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    scale = _LONGEST / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    pil = need("vision", "PIL.Image")
    size = (max(round(pixels.shape[1] * scale), 1), max(round(pixels.shape[0] * scale), 1))
    return np.asarray(pil.fromarray(pixels).resize(size, pil.Resampling.LANCZOS))


def _grid(height: int, width: int, most: int) -> tuple[int, int]:
    """Rows and columns, at most `most` patches together and none thinner than a pixel."""
    rows = min(max(round(math.sqrt(most * height / width)), 1), most, height)
    return rows, min(max(most // rows, 1), width)


def _edges(size: int, count: int) -> list[int]:
    return [round(size * one / count) for one in range(count + 1)]
