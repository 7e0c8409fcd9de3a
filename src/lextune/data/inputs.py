"""The rows of a table as a task's model takes them: texts, or images in files; it knows no task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

from lextune.data.columns import Ints, Texts
from lextune.images import ImageInput
from lextune.labels import InputKind

#: Images that are decoded at a time.
_BLOCK = 64


class Images(Sequence[ImageInput]):
    """The images of some rows of a table, which are opened when a model wants them.

    Args:
        table: As `dataset.Rows.table` makes it.
        rows: Which of its rows, in which order; None is all of them.
    """

    def __init__(self, table: Any, rows: Ints | None = None) -> None:
        self._columns = [Texts(table[name], rows) for name in ("image", "text", "label", "mask")]

    def __len__(self) -> int:
        return len(self._columns[0])

    @overload
    def __getitem__(self, index: int) -> ImageInput: ...
    @overload
    def __getitem__(self, index: slice) -> list[ImageInput]: ...
    def __getitem__(self, index: int | slice) -> ImageInput | list[ImageInput]:
        if isinstance(index, slice):
            return [self[row] for row in range(*index.indices(len(self)))]
        file, text, label, mask = (column[index] for column in self._columns)
        return ImageInput(file, text.removeprefix("sha256:"), label, mask)

    def take(self, rows: Ints) -> Images:
        """Those of these rows, in that order."""
        taken = Images.__new__(Images)
        taken._columns = [column.take(rows) for column in self._columns]
        return taken

    def blocks(self) -> Iterator[list[ImageInput]]:
        """All rows in order, a few at a time."""
        for start in range(0, len(self), _BLOCK):
            yield self[start : start + _BLOCK]


def inputs_of(table: Any, kind: InputKind, rows: Ints | None = None) -> Texts | Images:
    """The rows of a table that `dataset.Rows.table` made."""
    return Images(table, rows) if kind == "image" else Texts(table["text"], rows)
