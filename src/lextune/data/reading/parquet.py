"""Reads Parquet files block by block; it knows no column's meaning."""

from __future__ import annotations

from collections.abc import Iterator

from lextune.data.formats import RawRow, ReadContext, Source, data_format
from lextune.data.tables import block_rows, open_seekable, rows_of, usable_columns
from lextune.data.tagging import TaggedRow
from lextune.extras import need


@data_format("parquet", ".parquet", ".pq")
def read_parquet(source: Source, context: ReadContext) -> Iterator[RawRow | TaggedRow]:
    """Rows of the wanted columns, a few thousand in memory at a time."""
    pa, parquet = need("data", "pyarrow"), need("data", "pyarrow.parquet")
    with open_seekable(source, context) as stream:
        context.encodings[source.name] = "parquet (utf-8)"
        try:
            # without the buffer all of a group's columns would be in memory at once
            file = parquet.ParquetFile(stream, buffer_size=1 << 20, pre_buffer=False)
            columns = usable_columns(file.schema_arrow, source, context)
            if columns is not None:
                blocks = file.iter_batches(batch_size=block_rows(context), columns=columns)
                yield from rows_of(blocks, file.schema_arrow, columns, source, context)
        except pa.ArrowException as error:
            context.findings.add(
                "damaged", "error", f"this is not a whole Parquet file ({type(error).__name__})",
                "copy or write it again", source.name, unit="files",
            )  # fmt: skip
