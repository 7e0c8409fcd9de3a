"""Turns the bytes of an image file into upright RGB pixels, the same for training and serving; it knows no model and no label.

What a file holds is decided here once: how it is turned (EXIF), what happens to palettes, grey, 16 bit, CMYK and
transparency, and which files are refused. https://www.cipa.jp/e/std/std-sec.html (Exif 2.32, tag 0x0112).
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from lextune.extras import need

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels8 = npt.NDArray[np.uint8]


class ImageInput(NamedTuple):
    """An image that a model is to take.

    Attributes:
        file: Its path.
        sha256: Of the file, hex.
        label: The cell of its label, where there is one.
        mask: Path of its mask; empty where it has none.
        data: The bytes of the file, where they are in memory already; then `file` and `sha256` are not looked at.
    """

    file: str
    sha256: str
    label: str | None = None
    mask: str = ""
    data: bytes | None = None


#: More pixels than that are taken for a decompression bomb.
MOST_PIXELS = 100_000_000
#: EXIF's tag of the orientation, and what its values 2 to 8 ask for in Pillow's words.
ORIENTATION = 0x0112


class UnfitImageError(ValueError):
    """A file that cannot be read as an image.

    Attributes:
        kind: The word of the finding.
        fact: What is the case, as a finding of rows says it; it holds nothing of the image.
        remedy: What to do.
    """

    def __init__(self, kind: str, fact: str, remedy: str) -> None:
        self.kind, self.fact, self.remedy = kind, fact, remedy
        super().__init__(fact)


def decode(data: bytes, short_side: int | None = None) -> Pixels8:
    """The upright image in RGB, uint8, shape (height, width, 3).

    Args:
        data: Of the whole file.
        short_side: Where the format allows it (JPEG) the image is decoded at a smaller scale, whose shorter side
            is still at least this long. None decodes it whole.

    Raises:
        UnfitImageError: It is no image, is cut short, or is larger than `MOST_PIXELS`.
    """
    return np.asarray(upright(open_image(data), short_side))


def open_image(data: bytes) -> Image:
    """The image with its header read; its pixels are not decoded yet.

    Raises:
        UnfitImageError: It is no image, or larger than `MOST_PIXELS`.
    """
    pil = need("vision", "PIL.Image")
    if not data:
        raise UnfitImageError("empty_image", "images in files of no bytes", "copy the file again")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image: Image = pil.open(io.BytesIO(data))
    except pil.DecompressionBombError as error:
        raise _bomb() from error
    except (OSError, ValueError, SyntaxError) as error:
        raise UnfitImageError(
            "not_an_image", "files that are no image which Pillow reads",
            "save them as PNG or JPEG, or remove the rows",
        ) from error  # fmt: skip
    if image.width * image.height > MOST_PIXELS:
        raise _bomb()
    return image


def upright(image: Image, short_side: int | None = None) -> Image:
    """The opened image turned upright, in mode RGB.

    Raises:
        UnfitImageError: It is cut short or damaged.
    """
    ops = need("vision", "PIL.ImageOps")
    if short_side is not None and image.format == "JPEG" and short_side < min(image.size):
        scale = short_side / min(image.size)
        image.draft("RGB", (int(image.width * scale), int(image.height * scale)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image.load()
            turned: Image = ops.exif_transpose(image)
    except (OSError, ValueError, SyntaxError) as error:
        raise UnfitImageError(
            "damaged_image", "images that are cut short or damaged", "copy the file again, or remove the row"
        ) from error  # fmt: skip
    return turned if turned.mode == "RGB" else turned.convert("RGB")


def _bomb() -> UnfitImageError:
    return UnfitImageError(
        "image_too_large", f"images of more than {MOST_PIXELS:,} pixels",
        "scale them down, or remove the rows: a small file may fill the memory when it is unpacked",
    )  # fmt: skip
