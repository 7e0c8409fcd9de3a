"""Reads Arrow IPC files and streams, Feather of version 2 among them, batch by batch; it knows no column's meaning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lextune.data.formats import RawRow, ReadContext, Source, data_format
from lextune.data.tables import open_seekable, rows_of, usable_columns
from lextune.data.tagging import TaggedRow
from lextune.extras import need

#: https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format; a stream has no mark.
_FILE, _OLD_FEATHER = b"ARROW1", b"FEA1"


@data_format("arrow", ".arrow", ".feather", ".arrows")
def read_arrow(source: Source, context: ReadContext) -> Iterator[RawRow | TaggedRow]:
    """Rows of the wanted columns; one record batch of the file is in memory at a time."""
    pa, ipc = need("data", "pyarrow"), need("data", "pyarrow.ipc")
    with open_seekable(source, context) as stream:
        head = stream.read(len(_FILE))
        stream.seek(0)
        context.encodings[source.name] = "arrow (utf-8)"
        try:
            if head.startswith(_OLD_FEATHER):
                raise pa.ArrowInvalid("Feather of version 1")
            file = ipc.open_file(stream) if head == _FILE else ipc.open_stream(stream)
            columns = usable_columns(file.schema, source, context)
            if columns is not None:
                yield from rows_of(_batches(file), file.schema, columns, source, context)
        except (pa.ArrowException, OSError) as error:
            context.findings.add(
                "damaged", "error", f"this is not a whole Arrow file or stream ({type(error).__name__})",
                "copy or write it again; Feather files of version 1 are not read", source.name, unit="files",
            )  # fmt: skip


def _batches(file: Any) -> Iterator[Any]:
    if hasattr(file, "num_record_batches"):
        for number in range(file.num_record_batches):
            yield file.get_batch(number)
    else:
        yield from file
