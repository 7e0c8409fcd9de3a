"""Changes of pictures that leave what is on them: blur, noise, JPEG, brightness, contrast, crops; it knows no model.

After the corruptions of Hendrycks and Dietterich 2019 (arXiv:1903.12261), in sizes relative to the picture. Pictures keep
their size, so that boxes and masks stay right; only a crop does not, and is for classes alone.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from lextune.audits.perturbations.base import Change, Perturbation
from lextune.extras import need
from lextune.images import ImageInput, open_image, upright

if TYPE_CHECKING:
    from PIL.Image import Image

#: From an upright RGB picture, random numbers and the severity to the changed one.
_Edit = Callable[[Any, np.random.Generator, float], Any]


def _edited(edit: _Edit) -> Change:
    """The change of an input by an edit of its picture, written without loss."""

    def change(given: ImageInput, draw: np.random.Generator, severity: float) -> ImageInput:
        stream = io.BytesIO()
        edit(_picture(given), draw, severity).save(stream, "PNG", compress_level=1)
        return given._replace(data=stream.getvalue())

    return change


def _picture(given: ImageInput) -> Image:
    from lextune.tasks.checked import checked_bytes

    return upright(open_image(checked_bytes(given)))


def blur(image: Image, draw: np.random.Generator, severity: float) -> Image:  # noqa: ARG001
    """Gaussian, with a radius of 1 % of the shorter side and at least half a pixel."""
    radius = max(0.01 * severity * min(image.size), 0.5)
    blurred: Image = image.filter(need("vision", "PIL.ImageFilter").GaussianBlur(radius))
    return blurred


def noise(image: Image, draw: np.random.Generator, severity: float) -> Image:
    """Gaussian, with a standard deviation of 8 % of full scale, in each channel of each pixel."""
    pixels = np.asarray(image, np.float32)
    noisy = pixels + draw.normal(0, 0.08 * 255 * severity, pixels.shape).astype(np.float32)
    made: Image = need("vision", "PIL.Image").fromarray(
        np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    )
    return made


def brightness(image: Image, draw: np.random.Generator, severity: float) -> Image:
    """40 % brighter or darker."""
    return _enhanced("Brightness", image, draw, 0.4 * severity)


def contrast(image: Image, draw: np.random.Generator, severity: float) -> Image:
    """40 % more or less."""
    return _enhanced("Contrast", image, draw, 0.4 * severity)


def _enhanced(what: str, image: Image, draw: np.random.Generator, share: float) -> Image:
    factor = 1 + share if draw.random() < 0.5 else max(1 - share, 0.05)
    made: Image = getattr(need("vision", "PIL.ImageEnhance"), what)(image).enhance(factor)
    return made


def crop(image: Image, draw: np.random.Generator, severity: float) -> Image:
    """15 % of the height and of the width are cut off, at random places."""
    share = max(1 - 0.15 * severity, 0.3)
    width, height = (max(round(side * share), 1) for side in image.size)
    left = int(draw.integers(image.width - width + 1))
    top = int(draw.integers(image.height - height + 1))
    return image.crop((left, top, left + width, top + height))


def jpeg(given: ImageInput, draw: np.random.Generator, severity: float) -> ImageInput:  # noqa: ARG001
    """Written as JPEG of quality 25, of a hundred."""
    stream = io.BytesIO()
    quality = min(max(round(25 / severity), 1), 95)
    _picture(given).save(stream, "JPEG", quality=quality)
    return given._replace(data=stream.getvalue())


PERTURBATIONS = (
    Perturbation("blur", _edited(blur), told=False),
    Perturbation("noise", _edited(noise), told=False),
    Perturbation("jpeg", jpeg, told=False),
    Perturbation("brightness", _edited(brightness), told=False),
    Perturbation("contrast", _edited(contrast), told=False),
    Perturbation("crop", _edited(crop), frozenset({"class"}), told=False),
)
