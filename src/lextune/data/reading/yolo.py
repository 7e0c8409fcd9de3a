"""Reads YOLO's text labels, a file an image, into boxes or into painted masks; it knows no model.

A line is `class cx cy width height`, or for segmentation `class x1 y1 x2 y2 ...`, in shares of the image's sides
(https://docs.ultralytics.com/datasets/detect/, .../segment/). Labels lie in `labels` where images lie in `images`, or
beside their images.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lextune import images, strict_yaml
from lextune.data.formats import RawRow, ReadContext, ReadOptions, Source, data_format
from lextune.data.images.box_forms import number
from lextune.data.images.layouts import (
    Listing,
    files_below,
    images_below,
    is_image,
    lacks_columns,
    no_layout,
)
from lextune.data.images.polygons import Region, painted_cell
from lextune.data.labelling import UnfitLabelError
from lextune.errors import LextuneError
from lextune.images import UnfitImageError

_IMAGES, _LABELS = "images", "labels"
_YAML = ("data.yaml", "dataset.yaml", "data.yml", "dataset.yml")
_LISTS = ("classes.txt", "obj.names", "_darknet.labels", "labels.txt")


@dataclass(frozen=True)
class _Line:
    """One object: the number of its class and its shares of the image's sides, as they are written."""

    number: int
    shares: tuple[float, ...]


def recognise(path: Path, options: ReadOptions) -> bool:
    """A folder of images, or a list of their paths, with a text file for the labels of one of them."""
    if options.label_kind not in ("boxes", "mask"):
        return False
    if path.is_dir():
        root = path / _IMAGES if (path / _IMAGES).is_dir() else path
        return any(_label_of(one).is_file() for one in images_below(root)[:1000])
    if path.suffix.lower() != ".txt" or not path.is_file():
        return False
    with open(path, encoding="utf-8", errors="replace") as file:
        first = file.readline().strip()
    return is_image(Path(first)) and _label_of(path.parent / first).is_file()


@data_format("yolo", recognise=recognise)
def read_yolo(source: Source, context: ReadContext) -> Iterator[RawRow]:
    """One row per image, in the order of their paths or of the list.

    An image without a text file, or with an empty one, has no objects; the former are counted. Names of classes come
    from `data.yaml` or `classes.txt` near the images; without them a number is its own name. Shares are of the
    upright image; of one that EXIF turns nobody knows which was meant.
    """
    listed = _listed(source)
    if listed is None:
        no_layout(source, context, "a folder with images and labels, or a list of images")
        return
    if lacks_columns(source, context):
        return
    names = _names(listed[0][0], context)
    listing, without = Listing(), []
    for image, where in listed:
        values: dict[str, str | None] = {context.options.text: str(image)}
        path = _label_of(image)
        try:
            data = path.read_bytes() if path.is_file() else b""
            found = _lines(data)
            if context.options.label is not None:
                values[context.options.label] = _cell(image, found, names, context)
        except UnfitLabelError as error:
            context.skip(error.kind, error.fact, error.remedy, where)
            continue
        except UnfitImageError as error:
            context.skip(error.kind, error.fact, error.remedy, where)
            continue
        if not path.is_file():
            without.append(where)
        listing.add(path.name, data)
        yield RawRow(values, where)
    for where in without:
        context.findings.add(
            "without_labels", "warning", "images without a file of labels were read as images without objects",
            "none is needed if they have none; else write the file", where,
        )  # fmt: skip
    _tell_left(listed, source, context)
    listing.record(source, context)


def _listed(source: Source) -> list[tuple[Path, str]] | None:
    """The images that are meant, each with its place; None where there are none."""
    path = source.path
    if path is None:
        return None
    if path.is_file():
        lines = path.read_text("utf-8-sig", errors="surrogateescape").splitlines()
        found = [
            (path.parent / line.strip(), f"{source.name}:{at}")
            for at, line in enumerate(lines, 1)
            if line.strip()
        ]
        return found if found and all(is_image(image) for image, _ in found) else None
    if not path.is_dir():
        return None
    root = path / _IMAGES if (path / _IMAGES).is_dir() else path
    base = source.name.rstrip("/")
    return [
        (image, f"{base}/{image.relative_to(path).as_posix()}") for image in images_below(root)
    ] or None


def _label_of(image: Path) -> Path:
    """Where the labels of an image lie: in `labels` instead of `images`, or beside it."""
    parts, beside = list(image.parts), image.with_suffix(".txt")
    for at in range(len(parts) - 2, -1, -1):
        if parts[at] == _IMAGES:
            parts[at] = _LABELS
            apart = Path(*parts).with_suffix(".txt")
            return beside if beside.is_file() and not apart.is_file() else apart
    return beside


def _tell_left(listed: list[tuple[Path, str]], source: Source, context: ReadContext) -> None:
    """Report files of labels in a folder whose images are not there."""
    if source.path is None or source.path.is_file():
        return
    labels = {_label_of(image) for image, _ in listed}
    root = source.path / _LABELS if (source.path / _LABELS).is_dir() else _label_of(source.path / "x.jpg").parent  # fmt: skip
    for path in files_below(root, lambda one: one.suffix == ".txt" and one.name not in _LISTS):
        if path not in labels:
            context.findings.add(
                "labels_without_image", "warning", "labels whose image is not there were not read",
                "add the image, or remove them", f"{root.name}/{path.relative_to(root).as_posix()}", unit="files",
            )  # fmt: skip


def _lines(data: bytes) -> list[_Line]:
    """The objects of a label file.

    Raises:
        UnfitLabelError: A line is none of YOLO's.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _bad_line() from error
    found = []
    for line in text.splitlines():
        cells = line.split()
        if not cells:
            continue
        if len(cells) < 5 or not (cells[0].isascii() and cells[0].isdigit()):
            raise _bad_line()
        found.append(_Line(int(cells[0]), tuple(map(number, cells[1:]))))
    return found


def _cell(
    image: Path, lines: list[_Line], names: Mapping[int, str] | None, context: ReadContext
) -> str:
    unknown = names is not None and any(line.number not in names for line in lines)
    if unknown:
        raise UnfitLabelError(
            "unknown_category", "images with the number of a class that has no name",
            "name it in data.yaml or classes.txt",
        )  # fmt: skip
    known = names or {line.number: str(line.number) for line in lines}
    if context.options.label_kind == "mask":
        return _painted(image, lines, known, context)
    if any(len(line.shares) != 4 for line in lines):
        raise UnfitLabelError(
            "bad_annotation", "images whose labels are not all boxes of four numbers",
            "write class, cx, cy, width and height; outlines are for task: semantic_segmentation",
        )  # fmt: skip
    boxes = []
    for line in lines:
        x, y, width, height = line.shares
        corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        boxes.append([*corners, known[line.number]])
    return json.dumps({"boxes": boxes, "relative": True}, ensure_ascii=False)


def _painted(path: Path, lines: list[_Line], names: Mapping[int, str], context: ReadContext) -> str:
    if any(len(line.shares) < 6 or len(line.shares) % 2 for line in lines):
        raise UnfitLabelError(
            "bad_outline", "images whose labels are not all outlines of three points or more",
            "write class, x1, y1, x2, y2, x3, y3, ...; boxes are for task: object_detection",
        )  # fmt: skip
    try:
        image = images.open_image(path.read_bytes())
    except OSError as error:
        raise UnfitImageError(
            "unreadable_image", f"images that cannot be read: {error.strerror}", "check the list"
        ) from error  # fmt: skip
    if images.orientation(image) != 1 and lines:
        raise UnfitLabelError(
            "turned_image", "images with an orientation tag, of which it is open how their outlines were drawn",
            "save the images upright and without the tag",
        )  # fmt: skip
    regions = []
    for line in lines:
        points = [share * image.size[at % 2] for at, share in enumerate(line.shares)]
        regions.append(Region(line.number + 1, [points]))
    return painted_cell(regions, {n + 1: name for n, name in names.items()}, image.size, context.keep)  # fmt: skip


def _names(image: Path, context: ReadContext) -> dict[int, str] | None:
    """The name of each number, from the first file that tells it; None where none does."""
    places = [_label_of(image).parent, *list(image.parents)[:4]]
    for folder in places:
        for name in _YAML:
            found = _from_yaml(folder / name, context) if (folder / name).is_file() else None
            if found is not None:
                return found
        for name in _LISTS:
            if (folder / name).is_file():
                lines = (folder / name).read_text("utf-8-sig", errors="replace").splitlines()
                return {n: line.strip() for n, line in enumerate(lines) if line.strip()}
    context.findings.add(
        "unnamed_classes", "info", "no data.yaml and no classes.txt names the classes, so their numbers are their names",
        "name them with data.labels", image.parent.name, unit="files",
    )  # fmt: skip
    return None


def _from_yaml(path: Path, context: ReadContext) -> dict[int, str] | None:
    try:
        document: Any = strict_yaml.load(path.read_text("utf-8"), path.name).data
    except (LextuneError, ValueError):
        document = None
        context.findings.add(
            "bad_annotations", "error", "the YAML that names the classes cannot be read", "mend it",
            str(path), unit="files",
        )  # fmt: skip
    names = document.get("names") if isinstance(document, dict) else None
    if isinstance(names, list):
        return {n: str(name) for n, name in enumerate(names)}
    if isinstance(names, dict) and all(str(key).isdigit() for key in names):
        return {int(key): str(name) for key, name in names.items()}
    return None


def _bad_line() -> UnfitLabelError:
    return UnfitLabelError(
        "bad_annotation", "images with a line of labels that YOLO does not have",
        "write the number of the class and shares of the image's sides, with spaces between",
    )  # fmt: skip
