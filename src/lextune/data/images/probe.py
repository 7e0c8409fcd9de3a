"""Looks once at the bytes of an image file: digest, sizes, turning, a perceptual hash, kinds of metadata; it knows no row."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from lextune.data.images.metadata import metadata_kinds
from lextune.extras import need
from lextune.images import (
    FORMATS,
    format_of,
    in_rgb,
    load_upright,
    open_image,
    orientation,
    stored_size,
)

if TYPE_CHECKING:
    from PIL.Image import Image

#: The shorter side that a JPEG is decoded to at least: eight rows are left of it for the hash.
_SHORT_SIDE = 64


@dataclass(frozen=True)
class Probe:
    """What an image file is; nothing of its pixels can be had from it.

    Attributes:
        sha256: Of the file, hex.
        size: Width and height of the upright image.
        stored: Width and height as the file stores the pixels, before they are turned.
        orientation: EXIF's number, 1 to 8.
        format: One of `images.FORMATS`, by content.
        mode: Pillow's word for the pixels as stored (`RGB`, `P`, `I;16`); Pillow reads 16-bit RGB as `RGB`.
        perceptual: The 64 bits of `difference_hash`.
        metadata: Kinds of `metadata.metadata_kinds`, sorted.
    """

    sha256: str
    size: tuple[int, int]
    stored: tuple[int, int]
    orientation: int
    format: str
    mode: str
    perceptual: int
    metadata: tuple[str, ...]

    def fits(self, name: str) -> bool:
        """Whether the suffix of a file's name is one of its format; a name without one says nothing false."""
        suffix = PurePath(name).suffix.lower()
        return not suffix or suffix in FORMATS[self.format]


def probe(data: bytes) -> Probe:
    """All of that, by decoding the image once: a JPEG at reduced scale, which still reads it to its end.

    Raises:
        UnfitImageError: It is no image that `images.decode` reads.
    """
    image = open_image(data)
    turn, stored, mode = orientation(image), stored_size(image), image.mode
    loaded = load_upright(image, _SHORT_SIDE, luminance=True)
    return Probe(
        sha256=hashlib.sha256(data).hexdigest(),
        size=stored[::-1] if turn > 4 else stored,
        stored=stored,
        orientation=turn,
        format=format_of(image),
        mode=mode,
        perceptual=difference_hash(loaded),
        metadata=metadata_kinds(image, data),
    )


def difference_hash(image: Image) -> int:
    """64 bits: whether each pixel of the grey image, scaled to 9 by 8, is darker than the one to its right.

    Neal Krawetz's dHash (https://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html). Scaling
    takes the mean of what each pixel covers. The first bit is the most significant one.
    """
    grey = (
        image
        if image.mode == "L" and "transparency" not in image.info
        else in_rgb(image).convert("L")
    )
    box = need("vision", "PIL.Image").Resampling.BOX
    small = np.asarray(grey.resize((9, 8), box))
    return int.from_bytes(np.packbits(small[:, 1:] > small[:, :-1]).tobytes())
