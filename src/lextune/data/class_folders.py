"""Finds which folders of a tree are classes and which files in them are rows; it knows no file's content."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from lextune.data.formats import ReadContext, Source

_PART_WORDS = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "val": "validation",
    "valid": "validation", "validation": "validation", "dev": "validation", "eval": "validation",
}  # fmt: skip


def class_folders(
    root: Path, source: Source, context: ReadContext, give_files: Callable[[list[str]], str]
) -> tuple[list[str], list[str]]:
    """The names of the class folders, and of the files beside them, each sorted; both empty after an error.

    Hidden folders are no classes, nor are the parts of a data set (`train`, `test`).

    Args:
        root: Of the tree.
        source: Which it is.
        context: What is wrong goes to its findings.
        give_files: The remedy where there are files and no folders.
    """
    with os.scandir(root) as entries:
        visible = sorted(
            (entry for entry in entries if not entry.name.startswith(".")), key=lambda e: e.name
        )
        folders = [entry.name for entry in visible if entry.is_dir()]
        files = [entry.name for entry in visible if not entry.is_dir()]
    if not folders:
        remedy = give_files(files) if files else "make one folder per class"
        no_labels(source, context, "it has no folders inside", remedy)
        return [], []
    if _are_parts(root, folders):
        base = source.name.rstrip("/")
        by_part = {part: name for name in folders if (part := _part(name)) is not None}
        remedy = ", ".join(f"data.{part}: {base}/{name}" for part, name in by_part.items())
        no_labels(
            source, context, "its folders are parts of a data set, not classes", f"set {remedy}"
        )
        return [], []
    inside = {
        _part(one.name) for name in folders for one in (root / name).iterdir() if one.is_dir()
    }
    if len(inside - {None}) > 1:
        no_labels(
            source, context, "its class folders hold parts of a data set",
            "put the part first (train/pos, test/pos), then set data.train and data.test to the parts",
        )  # fmt: skip
        return [], []
    if files:
        context.findings.add(
            "ignored_file", "info", "files beside the class folders belong to no class and were not read",
            "none is needed", ", ".join(files[:5]), count=len(files), unit="files",
        )  # fmt: skip
    return folders, files


def files_below(
    folder: Path, root: Path, source: Source, context: ReadContext, *, fits: Callable[[Path], bool],
    what: str, remedy: str,
) -> list[Path]:  # fmt: skip
    """The files below a folder that are rows, sorted; hidden ones and links to folders are passed over.

    Args:
        folder: Where to look.
        root: Of the tree; places are told from there.
        source: Which it is.
        context: What is passed over goes to its findings.
        fits: Whether a file is a row, by its name.
        what: What rows are: `text`, `image`.
        remedy: For files that are none.
    """
    found, base_name = [], source.name.rstrip("/")
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if os.path.islink(Path(base, name)):
                place = Path(base, name).relative_to(root).as_posix()
                context.findings.add(
                    "ignored_file", "warning", "links to folders inside class folders were not followed",
                    f"put the {what}s there themselves", f"{base_name}/{place}", unit="folders",
                )  # fmt: skip
        for name in names:
            path = Path(base, name)
            if name.startswith("."):
                continue
            if fits(path):
                found.append(path)
                continue
            context.findings.add(
                "ignored_file", "warning", f"files in class folders that are not {what} files were not read",
                remedy, f"{base_name}/{path.relative_to(root).as_posix()}", unit="files",
            )  # fmt: skip
    return sorted(found)


def no_labels(source: Source, context: ReadContext, why: str, remedy: str) -> None:
    """Report that a folder has no classes."""
    context.findings.add(
        "no_labels", "error", f"no labels found: {why}", remedy, source.name, unit="folders"
    )


def empty_folder(name: str, what: str, source: Source, context: ReadContext) -> None:
    """Report a class folder without a row; `what` as in `files_below`."""
    context.findings.add(
        "empty_folder", "warning", f"class folders without any {what} file are no classes",
        f"put {what}s there, or remove the folder", f"{source.name.rstrip('/')}/{name}", unit="folders",
    )  # fmt: skip


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
