"""Draws boxes, masks and classes on pictures for people to look at; it knows no model, no row and no file.

Each class has one colour everywhere. Letters stand on a field of their class's colour, black or white by its
brightness, and lines have a dark edge, so that both are seen on bright and on dark pictures.
"""

from __future__ import annotations

import colorsys
import functools
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lextune.extras import need
from lextune.images import Pixels8
from lextune.labels import Box
from lextune.tasks.vision.found import VOID, ScoredBox

if TYPE_CHECKING:
    from PIL.Image import Image

Colour = tuple[int, int, int]

#: Colours that colour-blind people can tell apart, after Okabe and Ito; two are brighter than theirs.
_FIRST: tuple[Colour, ...] = (
    (230, 159, 0), (43, 140, 196), (0, 158, 115), (204, 121, 167), (240, 228, 66), (213, 94, 0),
    (86, 200, 240), (140, 110, 210),
)  # fmt: skip
_EDGE: Colour = (20, 20, 20)
#: Fonts that have letters of most scripts, looked for where a name has others than Latin ones.
_FONTS = (
    "NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "SourceHanSansSC-Regular.otf", "wqy-microhei.ttc",
    "PingFang.ttc", "Hiragino Sans GB.ttc", "msyh.ttc", "Arial Unicode.ttf", "DejaVuSans.ttf",
)  # fmt: skip
#: A picture is drawn on no smaller than that, for letters need room.
_LEAST = 240
_SHADE = 0.55
#: Letters of a name that are drawn.
_LONGEST = 60


@functools.cache
def colours(count: int) -> tuple[Colour, ...]:
    """A colour for each class, by its number; the first eight are told apart most easily.

    Each further one is the farthest from those before it, by an RGB distance that follows the eye
    (https://www.compuphase.com/cmetric.htm).
    """
    made = list(_FIRST[:count])
    if count <= len(_FIRST):
        return tuple(made)
    grid = [
        colorsys.hsv_to_rgb(hue / 36, full, bright)
        for hue in range(36)
        for full in (0.9, 0.45)
        for bright in (0.95, 0.8, 0.65, 0.5)
    ]
    some = np.rint(np.array(grid) * 255)
    near = np.min([_distance(some, np.array(one)) for one in made], axis=0)
    while len(made) < count:
        best = int(near.argmax())
        red, green, blue = some[best].astype(int).tolist()
        made.append((red, green, blue))
        near = np.minimum(near, _distance(some, some[best]))
    return tuple(made)


def _distance(some: npt.NDArray[Any], one: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    red, green, blue = np.moveaxis(some - one, -1, 0)
    mean = (some[:, 0] + one[0]) / 2 / 256
    return np.asarray((2 + mean) * red**2 + 4 * green**2 + (3 - mean) * blue**2, np.float64)


def draw_boxes(
    pixels: Pixels8, boxes: Sequence[Box | ScoredBox], classes: Sequence[str], longest: int | None = None
) -> Image:  # fmt: skip
    """The picture with its boxes, each with its class and, where it has one, its score.

    Args:
        pixels: Upright, uint8, shape (height, width, 3).
        boxes: In pixels of the picture. Crowds are named as such.
        classes: In the order of their colours.
        longest: The longer side of what is drawn; None is that of the picture.
    """
    image, scale = sized(pixels, longest)
    colour_of = dict(zip(classes, colours(len(classes)), strict=True))
    pen = need("vision", "PIL.ImageDraw").Draw(image)
    line = max(2, round(max(image.size) / 320))
    # the surest last, so that nothing hides them
    order = sorted(boxes, key=lambda one: one.score if isinstance(one, ScoredBox) else 0)
    for one in order:
        left, top, right, bottom = (round(value * scale) for value in one[:4])
        right, bottom = max(right, left + line), max(bottom, top + line)
        corners = (left, top, right, bottom)
        outside = (left - 1, top - 1, right + 1, bottom + 1)
        pen.rectangle(outside, outline=_EDGE, width=line + 2)
        pen.rectangle(corners, outline=colour_of.get(one.type, _EDGE), width=line)
    for one in order:
        text = one.type + (
            f" {one.score:.2f}" if isinstance(one, ScoredBox) else " (crowd)" * one.crowd
        )
        at = (round(one.x1 * scale), round(one.y1 * scale))
        _flag(pen, image.size, at, text, colour_of.get(one.type, _EDGE))
    return image


def draw_mask(
    pixels: Pixels8, values: npt.NDArray[np.uint8], classes: Sequence[str], longest: int | None = None, *,
    legend: bool = True,
) -> Image:  # fmt: skip
    """The picture under its classes' colours, with a line where one class ends.

    Args:
        pixels: Upright, uint8, shape (height, width, 3).
        values: Class numbers, `VOID` where nothing is said, shape (height, width).
        classes: In the order of their numbers.
        longest: The longer side of what is drawn; None is that of the picture.
        legend: Whether the classes that occur are named below the picture.
    """
    pil = need("vision", "PIL.Image")
    image, _ = sized(pixels, longest)
    found = np.asarray(pil.fromarray(values).resize(image.size, pil.Resampling.NEAREST))
    over = pil.fromarray(found)
    over.putpalette([channel for colour in colours(len(classes)) for channel in colour])
    made = pil.blend(image, over.convert("RGB"), _SHADE)
    made.paste(image, mask=pil.fromarray(found == VOID))
    edge = np.zeros(found.shape, bool)
    edge[:, 1:] |= found[:, 1:] != found[:, :-1]
    edge[1:] |= found[1:] != found[:-1]
    light = pil.blend(made, pil.new("RGB", made.size, "white"), 0.7)
    made.paste(light, mask=pil.fromarray(edge))
    image = made
    return _with_legend(image, found, classes) if legend else image


def draw_class(
    pixels: Pixels8, text: str, colour: Colour, longest: int | None = None
) -> Image:  # fmt: skip
    """The picture with a few words at its upper left, on a field of a colour."""
    image, _ = sized(pixels, longest)
    pen = need("vision", "PIL.ImageDraw").Draw(image)
    _flag(pen, image.size, (0, 0), text, colour)
    return image


def encoded(image: Image, suffix: str = ".jpg") -> bytes:
    """The bytes of a picture as JPEG or, where that is its suffix, as PNG; nothing but pixels is in them."""
    stream = io.BytesIO()
    if suffix == ".png":
        image.save(stream, "PNG")
    else:
        image.save(stream, "JPEG", quality=88, subsampling=0, comment=b"")
    return stream.getvalue()


def sized(pixels: Pixels8, longest: int | None) -> tuple[Image, float]:
    """A copy of a picture to draw on, and how much larger it is.

    Args:
        pixels: Upright, uint8, shape (height, width, 3).
        longest: The longer side of the copy; None is that of the picture, unless it is too small for letters.
    """
    pil = need("vision", "PIL.Image")
    image: Image = pil.fromarray(pixels)
    side = max(image.size)
    scale = (longest or max(side, _LEAST)) / side
    if scale == 1:
        return image.copy(), 1.0
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    how = pil.Resampling.LANCZOS if scale < 1 else pil.Resampling.BICUBIC
    return image.resize(size, how), scale


def _flag(pen: Any, size: tuple[int, int], at: tuple[int, int], text: str, colour: Colour) -> None:
    """Words on a field of a colour, with its lower left at a place but inside the picture."""
    text = _plain(text)
    font = _font(_letters(size), text.isascii())
    left, top, right, bottom = font.getbbox(text)
    margin = max(2, round((bottom - top) / 5))
    width, height = right - left + 2 * margin, bottom - top + 2 * margin
    x = min(max(0, at[0]), max(0, size[0] - width))
    y = at[1] - height if at[1] >= height else min(at[1], size[1] - height)
    y = max(0, y)
    pen.rectangle((x, y, x + width, y + height), fill=colour)
    pen.text((x + margin - left, y + margin - top), text, font=font, fill=_ink(colour))


def _with_legend(image: Image, found: Pixels8, classes: Sequence[str]) -> Image:
    """The picture above the classes that occur in it, each with its colour."""
    pixels = np.bincount(found.ravel(), minlength=256)
    numbers = [one for one in np.argsort(-pixels, kind="stable").tolist() if pixels[one]]
    entries = [
        (f"{_plain(classes[one])} {pixels[one] / found.size:.1%}", colours(len(classes))[one])
        for one in numbers
        if one < len(classes)
    ]
    letters = _letters(image.size)
    font = _font(letters, all(text.isascii() for text, _ in entries))
    row, box = round(letters * 1.7), letters
    places, x, y = [], box // 2, box // 2
    for text, _ in entries:
        width = round(font.getlength(text)) + 2 * box + box // 2
        if x > box // 2 and x + width > image.width:
            x, y = box // 2, y + row
        places.append((x, y))
        x += width
    pil = need("vision", "PIL.Image")
    whole: Image = pil.new("RGB", (image.width, image.height + y + row), "white")
    whole.paste(image, (0, 0))
    pen = need("vision", "PIL.ImageDraw").Draw(whole)
    for (text, colour), (left, down) in zip(entries, places, strict=True):
        top = image.height + down
        pen.rectangle((left, top, left + box, top + box), fill=colour, outline=_EDGE)
        pen.text((left + box + box // 2, top + box // 2), text, font=font, fill=_EDGE, anchor="lm")
    return whole


def _plain(text: str) -> str:
    """A name as one short line: what lays letters out fails on others."""
    line = "".join(" " if one.isspace() else one if one.isprintable() else "\ufffd" for one in text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _letters(size: tuple[int, int]) -> int:
    """The height of letters on a picture of a size, in pixels."""
    return max(11, min(32, round(max(size) / 36)))


def _ink(colour: Colour) -> Colour:
    """Black or white, whichever is read more easily on a colour."""
    red, green, blue = colour
    return _EDGE if 0.299 * red + 0.587 * green + 0.114 * blue > 128 else (255, 255, 255)


@functools.cache
def _font(size: int, ascii_only: bool) -> Any:
    """Pillow's own letters, which are Latin, or a font of the system with more of them."""
    module = need("vision", "PIL.ImageFont")
    for name in () if ascii_only else _FONTS:
        try:
            return module.truetype(name, size)
        except OSError:
            continue
    return module.load_default(size)
