"""What a model says of one image: boxes with scores, or a class for each pixel; it knows no label and no figure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lextune import masks

#: What a mask holds where nothing is said of a pixel; no class has this number.
VOID = masks.VOID


class ScoredBox(NamedTuple):
    """A rectangle in the upright image with its type; pixels from the upper left corner, `x1 < x2` and `y1 < y2`.

    The score is how sure the model is that such an object is there, between 0 and 1.
    """

    x1: float
    y1: float
    x2: float
    y2: float
    type: str
    score: float


class FoundMask(NamedTuple):
    """A class for each pixel of one upright image.

    Attributes:
        values: Class numbers, uint8, shape (height, width) of the upright original; never `VOID`.
        confidence: Mean probability of the classes that were chosen.
        certainty: The probability of the chosen class at each pixel in 255ths, uint8, the shape of `values`; None
            where nobody asks how well it is calibrated.
    """

    values: npt.NDArray[np.uint8]
    confidence: float
    certainty: npt.NDArray[np.uint8] | None = None
