"""Reads folder trees in which each folder is a class and each file a text; it knows no column's meaning."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lextune.data.encodings import DETECT, Sampler, choose_encoding, not_decodable
from lextune.data.formats import RawRow, ReadContext, Source, data_format, missing_columns
from lextune.data.opening import record_digest

_SUFFIXES = ("", ".txt", ".text")
_PART_WORDS = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "val": "validation",
    "valid": "validation", "validation": "validation", "dev": "validation", "eval": "validation",
}  # fmt: skip
#: Folders of texts that nobody labelled.
_UNLABELLED = ("unsup", "unlabeled", "unlabelled")


@data_format("folder")
def read_folder(source: Source, context: ReadContext) -> Iterator[RawRow]:
    """One row per text file; the first folder below the source is its class.

    The aclImdb layout of Maas et al. (2011) is known by its `urls_*.txt` or `imdb.vocab`: its `unsup`
    folder has no labels and is left out, which is reported. Without a label column every text file
    below the source is a row.
    """
    root = source.path
    if root is None or not root.is_dir():
        context.findings.add(
            "no_source", "error", "this is not a folder", "give a folder, or set data.format to the file's",
            source.name, unit="sources",
        )  # fmt: skip
        return
    options = context.options
    names = [options.text] if options.label is None else [options.text, options.label]
    if missing_columns(names, source, context):
        return
    if options.label is None:
        found: list[tuple[str | None, Path]] = [
            (None, path) for path in _texts(root, root, source, context)
        ]
    else:
        found = []
        for name in _classes(root, source, context):
            texts = _texts(root / name, root, source, context)
            found += [(name, path) for path in texts]
            if not texts:
                context.findings.add(
                    "empty_folder", "warning", "class folders without a text file are no classes",
                    "put texts there, or remove the folder", f"{source.name.rstrip('/')}/{name}",
                    unit="folders",
                )  # fmt: skip
        if not found and not context.findings.has_errors():
            _no_labels(source, context, "there are no text files in its folders", "check the path")
    yield from _rows(found, root, source, context)


def _rows(
    found: list[tuple[str | None, Path]], root: Path, source: Source, context: ReadContext
) -> Iterator[RawRow]:
    listing, size = hashlib.sha256(), 0
    encodings: Counter[str] = Counter()
    options = context.options
    for label, path in found:
        relative = path.relative_to(root).as_posix()
        where = f"{source.name.rstrip('/')}/{relative}"
        try:
            data = path.read_bytes()
        except OSError as error:
            context.skip(
                "unreadable", f"a text cannot be read: {error.strerror}",
                "mend the link or the permissions, or remove it", where,
            )  # fmt: skip
            continue
        listing.update(
            f"{hashlib.sha256(data).hexdigest()}  {relative}\n".encode("utf-8", "surrogateescape")
        )
        size += len(data)
        known = Sampler()
        if options.encoding == DETECT:
            known.feed(data, last=True)
        codec, told = choose_encoding(data[:4096], where, context, known)
        encodings[told] += 1
        try:
            text = data.decode(codec)
        except UnicodeDecodeError as error:
            context.leave_out(where)
            not_decodable(where, error, context, skipped=True)
            continue
        values: dict[str, str | None] = {options.text: text or None}
        if options.label is not None:
            values[options.label] = label
        yield RawRow(values, where)
    shares = [
        told if len(encodings) == 1 else f"{told}: {n}" for told, n in sorted(encodings.items())
    ]
    context.encodings[source.name] = ", ".join(shares)
    record_digest(source, listing.hexdigest(), size, context)


def _classes(root: Path, source: Source, context: ReadContext) -> list[str]:
    """The names of the class folders, sorted; empty after an error."""
    with os.scandir(root) as entries:
        visible = sorted(
            (entry for entry in entries if not entry.name.startswith(".")), key=lambda e: e.name
        )
        folders = [entry.name for entry in visible if entry.is_dir()]
        files = [entry.name for entry in visible if not entry.is_dir()]
    if not folders:
        remedy = "make one folder per class"
        if files:
            remedy = f"give the files themselves, as in data.train: {source.name.rstrip('/')}/*{Path(files[0]).suffix}"
        _no_labels(source, context, "it has no folders inside", remedy)
        return []
    if _are_parts(root, folders):
        base = source.name.rstrip("/")
        by_part = {part: name for name in folders if (part := _part(name)) is not None}
        remedy = ", ".join(f"data.{part}: {base}/{name}" for part, name in by_part.items())
        _no_labels(
            source, context, "its folders are parts of a data set, not classes", f"set {remedy}"
        )
        return []
    inside = {
        _part(one.name) for name in folders for one in (root / name).iterdir() if one.is_dir()
    }
    if len(inside - {None}) > 1:
        _no_labels(
            source, context, "its class folders hold parts of a data set",
            "put the part first (train/pos, test/pos), then set data.train and data.test to the parts",
        )  # fmt: skip
        return []
    if files:
        context.findings.add(
            "ignored_file", "info", "files beside the class folders belong to no class and were not read",
            "none is needed", ", ".join(files[:5]), count=len(files), unit="files",
        )  # fmt: skip
    marked = _has_marks(root, files)
    if marked or any(part.startswith("aclImdb") for part in root.resolve().parts[-2:]):
        context.layouts.add("aclImdb")
        if marked and "unsup" in folders:
            folders.remove("unsup")
            context.findings.add(
                "unlabelled_folder", "info", "the folder unsup of aclImdb holds reviews without labels, so it was left out",
                "none is needed", f"{source.name.rstrip('/')}/unsup", unit="folders",
            )  # fmt: skip
    for name in folders:
        if name.lower() in _UNLABELLED:
            context.findings.add(
                "unlabelled_folder", "warning", f"the folder {name!r} was read as a class",
                "move it away if its texts have no labels", f"{source.name.rstrip('/')}/{name}", unit="folders",
            )  # fmt: skip
    return folders


def _part(name: str) -> str | None:
    """The part that a folder's name says: `train`, `Train_set`, `testset`, `01-dev-data`."""
    bare = re.sub(r"[\W\d_]+", "", name.casefold())
    return _PART_WORDS.get(bare) or _PART_WORDS.get(re.sub(r"(?<=.)(set|data|split)$", "", bare))


def _are_parts(root: Path, folders: list[str]) -> bool:
    """Whether folders are train, test, ... A single `train` beside `bus` and `tram` is a vehicle."""
    words = [name for name in folders if _part(name)]
    if len({_part(name) for name in words}) > 1 or (words and words == folders):
        return True
    return any(all(path.is_dir() for path in (root / name).iterdir()) for name in words)


def _has_marks(root: Path, files: list[str]) -> bool:
    """Whether files of Maas et al. lie there: proof enough to leave out a folder, which a name is not."""
    urls = any(name.startswith("urls_") and name.endswith(".txt") for name in files)
    return urls or any((place / "imdb.vocab").is_file() for place in (root, root.parent))


def _texts(folder: Path, root: Path, source: Source, context: ReadContext) -> list[Path]:
    """The text files below a folder, sorted; hidden ones and links to folders are passed over."""
    found = []
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if os.path.islink(Path(base, name)):
                place = Path(base, name).relative_to(root).as_posix()
                context.findings.add(
                    "ignored_file", "warning", "links to folders inside class folders were not followed",
                    "put the texts there themselves", f"{source.name.rstrip('/')}/{place}", unit="folders",
                )  # fmt: skip
        for name in names:
            path = Path(base, name)
            if name.startswith("."):
                continue
            if path.suffix.lower() in _SUFFIXES or path.suffix[1:].isdigit():
                found.append(path)
                continue
            context.findings.add(
                "ignored_file", "warning", "files in class folders that are not text files were not read",
                "name text files .txt, or move the others away",
                f"{source.name.rstrip('/')}/{path.relative_to(root).as_posix()}", unit="files",
            )  # fmt: skip
    return sorted(found)


def _no_labels(source: Source, context: ReadContext, why: str, remedy: str) -> None:
    context.findings.add(
        "no_labels", "error", f"no labels found: {why}", remedy, source.name, unit="folders"
    )
