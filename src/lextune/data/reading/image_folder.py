"""Reads folders of images: a folder for each class, or a table that names the files; it opens no image."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from lextune.data.class_folders import class_folders, empty_folder, files_below, no_labels
from lextune.data.encodings import tell_undecoded
from lextune.data.formats import (
    RawRow,
    ReadContext,
    ReadOptions,
    Source,
    data_format,
    formats,
    missing_columns,
)
from lextune.data.images.paths import located
from lextune.data.opening import record_digest
from lextune.images import SUFFIXES

#: Tables of Hugging Face's imagefolder, and their column of paths.
#: https://huggingface.co/docs/datasets/image_dataset#imagefolder
_TABLES = {
    "metadata.jsonl": "jsonl", "metadata.csv": "delimited", "metadata.parquet": "parquet",
}  # fmt: skip
_FILE_NAME = "file_name"
#: Names that are looked at to say whether a folder is one of images.
_LOOKED_AT = 1000
#: Images that are not read; each is reported as one rather than passed over.
_UNREAD = frozenset(
    {
        ".avif", ".heic", ".heif", ".jp2", ".j2k", ".jxl", ".svg", ".eps", ".ps", ".psd", ".tga", ".ico",
        ".dcm", ".dng", ".cr2", ".nef", ".arw",
    }
)  # fmt: skip


def _is_image_folder(path: Path, options: ReadOptions) -> bool:
    """A folder, where labels are classes or a table says them; one image alone where no label is wanted."""
    if path.is_dir():
        classes = options.label is None or options.label_kind in ("class", "classes")
        return classes or _table(path) is not None
    return options.label is None and path.suffix.lower() in SUFFIXES


@data_format("image_folder", recognise=_is_image_folder)
def read_image_folder(source: Source, context: ReadContext) -> Iterator[RawRow]:
    """One row per image; the first folder below the source is its class.

    Where the folder has a `metadata.jsonl` or `metadata.csv`, its rows are those of that table, whose `file_name`
    is the path from the folder, and whose other columns are the row's. Without a label column every image below
    the source is a row.
    """
    root = source.path
    if root is None or not root.exists():
        context.findings.add(
            "no_source", "error", "there is no such file or folder", "check the path", source.name,
            unit="sources",
        )  # fmt: skip
        return
    table = _table(root) if root.is_dir() else None
    if table is not None:
        yield from _of_table(table, root, source, context)
        return
    options = context.options
    if options.label is not None and not root.is_dir():
        no_labels(
            source, context, "this is not a folder", "give a folder, or a table of paths and labels"
        )
        return
    names = [options.text] if options.label is None else [options.text, options.label]
    if missing_columns(names, source, context):
        return
    if root.is_dir():
        base = source.name.rstrip("/")
        found = [
            (label, path, f"{base}/{path.relative_to(root).as_posix()}")
            for label, path in _found(root, source, context)
        ]
        yield from _rows(found, source, context)
    else:
        yield from _rows([(None, root, source.name)], source, context)


def is_image_name(path: Path) -> bool:
    """Whether a file is an image by the suffix of its name, in any case, read or not."""
    return path.suffix.lower() in SUFFIXES or path.suffix.lower() in _UNREAD


def holds_images(path: Path) -> bool:
    """Whether a path is an image, or a folder whose files are images for the most part, by their names."""
    if not path.is_dir():
        return path.is_file() and is_image_name(path)
    seen = found = 0
    for base, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            if not name.startswith("."):
                seen, found = seen + 1, found + is_image_name(Path(base, name))
        if seen >= _LOOKED_AT:
            break
    return 2 * found > seen


def images_below(folder: Path, root: Path, source: Source, context: ReadContext) -> list[Path]:
    """The images below a folder, sorted; what is passed over is told."""
    return files_below(
        folder, root, source, context, fits=is_image_name, what="image",
        remedy="give images their suffix (.png, .jpg), or move the others away",
    )  # fmt: skip


def _table(root: Path) -> Path | None:
    return next((root / name for name in _TABLES if (root / name).is_file()), None)


def _found(root: Path, source: Source, context: ReadContext) -> list[tuple[str | None, Path]]:
    """Images with their classes."""
    if context.options.label is None:
        return [(None, path) for path in images_below(root, root, source, context)]
    found: list[tuple[str | None, Path]] = []
    folders, _ = class_folders(root, source, context, _for_files)
    for name in folders:
        images = images_below(root / name, root, source, context)
        found += [(name, path) for path in images]
        if not images:
            empty_folder(name, "image", source, context)
    if folders and not found:
        no_labels(source, context, "there are no images in its folders", "check the path")
    return found


def _for_files(_: list[str]) -> str:
    return "make one folder per class, or write a metadata.csv with the columns file_name and label"


def _rows(
    found: list[tuple[str | None, Path, str]], source: Source, context: ReadContext
) -> Iterator[RawRow]:
    """Rows of label, path and place; recorded is the digest of a list of digests, as `sha256sum` writes it."""
    listing, size = hashlib.sha256(), 0
    options = context.options
    for label, path, place in found:
        try:
            with open(path, "rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
                size += stream.tell()
        except OSError:
            digest = "-"  # whoever looks at the image tells why
        relative = place.removeprefix(source.name.rstrip("/")).lstrip("/")
        listing.update(f"{digest}  {relative}\n".encode("utf-8", "surrogateescape"))
        values: dict[str, str | None] = {options.text: str(path)}
        if options.label is not None:
            several = options.label_kind == "classes"
            values[options.label] = json.dumps([label], ensure_ascii=False) if several else label
        yield RawRow(values, place)
    record_digest(source, listing.hexdigest(), size, context)


def _of_table(table: Path, root: Path, source: Source, context: ReadContext) -> Iterator[RawRow]:
    """Rows of the table, read as any other of its format, and how many images it does not name."""
    column = context.options.text
    options = dataclasses.replace(context.options, text=_FILE_NAME, input_kind="text")
    inner = dataclasses.replace(context, options=options)
    named: set[str] = set()
    place = Source(f"{source.name.rstrip('/')}/{table.name}", path=table)
    for row in formats.get(_TABLES[table.name]).read(place, inner):
        context.line, context.unreadable = inner.line, inner.unreadable
        values = {key: value for key, value in row.values.items() if key != _FILE_NAME}
        values[column] = row.values.get(_FILE_NAME)
        values = dict(located(values, place, context.options))
        named.add(os.path.normpath(values[column] or ""))
        yield RawRow(values, row.where)
    tell_undecoded(inner)
    context.unreadable = inner.unreadable
    others = [
        path for path in root.rglob("*")
        if is_image_name(path) and not path.name.startswith(".") and os.path.normpath(path) not in named
    ]  # fmt: skip
    if others:
        context.findings.add(
            "ignored_file", "info", f"images that {table.name} does not name were not read", "none is needed",
            f"{source.name.rstrip('/')}/{min(others).relative_to(root).as_posix()}", count=len(others),
            unit="files",
        )  # fmt: skip
