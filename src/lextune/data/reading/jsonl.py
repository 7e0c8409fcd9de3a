"""Reads JSON objects, one a line or in one array, and refuses what JSON leaves open; it knows no column's meaning."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from lextune.data.formats import RawRow, ReadContext, Source, column_remedy, data_format
from lextune.data.labelling import nested_remedy
from lextune.data.opening import lines, open_text

_SPACE = re.compile(r"[ \t\r\n]*")


class _Refused(ValueError):
    """JSON that readers understand differently: a repeated key, NaN, infinity."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused("a key stands twice in one object")
    return found


def _constant(word: str) -> Any:
    raise _Refused(f"{word} is no JSON number")


#: Numbers stay as they are written: 1 is not 1.0, and a label must not depend on a float's printing.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_int=str, parse_float=str
)


@data_format("jsonl", ".jsonl", ".ndjson", ".json")
def read_jsonl(source: Source, context: ReadContext) -> Iterator[RawRow]:
    """Rows of a JSONL file, streamed, or of a file that holds one array of objects.

    Repeated keys, NaN, infinity, lone surrogates and nested values in wanted columns are errors; a nested
    label becomes JSON text where the task's labels are lists.
    """
    with open_text(source, context) as stream:
        numbered = lines(stream, context)
        first = next((line for line in numbered if line.strip()), None)
        if first is None:
            context.findings.add(
                "empty_file",
                "error",
                "the file is empty",
                "give a file with rows",
                source.name,
                unit="files",
            )
            return
        if first.lstrip().startswith("["):
            start = context.line
            yield from _array(first + stream.read(), start, source, context)
            return
        record = 0
        line: str | None = first
        while line is not None:
            if line.strip():
                record += 1
                where = f"{source.name}:{context.line} (record {record})"
                try:
                    yield from _row(_DECODER.decode(line), where, context)
                except (ValueError, RecursionError) as error:
                    _broken(error, where, context)
            line = next(numbered, None)


def _array(text: str, line: int, source: Source, context: ReadContext) -> Iterator[RawRow]:
    """The items one by one, so that each has its line."""
    at = text.index("[") + 1
    record = seen = 0
    while True:
        at = _skip(text, at)
        if text.startswith("]", at) and not text[at + 1 :].strip():
            return
        if record:
            if not text.startswith(",", at):
                break
            at = _skip(text, at + 1)
        record += 1
        line += text.count("\n", seen, at)
        seen = at
        where = f"{source.name}:{line} (record {record})"
        try:
            item, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            _broken(error, where, context)
            return
        yield from _row(item, where, context)
    line += text.count("\n", seen, at)
    _broken(
        ValueError("the array does not go on with a comma or end"), f"{source.name}:{line}", context
    )


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _broken(error: Exception, where: str, context: ReadContext) -> None:
    # The decoder's own message names a position, which would keep equal errors apart.
    why = str(error) if isinstance(error, _Refused) else getattr(error, "msg", type(error).__name__)
    context.findings.add(
        "broken_json", "error", f"records that are not JSON objects: {why}",
        "write one JSON object a line (or one array of objects)", where,
    )  # fmt: skip


def _row(item: Any, where: str, context: ReadContext) -> Iterator[RawRow]:
    if not isinstance(item, dict):
        _broken(_Refused(f"a {type(item).__name__} stands where an object should"), where, context)
        return
    values: dict[str, str | None] = {}
    wanted, good = context.options.wanted, True
    for name in wanted:
        if name not in item:
            context.findings.add(
                "missing_column", "error", f"records without the key {name!r}",
                column_remedy(name, [str(key) for key in item], context.options), where,
            )  # fmt: skip
            good = False
    for name, found in item.items():
        value = ("true" if found else "false") if isinstance(found, bool) else found
        if value is not None and not isinstance(value, str):
            is_label = name == context.options.label
            if is_label and context.options.label_kind != "class":
                value = json.dumps(value, ensure_ascii=False)
            elif name in wanted:
                remedy = nested_remedy(value) if is_label else "write a text there"
                context.findings.add(
                    "column_type", "error", f"records whose {name!r} is a list or an object", remedy, where
                )  # fmt: skip
                good = False
                continue
            else:
                continue
        if name in wanted and value is not None and not _is_unicode(value):
            context.findings.add(
                "broken_unicode", "error", f"records whose {name!r} holds half a character (a lone surrogate)",
                "write the text again from its source", where,
            )  # fmt: skip
            good = False
        values[name] = value or None
    if good:
        yield RawRow(values, where)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
