"""Turns blocks of Arrow columns into rows, for every format that holds such; it knows no file."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from lextune.data.dataset_folders import class_names
from lextune.data.formats import (
    FILED,
    RawRow,
    ReadContext,
    Source,
    missing_columns,
    repeated_columns,
)
from lextune.data.labelling import nested_remedy
from lextune.data.opening import compression, open_bytes, record_digest
from lextune.data.paths import file_columns, kept_file
from lextune.data.tagging import TaggedRow, tagged_row
from lextune.extras import need

#: Rows of a block that are Python objects at a time, and rows that may hold images.
BLOCK, BLOCK_OF_IMAGES = 4096, 64


@contextlib.contextmanager
def open_seekable(source: Source, context: ReadContext) -> Iterator[BinaryIO]:
    """A source's bytes where a reader must jump about in them; only what is compressed or not a file is in memory."""
    if source.path is not None and not compression(source):
        with open(source.path, "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            record_digest(source, digest, stream.tell(), context)
            stream.seek(0)
            yield stream
    else:
        with open_bytes(source, context) as packed:
            data = packed.read()
        yield io.BytesIO(data)


def usable_columns(schema: Any, source: Source, context: ReadContext) -> list[str] | None:
    """The names of the wanted columns; None after an error."""
    options = context.options
    columns = list(options.wanted)
    also = schema.names if options.everything else options.optional
    columns += [name for name in also if name in schema.names and name not in columns]
    if (
        missing_columns(schema.names, source, context)
        or repeated_columns(schema.names, source.name, context)
        or _unfit(schema, columns, source, context)
    ):
        return None
    return columns


def block_rows(context: ReadContext) -> int:
    """How many rows may be Python objects at a time."""
    return BLOCK_OF_IMAGES if context.options.input_kind in FILED else BLOCK


def rows_of(
    blocks: Iterable[Any], schema: Any, columns: list[str], source: Source, context: ReadContext
) -> Iterator[RawRow | TaggedRow]:
    """The rows of record batches, a block as Python objects at a time; numbers become their shortest text.

    Class numbers of Hugging Face `datasets` become their names, also in lists.
    https://huggingface.co/docs/datasets/about_dataset_features: names travel, numbers do not.
    """
    as_text = {name: _writer(schema, name, source) for name in columns}
    step = block_rows(context)
    for name in file_columns(context.options):
        as_text[name] = functools.partial(kept_file, context=context)
    plain = all(writer is _text for writer in as_text.values()) and not any(
        need("data", "pyarrow").types.is_nested(schema.field(name).type) for name in columns
    )
    number = 0
    for whole in blocks:
        for start in range(0, whole.num_rows, step):
            block = whole.slice(start, step)
            lists = [
                block.column(block.schema.get_field_index(name)).to_pylist() for name in columns
            ]
            for cells in zip(*lists, strict=True):
                number += 1
                where = f"{source.name}: row {number}"
                found = dict(zip(columns, cells, strict=True))
                if plain:
                    yield RawRow({name: _text(cell) for name, cell in found.items()}, where)
                else:
                    yield from _row(found, as_text, where, context)


def _row(
    cells: Mapping[str, Any],
    as_text: Mapping[str, Callable[[Any], Any]],
    where: str,
    context: ReadContext,
) -> Iterator[RawRow | TaggedRow]:
    values = {name: as_text[name](cell) for name, cell in cells.items()}
    nameless = [
        name for name, cell in cells.items() if values[name] is None and cell not in (None, "")
    ]
    for name in nameless:
        context.skip(
            "class_number", f"records whose {name!r} is no number of a class of its file",
            "write the file again with the names of its classes", where,
        )  # fmt: skip
    if nameless and context.options.unreadable:
        return
    tagged = tagged_row(values, where, context)
    if tagged is not None:
        yield tagged
        return
    records = context.options.input_kind == "record"
    if isinstance(values.get(context.options.text), list) and not records:
        context.skip(
            "column_type", f"records whose {context.options.text!r} is a list without tags that are names",
            "write a text there, or a list of tokens with a list of tags in the column of the label", where,
        )  # fmt: skip
        return
    yield RawRow(
        {
            name: json.dumps(value, ensure_ascii=False, default=str)
            if isinstance(value, list | dict)
            else value
            for name, value in values.items()
        },
        where,
    )


def _unfit(schema: Any, columns: list[str], source: Source, context: ReadContext) -> bool:
    pa = need("data", "pyarrow")
    options, unfit = context.options, False
    lists = options.label is None or options.label_kind != "class"
    for name in columns:
        kind = schema.field(name).type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if name in file_columns(options) and _holds_file(kind):
            continue
        if pa.types.is_nested(kind) and lists and name in (options.label, options.text):
            continue
        if pa.types.is_nested(kind) and options.input_kind == "record" and name != options.label:
            continue
        if pa.types.is_nested(kind) or "binary" in str(kind):
            unfit = True
            names = [""] if "list<" in str(kind) and "string" in str(kind) else {}
            remedy = "write a text or a number there"
            context.findings.add(
                "column_type", "error", f"the column {name!r} is of type {kind}, not text",
                nested_remedy(names) if name == options.label else remedy, source.name, unit="files",
            )  # fmt: skip
    return unfit


def _holds_file(kind: Any) -> bool:
    """Whether a column holds whole files: bytes, or Hugging Face's struct of bytes and path."""
    pa = need("data", "pyarrow")
    if not pa.types.is_struct(kind):
        return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
    fields = {field.name: field.type for field in kind}
    return set(fields) == {"bytes", "path"} and "binary" in str(fields["bytes"])


def _writer(schema: Any, name: str, source: Source) -> Callable[[Any], Any]:
    """How a column's cells become text, or lists of texts; a class number without a name gives None."""
    pa = need("data", "pyarrow")
    kind = schema.field(name).type
    names = _class_names(schema, name) or source.class_names.get(name)
    if names is not None and pa.types.is_nested(kind):
        return lambda cell: _named(cell, names)
    if names is not None and pa.types.is_integer(kind):
        return lambda cell: names[cell] if cell in range(len(names)) else None
    if pa.types.is_float32(kind) or pa.types.is_float16(kind):
        import numpy as np

        narrow = np.float16 if pa.types.is_float16(kind) else np.float32
        return lambda cell: None if cell is None else str(narrow(cell))
    return _text


def _named(cell: Any, names: list[str]) -> list[str] | None:
    if not isinstance(cell, list) or not all(one in range(len(names)) for one in cell):
        return None
    return [names[one] for one in cell]


def _class_names(schema: Any, name: str) -> list[str] | None:
    """The names of a ClassLabel column, from the schema's own metadata; None where it says nothing."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return None
    return class_names(features.get(name)) if isinstance(features, dict) else None


def _text(cell: Any) -> Any:
    if cell is None or isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, list):
        flat = all(isinstance(one, str | int) and not isinstance(one, bool) for one in cell)
        return [str(one) for one in cell] if flat else cell
    return cell if isinstance(cell, dict) else str(cell)
