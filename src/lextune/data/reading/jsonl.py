"""Reads JSON objects, one a line or in one array, and refuses what JSON leaves open; it knows no column's meaning."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

from lextune.data.formats import RawRow, ReadContext, Source, column_remedy, data_format
from lextune.data.labelling import nested_remedy
from lextune.data.opening import lines, open_text
from lextune.data.strict_json import AmbiguousJsonError, decoder, is_unicode
from lextune.data.tagging import TaggedRow, tagged_row

#: How much of an array is read at a time, and the longest item of one, in signs.
_STEP, MOST_SIGNS = 1 << 16, 1 << 26
_LINE_END = re.compile(r"\r\n|\r|\n")
_SPACE = re.compile(r"[ \t\r\n]*")


#: Numbers stay as they are written: 1 is not 1.0, and a label must not depend on a float's printing.
_DECODER = decoder(str)


@data_format("jsonl", ".jsonl", ".ndjson", ".json")
def read_jsonl(source: Source, context: ReadContext) -> Iterator[RawRow | TaggedRow]:
    """Rows of a JSONL file, or of a file that holds one array of objects; both are streamed.

    Repeated keys, NaN, infinity, lone surrogates and nested values in wanted columns are errors; a nested
    label becomes JSON text where the task's labels are lists, and a list of tokens a sentence.
    """
    with open_text(source, context) as stream:
        blank, sign = "", stream.read(1)
        while sign.isspace():
            blank, sign = blank + sign, stream.read(1)
        at = 1 + len(_LINE_END.findall(blank))
        if not sign:
            context.findings.add(
                "empty_file", "error", "the file is empty", "give a file with rows", source.name, unit="files"
            )  # fmt: skip
            return
        if sign == "[":
            yield from _Array(at, stream, source, context).rows()
            return
        numbered = lines(itertools.chain([sign + stream.readline()], stream), context, at)
        record = 0
        for line in numbered:
            if not line.strip():
                continue
            record += 1
            where = f"{source.name}:{context.line} (record {record})"
            if context.not_text(where):
                continue
            try:
                yield from _row(_DECODER.decode(line), where, context)
            except (ValueError, RecursionError) as error:
                _broken(error, where, context)


class _Array:
    """The items of one array one by one, so that each has its line; a little more than one is in memory."""

    def __init__(self, line: int, stream: TextIO, source: Source, context: ReadContext) -> None:
        self.text, self.at, self.line = "", 0, line  # behind the bracket
        self.stream, self.source, self.context = stream, source, context
        self.ended = False

    def rows(self) -> Iterator[RawRow | TaggedRow]:
        """All of them; a fault in the array's own writing ends it, as nobody knows where the next item begins."""
        record = 0
        while (sign := self._next()) != "]":
            if record:
                if sign != ",":
                    self._fault("the array does not go on with a comma or end")
                    return
                self.at += 1
                self._next()
            record += 1
            where = f"{self.source.name}:{self.line} (record {record})"
            try:
                item = self._item()
            except (ValueError, RecursionError) as error:
                self._fault(_why(error), where)
                return
            if not self.context.not_text(where):
                yield from _row(item, where, self.context)
        self.at += 1
        if self._next():
            self._fault("something stands after the array")

    def _next(self) -> str:
        """The next sign that is no white space, read on for if need be; empty at the end."""
        while True:
            start = self.at
            match = _SPACE.match(self.text, start)
            self.at = match.end() if match else start
            self.line += self.text.count("\n", start, self.at)
            if self.at < len(self.text) or not self._more(_STEP):
                return self.text[self.at : self.at + 1]

    def _item(self) -> Any:
        """The value that begins here; its text may not have been read whole yet."""
        step = _STEP
        while True:
            try:
                item, end = _DECODER.raw_decode(self.text, self.at)
            except AmbiguousJsonError:
                raise
            except ValueError:
                if len(self.text) - self.at > MOST_SIGNS:
                    raise AmbiguousJsonError(
                        "one item is longer than 64 MiB, or not JSON"
                    ) from None
                if not self._more(step):
                    raise
                step *= 2  # a long item is tried again only now and then
                continue
            if end < len(self.text) or not self._more(
                _STEP
            ):  # a number may go on in the next piece
                self.context.undecoded.look(self.text[self.at : end], self.line)
                self.line += self.text.count("\n", self.at, end)
                self.at = end
                return item

    def _more(self, signs: int) -> bool:
        piece = "" if self.ended else self.stream.read(signs)
        self.ended = not piece
        self.text, self.at = self.text[self.at :] + piece, 0
        return not self.ended

    def _fault(self, why: str, where: str = "") -> None:
        self.context.findings.add(
            "broken_array", "error", f"an array cannot be read on: {why}",
            "write one JSON object a line (or one array of objects)",
            where or f"{self.source.name}:{self.line}", unit="files",
        )  # fmt: skip


def _why(error: Exception) -> str:
    # The decoder's own message names a position, which would keep equal errors apart.
    return (
        str(error)
        if isinstance(error, AmbiguousJsonError)
        else getattr(error, "msg", type(error).__name__)
    )


def _broken(error: Exception, where: str, context: ReadContext) -> None:
    context.skip(
        "broken_json", f"records that are not JSON objects: {_why(error)}",
        "write one JSON object a line (or one array of objects)", where,
    )  # fmt: skip


def _row(item: Any, where: str, context: ReadContext) -> Iterator[RawRow | TaggedRow]:
    if not isinstance(item, dict):
        _broken(
            AmbiguousJsonError(f"a {type(item).__name__} stands where an object should"),
            where,
            context,
        )
        return
    tokens = tagged_row(item, where, context)
    if tokens is not None:
        yield tokens
        return
    values: dict[str, str | None] = {}
    wanted, good = context.options.wanted, True
    for name in wanted:
        if name not in item:
            context.skip(
                "missing_column", f"records without the key {name!r}",
                column_remedy(name, [str(key) for key in item], context.options), where,
            )  # fmt: skip
            good = False
    for name, found in item.items():
        value = ("true" if found else "false") if isinstance(found, bool) else found
        if value is not None and not isinstance(value, str):
            is_label = name == context.options.label
            options = context.options
            if options.label_kind != "class" if is_label else options.input_kind == "record":
                value = json.dumps(value, ensure_ascii=False)
            elif name in wanted:
                remedy = nested_remedy(value) if is_label else "write a text there"
                context.skip(
                    "column_type", f"records whose {name!r} is a list or an object", remedy, where
                )
                good = False
                continue
            else:
                continue
        read = name in wanted or context.options.everything
        if read and value is not None and not is_unicode(value):
            context.skip(
                "broken_unicode", f"records whose {name!r} holds half a character (a lone surrogate)",
                "write the text again from its source", where,
            )  # fmt: skip
            good = False
        values[name] = value or None
    if good:
        yield RawRow(values, where)
