"""Keeps bytes that are no file of their own as files named by their digest; it knows no row."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from lextune.files import disk_problems, sha256, write_atomic

#: The folder of a run in which such files lie until it has ended.
KEPT_FOLDER = "kept"


def keep(data: bytes, suffix: str, scratch: Path | None) -> str:
    """The path of a file with these bytes.

    Args:
        data: Of the whole file.
        suffix: Of its name, with the dot.
        scratch: The folder of a run; None keeps it in a temporary folder until the process ends.
    """
    folder = scratch / KEPT_FOLDER if scratch is not None else _temporary()
    path = folder / f"{sha256(data)}{suffix}"
    if not path.exists():
        with disk_problems(folder):
            folder.mkdir(parents=True, exist_ok=True)
        write_atomic(path, data)
    return str(path)


@functools.cache
def _temporary() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="lextune-kept-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
