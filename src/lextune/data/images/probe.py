"""Looks once at an image: whether it can be read, how large it is, what it looks like; it knows no row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lextune import images
from lextune.files import sha256


@dataclass(frozen=True)
class Probe:
    """What one look at an image's file shows.

    Attributes:
        sha256: Of the file, hex.
        size: Upright width and height in pixels.
        stored: Width and height before the image is turned.
        orientation: EXIF's number, 1 to 8; 1 is upright.
        format: As Pillow names it.
        mode: As Pillow names it.
        perceptual: Difference hash of 8 by 8 comparisons, 64 bits.
        metadata: Kinds of metadata in the file.
    """

    sha256: str
    size: tuple[int, int]
    stored: tuple[int, int]
    orientation: int
    format: str
    mode: str
    perceptual: int
    metadata: tuple[str, ...] = ()


def probe(data: bytes) -> Probe:
    """Look at the bytes of an image's file.

    Raises:
        UnfitImageError: It is no image, or damaged.
    """
    image = images.open_image(data)
    stored, mode = image.size, image.mode
    orientation = image.getexif().get(images.ORIENTATION, 1)
    orientation = orientation if orientation in range(1, 9) else 1
    turned = images.upright(image, 32)
    size = stored if orientation < 5 else stored[::-1]
    grey = np.asarray(turned.convert("L").resize((9, 8)), np.int16)
    bits = np.packbits(grey[:, 1:] > grey[:, :-1])
    return Probe(
        sha256(data), size, stored, orientation, image.format or "", mode,
        int.from_bytes(bits.tobytes(), "big"),
    )  # fmt: skip
