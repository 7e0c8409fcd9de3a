"""Keeps bytes that are no file of their own as files named by their digest; it knows no row."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path

from lextune.files import disk_problems, sha256

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
    with disk_problems(path):
        if not path.exists() or path.stat().st_size != len(data):
            folder.mkdir(parents=True, exist_ok=True)
            # No fsync, which is most of the time of many small files: what a power cut leaves half is written again.
            unfinished = path.with_name(
                f".{path.name}.{os.getpid()}.tmp"
            )  # as `files.UNFINISHED` says
            unfinished.write_bytes(data)
            os.replace(unfinished, path)
    return str(path)


@functools.cache
def _temporary() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="lextune-kept-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
