"""Paints outlines and run lengths of objects into one mask; it knows no file and no class's name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lextune.data.images.annotations import ROUNDING
from lextune.data.images.box_forms import number
from lextune.data.labelling import UnfitLabelError
from lextune.extras import need
from lextune.masks import write_indexed

#: The class of pixels that no outline covers.
BACKGROUND = "background"
Keep = Callable[[bytes, str], str]


class Region(NamedTuple):
    """One object: what its pixels become, and its polygons (x1, y1, x2, y2, ...) or its run lengths as COCO has them."""

    value: int
    outline: Sequence[Any] | Mapping[str, Any]


def paint(regions: Iterable[Region], size: tuple[int, int]) -> npt.NDArray[Any]:
    """The values of all pixels, shape (height, width); 0 where there is no object.

    Which pixels lie in a polygon is decided as COCO's own tools do it. Where objects overlap, the smaller one is on
    top, and of equally large ones the later: a cup stands before its table, and would be lost under it.

    Args:
        regions: With values above 0.
        size: Width and height.

    Raises:
        UnfitLabelError: An outline is none, or reaches out of the image.
    """
    coco = need("vision", "faster_coco_eval.core.mask")
    checked = [(region.value, _checked(region.outline, size)) for region in regions]
    found = np.zeros(
        size[::-1], np.uint8 if max((one for one, _ in checked), default=0) < 256 else np.uint16
    )
    try:
        runs = [(value, coco.segmToRle(outline, *size)) for value, outline in checked]
        for value, one in sorted(runs, key=lambda pair: -int(coco.area(pair[1]))):
            found[coco.decode(one).astype(bool)] = value
    except (ValueError, TypeError, RuntimeError) as error:
        raise _no_outline() from error
    return found


def painted_cell(
    regions: Sequence[Region], names: Mapping[int, str], size: tuple[int, int], keep: Keep
) -> str:
    """The label cell of a mask that is painted and kept as a file.

    Args:
        regions: As in `paint`, like `size`.
        names: The class of each value; that of 0 is `BACKGROUND`.
        keep: Gives the path of a file with some bytes and a suffix.

    Raises:
        UnfitLabelError: As in `paint`.
    """
    path = keep(write_indexed(paint(regions, size)), ".png")
    there = sorted({region.value for region in regions})
    classes = {"0": BACKGROUND, **{str(value): names[value] for value in there}}
    return json.dumps({"mask": path, "classes": classes}, ensure_ascii=False)


def _checked(
    outline: Sequence[Any] | Mapping[str, Any], size: tuple[int, int]
) -> list[list[float]] | dict[str, Any]:
    """An outline that the C code can be given."""
    if isinstance(outline, Mapping):
        counts = outline.get("counts")
        if outline.get("size") != [size[1], size[0]] or not isinstance(counts, str | list):
            raise _no_outline()
        if isinstance(counts, list) and not all(type(one) is int and one >= 0 for one in counts):
            raise _no_outline()
        return {"size": [size[1], size[0]], "counts": counts}
    if not isinstance(outline, Sequence) or isinstance(outline, str) or not outline:
        raise _no_outline()
    return [_polygon(one, size) for one in outline]


def _polygon(points: Any, size: tuple[int, int]) -> list[float]:
    if not isinstance(points, list) or len(points) < 6 or len(points) % 2:
        raise _no_outline()
    sides = [number(one) for one in points]
    for axis, most in enumerate(size):
        if min(sides[axis::2]) < -ROUNDING or max(sides[axis::2]) > most + ROUNDING:
            raise UnfitLabelError(
                "bad_outline", "rows with an outline that reaches out of its image", "correct or remove it"
            )  # fmt: skip
    return sides


def _no_outline() -> UnfitLabelError:
    return UnfitLabelError(
        "bad_outline", "rows with an object whose outline is neither polygons nor run lengths of the whole image",
        "write polygons of three points or more in pixels, or COCO's run lengths",
    )  # fmt: skip
