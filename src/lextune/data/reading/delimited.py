"""Reads CSV, TSV and other delimited text as RFC 4180 means it; it knows no column's meaning."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from typing import Protocol

from lextune.data.formats import (
    RawRow,
    ReadContext,
    Source,
    data_format,
    missing_columns,
    repeated_columns,
)
from lextune.data.opening import lines, open_text

_CANDIDATES = (",", "\t", ";", "|")
_NAMES = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
_MEND = "double the quotes inside quoted cells and quote cells with line ends, or save the data as JSONL"


class _Reader(Protocol):
    """What `csv.reader` returns: the standard library gives the type no public name."""

    @property
    def line_num(self) -> int: ...

    def __iter__(self) -> Iterator[list[str]]: ...


@data_format("delimited", ".csv", ".tsv", ".tab")
def read_delimited(source: Source, context: ReadContext) -> Iterator[RawRow]:
    """Rows under the names of the header; only an empty cell is missing, `null` and `NA` are words.

    Only CR, LF and CRLF end a record, and none does inside quotes. A record with too many or too few
    cells is an error of its own; a quote that does not close ends the file with an error.
    """
    csv.field_size_limit(2**31 - 1)
    with open_text(source, context) as stream:
        numbered = lines(stream, context)
        first = next((line for line in numbered if line.strip("\r\n")), None)
        if first is None:
            context.findings.add(
                "empty_file", "error", "the file is empty", "give a file with a header and rows",
                source.name, unit="files",
            )  # fmt: skip
            return
        skipped = context.line - 1
        if first.casefold().startswith("sep=") and len(first.strip("\r\n")) == 5:
            delimiter, feed = first[4], numbered  # Excel's own hint line
            skipped += 1
        else:
            delimiter = context.options.delimiter or _find_delimiter(first, source, context)
            feed = itertools.chain([first], numbered)
        reader = csv.reader(feed, delimiter=delimiter, strict=True)
        yield from _records(reader, skipped, delimiter, source, context)


def _records(
    reader: _Reader, skipped: int, delimiter: str, source: Source, context: ReadContext
) -> Iterator[RawRow]:
    header: list[str] | None = None
    number, line = 0, skipped + 1
    try:
        for cells in reader:
            start, line = line, skipped + reader.line_num + 1
            if header is None:
                header = _header(cells, source, context)
                if header is None:
                    return
                if context.undecoded.take():  # whatever stands below, its columns have no names
                    context.findings.add(
                        "header", "error", "the header is not text in the file's encoding",
                        "set data.encoding, or save the file as UTF-8", f"{source.name}:{start}", unit="files",
                    )  # fmt: skip
                    return
                continue
            if not cells and len(header) > 1:
                context.findings.add(
                    "blank_line", "info", "blank lines between records were skipped",
                    "none is needed", f"{source.name}:{start}", unit="lines",
                )  # fmt: skip
                continue
            number += 1
            where = f"{source.name}:{start} (record {number})"
            if context.not_text(where):
                continue
            if len(cells) != len(header) and (cells or len(header) > 1):
                context.skip(
                    "ragged_row", f"records that do not have {len(header)} cells as the header has",
                    _MEND, where,
                )  # fmt: skip
                continue
            if delimiter == "\t" and line - start > 1:
                _look_for_swallowed(cells, where, context)
            values = {name: cell or None for name, cell in zip(header, cells or [""], strict=True)}
            yield RawRow(values, where)
    except csv.Error as error:
        context.findings.add(
            "broken_quotes", "error", f"a record cannot be read ({error}), so the file was not read on",
            _MEND, f"{source.name}:{line} (record {number + 1})", unit="records",
        )  # fmt: skip


def _header(cells: list[str], source: Source, context: ReadContext) -> list[str] | None:
    names = [name or f"column {index}" for index, name in enumerate(cells, 1)]
    if missing_columns(names, source, context):
        return None
    return None if repeated_columns(names, f"{source.name}:1", context) else names


def _find_delimiter(header: str, source: Source, context: ReadContext) -> str:
    """The delimiter under which the header has the wanted columns; else the one that occurs most."""
    splits = {sign: _cells(header, sign) for sign in _CANDIDATES}
    usual = "," if ".csv" in source.name.lower() else "\t"
    order = sorted(_CANDIDATES, key=lambda sign: (sign != usual, -len(splits[sign])))
    wanted = set(context.options.wanted)
    fitting = [sign for sign in order if wanted <= set(splits[sign])]
    most = max(order, key=lambda sign: len(splits[sign]))
    chosen = fitting[0] if fitting else most
    if chosen != usual and len(splits[chosen]) > 1:
        context.findings.add(
            "delimiter", "info", f"cells are separated by a {_NAMES[chosen]}, as the header shows",
            "set data.delimiter if that is wrong", source.name, unit="files",
        )  # fmt: skip
    return chosen


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except (csv.Error, StopIteration):
        return []


def _look_for_swallowed(cells: list[str], where: str, context: ReadContext) -> None:
    """A lone quote at a cell's start takes in the rows up to the next quote; tabs inside give it away."""
    if any("\t" in cell and ("\n" in cell or "\r" in cell) for cell in cells):
        context.findings.add(
            "swallowed_lines", "warning", "quoted cells that hold tabs and line ends, perhaps whole records",
            f"check the quotes there; {_MEND}", where,
        )  # fmt: skip
