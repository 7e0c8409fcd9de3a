"""Reads boxes of Pascal VOC's XML, one file an image, or those that a list of ImageSets names; it knows no model.

VOC counts pixels from 1, and its corners are inside of the box: 1, 1, 2, 2 is the first four pixels, which is 0, 0, 2, 2
in edges. Tools that write VOC's XML often count from 0. A 0 in any file proves that; where there is none, the files are
read as VOC's development kit has it (http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf). All files of the
folder decide, so that train and test are read alike.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lextune.data.formats import RawRow, ReadContext, ReadOptions, Source, data_format
from lextune.data.images.box_forms import number
from lextune.data.images.layouts import (
    IMAGE_FOLDERS,
    ImageFinder,
    Listing,
    lacks_columns,
    no_layout,
)
from lextune.data.labelling import UnfitLabelError

_ANNOTATIONS = ("Annotations", "annotations")
_SIDES = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class _Layout:
    """Where the XML lies, below which root, and which of it is meant, each with its place."""

    root: Path
    annotations: Path
    listed: tuple[tuple[Path, str], ...]


@dataclass(frozen=True)
class _Picture:
    """What one file says: the image's name and size, and names and corners of its objects, as written."""

    name: str
    size: list[int] | None
    objects: tuple[tuple[str, tuple[float, ...]], ...]
    difficult: int = 0


def recognise(path: Path, options: ReadOptions) -> bool:
    """A folder of XML, one with `Annotations` inside, or a list below one."""
    return options.label_kind == "boxes" and _annotations(path) is not None


@data_format("voc", recognise=recognise)
def read_voc(source: Source, context: ReadContext) -> Iterator[RawRow]:
    """One row per XML file, in the order of their names or of the list; images without objects are rows, too.

    Images lie in `data.images`, or in `JPEGImages` or `images` beside the XML, or with it; the XML's own name counts
    more than the name of the image in it. Which corners were read is recorded as the source's encoding.
    """
    layout = _layout(source, context)
    if layout is None:
        no_layout(source, context, "a folder of XML files, or a list of ImageSets/Main")
        return
    if lacks_columns(source, context):
        return
    from_one = _counts_from_one(layout.annotations)
    context.encodings[source.name] = (
        "VOC, corners counted from 1, as no 0 occurs" if from_one else "VOC, corners counted from 0, as a 0 occurs"
    )  # fmt: skip
    given = context.options.images
    finder = ImageFinder(
        [Path(given)] if given else [
            *(layout.root / name for name in IMAGE_FOLDERS), layout.annotations, layout.root
        ]
    )  # fmt: skip
    listing, difficult = Listing(), 0
    for path, where in layout.listed:
        try:
            data = path.read_bytes()
            picture = _parse(data)
        except UnfitLabelError as error:
            context.skip(error.kind, error.fact, error.remedy, where)
            continue
        except OSError as error:
            context.skip(
                "missing_annotation", f"annotations that cannot be read: {error.strerror}",
                "check the list and the folder of the annotations", where,
            )  # fmt: skip
            continue
        listing.add(path.name, data)
        difficult += picture.difficult
        values: dict[str, str | None] = {context.options.text: finder.find(picture.name, path.stem)}
        if context.options.label is not None:
            values[context.options.label] = _cell(picture, from_one)
        yield RawRow(values, where)
    if difficult:
        context.findings.add(
            "difficult_boxes", "info", "boxes that are marked as difficult are taught and measured like the others",
            "none is needed if that is meant", source.name, count=difficult, unit="annotations",
        )  # fmt: skip
    listing.record(source, context)


def _annotations(path: Path) -> tuple[Path, Path] | None:
    """Root and folder of the XML that a path means."""
    if path.is_dir():
        if _has_xml(path):
            return path.parent if path.name in _ANNOTATIONS else path, path
        roots: tuple[Path, ...] = (path,)
    elif path.is_file() and path.suffix.lower() == ".txt":
        roots = tuple(path.parents)[:3]
    else:
        return None
    inside = [(root, root / name) for root in roots for name in _ANNOTATIONS]
    return next(((root, folder) for root, folder in inside if _has_xml(folder)), None)


def _layout(source: Source, context: ReadContext) -> _Layout | None:
    found = None if source.path is None else _annotations(source.path)
    if source.path is None or found is None:
        return None
    root, folder = found
    if source.path.is_file():
        lines = source.path.read_text("utf-8-sig", errors="surrogateescape").splitlines()
        context.findings.add(
            "split", "info", "the images of a list were read", "none is needed", source.name, unit="sources"
        )  # fmt: skip
        # lists of one class have 1, 0 or -1 behind each name; all of their images are meant
        listed = [
            (folder / f"{line.split()[0]}.xml", f"{source.name}:{number}")
            for number, line in enumerate(lines, 1)
            if line.strip()
        ]
        if not listed:
            context.findings.add(
                "empty_file", "error", "the list is empty", "give a list with a name a line", source.name, unit="files"
            )  # fmt: skip
        return _Layout(root, folder, tuple(listed))
    paths = sorted(path for path in folder.iterdir() if _is_xml(path))
    base = source.name.rstrip("/")
    return _Layout(
        root, folder,
        tuple((path, f"{base}/{path.relative_to(source.path).as_posix()}") for path in paths),
    )  # fmt: skip


def _is_xml(path: Path) -> bool:
    return path.suffix.lower() == ".xml" and not path.name.startswith(".")


def _has_xml(folder: Path) -> bool:
    return folder.is_dir() and any(map(_is_xml, folder.iterdir()))


def _counts_from_one(folder: Path) -> bool:
    """Whether no corner in any file of a folder lies below 1; files that cannot be read say nothing."""
    for path in sorted(folder.iterdir()):
        if _is_xml(path):
            try:
                picture = _parse(path.read_bytes())
            except (UnfitLabelError, OSError):
                continue
            if any(min(corners) < 1 for _, corners in picture.objects):
                return False
    return True


def _cell(picture: _Picture, from_one: bool) -> str:
    boxes = []
    for name, (x1, y1, x2, y2) in picture.objects:
        # what is flat as it was written is nobody's pixel: it stays flat, and is found
        shift = 1 if from_one and x1 < x2 and y1 < y2 else 0
        boxes.append([x1 - shift, y1 - shift, x2, y2, name])
    return json.dumps({"boxes": boxes, "size": picture.size}, ensure_ascii=False)


class _Declared(Exception):
    """The XML declares a document type."""


class _Tree(ET.TreeBuilder):
    """Builds a tree of XML that declares nothing: entities can be made to fill the memory or to read files."""

    def doctype(self, *_: Any) -> None:
        """Called by the parser at the beginning of a declaration, before anything in it is read."""
        raise _Declared


def _parse(data: bytes) -> _Picture:
    """What a file says.

    Raises:
        UnfitLabelError: It is no XML, declares a document type, or is no annotation of VOC.
    """
    try:
        root = ET.fromstring(data, ET.XMLParser(target=_Tree()))  # noqa: S314 - see _Tree
    except _Declared as error:
        raise UnfitLabelError(
            "bad_annotation", "XML with a document type, which may hold entities", "remove the <!DOCTYPE ...>"
        ) from error  # fmt: skip
    except (ET.ParseError, ValueError, LookupError) as error:
        raise UnfitLabelError(
            "bad_annotation", "annotations that are no whole XML", "write them again, or remove them"
        ) from error  # fmt: skip
    if root.tag != "annotation":
        raise UnfitLabelError(
            "bad_annotation", "XML that is no annotation of Pascal VOC", "move it away, or set data.format"
        )  # fmt: skip
    objects = tuple(_object(one) for one in root.findall("object"))
    difficult = sum((one.findtext("difficult") or "0").strip() == "1" for one in root.findall("object"))  # fmt: skip
    return _Picture((root.findtext("filename") or "").strip(), _size(root), objects, difficult)


def _object(one: ET.Element) -> tuple[str, tuple[float, ...]]:
    name, box = (one.findtext("name") or "").strip(), one.find("bndbox")
    if box is None or not name:
        raise UnfitLabelError(
            "bad_annotation", "annotations with an object that has no name or no upright box",
            "write <name> and <bndbox> into each <object>",
        )  # fmt: skip
    return name, tuple(number((box.findtext(side) or "").strip()) for side in _SIDES)


def _size(root: ET.Element) -> list[int] | None:
    """Width and height; zeros and what is missing say nothing."""
    sides = [(root.findtext(f"size/{side}") or "0").strip() for side in ("width", "height")]
    if not all(side.isascii() and side.isdigit() for side in sides):
        raise UnfitLabelError(
            "bad_annotation", "annotations whose size of the image is no whole number", "write it in pixels"
        )  # fmt: skip
    width, height = map(int, sides)
    return [width, height] if width and height else None
