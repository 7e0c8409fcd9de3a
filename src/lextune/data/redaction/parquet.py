"""Writes Parquet files again with other texts: same schema, metadata and compression, a few blocks in memory."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from lextune.data.formats import ReadContext, Source, missing_columns, repeated_columns
from lextune.data.opening import open_bytes, record_digest, told
from lextune.data.redaction.replacing import Redacted
from lextune.data.redaction.rewriting import Item, MoveSpans, Wanted
from lextune.extras import need

_BLOCK = 1024
#: Blocks that make one row group: groups of few rows would be slow to read.
_GROUP = 32


class ParquetRewriter:
    """Of `.parquet` and `.pq`."""

    def __init__(self, source: Source, context: ReadContext, wanted: Wanted, _: Path) -> None:
        self.source, self.context, self.wanted = source, context, wanted
        self._schema: Any = None
        self._compression = "snappy"
        self._new: dict[str, list[Any]] = {}
        self._blocks: list[Any] = []

    def items(self) -> Iterator[Item]:
        """All rows in order."""
        with told(self.source, self.context):
            if self.source.path is not None and self.source.path.suffix.lower() in (
                ".parquet",
                ".pq",
            ):
                with open(self.source.path, "rb") as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()
                    record_digest(self.source, digest, stream.tell(), self.context)
                    stream.seek(0)
                    yield from self._items(stream)
            else:
                with open_bytes(self.source, self.context) as packed:
                    data = packed.read()
                yield from self._items(io.BytesIO(data))

    def _items(self, stream: Any) -> Iterator[Item]:
        pa, parquet = need("data", "pyarrow"), need("data", "pyarrow.parquet")
        self.context.encodings[self.source.name] = "parquet (utf-8)"
        try:
            file = parquet.ParquetFile(stream)
            schema = file.schema_arrow
            if self._unfit(pa, schema):
                return
            self._schema = schema
            if file.metadata.num_row_groups and file.metadata.num_columns:
                found = file.metadata.row_group(0).column(0).compression.lower()
                self._compression = "none" if found == "uncompressed" else found
            others = [
                name
                for name in schema.names
                if name not in self.wanted.columns and _may_hold(pa, schema.field(name).type)
            ]
            number = 0
            for block in file.iter_batches(batch_size=_BLOCK):
                lists = {name: _list(block, name) for name in (*self.wanted.columns, *others)}
                for row in range(len(block)):
                    number += 1
                    yield Item(
                        f"{self.source.name}: row {number}",
                        tuple(lists[name][row] or "" for name in self.wanted.columns),
                        tuple(
                            (name, str(lists[name][row]))
                            for name in others
                            if lists[name][row] not in (None, "")
                        ),
                        (block, row),
                    )
        except pa.ArrowException as error:
            self.context.findings.add(
                "damaged", "error", f"this is not a whole Parquet file ({type(error).__name__})",
                "copy or write it again", self.source.name, unit="files",
            )  # fmt: skip

    def _unfit(self, pa: Any, schema: Any) -> bool:
        unfit = missing_columns(schema.names, self.source, self.context)
        unfit = unfit or repeated_columns(schema.names, self.source.name, self.context)
        for name in () if unfit else self.wanted.columns:
            kind = _plain(pa, schema.field(name).type)
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                unfit = True
                self.context.findings.add(
                    "column_type", "error", f"the column {name!r} is of type {kind}, not text",
                    "name a column of texts", self.source.name, unit="files",
                )  # fmt: skip
        return unfit

    def begin(self, stream: IO[bytes]) -> None:
        """Opens the writer; the schema keeps what Hugging Face `datasets` wrote into it."""
        self._writer = need("data", "pyarrow.parquet").ParquetWriter(
            stream, self._schema, compression=self._compression
        )

    def write(self, item: Item, made: tuple[Redacted, ...], move: MoveSpans) -> None:
        """One row; a block is written when its last row is there."""
        block, row = item.kept
        if row == 0:
            spans = [
                name
                for name in self.wanted.spans
                if name in self._schema.names and name not in self.wanted.columns
            ]
            self._new = {name: _list(block, name) for name in (*self.wanted.columns, *spans)}
        for name, one in zip(self.wanted.columns, made, strict=True):
            if one.edits:
                self._new[name][row] = one.text
        if made[0].edits:
            for name in self._new.keys() - set(self.wanted.columns):
                self._new[name][row] = move(self._new[name][row], item, made)
        if row == len(block) - 1:
            pa = need("data", "pyarrow")
            for name, values in self._new.items():
                kind = self._schema.field(name).type
                column = pa.array(values, _plain(pa, kind))
                column = column.dictionary_encode().cast(kind) if column.type != kind else column
                block = block.set_column(
                    block.schema.get_field_index(name), self._schema.field(name), column
                )
            self._blocks.append(block)
            if len(self._blocks) == _GROUP:
                self._flush()

    def end(self) -> None:
        """Writes what waits, and the foot of the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._blocks:
            pa = need("data", "pyarrow")
            self._writer.write_table(pa.Table.from_batches(self._blocks, self._schema))
            self._blocks.clear()


def _plain(pa: Any, kind: Any) -> Any:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _may_hold(pa: Any, kind: Any) -> bool:
    plain = _plain(pa, kind)
    return bool(
        pa.types.is_string(plain) or pa.types.is_large_string(plain) or pa.types.is_integer(plain)
    )


def _list(block: Any, name: str) -> list[Any]:
    found: list[Any] = block.column(block.schema.get_field_index(name)).to_pylist()
    return found
