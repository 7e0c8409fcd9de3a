"""Keeps a model in a foreign format converted, once a machine, and checks every byte of it at each use; it knows no format.

What a conversion must give is pinned in the catalogue, beside the digests of what it is made from. So a cache
that somebody changed is found out even where he could change all of it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from lextune.errors import ModelError, Problem, VerificationError
from lextune.files import (
    disk_problems,
    home_folder,
    list_files,
    locked,
    read_regular,
    sha256,
    sync_folder,
    write_atomic,
)
from lextune.models.catalogue import CatalogueEntry, Conversion
from lextune.models.conversions.base import converters


def converted_files(
    name: str, entry: CatalogueEntry, sources: Mapping[str, bytes], notify: Callable[[str], None]
) -> dict[str, bytes]:
    """The files of a transformers folder, from the cache where it is whole and unchanged, else made anew.

    Args:
        name: What to call the cached folder.
        entry: Of the catalogue; it has a conversion.
        sources: The foreign files by name, checked already.
        notify: Told what takes long, and of a cache that was damaged.

    Raises:
        ModelError: A file is not of the format, or the conversion gave other bytes than are pinned.
        EnvironmentProblem: The cache cannot be written.
    """
    conversion = entry.conversion
    assert conversion is not None
    folder = home_folder() / "converted" / f"{name}-{_key(conversion, sources)[:16]}"
    with disk_problems(folder):
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(folder.parent):
        files = _read(folder, conversion.sha256, notify)
        if files is None:
            notify(f"converting {', '.join(sources)} for transformers, once: this takes seconds")
            files = _convert(name, entry, conversion, sources)
            _write(folder, files)
    return files


def _key(conversion: Conversion, sources: Mapping[str, bytes]) -> str:
    """Digest of all that decides what the conversion gives."""
    decides = {
        "format": conversion.format,
        "version": converters.get(conversion.format).version,
        "sources": {name: sha256(data) for name, data in sources.items()},
        "files": conversion.sha256,
    }
    return sha256(json.dumps(decides, sort_keys=True).encode())


def _read(
    folder: Path, pins: Mapping[str, str], notify: Callable[[str], None]
) -> dict[str, bytes] | None:
    """The cached files; None where there are none, or not just those that are pinned."""
    if not folder.is_dir() or folder.is_symlink():
        return None
    files = {}
    try:
        found = list_files(folder)
        for name in pins:
            files[name] = read_regular(folder / name)
    except (OSError, VerificationError):
        found = []
    wrong = [name for name, pin in pins.items() if sha256(files.get(name, b"")) != pin]
    if wrong or set(found) != set(pins):
        notify(f"{folder} was changed or is damaged ({', '.join(wrong) or 'other files'})")
        return None
    return files


def _convert(
    name: str, entry: CatalogueEntry, conversion: Conversion, sources: Mapping[str, bytes]
) -> dict[str, bytes]:
    files = converters.get(conversion.format).convert(sources)
    files["README.md"] = _card(name, entry, conversion)
    found = {one: sha256(data) for one, data in files.items()}
    if found != conversion.sha256:
        other = sorted(
            one for one in {*found, *conversion.sha256}
            if found.get(one) != conversion.sha256.get(one)
        )  # fmt: skip
        raise ModelError(
            Problem(
                f"the conversion of {name} gave another {', '.join(other)} than is pinned",
                "install the versions of constraints.txt and try again; if it stays so, report it",
                "a model that is not byte for byte the reviewed one is not used",
            )
        )
    return files


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """All files or none: one rename shows them. Leftovers of a killed process go first."""
    temporary = folder.with_name(f".{folder.name}.tmp")
    with disk_problems(folder):
        try:
            _remove(temporary)
            temporary.mkdir(mode=0o700)
            for name, data in files.items():
                write_atomic(temporary / name, data)
            _remove(folder)
            os.rename(temporary, folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        sync_folder(folder.parent)


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def _card(name: str, entry: CatalogueEntry, conversion: Conversion) -> bytes:
    """A model card: the licence of the model's authors, and what was done to their weights."""
    front = [
        "---",
        f"license: {conversion.licence.lower()}",
        f"base_model: {entry.upstream}",
        *(["language:"] if entry.languages else []),
        *(f"- {one}" for one in entry.languages),
        "---",
    ]
    text = [
        f"# {entry.upstream}, out of {name} {entry.version}",
        "",
        f"lextune converted it from {', '.join(entry.sha256)} (format {conversion.format}).",
        conversion.note,
    ]
    return "\n".join([*front, *text, ""]).encode()
