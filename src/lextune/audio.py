"""What a sound is that a model is to take; it knows no model and no label."""

from __future__ import annotations

from typing import NamedTuple


class AudioInput(NamedTuple):
    """A sound, or a piece of one.

    Attributes:
        file: Its path.
        sha256: Of the file, hex.
        label: The cell of its label, where there is one.
        start: Where the piece begins, in seconds.
        stop: Where it ends; None is the end of the file.
        data: The bytes of the file, where they are in memory already; then `file` and `sha256` are not looked at.
    """

    file: str
    sha256: str
    label: str | None = None
    start: float = 0.0
    stop: float | None = None
    data: bytes | None = None
