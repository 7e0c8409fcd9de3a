"""Reads the file of an image or a sound as it was when it was checked; it knows no pixels and no samples."""

from __future__ import annotations

from pathlib import Path

from lextune.audio import AudioInput
from lextune.errors import DataError, Problem, VerificationError
from lextune.files import sha256
from lextune.images import ImageInput

#: What inputs of a kind are called, with their article.
_NOUNS = {ImageInput: ("an", "image"), AudioInput: ("a", "sound")}


def checked_bytes(given: ImageInput | AudioInput) -> bytes:
    """The bytes of the file, or those that were given instead of one.

    Raises:
        VerificationError: The file is not the one that was looked at.
        DataError: It cannot be read any more.
    """
    if given.data is not None:
        return given.data
    try:
        data = Path(given.file).read_bytes()
    except OSError as error:
        raise unreadable(given, str(error.strerror)) from error
    if sha256(data) != given.sha256:
        raise VerificationError(
            Problem(
                f"the {_NOUNS[type(given)][1]} {given.file} is not the one that was checked",
                "run again from the config",
                "it was changed between the checks and its use",
            )
        )
    return data


def unreadable(given: ImageInput | AudioInput, why: str) -> DataError:
    """Of a file that was read when it was checked, and cannot be read now."""
    noun = " ".join(_NOUNS[type(given)])
    return DataError(
        Problem(
            f"{noun} cannot be read", "restore it, or run again from the config", why, given.file
        )
    )
