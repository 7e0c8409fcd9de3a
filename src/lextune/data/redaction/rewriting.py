"""What a rewriter of a format takes and gives, so that one loop redacts them all; it knows no particular format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from lextune.data.redaction.replacing import Redacted


class Item(NamedTuple):
    """One row.

    Attributes:
        where: Its place, for messages.
        texts: The cells to redact, in the order of `Wanted.columns`; an empty cell is the empty text.
        others: Column and text of the cells that stay.
        kept: What its rewriter needs to write it.
    """

    where: str
    texts: tuple[str, ...]
    others: tuple[tuple[str, str], ...]
    kept: Any


@dataclass(frozen=True)
class Wanted:
    """What to do with the columns.

    Attributes:
        columns: To redact; the first is the text that spans belong to.
        spans: That may hold spans of the first.
    """

    columns: tuple[str, ...]
    spans: tuple[str, ...]


#: What moves a cell of spans: cell, row, what became of its texts. It gives the cell itself where there are none.
MoveSpans = Callable[[Any, Item, tuple[Redacted, ...]], Any]


class Rewriter(Protocol):
    """Reads rows and writes them again with other texts; made by a function of source, context and `Wanted`."""

    def items(self) -> Iterator[Item]:
        """All rows in order; what cannot be read goes to the context's findings."""
        ...

    def begin(self, place: Any) -> None:
        """Called once with a stream of bytes or a new folder, before the first `write`, after the first row was read."""
        ...

    def write(self, item: Item, made: tuple[Redacted, ...], move: MoveSpans) -> None:
        """One row, in the order of `items`."""
        ...

    def end(self) -> None:
        """Called once, after the last row."""
        ...
