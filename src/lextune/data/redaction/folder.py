"""Writes a folder of text files again with other texts, under the same names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lextune.data.formats import ReadContext, Source
from lextune.data.opening import read_source
from lextune.data.redaction.replacing import Redacted
from lextune.data.redaction.rewriting import Item, MoveSpans, Wanted
from lextune.files import write_atomic

#: What the names of files are called among columns.
FILE_NAME = "file name"


class FolderRewriter:
    """Of a folder: each text file is a row, with the column that holds its text and one that is its name."""

    def __init__(self, source: Source, context: ReadContext, wanted: Wanted, _: Path) -> None:
        self.source, self.context, self.wanted = source, context, wanted

    def items(self) -> Iterator[Item]:
        """All files in the order of their names."""
        above = len(self.source.name.rstrip("/")) + 1
        for row in read_source(self.source, self.context):
            text = row.values[self.wanted.columns[0]] or ""
            name = row.where[above:]
            yield Item(row.where, (text,), ((FILE_NAME, name),), name)

    def begin(self, place: Path) -> None:
        """The new folder."""
        self._folder = place

    def write(self, item: Item, made: tuple[Redacted, ...], move: MoveSpans) -> None:  # noqa: ARG002 - has no spans
        """One file."""
        path = self._folder / item.kept
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, made[0].text.encode())

    def end(self) -> None:
        """Nothing is left to do."""
