"""Writes CSV and TSV files again with other texts: same delimiter, quoting, line ends and columns."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from lextune.data.findings import Findings
from lextune.data.formats import ReadContext, Source
from lextune.data.opening import lines, open_text, read_source
from lextune.data.redaction.replacing import Redacted
from lextune.data.redaction.rewriting import Item, MoveSpans, Wanted

_SIGNS = (",", "\t", ";", "|")
_TABBED = (".tsv", ".tab")


class DelimitedRewriter:
    """Of `.csv`, `.tsv` and `.tab`; a file of another of these suffixes gets that one's delimiter."""

    def __init__(self, source: Source, context: ReadContext, wanted: Wanted, output: Path) -> None:
        self.source, self.context, self.wanted = source, context, wanted
        self._output = output
        self._header: list[str] = []

    def items(self) -> Iterator[Item]:
        """All rows in order."""
        columns = self.wanted.columns
        for row in read_source(self.source, self.context):
            self._header = self._header or list(row.values)
            texts = tuple(row.values[name] or "" for name in columns)
            others = tuple(
                (name, cell) for name, cell in row.values.items() if cell and name not in columns
            )
            yield Item(row.where, texts, others, row.values)

    def begin(self, stream: IO[bytes]) -> None:
        """Writes the header as it stands in the source."""
        head, ending = self._head()
        sign = self._delimiter(head)
        cells = next(csv.reader([head], delimiter=sign), [])
        if len(cells) != len(self._header or cells):
            cells = self._header  # a line end inside its quotes
        suffix, old = _suffix(self._output.name), _suffix(self.source.name)
        if suffix != old:
            sign = "\t" if suffix in _TABBED else ","
        quoted = bool(head) and all(part[:1] == part[-1:] == '"' for part in head.split(sign))
        self._writer = csv.writer(
            codecs.getwriter("utf-8")(stream), delimiter=sign, lineterminator=ending,
            quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL,
        )  # fmt: skip
        self._writer.writerow(cells)

    def write(self, item: Item, made: tuple[Redacted, ...], move: MoveSpans) -> None:
        """One row."""
        values: dict[str, Any] = dict(item.kept)
        values |= zip(self.wanted.columns, (one.text for one in made), strict=True)
        for name in self.wanted.spans:
            if values.get(name) and name not in self.wanted.columns:
                values[name] = move(values[name], item, made)
        self._writer.writerow(["" if cell is None else cell for cell in values.values()])

    def end(self) -> None:
        """Nothing is left to do."""

    def _head(self) -> tuple[str, str]:
        """The header's line without its end, and the end."""
        look = ReadContext(self.context.options, Findings())
        with open_text(self.source, look) as stream:
            for line in lines(stream, look):
                bare = line.rstrip("\r\n")
                if bare and not (bare.casefold().startswith("sep=") and len(bare) == 5):
                    return bare, line[len(bare) :] or "\n"
        return "", "\n"

    def _delimiter(self, head: str) -> str:
        """The one that makes of the header the columns that were read."""
        chosen = self.context.options.delimiter
        names = self._header
        for sign in (chosen,) if chosen else _SIGNS:
            cells = next(csv.reader([head], delimiter=sign), [])
            given = [name or f"column {index}" for index, name in enumerate(cells, 1)]
            if given == names or (not names and set(self.wanted.columns) <= set(given)):
                return sign
        return chosen or max(_SIGNS, key=head.count)


def _suffix(name: str) -> str:
    return next(
        (one for one in reversed(Path(name.lower()).suffixes) if one in (".csv", *_TABBED)), ""
    )
