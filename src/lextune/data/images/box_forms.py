"""Reads the JSON forms in which boxes are written into corners and names; it knows no image and no file."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lextune.data.labelling import UnfitLabelError, is_integer
from lextune.labels import Box

#: Keys of four numbers: COCO's `bbox`, which Hugging Face's image folders have too, is x, y, width and height.
_XYWH, _CORNERS = ("bbox", "bbox_xywh", "xywh"), ("bbox_xyxy", "boxes_xyxy", "xyxy")
_OPEN = ("box", "boxes", "bboxes", "bounding_box", "rect", "coordinates")
#: Names of single sides, as pipelines, VOC and labelling tools have them.
_CORNER_NAMES = (("x1", "y1", "x2", "y2"), ("xmin", "ymin", "xmax", "ymax"), ("left", "top", "right", "bottom"))  # fmt: skip
_SIDE_NAMES = (("x", "y", "width", "height"), ("x", "y", "w", "h"), ("left", "top", "width", "height"))  # fmt: skip
_TYPES = ("categories", "category", "label", "labels", "type", "class", "category_id", "class_id", "name")  # fmt: skip
_CROWDS = ("iscrowd", "is_crowd", "crowd")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class WrittenBoxes:
    """Boxes as an annotation has them: corners in its own frame.

    Attributes:
        boxes: Neither checked nor turned; every number is finite and every name is a text.
        size: Width and height of the image as the annotation has it; None where it does not say.
        relative: Whether numbers are shares of the upright image's sides (YOLO) and not pixels.
    """

    boxes: tuple[Box, ...]
    size: tuple[int, int] | None = None
    relative: bool = False


def parse_boxes(cell: str) -> WrittenBoxes:
    """The boxes of one label cell.

    Known are `{"boxes": [[x1, y1, x2, y2, "TYPE"], ...], "size": [w, h]}`, the list of it alone,
    `{"bbox": [[x, y, width, height], ...], "categories": [...]}`, and lists of objects with a box and a name each.

    Raises:
        UnfitLabelError: It is none of them, leaves open what its numbers mean, or a number is none.
    """
    try:
        found = json.loads(cell, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        if isinstance(error, _NotFiniteError):
            raise _no_number() from error
        raise _no_boxes() from error
    if isinstance(found, list):
        return WrittenBoxes(tuple(_listed(found)))
    if not isinstance(found, dict):
        raise _no_boxes()
    size = _size(found)
    inner = found.get("boxes", found.get("objects"))
    if isinstance(inner, dict):
        return WrittenBoxes(tuple(_in_columns(inner)), size)
    if isinstance(inner, list) and not any(name in found for name in _TYPES):
        return WrittenBoxes(tuple(_listed(inner)), size, found.get("relative") is True)
    return WrittenBoxes(tuple(_in_columns(found)), size)


def _listed(found: Sequence[Any]) -> Iterator[Box]:
    """Boxes one by one: `[x1, y1, x2, y2, "TYPE"]`, a 1 behind it for a crowd, or objects."""
    for one in found:
        if isinstance(one, dict):
            yield _corners(one, _name(_first(one, _TYPES)), _flag(_first(one, _CROWDS)))
        elif isinstance(one, list) and len(one) in (5, 6):
            yield Box(*_numbers(one[:4]), _name(one[4]), _flag(one[5] if len(one) == 6 else None))
        else:
            raise _no_boxes()


def _in_columns(found: Mapping[str, Any]) -> Iterator[Box]:
    """Boxes as lists of equal length, one for each property: `{"bbox": [...], "categories": [...]}`."""
    keys = [name for name in (*_XYWH, *_CORNERS, *_OPEN) if isinstance(found.get(name), list)]
    names = _first(found, _TYPES)
    if len(keys) != 1 or not isinstance(names, list):
        raise _no_boxes()
    boxes = found[keys[0]]
    crowds = _first(found, _CROWDS)
    crowds = [None] * len(boxes) if crowds is None else crowds
    if not isinstance(crowds, list) or not len(boxes) == len(names) == len(crowds):
        raise UnfitLabelError(
            "bad_label", "rows whose lists of boxes and of their names are not equally long",
            "write a name for each box",
        )  # fmt: skip
    for box, name, crowd in zip(boxes, names, crowds, strict=True):
        yield _corners({keys[0]: box}, _name(name), _flag(crowd))


def _corners(one: Mapping[str, Any], name: str, crowd: bool) -> Box:
    """The corners of a box whose keys say what its numbers are."""
    for key in (*_XYWH, *_CORNERS, *_OPEN):
        value = one.get(key)
        if isinstance(value, dict):
            return _corners(value, name, crowd)
        if isinstance(value, list) and len(value) == 4:
            if key in _OPEN:
                raise UnfitLabelError(
                    "open_boxes", "rows whose boxes may be corners, or a corner with width and height",
                    "call four numbers bbox_xywh or bbox_xyxy, or name each of them (xmin, ymin, xmax, ymax)",
                )  # fmt: skip
            numbers = _numbers(value)
            return Box(*numbers if key in _CORNERS else _added(numbers), name, crowd)
    for names in _CORNER_NAMES:
        if all(side in one for side in names):
            return Box(*_numbers([one[side] for side in names]), name, crowd)
    for names in _SIDE_NAMES:
        if all(side in one for side in names):
            return Box(*_added(_numbers([one[side] for side in names])), name, crowd)
    raise _no_boxes()


def _added(sides: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    x, y, width, height = sides
    return x, y, x + width, y + height


def _numbers(values: Sequence[Any]) -> tuple[float, float, float, float]:
    x, y, right, lower = (number(value) for value in values)
    return x, y, right, lower


def number(value: Any) -> float:
    """A finite number, or its digits: some readers keep numbers as they are written."""
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _no_number()
    try:
        number = float(value)
    except OverflowError as error:
        raise _no_number() from error
    if not math.isfinite(number):
        raise _no_number()
    return number


def _name(value: Any) -> str:
    name = str(value) if is_integer(value) else value
    if not isinstance(name, str) or not name.strip():
        raise UnfitLabelError(
            "bad_label", "rows with a box without a name",
            "write the class of each box as a text that is not empty",
        )  # fmt: skip
    return name


def _flag(value: Any) -> bool:
    if value is None or value is False or value is True:
        return bool(value)
    if value in (0, 1, "0", "1", "false", "true"):
        return value in (1, "1", "true")
    raise UnfitLabelError(
        "bad_label", "rows with a box of which it is open whether it is a crowd", "write iscrowd as 0 or 1"
    )  # fmt: skip


def _size(found: Mapping[str, Any]) -> tuple[int, int] | None:
    """Width and height that an annotation gives its image; zeros, which some tools write, say nothing."""
    sides = found.get("size")
    if isinstance(sides, dict):
        sides = [sides.get("width"), sides.get("height")]
    if sides is None:
        sides = [found.get("width"), found.get("height")]
    if sides == [None, None]:
        return None
    if not isinstance(sides, list) or len(sides) != 2 or not all(map(is_integer, sides)):
        raise UnfitLabelError(
            "bad_label", "rows whose annotation gives its image no size in whole numbers",
            "write width and height in pixels, or neither",
        )  # fmt: skip
    width, height = map(int, sides)
    return (width, height) if width > 0 and height > 0 else None


def _first(found: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((found[name] for name in names if name in found), None)


class _NotFiniteError(ValueError):
    """NaN or infinity, which Python writes into JSON."""


def _constant(word: str) -> Any:
    raise _NotFiniteError(word)


def _no_number() -> UnfitLabelError:
    return UnfitLabelError(
        "bad_box", "rows with a box whose sides are not finite numbers", "write them in pixels"
    )


def _no_boxes() -> UnfitLabelError:
    return UnfitLabelError(
        "bad_label", "rows whose label is no list of boxes",
        'write [[x1, y1, x2, y2, "TYPE"], ...], or {"bbox": [[x, y, width, height], ...], "categories": [...]}; '
        "none is []",
    )  # fmt: skip
