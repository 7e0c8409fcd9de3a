"""Reads packed little-endian numbers from bytes and refuses what runs past their end; it knows no format."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NoReturn

from lextune.errors import ModelError, Problem

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Cursor:
    """A place in some bytes that moves on with each read.

    Args:
        data: All bytes of the file.
        name: What to call the file in messages.

    Attributes:
        place: Offset of the next byte.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.name = name
        self.place = 0

    def refuse(self, fact: str) -> NoReturn:
        """Say that the file is not what it should be.

        Raises:
            ModelError: Always.
        """
        raise ModelError(
            Problem(
                f"{self.name}: {fact}",
                "install the pinned version of the package again",
                "a file that is not exactly of the known layout is not guessed at",
            )
        )

    def raw(self, size: int, what: str) -> bytes:
        """The next `size` bytes."""
        if not 0 <= size <= len(self.data) - self.place:
            self.refuse(f"it ends within {what}")
        found = self.data[self.place : self.place + size]
        self.place += size
        return found

    def numbers(self, layout: str, what: str) -> tuple[Any, ...]:
        """Numbers as `struct` names them (`5iQ`), without padding between them."""
        layout = f"<{layout}"
        return struct.unpack(layout, self.raw(struct.calcsize(layout), what))

    def array(self, dtype: str, count: int, what: str) -> npt.NDArray[np.generic]:
        """`count` numbers of a numpy type that says its byte order (`<u4`), shape (count,)."""
        import numpy as np

        kind = np.dtype(dtype)
        return np.frombuffer(self.raw(count * kind.itemsize, what), kind)
