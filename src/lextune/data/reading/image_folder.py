"""Reads folders of images: a folder for each class, or a table that names the files; it opens no image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lextune.data.file_folders import FileKind, is_file_folder, read_file_folder
from lextune.data.formats import RawRow, ReadContext, ReadOptions, Source, data_format
from lextune.images import SUFFIXES

_IMAGES = FileKind(
    noun="image",
    suffixes=SUFFIXES,
    unread=frozenset(
        {
            ".avif", ".heic", ".heif", ".jp2", ".j2k", ".jxl", ".svg", ".eps", ".ps", ".psd", ".tga", ".ico",
            ".dcm", ".dng", ".cr2", ".nef", ".arw",
        }
    ),
    examples=".png, .jpg",
)  # fmt: skip


def _is_image_folder(path: Path, options: ReadOptions) -> bool:
    return is_file_folder(path, options, _IMAGES)


@data_format("image_folder", recognise=_is_image_folder)
def read_image_folder(source: Source, context: ReadContext) -> Iterator[RawRow]:
    """One row per image, as `file_folders.read_file_folder` has it."""
    yield from read_file_folder(source, context, _IMAGES)


def is_image_name(path: Path) -> bool:
    """Whether a file is an image by the suffix of its name, in any case, read or not."""
    return _IMAGES.named(path)


def holds_images(path: Path) -> bool:
    """Whether a path is an image, or a folder whose files are images for the most part, by their names."""
    return _IMAGES.holds(path)
