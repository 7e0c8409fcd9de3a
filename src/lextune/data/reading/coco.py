"""Reads COCO's JSON into one row an image: its boxes, or its outlines painted as a mask; it knows no model.

https://cocodataset.org/#format-data. Categories are known by their names: ids may begin anywhere and have gaps.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lextune.data.formats import RawRow, ReadContext, ReadOptions, Source, data_format
from lextune.data.images.box_forms import number
from lextune.data.images.layouts import IMAGE_FOLDERS, ImageFinder, lacks_columns
from lextune.data.images.polygons import Region, painted_cell
from lextune.data.labelling import UnfitLabelError
from lextune.data.opening import open_text
from lextune.data.strict_json import AmbiguousJsonError, decoder

#: What Roboflow calls the JSON in a folder of images.
_IN_FOLDER = "_annotations.coco.json"
_FIRST_KEY = re.compile(rb'\s*\{\s*"(info|licenses|images|annotations|categories|type)"\s*:')
_Item = dict[str, Any]


def recognise(path: Path, options: ReadOptions) -> bool:
    """A JSON file that begins with one of COCO's keys, or a folder with `_annotations.coco.json`."""
    if options.label_kind not in ("boxes", "mask"):
        return False
    path = path / _IN_FOLDER if path.is_dir() else path
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    with open(path, "rb") as file:
        return _FIRST_KEY.match(file.read(4096).removeprefix(b"\xef\xbb\xbf")) is not None


@data_format("coco", recognise=recognise)
def read_coco(source: Source, context: ReadContext) -> Iterator[RawRow]:
    """One row per image, in the file's order; images without annotations are rows, too.

    Other keys of an image are columns.

    Boxes keep `iscrowd`. For masks, polygons and run lengths are painted: see `polygons.paint`; pixels without an
    object are the class `background`. Repeated ids, annotations of unknown images or categories, and what has no box
    (or no outline) are errors, each with the annotation's id.
    """
    if source.path is not None and source.path.is_dir():
        source = Source(f"{source.name.rstrip('/')}/{_IN_FOLDER}", source.path / _IN_FOLDER)
    try:
        with open_text(source, context) as stream:
            found = decoder().decode(stream.read())
    except (ValueError, RecursionError) as error:
        if isinstance(error, UnicodeError):
            raise
        why = str(error) if isinstance(error, AmbiguousJsonError) else "it is no whole JSON"
        _broken(source, context, why, "write or download it again")
        return
    tables = _tables(found, source, context)
    if tables is None:
        return
    images, annotations, categories = tables
    names = _names(categories, source, context)
    by_image = _by_image(images, annotations, names, source, context)
    if names is None or by_image is None:
        return
    if lacks_columns(source, context, {key for image in images for key in image}):
        return
    finder = _finder(images, source, context)
    for image in images:
        where = f"{source.name}: image {image['id']}"
        values = _others(image)
        values[context.options.text] = finder.find(image["file_name"])
        if context.options.label is not None:
            try:
                values[context.options.label] = _cell(image, by_image[image["id"]], names, context)
            except UnfitLabelError as error:
                context.skip(error.kind, error.fact, error.remedy, where)
                continue
        yield RawRow(values, where)


def _others(image: _Item) -> dict[str, str | None]:
    """What an image says besides, as columns: whose it is, where it was taken."""
    found = ((key, value) for key, value in image.items() if isinstance(value, str | int | float))
    return {
        key: (json.dumps(one) if isinstance(one, bool) else str(one)) or None for key, one in found
    }


def _tables(
    found: Any, source: Source, context: ReadContext
) -> tuple[list[_Item], list[_Item], list[_Item]] | None:
    """Images, annotations and categories; None after telling that the file is none of COCO's."""
    tables = []
    for key in ("images", "annotations", "categories"):
        table = found.get(key) if isinstance(found, dict) else None
        if not isinstance(table, list) or not all(isinstance(one, dict) for one in table):
            _broken(source, context, f"there is no list of {key}", "give COCO's JSON of instances, not of results")  # fmt: skip
            return None
        tables.append(table)
    images, annotations, categories = tables
    if not all(_is_id(one.get("id")) and _is_text(one.get("file_name")) for one in images):
        _broken(source, context, "an image has no id or no file_name", "write both")
        return None
    if any("segments_info" in one for one in annotations):
        _broken(source, context, "it is of panoptic segmentation", "give the masks, or the JSON of instances")  # fmt: skip
        return None
    return images, annotations, categories


def _names(
    categories: Sequence[_Item], source: Source, context: ReadContext
) -> dict[Any, str] | None:
    """Id to name."""
    good = all(_is_id(one.get("id")) and _is_text(one.get("name")) for one in categories)
    if not good or not categories:
        _broken(source, context, "a category has no id or no name, or there is none", "write both")
        return None
    for key in ("id", "name"):
        twice = [one for one, count in Counter(one[key] for one in categories).items() if count > 1]
        if twice:
            _repeated(source, context, f"categories with the same {key}", [str(one) for one in twice])  # fmt: skip
            return None
    return {one["id"]: one["name"] for one in categories}


def _by_image(
    images: Sequence[_Item],
    annotations: Sequence[_Item],
    names: Mapping[Any, str] | None,
    source: Source,
    context: ReadContext,
) -> dict[Any, list[_Item]] | None:
    """The annotations of each image; None after telling that there are repeated or unknown ids."""
    found: dict[Any, list[_Item]] = {one["id"]: [] for one in images}
    faults: dict[str, list[str]] = defaultdict(list)
    ids = Counter(image["id"] for image in images)
    faults["images with the same id"] = [str(one) for one, count in ids.items() if count > 1]
    seen = set()
    for one in annotations:
        place = f"annotation {one.get('id', '(without an id)')}"
        if "id" in one and not _is_id(one["id"]):
            faults["annotations whose id is no number and no text"].append(place)
        elif "id" in one and one["id"] in seen:
            faults["annotations with the same id"].append(place)
        seen.add(one.get("id") if _is_id(one.get("id")) else None)
        if not _is_id(one.get("image_id")) or one["image_id"] not in found:
            faults["annotations of an image that is not in the file"].append(place)
        elif not _is_id(one.get("category_id")) or (names is not None and one["category_id"] not in names):  # fmt: skip
            faults["annotations of a category that is not in the file"].append(place)
        else:
            found[one["image_id"]].append(one)
    for fact, places in faults.items():
        if places:
            _repeated(source, context, fact, places)
    return None if any(faults.values()) else found


def _cell(
    image: _Item, annotations: Sequence[_Item], names: Mapping[Any, str], context: ReadContext
) -> str:
    """The label of one image as the room of data reads it.

    Raises:
        UnfitLabelError: An annotation has no box or no outline.
    """
    size = _size(image)
    if context.options.label_kind == "boxes":
        boxes = [[*_corners(one), names[one["category_id"]], one.get("iscrowd", 0)] for one in annotations]  # fmt: skip
        return json.dumps({"boxes": boxes, "size": size}, ensure_ascii=False)
    if size is None:
        raise UnfitLabelError(
            "bad_annotation", "images without width and height in the annotations", "write them in pixels"
        )  # fmt: skip
    values = {one: value for value, one in enumerate(sorted(names, key=str), 1)}
    regions = [
        Region(values[one["category_id"]], one.get("segmentation") or ()) for one in annotations
    ]
    named = {value: names[one] for one, value in values.items()}
    return painted_cell(regions, named, size, context.keep)


def _size(image: _Item) -> tuple[int, int] | None:
    """Width and height; what is missing, or 0, says nothing."""
    width, height = image.get("width"), image.get("height")
    if type(width) is not int or type(height) is not int or width <= 0 or height <= 0:
        return None
    return width, height


def _corners(annotation: _Item) -> tuple[float, ...]:
    box = annotation.get("bbox")
    if not isinstance(box, list) or len(box) != 4:
        raise UnfitLabelError(
            "bad_annotation", "images with an annotation without a box", "write bbox: [x, y, width, height]"
        )  # fmt: skip
    x, y, width, height = map(number, box)
    return x, y, x + width, y + height


def _finder(images: Sequence[_Item], source: Source, context: ReadContext) -> ImageFinder:
    """Where the images lie: as the config says, else in the folder around the JSON that has the first of them."""
    if context.options.images is not None:
        return ImageFinder([Path(context.options.images)])
    if source.path is None or not images:
        return ImageFinder([Path()])
    here, first = source.path.parent, images[0]["file_name"]
    around = [folder for base in (here, here.parent) for folder in _folders(base)]
    likely = [[here], [one for one in around if one.name in source.path.stem]]
    likely += [[base / name] for base in (here, here.parent) for name in IMAGE_FOLDERS]
    for folders in (*likely, around, [here.parent]):
        having = [one for one in dict.fromkeys(folders) if (one / first).is_file()]
        if len(having) > 1:
            context.findings.add(
                "open_images", "error",
                f"the first image is in several folders: {', '.join(one.name for one in having[:5])}",
                "set data.images to the one that is meant", source.name, unit="files",
            )  # fmt: skip
        if having:
            return ImageFinder(having[:1])
    return ImageFinder([here])


def _folders(base: Path) -> list[Path]:
    return sorted(one for one in base.iterdir() if one.is_dir() and not one.name.startswith("."))


def _is_id(value: Any) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _broken(source: Source, context: ReadContext, why: str, remedy: str) -> None:
    context.findings.add(
        "bad_annotations",
        "error",
        f"the annotations cannot be read: {why}",
        remedy,
        source.name,
        unit="files",
    )


def _repeated(source: Source, context: ReadContext, fact: str, places: Sequence[str]) -> None:
    for place in places:
        context.findings.add(
            "bad_annotations", "error", fact, "give each an id of its own that the file knows, or remove them",
            f"{source.name}: {place}", unit="annotations",
        )  # fmt: skip
