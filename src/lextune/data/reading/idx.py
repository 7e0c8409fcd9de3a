"""Reads the image files of MNIST and its kin (IDX), with the labels that lie beside them; it knows no digit.

http://yann.lecun.com/exdb/mnist/ (the file format): two zero bytes, the type (8 is unsigned byte), the number of
dimensions, each dimension as four bytes with the highest first, then the values.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lextune.data.formats import (
    RawRow,
    ReadContext,
    ReadOptions,
    Source,
    data_format,
    missing_columns,
)
from lextune.data.opening import open_bytes
from lextune.extras import need
from lextune.images import MOST_PIXELS

_UNSIGNED_BYTE = 8


def is_idx(path: Path, options: ReadOptions) -> bool:
    """A file of images by its name, or a folder with exactly one."""
    if options.label_kind not in ("class", "classes"):
        return False
    return len(_inside(path)) == 1 if path.is_dir() else _is_images(path.name)


@data_format("idx", recognise=is_idx)
def read_idx(source: Source, context: ReadContext) -> Iterator[RawRow]:
    """One row per image, which is kept as a PNG; its class is the number that the labels say.

    The labels of `train-images-idx3-ubyte.gz` are in `train-labels-idx1-ubyte` (`.gz` or not) beside it.
    """
    if source.path is not None and source.path.is_dir():
        (path,) = _inside(source.path)
        source = Source(f"{source.name.rstrip('/')}/{path.name}", path=path)
    options = context.options
    names = [options.text] if options.label is None else [options.text, options.label]
    if missing_columns(names, source, context):
        return
    labels: bytes | None = None
    if options.label is not None:
        labels = _labels(source, context)
        if labels is None:
            return
    with open_bytes(source, context) as stream:
        shape = _shape(stream, 3, source.name, context)
        if shape is None:
            return
        count, height, width = shape
        if not 0 < height * width <= MOST_PIXELS:
            _broken(source.name, "its images have no pixels, or too many", context)
            return
        if labels is not None and len(labels) != count:
            context.findings.add(
                "idx_mismatch", "error", f"there are {count:,} images and {len(labels):,} labels",
                "give the labels of these images", source.name, unit="files",
            )  # fmt: skip
            return
        for row in range(count):
            pixels = stream.read(height * width)
            if len(pixels) < height * width:
                _broken(source.name, f"it ends after {row:,} of {count:,} images", context)
                return
            values: dict[str, str | None] = {options.text: _kept(pixels, height, width, context)}
            if labels is not None and options.label is not None:
                name = str(labels[row])
                values[options.label] = f'["{name}"]' if options.label_kind == "classes" else name
            yield RawRow(values, f"{source.name}: row {row + 1}")
        if stream.read(1):
            _broken(source.name, f"it goes on after its {count:,} images", context)


def _is_images(name: str) -> bool:
    lower = name.lower()
    return "images" in lower and "idx3" in lower


def _inside(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_file() and _is_images(path.name))


def _labels(source: Source, context: ReadContext) -> bytes | None:
    """The label of each image; None after an error."""
    place = _labels_beside(source)
    if place is None:
        context.findings.add(
            "no_labels", "error", "no labels found: no file of labels (labels, idx1) lies beside the images",
            "put it there under the name that belongs to that of the images", source.name, unit="files",
        )  # fmt: skip
        return None
    with open_bytes(place, context) as stream:
        shape = _shape(stream, 1, place.name, context)
        if shape is None:
            return None
        data = stream.read(shape[0] + 1)
    if len(data) != shape[0]:
        _broken(place.name, f"it does not hold the {shape[0]:,} labels that it says", context)
        return None
    return data


def _labels_beside(source: Source) -> Source | None:
    """The file of labels that belongs to one of images, packed like it or not."""
    folder, name = os.path.split(source.name)
    there = (source.path or Path(source.name)).parent
    for old, new in (
        ("images", "labels"),
        ("Images", "Labels"),
        ("idx3", "idx1"),
        ("IDX3", "IDX1"),
    ):
        name = name.replace(old, new)
    bare = name.removesuffix(".gz")
    for one in (name, bare, f"{bare}.gz"):
        if (there / one).is_file():
            return Source(os.path.join(folder, one), path=there / one)
    return None


def _shape(
    stream: BinaryIO, dimensions: int, name: str, context: ReadContext
) -> tuple[int, ...] | None:
    """The dimensions that the head says; None after an error."""
    head = stream.read(4 + 4 * dimensions)
    if head[:4] != bytes([0, 0, _UNSIGNED_BYTE, dimensions]) or len(head) < 4 + 4 * dimensions:
        _broken(name, f"it is no IDX file of bytes in {dimensions} dimensions", context)
        return None
    return tuple(np.frombuffer(head, ">u4", offset=4).tolist())


def _kept(pixels: bytes, height: int, width: int, context: ReadContext) -> str:
    pil = need("vision", "PIL.Image")
    stream = io.BytesIO()
    pil.frombytes("L", (width, height), pixels).save(stream, "PNG", compress_level=1)
    return context.keep(stream.getvalue(), ".png")


def _broken(name: str, why: str, context: ReadContext) -> None:
    context.findings.add(
        "broken_idx", "error", f"the file cannot be read: {why}", "copy or download it again", name,
        unit="files",
    )  # fmt: skip
