"""Reads mask files as values, colours and classes of pixels, turned upright; it knows no model and no data set.

A palette file is read by index and a grey one by value, 16 bit included, never by the colour that is shown. An RGB
file is a colour map: each colour is a value, written `#rrggbb`.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lextune import images
from lextune.extras import need
from lextune.images import UnfitImageError
from lextune.labels import Mask

#: The class number of a pixel that belongs to no class.
VOID = 255
#: Colours that a colour map may have, and named classes that one mask may have: 255 is void.
MOST_COLOURS, MOST_CLASSES = 256, 255
_GREY = ("1", "L", "P", "I", "I;16", "I;16L", "I;16B", "I;16N")


class MaskPixels(NamedTuple):
    """The pixels of a mask file as they are stored, before they are turned.

    Attributes:
        values: Shape (height, width): the number of each pixel; of a colour map `0xrrggbb`.
        coloured: Whether it is a colour map.
        orientation: What the file itself says of how it is to be turned (EXIF), 1 to 8.
    """

    values: npt.NDArray[Any]
    coloured: bool
    orientation: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as stored."""
        height, width = self.values.shape
        return width, height

    def names(self) -> tuple[str, ...]:
        """The values that occur, as `labels.Mask` writes them, in the order of their numbers."""
        if self.values.dtype == np.uint8:
            found = np.flatnonzero(np.bincount(self.values.ravel(), minlength=256))
        else:
            found = np.unique(self.values)
        return tuple(f"#{value:06x}" if self.coloured else str(value) for value in found.tolist())


def read_pixels(data: bytes) -> MaskPixels:
    """The values of a mask file.

    Raises:
        UnfitImageError: It is no image, is damaged, or its pixels are no values: too many colours, transparency,
            a format that loses (JPEG).
    """
    image = images.open_image(data)
    if images.format_of(image) == "JPEG":
        raise _lossy()
    # Pillow turns TIFF by itself
    turn = 1 if image.format == "TIFF" else images.orientation(image)
    try:
        with images.quiet():
            image.load()
    except MemoryError:
        raise
    except Exception as error:  # of a hostile file any
        raise UnfitImageError(
            "damaged_mask", "masks that are cut short or damaged", "copy the file again, or remove the row"
        ) from error  # fmt: skip
    if image.mode in ("LA", "RGBA"):
        if image.getchannel("A").getextrema() != (255, 255):
            raise UnfitImageError(
                "bad_mask", "masks with transparent pixels",
                "save them as indexed PNG, with a value of its own for what is void",
            )  # fmt: skip
        image = image.convert(image.mode[:-1])
    if image.mode in _GREY:
        values = np.asarray(image)
        return MaskPixels(values.astype(np.uint8) if image.mode == "1" else values, False, turn)
    if image.mode != "RGB":
        raise UnfitImageError(
            "bad_mask", "masks whose pixels are no whole numbers and no RGB colours", "save them as indexed PNG"
        )  # fmt: skip
    if image.getcolors(MOST_COLOURS) is None:
        raise _lossy()
    red, green, blue = np.moveaxis(np.asarray(image).astype(np.uint32), 2, 0)
    return MaskPixels(red << 16 | green << 8 | blue, True, turn)


def load_mask(data: bytes, mask: Mask) -> npt.NDArray[np.uint8]:
    """The class number of each pixel, upright, shape (height, width).

    A number is the place of the pixel's class in `tuple(mask.classes.values())`; `VOID` where its value is not
    named there.

    Args:
        data: Of the whole file.
        mask: What the label says of it.

    Raises:
        UnfitImageError: It is not the file that the label means, or no mask.
    """
    if hashlib.sha256(data).hexdigest() != mask.sha256:
        raise UnfitImageError(
            "changed_mask", "masks that are not the files which were checked", "prepare the data again"
        )  # fmt: skip
    pixels = read_pixels(data)
    numbers = np.array([_number(value) for value in mask.classes], np.int64)
    if len(numbers) > MOST_CLASSES:
        raise _too_many()
    found = turned(_numbered(pixels.values, numbers), mask.orientation)
    if found.shape != mask.size[::-1]:
        raise UnfitImageError(
            "changed_mask", "masks of another size than their label says", "prepare the data again"
        )  # fmt: skip
    return found


def turned(values: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """An array (height, width, ...) of stored pixels as it is seen upright; the orientation is EXIF's, 1 to 8."""
    if orientation >= 5:
        values = values.swapaxes(0, 1)
    rows = slice(None, None, -1 if orientation in (3, 4, 7, 8) else None)
    columns = slice(None, None, -1 if orientation in (2, 3, 6, 7) else None)
    return np.ascontiguousarray(values[rows, columns])


def write_indexed(values: npt.NDArray[Any], colours: Sequence[tuple[int, int, int]] = ()) -> bytes:
    """The bytes of a PNG with those values, shape (height, width): indexed up to 255, else grey of 16 bit.

    `colours` are those of the first values in the palette; the others have Pascal VOC's.
    """
    pil = need("vision", "PIL.Image")
    wide = int(values.max(initial=0)) > 255
    image = pil.fromarray(values.astype(np.uint16 if wide else np.uint8))
    if not wide:
        palette = [*colours, *(_colour(value) for value in range(len(colours), 256))]
        image.putpalette([channel for colour in palette for channel in colour])
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def _numbered(values: npt.NDArray[Any], known: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """The place of each value among the known ones."""
    if values.dtype == np.uint8:
        table = np.full(256, VOID, np.uint8)
        fits = known < 256
        table[known[fits]] = np.flatnonzero(fits)
        return np.take(table, values)
    found = np.full(values.shape, VOID, np.uint8)
    if len(known):
        order = np.argsort(known)
        at = np.searchsorted(known[order], values).clip(max=len(known) - 1)
        there = known[order][at] == values
        found[there] = order[at][there]
    return found


def _colour(value: int) -> tuple[int, int, int]:
    """The colour of a value in the palette of Pascal VOC, so that a picture of it can be looked at."""
    red, green, blue = 0, 0, 0
    for bit in range(8):
        red |= (value & 1) << 7 - bit
        green |= (value >> 1 & 1) << 7 - bit
        blue |= (value >> 2 & 1) << 7 - bit
        value >>= 3
    return red, green, blue


def _number(value: str) -> int:
    return int(value[1:], 16) if value.startswith("#") else int(value)


def _lossy() -> UnfitImageError:
    return UnfitImageError(
        "bad_mask", f"masks with more than {MOST_COLOURS} colours, or in a format that loses: was it saved as JPEG?",
        "make them again from their source and save them as indexed PNG: losses invent classes at the edges",
    )  # fmt: skip


def _too_many() -> UnfitImageError:
    return UnfitImageError(
        "bad_mask", f"masks with more than {MOST_CLASSES} classes in one picture",
        "check that each pixel holds a class, or set data.labels and data.ignore_labels",
    )  # fmt: skip
