"""Turns the bytes of an image file into upright RGB pixels, the same for training and serving; it knows no model and no label.

What a file holds is decided here once:

- Turning: as EXIF says (tag 0x0112, or XMP's `tiff:Orientation` where EXIF has none); a reserved value is none.
  https://www.cipa.jp/e/std/std-sec.html (Exif 2.32).
- Transparency (RGBA, LA, a palette's or a PNG's own) is laid on white: that is what browsers and viewers show on an
  empty page, while dropping it, as `convert("RGB")` does, shows colours that nobody was meant to see.
- 16-bit grey keeps its upper 8 bits, so that 32768 is 128 of 255. Pillow reads 16-bit RGB and grey with transparency
  in just that way. 32-bit integers are refused where they do not fit 16 bits or could mean 8 bits, and
  floating-point pixels unless all are in 0 to 1: such files do not say what is white.
- CMYK as in Adobe's JPEG files, which hold it inverted; without Adobe's mark it is as it stands. Colour profiles
  (ICC) are not applied, as in torchvision.
- Of an animation or a file of several pages the first is read.
- Seven formats are read, by content and never by name; none of them starts a program.
"""

from __future__ import annotations

import contextlib
import io
import threading
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lextune.extras import need
from lextune.unfit import UnfitFileError, refuse_no_file

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
#: EXIF's tag of the orientation.
ORIENTATION = 0x0112
#: Formats that are read, in Pillow's words, each with the suffixes that its files have.
FORMATS = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo"),
    "GIF": (".gif",),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
}
#: All of their suffixes, lower case.
SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)
#: What turns stored pixels upright, by EXIF's number, in Pillow's words.
_TURNS = {
    2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE",
    6: "ROTATE_270", 7: "TRANSVERSE", 8: "ROTATE_90",
}  # fmt: skip
_DEEP_GREY = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")
_BITS, _PHOTOMETRIC = 258, 262


class UnfitImageError(UnfitFileError):
    """A file that cannot be read as an image."""


def decode(data: bytes, short_side: int | None = None) -> Pixels8:
    """The upright image in RGB, uint8, shape (height, width, 3); equal bytes always give equal pixels.

    Args:
        data: Of the whole file.
        short_side: Where the format allows it (JPEG) the image is decoded at a half, a quarter or an eighth, whose
            shorter side is still at least this long. None decodes it whole.

    Raises:
        UnfitImageError: It is no image, is cut short, or is larger than `MOST_PIXELS`.
    """
    return np.asarray(upright(open_image(data), short_side))


def open_image(data: bytes) -> Image:
    """The image with its header read; its pixels are not decoded yet.

    Raises:
        UnfitImageError: It is no image of `FORMATS`, or larger than `MOST_PIXELS`.
    """
    pil = need("vision", "PIL.Image")
    # Other libraries (WeasyPrint as it is imported) let Pillow make up what a cut file lacks, for the whole process.
    need("vision", "PIL.ImageFile").LOAD_TRUNCATED_IMAGES = False
    refuse_no_file(data, "image", UnfitImageError)
    try:
        with quiet():
            image: Image = pil.open(io.BytesIO(data), formats=tuple(FORMATS))
    except pil.DecompressionBombError as error:
        raise _bomb() from error
    except MemoryError:
        raise
    except Exception as error:  # of a hostile file any
        raise UnfitImageError(
            "not_an_image", "files that are no image in PNG, JPEG, GIF, WebP, BMP, TIFF or PPM",
            "save them as PNG or JPEG, or remove the rows",
        ) from error  # fmt: skip
    if image.width * image.height > MOST_PIXELS:
        raise _bomb()
    return image


def orientation(image: Image) -> int:
    """How an opened image, whose pixels are not decoded yet, is to be turned: 1 (not at all) to 8.

    Where EXIF cannot be read, nothing says that the image is turned.
    """
    try:
        with quiet():
            found = image.getexif().get(ORIENTATION, 1)
    except MemoryError:
        raise
    except Exception:  # as any viewer does: the pixels may well be whole
        return 1
    return found if isinstance(found, int) and found in _TURNS else 1


def format_of(image: Image) -> str:
    """Which of `FORMATS` an opened image is in; several JPEGs in one file (MPO) are JPEG."""
    return "JPEG" if image.format == "MPO" else str(image.format)


def stored_size(image: Image) -> tuple[int, int]:
    """Width and height as the file stores the pixels of an image that is not decoded yet, before it is turned."""
    width, height = image.size
    # Pillow turns TIFF by itself, and says its upright size from the beginning.
    return (height, width) if image.format == "TIFF" and orientation(image) > 4 else (width, height)


def upright(image: Image, short_side: int | None = None) -> Image:
    """The opened image turned upright, in mode RGB; `short_side` as in `decode`.

    Raises:
        UnfitImageError: It is cut short or damaged, or does not say what its pixels mean.
    """
    return in_rgb(load_upright(image, short_side))


def load_upright(image: Image, short_side: int | None = None, *, luminance: bool = False) -> Image:
    """The opened image turned upright, in the mode that it has: the indices of a palette stay what they are.

    Args:
        image: Its pixels are not decoded yet.
        short_side: As in `decode`.
        luminance: Colours of a JPEG are not wanted; it is decoded in half the time.

    Raises:
        UnfitImageError: It is cut short or damaged.
    """
    turn = orientation(image)
    try:
        with quiet():
            if format_of(image) == "JPEG":
                _draft(image, short_side, "L" if luminance else None)
            image.load()
    except MemoryError:
        raise
    except Exception as error:  # of a hostile file any
        raise damaged() from error
    return image if image.format == "TIFF" else turned(image, turn)


def turned(image: Image, turn: int) -> Image:
    """A loaded image whose pixels are turned upright; `turn` is EXIF's number, and 1 leaves them."""
    if turn == 1:
        return image
    method = getattr(need("vision", "PIL.Image").Transpose, _TURNS[turn])
    found: Image = image.transpose(method)
    found.format = image.format  # what grey and CMYK mean goes by it
    return found


def in_rgb(image: Image) -> Image:
    """A loaded image in mode RGB, as the module says.

    Raises:
        UnfitImageError: Nothing says what its pixels mean.
    """
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    pil = need("vision", "PIL.Image")
    if image.mode in _DEEP_GREY:
        grey: Image = pil.fromarray(_deep_grey(image)).convert("RGB")
        return grey
    try:
        with quiet():
            if image.has_transparency_data:
                return _on_white(image)
            if image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info:
                image = need("vision", "PIL.ImageChops").invert(image)  # Pillow inverts them all
            return image.convert("RGB")
    except ValueError as error:
        raise _unknown_colours(image.mode) from error


def damaged() -> UnfitImageError:
    """The error of a file that begins as an image and does not end as one."""
    return UnfitImageError(
        "damaged_image", "images that are cut short or damaged", "copy the file again, or remove the row"
    )  # fmt: skip


class _Quiet:
    """How many threads want Pillow's warnings ignored; the filters of a process belong to all of them."""

    lock = threading.Lock()
    depth = 0
    caught: warnings.catch_warnings[Any]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Ignore what Pillow warns of (bombs, broken metadata): what is wrong with a file is an error or a finding."""
    with _Quiet.lock:
        if _Quiet.depth == 0:
            _Quiet.caught = warnings.catch_warnings()
            _Quiet.caught.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\b")
        _Quiet.depth += 1
    try:
        yield
    finally:
        with _Quiet.lock:
            _Quiet.depth -= 1
            if _Quiet.depth == 0:
                _Quiet.caught.__exit__(None, None, None)


def _draft(image: Image, short_side: int | None, mode: str | None) -> None:
    scale = 1.0 if short_side is None else min(max(short_side, 1) / min(image.size), 1.0)
    least = (max(int(image.width * scale), 1), max(int(image.height * scale), 1))
    image.draft(mode, least)


def _on_white(image: Image) -> Image:
    key = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(key, tuple) and max(key) > 0xFF:
        # Pillow has cut the pixels to 8 bits and not the key: which of them it means is lost
        raise _unknown_colours("of 16 bits with a transparent one")
    if image.mode == "La":
        image = image.convert("LA")
    with_alpha = image if image.mode == "RGBA" else image.convert("RGBA")
    page: Image = need("vision", "PIL.Image").new("RGBA", image.size, "white")
    page.alpha_composite(with_alpha)
    return page.convert("RGB")


def _deep_grey(image: Image) -> Pixels8:
    """Grey of more than 8 bits as 8 bits."""
    values: Any = np.asarray(image)
    found: Pixels8
    if image.mode == "F":
        if not bool(((values >= 0) & (values <= 1)).all()):  # false of NaN
            raise _unknown_range("floating-point pixels that are not all in 0 to 1")
        found = np.rint(values * 255).astype(np.uint8)
        return found
    bits = 16
    if image.mode == "I" and image.format != "PPM":  # PPM's are scaled to 16 bits
        most = int(values.max(initial=0))
        if int(values.min(initial=0)) < 0 or most > 0xFFFF or 0 < most <= 0xFF:
            raise _unknown_range("32-bit pixels that are not plainly of 16 bits")
    tags: Any = getattr(image, "tag_v2", {})
    if image.format == "TIFF" and tags.get(_BITS) == (12,):
        bits = 12
    found = (values >> (bits - 8)).astype(np.uint8)
    if image.format == "TIFF" and tags.get(_PHOTOMETRIC) == 0:  # white is zero
        found = 255 - found
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        found[values == clear] = 255
    return found


def _unknown_range(what: str) -> UnfitImageError:
    return UnfitImageError(
        "unknown_range", f"grey images with {what}: nothing says what is white",
        "save them as PNG with 8 or 16 bits",
    )  # fmt: skip


def _unknown_colours(what: str) -> UnfitImageError:
    return UnfitImageError(
        "unknown_colours", f"images in the colours {what}, which are not read",
        "save them as RGB or grey with 8 bits, in PNG or JPEG",
    )  # fmt: skip


def _bomb() -> UnfitImageError:
    return UnfitImageError(
        "image_too_large", f"images of more than {MOST_PIXELS:,} pixels",
        "scale them down, or remove the rows: a small file may fill the memory when it is unpacked",
    )  # fmt: skip
