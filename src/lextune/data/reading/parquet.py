"""Reads Parquet files block by block; it knows no column's meaning."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from lextune.data.formats import (
    RawRow,
    ReadContext,
    Source,
    data_format,
    missing_columns,
    repeated_columns,
)
from lextune.data.labelling import nested_remedy
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
        if repeated_columns(file.schema_arrow.names, source.name, context):
            return
        if _unfit(pa, file.schema_arrow, columns, source, context):
            return
        as_text = {name: _writer(pa, file.schema_arrow, name) for name in columns}
        number = 0
        for block in file.iter_batches(batch_size=_BLOCK, columns=columns):
            lists = [
                block.column(block.schema.get_field_index(name)).to_pylist() for name in columns
            ]
            for cells in zip(*lists, strict=True):
                number += 1
                where = f"{source.name}: row {number}"
                values = {
                    name: as_text[name](cell) for name, cell in zip(columns, cells, strict=True)
                }
                for name, cell in zip(columns, cells, strict=True):
                    if cell is not None and values[name] is None and cell != "":
                        context.findings.add(
                            "class_number", "error", f"records whose {name!r} is no number of a class of its file",
                            "write the file again with the names of its classes", where,
                        )  # fmt: skip
                yield RawRow(values, where)
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
        is_label = name == context.options.label
        if is_label and pa.types.is_nested(kind) and context.options.label_kind != "class":
            continue
        if pa.types.is_nested(kind) or "binary" in str(kind):
            unfit = True
            names = [""] if "list<" in str(kind) and "string" in str(kind) else {}
            remedy = nested_remedy(names) if is_label else "write a text or a number there"
            context.findings.add(
                "column_type", "error", f"the column {name!r} is of type {kind}, not text", remedy, source.name,
                unit="files",
            )  # fmt: skip
    return unfit


def _writer(pa: Any, schema: Any, name: str) -> Callable[[Any], str | None]:
    """How a column's cells become text: class numbers of Hugging Face `datasets` become their names.

    https://huggingface.co/docs/datasets/about_dataset_features: names travel, numbers do not. A number
    without a name gives None.
    """
    names = _class_names(schema, name)
    if names is not None:
        return lambda cell: names[cell] if cell in range(len(names)) else None
    if pa.types.is_float32(schema.field(name).type) or pa.types.is_float16(schema.field(name).type):
        import numpy as np

        narrow = np.float16 if pa.types.is_float16(schema.field(name).type) else np.float32
        return lambda cell: None if cell is None else str(narrow(cell))
    return _text


def _class_names(schema: Any, name: str) -> list[str] | None:
    """The names of a ClassLabel column, from the schema's own metadata; None where it says nothing."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        feature = features[name]
        names = feature["names"] if feature["_type"] == "ClassLabel" else None
    except (KeyError, TypeError, ValueError):
        return None
    return [str(one) for one in names] if isinstance(names, list) else None


def _text(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, list | dict):
        return json.dumps(cell, ensure_ascii=False)
    return str(cell)
