"""Finds images in folders by name or by stem, for readers of annotations beside them; it opens no image."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath

from lextune.data.formats import ReadContext, Source, missing_columns
from lextune.data.opening import record_digest
from lextune.images import SUFFIXES

#: What folders of images are called in known layouts.
IMAGE_FOLDERS = ("JPEGImages", "images", "Images", "imgs", "img")


class ImageFinder:
    """Images by the name or the stem that an annotation has, in the first of some folders that has them.

    Args:
        folders: In the order of looking; those that are not there are passed over.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        given = list(dict.fromkeys(folders))
        self.folders = [folder for folder in given if folder.is_dir()] or given[:1]
        self._stems: dict[Path, dict[str, Path]] = {}

    def find(self, name: str, stem: str = "") -> str:
        """The path of an image; where there is none, a path at which it was looked for.

        Args:
            name: With its suffix, as annotations write it: a path below the folder, or on another machine.
            stem: Of the annotation's own file, which counts more than the name in it: copies keep old names.
        """
        path = PurePosixPath(name.replace("\\", "/"))
        named = self._named(path) if name else None
        found = named if not stem or path.stem == stem else None
        found = found or self._by_stem(stem or path.stem) or named
        return str(found or self.folders[0] / (path.name or stem))

    def _named(self, path: PurePosixPath) -> Path | None:
        names = [path.name] if path.is_absolute() else [str(path), path.name]
        places = (folder / one for folder in self.folders for one in names)
        return next((place for place in places if place.is_file()), None)

    def _by_stem(self, stem: str) -> Path | None:
        for folder in self.folders:
            if folder not in self._stems and folder.is_dir():
                with os.scandir(folder) as entries:
                    found = sorted(Path(one.path) for one in entries if is_image(Path(one.name)))
                self._stems[folder] = {path.stem: path for path in reversed(found)}
            if path := self._stems.get(folder, {}).get(stem):
                return path
        return None


def is_image(path: Path) -> bool:
    """Whether a name is one of an image."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def images_below(folder: Path) -> list[Path]:
    """The images in a folder and in those below it, sorted; hidden ones are passed over."""
    return files_below(folder, is_image)


def files_below(folder: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    """The wanted files in a folder and in those below it, sorted."""
    return sorted(_walk(folder, wanted))


def _walk(folder: Path, wanted: Callable[[Path], bool]) -> Iterator[Path]:
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(base, name) for name in names if wanted(Path(name)))


class Listing:
    """The digest of many files that are one source."""

    def __init__(self) -> None:
        self.state, self.size = hashlib.sha256(), 0

    def add(self, name: str, data: bytes) -> None:
        """One more file, in order."""
        line = f"{hashlib.sha256(data).hexdigest()}  {name}\n"
        self.state.update(line.encode("utf-8", "surrogateescape"))
        self.size += len(data)

    def record(self, source: Source, context: ReadContext) -> None:
        """Remember what was read, and compare it with its pin."""
        record_digest(source, self.state.hexdigest(), self.size, context)


def lacks_columns(source: Source, context: ReadContext, more: Iterable[str] = ()) -> bool:
    """Report what is wanted and annotations have not: they are images with labels, and what `more` names."""
    options = context.options
    own = [options.text] if options.label is None else [options.text, options.label]
    return missing_columns([*own, *more], source, context)


def no_layout(source: Source, context: ReadContext, wanted: str) -> None:
    """Report that a source is not laid out as its reader knows it."""
    there = source.path is not None and source.path.exists()
    fact = (
        "the annotations are not laid out as their format has it"
        if there
        else "there is no such file or folder"
    )
    context.findings.add(
        "no_annotations" if there else "no_source", "error", fact, f"give {wanted}" if there else "check the path",
        source.name, unit="sources",
    )  # fmt: skip
