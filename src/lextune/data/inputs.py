"""The rows of a table as a task's model takes them: texts, images or sounds in files, histories; it knows no task."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Generic, Self, TypeVar, overload

from lextune.audio import AudioInput
from lextune.data.columns import Ints, Texts
from lextune.histories import HistoryInput, read_history, read_items
from lextune.images import ImageInput
from lextune.labels import InputKind

T = TypeVar("T")


class Inputs(Sequence[T], Generic[T]):
    """The inputs of some rows of a table, which are made when a model wants them.

    Args:
        table: As `dataset.Rows.table` makes it.
        rows: Which of its rows, in which order; None is all of them.
    """

    #: Columns of the table that `_made` takes the cells of, in this order.
    names: tuple[str, ...]
    #: Inputs that are made at a time.
    block = 64

    def __init__(self, table: Any, rows: Ints | None = None) -> None:
        self._columns = [Texts(table[name], rows) for name in self.names]

    @abstractmethod
    def _made(self, *cells: str) -> T:
        """The input of a row with these cells of `names`."""

    def __len__(self) -> int:
        return len(self._columns[0])

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            cells = [column[index] for column in self._columns]
            return [self._made(*row) for row in zip(*cells, strict=True)]
        return self._made(*(column[index] for column in self._columns))

    def take(self, rows: Ints) -> Self:
        """Those of these rows, in that order."""
        taken = type(self).__new__(type(self))
        taken._columns = [column.take(rows) for column in self._columns]
        return taken

    def blocks(self) -> Iterator[list[T]]:
        """All rows in order, a few at a time."""
        for start in range(0, len(self), self.block):
            yield self[start : start + self.block]


class Images(Inputs[ImageInput]):
    """The images of rows, which are opened when a model wants them."""

    names = ("image", "text", "label", "mask")

    def _made(self, *cells: str) -> ImageInput:
        file, text, label, mask = cells
        return ImageInput(file, text.removeprefix("sha256:"), label, mask)


class Sounds(Inputs[AudioInput]):
    """The sounds of rows, which are opened when a model wants them."""

    names = ("audio", "sha256", "label", "start", "stop")

    def _made(self, *cells: str) -> AudioInput:
        file, digest, label, start, stop = cells
        return AudioInput(file, digest, label, float(start), float(stop) if stop else None)


class Histories(Inputs[HistoryInput]):
    """The events of users, and what came next."""

    names = ("text", "label")
    block = 1024

    def __init__(self, table: Any, rows: Ints | None = None) -> None:
        super().__init__(table, rows)
        about = table.schema.metadata or {}
        #: What each item that may be recommended is in words; empty where nothing is known of it.
        self.items: dict[str, str] = json.loads(about.get(b"items", b"{}"))
        #: How many training events each item has that has any.
        self.counts: dict[str, int] = json.loads(about.get(b"item_counts", b"{}"))

    def take(self, rows: Ints) -> Self:
        """Those of these rows, in that order."""
        taken = super().take(rows)
        taken.items, taken.counts = self.items, self.counts
        return taken

    def _made(self, *cells: str) -> HistoryInput:
        return HistoryInput(read_history(cells[0]), read_items(cells[1]))


def inputs_of(
    table: Any, kind: InputKind, rows: Ints | None = None
) -> Texts | Images | Sounds | Histories:
    """The rows of a table that `dataset.Rows.table` made; those of named features are texts of JSON."""
    if kind in ("text", "record"):
        return Texts(table["text"], rows)
    made = {"image": Images, "audio": Sounds, "history": Histories}[kind]
    found: Images | Sounds | Histories = made(table, rows)  # type: ignore[assignment]
    return found
