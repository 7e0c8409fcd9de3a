"""Fits the boxes and masks of annotations to the image as it is seen upright; it knows no file format and no model.

Pixels are turned by what EXIF says before anything else is done with them, so annotations must be, too. An annotation
whose size is that of the upright image alone was drawn upright, one whose size is that of the stored image alone is
turned. Where both or neither fit, nobody can know.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lextune.data.findings import Level
from lextune.data.images.box_forms import parse_boxes
from lextune.data.labelling import UnfitLabelError
from lextune.images import UnfitImageError
from lextune.labels import Box, Mask, write_boxes, write_mask
from lextune.masks import MOST_CLASSES, read_pixels

if TYPE_CHECKING:
    from lextune.data.images.probe import Probe

#: A box may reach so many pixels out of its image: tools round, and some count from 1. It is cut off there.
ROUNDING = 1.0
_SLACK = 1e-6


@dataclass(frozen=True)
class Note:
    """What was mended or seen in one label, as `Findings.add` has it."""

    kind: str
    severity: Level
    fact: str
    remedy: str
    count: int = 1
    unit: str = "annotations"


Told = Callable[[Note], object]


def read_boxes_cell(
    cell: str,
    probe: Probe,
    *,
    rename: Callable[[str], str] = str,
    flat: Literal["error", "drop"] = "error",
    told: Told = lambda _: None,
) -> tuple[str, tuple[str, ...]]:
    """A cell of boxes in its one form (`labels.write_boxes`), and the names in it.

    Args:
        cell: As a reader gives it, see `box_forms.parse_boxes`.
        probe: What was seen of the image.
        rename: Gives the name that a class is to have.
        flat: What to do with boxes without an area, or whose corners are the wrong way round.
        told: Gets what was dropped and what was cut off.

    Raises:
        UnfitLabelError: It cannot be read, or its boxes do not fit the image.
    """
    written = parse_boxes(cell)
    turn = _turn(written.size, probe, bool(written.boxes), "boxes")
    frame = probe.size if turn == 1 else probe.stored
    scale = frame if written.relative else (1, 1)
    boxes, dropped, clipped = [], 0, 0
    for one in written.boxes:
        box = _rounded(one, scale)
        if box.x1 >= box.x2 or box.y1 >= box.y2:
            if flat == "error":
                raise _flat()
            dropped += 1
            continue
        inside = _inside(box, frame)
        clipped += inside != box
        boxes.append(_turned(inside, frame, turn)._replace(type=rename(box.type)))
    if dropped:
        told(Note(
            "flat_box", "warning", "boxes without an area were dropped", "none is needed if they are slips", dropped
        ))  # fmt: skip
    if clipped:
        told(Note(
            "clipped_box", "info", "boxes that reach at most one pixel out of their image were cut off there",
            "none is needed: it is rounding", clipped,
        ))  # fmt: skip
    return write_boxes(boxes), tuple(sorted({box.type for box in boxes}))


def read_mask_cell(
    cell: str,
    probe: Probe,
    *,
    rename: Callable[[str], str] = str,
    ignore: Iterable[str] = (),
    told: Told = lambda _: None,
) -> tuple[str, tuple[str, ...], str]:
    """A cell of a mask in its one form (`labels.write_mask`), the names in it, and the path of its file.

    Args:
        cell: The path, or `{"mask": PATH, "classes": {VALUE: NAME, ...}}`. Without classes each value is its own
            name; with them, values that have none are void.
        probe: What was seen of the image.
        rename: Gives the name that a value or a class is to have.
        ignore: Values, classes and new names that are void.
        told: Gets what was seen.

    Raises:
        UnfitLabelError: The file cannot be read as a mask, or does not fit the image.
    """
    path, named = _mask_parts(cell)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UnfitLabelError(
            "missing_mask", f"masks that cannot be read: {error.strerror}",
            "check the paths, which are taken from the folder of the file that names them",
        ) from error  # fmt: skip
    try:
        pixels = read_pixels(data)
    except UnfitImageError as error:
        raise UnfitLabelError(error.kind, error.fact, error.remedy) from error
    turn = pixels.orientation
    if turn == 1:
        turn = _turn(pixels.size, probe, True, "mask")
    elif _upright(pixels.size, turn) != probe.size:
        raise _other_size(_upright(pixels.size, turn), probe, "mask")
    classes, unnamed = _classes(pixels.names(), named, rename, frozenset(ignore))
    if len(classes) > MOST_CLASSES:
        raise UnfitLabelError(
            "bad_mask", f"masks with more than {MOST_CLASSES} classes in one picture",
            "check that each pixel holds a class, or set data.labels and data.ignore_labels",
        )  # fmt: skip
    if unnamed:
        told(Note(
            "unnamed_value", "warning", "masks with values that have no class: they are void",
            "name them, or list them in data.ignore_labels", unit="rows",
        ))  # fmt: skip
    if not classes:
        told(Note(
            "void_mask", "warning", "masks in which every pixel is void", "look at them: nothing is learnt of them",
            unit="rows",
        ))  # fmt: skip
    mask = Mask(hashlib.sha256(data).hexdigest(), probe.size, classes, turn)
    return write_mask(mask), tuple(sorted(set(classes.values()))), path


def _mask_parts(cell: str) -> tuple[str, Mapping[str, str] | None]:
    """The path, and the classes where the cell names them."""
    if not cell.lstrip().startswith("{"):
        return cell.strip(), None
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        found = {}
    path, classes = found.get("mask"), found.get("classes")
    named = classes is None or (
        isinstance(classes, dict) and all(isinstance(one, str) and one.strip() for one in classes.values())
    )  # fmt: skip
    if not isinstance(path, str) or not path.strip() or not named:
        raise UnfitLabelError(
            "bad_label", "rows whose label is no mask",
            'write the path of the mask, or {"mask": "PATH", "classes": {"0": "NAME", ...}}',
        )  # fmt: skip
    return path, classes


def _classes(
    values: Iterable[str],
    named: Mapping[str, str] | None,
    rename: Callable[[str], str],
    ignore: frozenset[str],
) -> tuple[dict[str, str], bool]:
    """The class of each value that is not void, and whether a value has no name though names are given."""
    known = None if named is None else {key.strip().lower(): name for key, name in named.items()}
    found, unnamed = {}, False
    for value in values:
        name = value if known is None else known.get(value)
        if name is None:
            unnamed |= value not in ignore
            continue
        renamed = rename(name)
        if not ignore & {value, name, renamed}:
            found[value] = renamed
    return found, unnamed


def _turn(size: tuple[int, int] | None, probe: Probe, drawn: bool, what: str) -> int:
    """By which orientation what an annotation of that size says is to be turned; 1 is not at all."""
    if size is not None and size not in (probe.size, probe.stored):
        raise _other_size(size, probe, what)
    if probe.orientation == 1 or not drawn:
        return 1
    if size is None or probe.size == probe.stored:
        raise UnfitLabelError(
            "turned_image", f"images with an orientation tag, of which it is open how their {what} were drawn",
            "save the images upright and without the tag, and give the annotation the size of what it was drawn on",
        )  # fmt: skip
    return 1 if size == probe.size else probe.orientation


def _rounded(box: Box, scale: tuple[int, int]) -> Box:
    """The box in pixels, as exact as it is kept."""
    width, height = scale
    x1, x2 = (round(side * width, 2) for side in (box.x1, box.x2))
    y1, y2 = (round(side * height, 2) for side in (box.y1, box.y2))
    return Box(x1, y1, x2, y2, box.type, box.crowd)


def _inside(box: Box, frame: tuple[int, int]) -> Box:
    """The box without what reaches out of the image by rounding."""
    width, height = frame
    beyond = max(-box.x1, -box.y1, box.x2 - width, box.y2 - height)
    x1, x2 = max(box.x1, 0), min(box.x2, width)
    y1, y2 = max(box.y1, 0), min(box.y2, height)
    if beyond > ROUNDING + _SLACK or x1 >= x2 or y1 >= y2:
        raise UnfitLabelError(
            "bad_box", "rows with a box that lies or reaches outside of its image",
            "correct it; if its numbers are corners, or width and height, name them so: bbox_xyxy, bbox_xywh",
        )  # fmt: skip
    return Box(x1, y1, x2, y2, box.type, box.crowd)


def _turned(box: Box, frame: tuple[int, int], orientation: int) -> Box:
    """A box of the stored image, whose width and height are the frame, in the upright one."""
    width, height = frame
    if orientation in (2, 3, 7, 8):
        box = box._replace(x1=width - box.x2, x2=width - box.x1)
    if orientation in (3, 4, 6, 7):
        box = box._replace(y1=height - box.y2, y2=height - box.y1)
    if orientation >= 5:
        box = box._replace(x1=box.y1, y1=box.x1, x2=box.y2, y2=box.x2)
    return box


def _upright(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return size[::-1] if orientation >= 5 else size


def _other_size(size: tuple[int, int], probe: Probe, what: str) -> UnfitLabelError:
    """The remedy has the sizes of the first row, so that all such rows are one finding."""
    told = f"{size[0]}x{size[1]}, and its image {probe.size[0]}x{probe.size[1]}"
    if what == "mask":
        return UnfitLabelError(
            "mask_size", "masks of another size than their image",
            f"make both from the same source; the first mask is {told}",
        )  # fmt: skip
    return UnfitLabelError(
        "image_size", "rows whose annotation gives its image another size than the file has",
        f"annotate the files that are used; the first annotation says {told}",
    )  # fmt: skip


def _flat() -> UnfitLabelError:
    return UnfitLabelError(
        "flat_box", "rows with a box without an area, or whose corners are the wrong way round",
        "correct or remove it, or set data.flat_boxes: drop; a picture without objects has []",
    )  # fmt: skip
