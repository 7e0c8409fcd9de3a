"""The secret that hides the ids of people in the subject index; it knows no person and no index."""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from lextune import files
from lextune.errors import Problem, VerificationError
from lextune.evidence.keys import refuse_open_to_others, write_private

_NAME = "subjects.secret"


def load_or_create_secret(home: Path | None = None, *, create: bool = True) -> bytes:
    """The user's secret of 32 bytes, made on first use; whoever loses it finds no person in the index again.

    Args:
        home: The folder that holds `keys/subjects.secret` (64 hex digits); None means `files.home_folder()`.
        create: Whether one may be made; false where something was hidden with it already.

    Raises:
        VerificationError: The file can be read by others, is a link, is gone, or holds no secret.
        EnvironmentProblem: The folder cannot be written.
    """
    home = home if home is not None else files.home_folder()
    folder, path = home / "keys", home / "keys" / _NAME
    with files.disk_problems(path):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    refuse_open_to_others(folder, stat.S_IWGRP | stat.S_IWOTH, "700")
    with files.locked(folder):
        if create and not os.path.lexists(path):
            write_private(path, secrets.token_hex(32).encode() + b"\n")
        try:
            refuse_open_to_others(path, stat.S_IRWXG | stat.S_IRWXO, "600")
            text = files.read_regular(path).decode("ascii", "replace").strip()
        except OSError as error:
            fact = f"{path} cannot be read: {error.strerror}"
            remedy = "restore it from a backup, or mend its permissions"
            reason = "without it no person in the index of subjects is found"
            raise VerificationError(Problem(fact, remedy, reason)) from error
    if re.fullmatch(r"[0-9a-f]{64}", text) is None:
        raise VerificationError(
            Problem(
                f"{path} holds no secret of 64 hex digits",
                "restore it from a backup",
                "with another secret no person in the index of subjects is found",
            )
        )
    return bytes.fromhex(text)
