"""What tasks share whose encoded rows lie in mapped files: images, sounds, histories; it knows no kind of row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lextune.tasks.base import Encoder

Advance = Callable[[int], None]


class KeepsRows:
    """Encoded rows that `tasks.mapped` writes and maps."""

    def kept(self, path: Path, encode: Encoder, inputs: Any, advance: Advance) -> Any:
        """The rows of all inputs, mapped from the file."""
        from lextune.tasks.mapped import kept_rows

        return kept_rows(path, encode, inputs.blocks(), advance)

    def passing(self, encode: Encoder, inputs: Any, advance: Advance, folder: Path | None) -> Any:
        """The rows of all inputs, mapped from a file without a name."""
        from lextune.tasks.mapped import unnamed_rows

        return unnamed_rows(encode, inputs.blocks(), advance, folder)
