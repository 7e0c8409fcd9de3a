"""Reads Parquet files block by block; it knows no column's meaning."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from lextune.data.formats import RawRow, ReadContext, Source, data_format, missing_columns
from lextune.data.opening import open_bytes, record_digest
from lextune.extras import need

_BLOCK = 4096


@data_format("parquet", ".parquet", ".pq")
def read_parquet(source: Source, context: ReadContext) -> Iterator[RawRow]:
    """Rows of the wanted columns, a few thousand in memory at a time; numbers become their shortest text."""
    if source.path is not None and source.path.suffix.lower() in (".parquet", ".pq"):
        with open(source.path, "rb") as stream:
            record_digest(
                source, hashlib.file_digest(stream, "sha256").hexdigest(), stream.tell(), context
            )
            stream.seek(0)
            yield from _rows(stream, source, context)
    else:
        with open_bytes(source, context) as packed:
            data = packed.read()
        yield from _rows(io.BytesIO(data), source, context)


def _rows(stream: BinaryIO, source: Source, context: ReadContext) -> Iterator[RawRow]:
    pa, parquet = need("data", "pyarrow"), need("data", "pyarrow.parquet")
    context.encodings[source.name] = "parquet (utf-8)"
    try:
        file = parquet.ParquetFile(stream)
        if missing_columns(file.schema_arrow.names, source, context):
            return
        columns = list(context.options.wanted)
        if _unfit(pa, file.schema_arrow, columns, source, context):
            return
        number = 0
        for block in file.iter_batches(batch_size=_BLOCK, columns=columns):
            lists = [
                block.column(block.schema.get_field_index(name)).to_pylist() for name in columns
            ]
            for cells in zip(*lists, strict=True):
                number += 1
                values = {name: _text(cell) for name, cell in zip(columns, cells, strict=True)}
                yield RawRow(values, f"{source.name}: row {number}")
    except pa.ArrowException as error:
        context.findings.add(
            "damaged", "error", f"this is not a whole Parquet file ({type(error).__name__})",
            "copy or write it again", source.name, unit="files",
        )  # fmt: skip


def _unfit(pa: Any, schema: Any, columns: list[str], source: Source, context: ReadContext) -> bool:
    unfit = False
    for name in columns:
        kind = schema.field(name).type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if pa.types.is_nested(kind) or "binary" in str(kind):
            unfit = True
            context.findings.add(
                "column_type", "error", f"the column {name!r} is of type {kind}, not text",
                "write a text or a number there", source.name, unit="files",
            )  # fmt: skip
    return unfit


def _text(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return str(cell)
