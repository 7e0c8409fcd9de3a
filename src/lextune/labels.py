"""What one label cell means: classes, spans of the row's text, boxes or a mask of its image; it knows no file and no model.

Every room holds labels as text. A class is its name as it stands. Several classes are a JSON array of names,
sorted, each once; none is `[]`. Spans are a JSON array of `[start, end, "TYPE"]`, sorted by place; `start` and
`end` count code points of the row's text, and `end` is not inside. Boxes are a JSON array of
`[x1, y1, x2, y2, "TYPE"]`, sorted, in pixels of the upright image from its upper left corner, with a 1 behind the
type where a box stands for a crowd; a picture without objects is `[]`. A mask is a JSON object: the SHA-256 of its
file, its upright size, and the class of each value (or `#rrggbb`) of its pixels; values that are not named are void.
A transcript is the text that is said, as it stands; nothing said is the empty text. Items are a JSON array of their
ids, in the order in which they came.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

#: What a row is: a text, an image or a sound in a file, named features (a JSON object), or somebody's events
#: (`lextune.histories`).
InputKind = Literal["text", "image", "audio", "record", "history"]
#: Kinds of labels that name no class.
CLASSLESS = frozenset({"transcript", "items"})
LabelKind = Literal["class", "classes", "spans", "boxes", "mask", "transcript", "items"]


class Span(NamedTuple):
    """A piece of a text with its type; code points `start` to `end`, the latter not inside."""

    start: int
    end: int
    type: str


class Box(NamedTuple):
    """A rectangle in the upright image with its type; pixels from the upper left corner, `x1 < x2` and `y1 < y2`.

    A crowd is a region with many objects of the type, of which none is told apart (COCO's `iscrowd`).
    """

    x1: float
    y1: float
    x2: float
    y2: float
    type: str
    crowd: bool = False


class Mask(NamedTuple):
    """A class for each pixel, which lies in a file.

    Attributes:
        sha256: Of the file, hex.
        size: Width and height of the upright mask.
        classes: Value of a pixel (`"7"`, or `"#804080"` in a colour map) to class; what is not named is void.
        orientation: What the mask's pixels are turned by to be upright, as EXIF numbers it; 1 is not at all.
    """

    sha256: str
    size: tuple[int, int]
    classes: Mapping[str, str]
    orientation: int = 1


def write_classes(names: Iterable[str]) -> str:
    """Several classes as one cell."""
    return _written(sorted(set(names)))


def read_classes(label: str) -> tuple[str, ...]:
    """The inverse of `write_classes`.

    Raises:
        ValueError: It is no cell of that kind.
    """
    found = _array(label)
    if not all(isinstance(name, str) and name for name in found):
        raise ValueError("a class is no name")
    return tuple(found)


def write_spans(spans: Iterable[tuple[int, int, str]]) -> str:
    """Spans as one cell."""
    return _written(sorted({(int(start), int(end), str(kind)) for start, end, kind in spans}))


def read_spans(label: str) -> tuple[Span, ...]:
    """The inverse of `write_spans`.

    Raises:
        ValueError: It is no cell of that kind.
    """
    spans = []
    for one in _array(label):
        if not isinstance(one, list) or [type(part) for part in one] != [int, int, str]:
            raise ValueError("a span is not [start, end, type]")
        spans.append(Span(*one))
    if not all(0 <= one.start < one.end and one.type for one in spans):
        raise ValueError("a span is empty or has no type")
    return tuple(spans)


def write_boxes(boxes: Iterable[Box]) -> str:
    """Boxes as one cell; coordinates are rounded to a hundredth of a pixel."""
    rows = sorted(
        [*(_number(one) for one in box[:4]), box.type, *([1] if box.crowd else [])] for box in boxes
    )
    return _written(rows)


def read_boxes(label: str) -> tuple[Box, ...]:
    """The inverse of `write_boxes`.

    Raises:
        ValueError: It is no cell of that kind.
    """
    boxes = []
    for one in _array(label):
        if not isinstance(one, list) or len(one) not in (5, 6) or one[5:] not in ([], [1]):
            raise ValueError("a box is not [x1, y1, x2, y2, type]")
        if not all(type(part) in (int, float) for part in one[:4]) or not isinstance(one[4], str):
            raise ValueError("a box is not [x1, y1, x2, y2, type]")
        x1, y1, x2, y2 = (float(part) for part in one[:4])
        box = Box(x1, y1, x2, y2, one[4], len(one) == 6)
        if not (all(map(math.isfinite, box[:4])) and box.x1 < box.x2 and box.y1 < box.y2):
            raise ValueError("a box is empty")
        boxes.append(box)
    if not all(box.type for box in boxes):
        raise ValueError("a box has no type")
    return tuple(boxes)


def write_mask(mask: Mask) -> str:
    """A mask as one cell."""
    found = {
        "sha256": mask.sha256,
        "size": list(mask.size),
        "classes": dict(sorted(mask.classes.items())),
        **({"orientation": mask.orientation} if mask.orientation != 1 else {}),
    }
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def read_mask(label: str) -> Mask:
    """The inverse of `write_mask`.

    Raises:
        ValueError: It is no cell of that kind.
    """
    found = json.loads(label)
    try:
        width, height = found["size"]
        classes = {str(value): name for value, name in found["classes"].items()}
        mask = Mask(found["sha256"], (width, height), classes, found.get("orientation", 1))
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("it is no mask") from error
    if not all(isinstance(name, str) and name for name in classes.values()):
        raise ValueError("a class of the mask is no name")
    return mask


def classes_in(kind: LabelKind, label: str) -> tuple[str, ...]:
    """The names of classes or types that a cell holds, each once, sorted; of a transcript and of items none.

    Raises:
        ValueError: It is no cell of that kind.
    """
    if kind in CLASSLESS:
        return ()
    if kind == "spans":
        return tuple(sorted({span.type for span in read_spans(label)}))
    if kind == "boxes":
        return tuple(sorted({box.type for box in read_boxes(label)}))
    if kind == "mask":
        return tuple(sorted(set(read_mask(label).classes.values())))
    return read_classes(label) if kind == "classes" else (label,)


def _number(value: float) -> int | float:
    rounded = round(float(value), 2)
    return int(rounded) if rounded.is_integer() else rounded


def _array(label: str) -> list[Any]:
    found = json.loads(label)
    if not isinstance(found, list):
        raise ValueError("it is no JSON array")
    return found


def _written(value: list[Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
