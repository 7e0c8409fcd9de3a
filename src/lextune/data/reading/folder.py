"""Reads folder trees in which each folder is a class and each file a text; it knows no column's meaning."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lextune.data.class_folders import class_folders, empty_folder, files_below, no_labels
from lextune.data.encodings import DETECT, Sampler, choose_encoding, not_decodable
from lextune.data.formats import RawRow, ReadContext, Source, data_format, missing_columns
from lextune.data.opening import record_digest

_SUFFIXES = ("", ".txt", ".text")
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
                empty_folder(name, "text", source, context)
        if not found and not context.findings.has_errors():
            no_labels(source, context, "there are no text files in its folders", "check the path")
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
    base = source.name.rstrip("/")
    folders, files = class_folders(
        root, source, context,
        lambda files: f"give the files themselves, as in data.train: {base}/*{Path(files[0]).suffix}",
    )  # fmt: skip
    if not folders:
        return []
    marked = _has_marks(root, files)
    if marked or any(part.startswith("aclImdb") for part in root.resolve().parts[-2:]):
        context.layouts.add("aclImdb")
        if marked and "unsup" in folders:
            folders.remove("unsup")
            context.findings.add(
                "unlabelled_folder", "info", "the folder unsup of aclImdb holds reviews without labels, so it was left out",
                "none is needed", f"{base}/unsup", unit="folders",
            )  # fmt: skip
    for name in folders:
        if name.lower() in _UNLABELLED:
            context.findings.add(
                "unlabelled_folder", "warning", f"the folder {name!r} was read as a class",
                "move it away if its texts have no labels", f"{base}/{name}", unit="folders",
            )  # fmt: skip
    return folders


def _has_marks(root: Path, files: list[str]) -> bool:
    """Whether files of Maas et al. lie there: proof enough to leave out a folder, which a name is not."""
    urls = any(name.startswith("urls_") and name.endswith(".txt") for name in files)
    return urls or any((place / "imdb.vocab").is_file() for place in (root, root.parent))


def _texts(folder: Path, root: Path, source: Source, context: ReadContext) -> list[Path]:
    return files_below(
        folder, root, source, context, what="text", remedy="name text files .txt, or move the others away",
        fits=lambda path: path.suffix.lower() in _SUFFIXES or path.suffix[1:].isdigit(),
    )  # fmt: skip
