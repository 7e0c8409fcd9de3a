"""Looks for faces in images where a detector is installed; a guess, and told as one. It knows nobody and keeps nothing.

The detector is that of OpenCV 4, with the cascade of frontal faces that its package brings (Viola and Jones 2001; Lienhart
and Maydt 2002): it misses faces in profile, and finds some where there are none.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable
from typing import Any

from lextune.images import Pixels8

_CASCADE = "haarcascade_frontalface_default.xml"
#: The shorter side that an image is scaled to at least, and the least side of a face in it, in pixels.
SHORT_SIDE, LEAST_FACE = 320, 32

#: Whether an upright RGB image, uint8, shape (height, width, 3), shows a face.
FaceFinder = Callable[[Pixels8], bool]


def face_finder() -> FaceFinder | None:
    """The detector of this installation; None where there is none."""
    if importlib.util.find_spec("cv2") is None:
        return None
    cv2: Any = importlib.import_module("cv2")
    path = os.path.join(os.path.dirname(cv2.__file__), "data", _CASCADE)
    if not hasattr(cv2, "CascadeClassifier") or not os.path.isfile(path):
        return None  # as from OpenCV 5 on
    cascade = cv2.CascadeClassifier(path)

    def shows_face(pixels: Pixels8) -> bool:
        grey = cv2.equalizeHist(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
        found = cascade.detectMultiScale(
            grey, scaleFactor=1.1, minNeighbors=5, minSize=(LEAST_FACE, LEAST_FACE)
        )
        return len(found) > 0

    return shows_face
