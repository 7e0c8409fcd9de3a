"""Takes images as files or bytes for prediction, says why one cannot be read, and draws answers; it knows no model.

Nothing of an image or its path stands in what it says.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lextune.errors import DataError, Problem, VerificationError
from lextune.extras import need
from lextune.files import read_regular
from lextune.images import MOST_PIXELS, ImageInput, UnfitImageError, decode, open_image
from lextune.masks import read_pixels
from lextune.serving.answers import AnyPrediction, BoxesPrediction, MaskPrediction, Prediction
from lextune.tasks.vision import drawing
from lextune.tasks.vision.found import ScoredBox

#: An image in memory, or the path of its file.
AnyImage = bytes | str | os.PathLike[str]


def image_input(given: AnyImage) -> ImageInput | Problem:
    """The image with its bytes, or why there are none."""
    if isinstance(given, bytes):
        return ImageInput("", "", data=given)
    if not os.fspath(given):
        return Problem("no image", "name a file")
    try:
        return ImageInput("", "", data=read_regular(Path(given).resolve()))
    except OSError as error:
        why = error.strerror or type(error).__name__
        return Problem("cannot be read", "check the path", why.lower())
    except VerificationError:
        return Problem("cannot be read", "name a file", "it is no file")


def fault(given: ImageInput, encode: Callable[[Sequence[Any]], Any]) -> Problem | None:
    """Why a model cannot take an image; None where it can.

    Args:
        given: With its bytes.
        encode: The model's own.
    """
    try:
        decode(given.data or b"")
        encode([given])
    except UnfitImageError as error:
        return unfit(error)
    except DataError:
        return Problem("cannot be read", "save it again as PNG or JPEG", "damaged image")
    return None


def unfit(error: UnfitImageError) -> Problem:
    """What is told of one image of which a finding would tell of many."""
    remedy = {
        "image_too_large": f"scale it down to {MOST_PIXELS:,} pixels or less",
        "lfs_pointer": "fetch the image with `git lfs pull`",
    }.get(error.kind, "save it again as PNG or JPEG")
    return Problem("cannot be read", remedy, error.kind.replace("_", " "))


def drawn(
    data: bytes, answer: AnyPrediction, classes: Sequence[str], suffix: str = ".jpg", longest: int | None = None
) -> bytes:  # fmt: skip
    """A picture of what a model says of an image.

    Args:
        data: Of the image.
        answer: Of a model of images.
        classes: Of the model, in its order.
        suffix: `.jpg` or `.png`, in which it is written.
        longest: The longer side of the picture; None is that of the image.

    Raises:
        UnfitImageError: The image cannot be read.
    """
    pixels = decode(data)
    if isinstance(answer, BoxesPrediction):
        boxes = [
            ScoredBox(one.box.xmin, one.box.ymin, one.box.xmax, one.box.ymax, one.label, one.score)
            for one in answer.boxes
        ]
        return drawing.encoded(drawing.draw_boxes(pixels, boxes, classes, longest), suffix)
    if isinstance(answer, MaskPrediction):
        values = read_pixels(answer.mask).values
        return drawing.encoded(drawing.draw_mask(pixels, values, classes, longest), suffix)
    assert isinstance(answer, Prediction)
    colour = drawing.colours(len(classes))[classes.index(answer.label)]
    text = f"{answer.label} {answer.score:.2f}"
    return drawing.encoded(drawing.draw_class(pixels, text, colour, longest), suffix)


def blank() -> bytes:
    """A grey picture of 64 by 64 pixels."""
    return drawing.encoded(need("vision", "PIL.Image").new("RGB", (64, 64), "grey"), ".png")


def pixels_of(data: bytes) -> int:
    """Pixels of an image as its header says.

    Raises:
        UnfitImageError: It is no image, or a decompression bomb.
    """
    image = open_image(data)
    return int(image.width * image.height)
