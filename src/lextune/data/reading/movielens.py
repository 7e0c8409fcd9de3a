"""Reads ratings as MovieLens writes them: four cells a line and no header; it knows no file of items or users."""

from __future__ import annotations

from collections.abc import Iterator

from lextune.data.formats import RawRow, ReadContext, Source, data_format, missing_columns
from lextune.data.opening import lines, open_text

#: https://files.grouplens.org/datasets/movielens/ml-100k-README.txt (tabs) and ml-1m-README.txt (two colons).
COLUMNS = ("user", "item", "rating", "time")


@data_format("movielens")
def read_movielens(source: Source, context: ReadContext) -> Iterator[RawRow]:
    """Rows of `user`, `item`, `rating` and `time`, separated by tabs (`u.data`) or by `::` (`ratings.dat`)."""
    if missing_columns(COLUMNS, source, context):
        return
    number = 0
    with open_text(source, context) as stream:
        for line in lines(stream, context):
            cells = line.rstrip("\r\n")
            if not cells:
                continue
            number += 1
            where = f"{source.name}:{context.line} (record {number})"
            if context.not_text(where):
                continue
            found = cells.split("::") if "::" in cells else cells.split("\t")
            if len(found) != len(COLUMNS):
                context.skip(
                    "ragged_row", f"records that do not have the {len(COLUMNS)} cells {', '.join(COLUMNS)}",
                    "write all four, separated by tabs or by ::; or give a CSV with a header", where,
                )  # fmt: skip
                continue
            yield RawRow(dict(zip(COLUMNS, (one or None for one in found), strict=True)), where)
    if not number:
        context.findings.add(
            "empty_file", "error", "the file is empty", "give a file with rows", source.name, unit="files"
        )  # fmt: skip
