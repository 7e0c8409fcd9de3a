"""Writes JSON Lines, or one array of objects, again with other texts; every byte of other values stays."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from lextune.data.findings import shown
from lextune.data.formats import ReadContext, Source, column_remedy
from lextune.data.opening import lines, open_text, told
from lextune.data.redaction.replacing import Redacted
from lextune.data.redaction.rewriting import Item, MoveSpans, Wanted
from lextune.data.strict_json import decoder, is_unicode

_SPACE = re.compile(r"[ \t\r\n]*")


class _Cell(NamedTuple):
    start: int
    end: int
    value: Any


class _Kept(NamedTuple):
    before: str
    text: str
    cells: dict[str, _Cell]


_DECODER = decoder()


class JsonRewriter:
    """Of `.jsonl`, `.ndjson` and `.json`; lines are streamed, one array is read whole."""

    def __init__(self, source: Source, context: ReadContext, wanted: Wanted, _: Path) -> None:
        self.source, self.context, self.wanted = source, context, wanted
        self._tail = ""

    def items(self) -> Iterator[Item]:
        """All rows in order; the rules are those of the reader."""
        self.context.line = 0
        with told(self.source, self.context), open_text(self.source, self.context) as stream:
            numbered = lines(stream, self.context)
            first = next((line for line in numbered if line.strip()), "")
            if first.lstrip().startswith("["):
                yield from self._array(first + stream.read())
                return
            record, before, line = 0, "", first or None
            while line is not None:
                if line.strip():
                    record += 1
                    where = f"{self.source.name}:{self.context.line} (record {record})"
                    try:
                        start = _skip(line, 0)
                        cells, end = _cells(line, start)
                        if line[end:].strip(" \t\r\n"):
                            raise ValueError("more stands after the object")
                    except (ValueError, RecursionError) as error:
                        self._broken(error, where)
                    else:
                        yield from self._item(_Kept(before, line, cells), where)
                    before = ""
                else:
                    before += line
                line = next(numbered, None)
            self._tail = before

    def _array(self, text: str) -> Iterator[Item]:
        at, seen, line, record = text.index("[") + 1, 0, self.context.line, 0
        try:
            while True:
                at = _skip(text, at)
                if not record and text[at : at + 1] == "]":
                    break
                record += 1
                where = f"{self.source.name}: record {record}"
                cells, end = _cells(text, at)
                moved = {
                    name: _Cell(cell.start - at, cell.end - at, cell.value)
                    for name, cell in cells.items()
                }
                yield from self._item(_Kept(text[seen:at], text[at:end], moved), where)
                seen, at = end, _skip(text, end)
                if text[at : at + 1] != ",":
                    break
                at += 1
            if text[at : at + 1] != "]" or text[at + 1 :].strip():
                raise ValueError("the array does not go on with a comma or end")
        except (ValueError, RecursionError) as error:
            line += text.count("\n", 0, at)
            self._broken(error, f"{self.source.name}:{line} (record {record})")
        self._tail = text[seen:]

    def _item(self, kept: _Kept, where: str) -> Iterator[Item]:
        findings, texts = self.context.findings, []
        for name in self.wanted.columns:
            cell = kept.cells.get(name)
            value = "" if cell is None or cell.value is None else cell.value
            if cell is None:
                remedy = column_remedy(name, list(kept.cells), self.context.options)
                findings.add(
                    "missing_column", "error", f"records without the key {name!r}", remedy, where
                )
            elif not isinstance(value, str):
                findings.add(
                    "column_type", "error", f"records whose {name!r} is no text", "write a text there", where
                )  # fmt: skip
            elif not is_unicode(value):
                findings.add(
                    "broken_unicode", "error", f"records whose {shown(name)} holds half a character (a lone surrogate)",
                    "write the text again from its source", where,
                )  # fmt: skip
            else:
                texts.append(value)
        if len(texts) < len(self.wanted.columns):
            return
        others = tuple(
            (name, _as_text(cell.value))
            for name, cell in kept.cells.items()
            if name not in self.wanted.columns and cell.value not in (None, "", True, False)
        )
        yield Item(where, tuple(texts), others, kept)

    def begin(self, stream: IO[bytes]) -> None:
        """Nothing stands before the first row."""
        self._stream = stream

    def write(self, item: Item, made: tuple[Redacted, ...], move: MoveSpans) -> None:
        """The row's own text with the changed values put in."""
        kept: _Kept = item.kept
        new: dict[str, Any] = {
            name: one.text for name, one in zip(self.wanted.columns, made, strict=True) if one.edits
        }
        if made[0].edits:
            for name in self.wanted.spans:
                if name in kept.cells and name not in self.wanted.columns:
                    old = kept.cells[name].value
                    moved = move(old, item, made)
                    if moved is not old:
                        new[name] = moved
        pieces, at = [kept.before], 0
        for start, end, name in sorted((*kept.cells[name][:2], name) for name in new):
            plain = kept.text[start:end].isascii()
            pieces += [
                kept.text[at:start],
                json.dumps(new[name], ensure_ascii=plain and _escaped(kept, name)),
            ]
            at = end
        self._stream.write("".join([*pieces, kept.text[at:]]).encode("utf-8", "surrogatepass"))

    def end(self) -> None:
        """What stands after the last row."""
        self._stream.write(self._tail.encode())

    def _broken(self, error: Exception, where: str) -> None:
        why = getattr(error, "msg", None) or str(error) or type(error).__name__
        self.context.findings.add(
            "broken_json", "error", f"records that are not JSON objects: {why}",
            "write one JSON object a line (or one array of objects)", where,
        )  # fmt: skip


def _escaped(kept: _Kept, name: str) -> bool:
    return not _as_text(kept.cells[name].value).isascii()


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _cells(text: str, at: int) -> tuple[dict[str, _Cell], int]:
    """The values of the object that begins at `at` with their places, and where it ends."""
    if text[at : at + 1] != "{":
        raise ValueError("no object stands there")
    found: dict[str, _Cell] = {}
    at = _skip(text, at + 1)
    if text[at : at + 1] == "}":
        return found, at + 1
    while True:
        key, at = _DECODER.raw_decode(text, at)
        at = _skip(text, at)
        if not isinstance(key, str) or text[at : at + 1] != ":":
            raise ValueError("no key with a value stands there")
        start = _skip(text, at + 1)
        value, end = _DECODER.raw_decode(text, start)
        if key in found:
            raise ValueError("a key stands twice in one object")
        found[key] = _Cell(start, end, value)
        at = _skip(text, end)
        if text[at : at + 1] == "}":
            return found, at + 1
        if text[at : at + 1] != ",":
            raise ValueError("the object does not go on with a comma or end")
        at = _skip(text, at + 1)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
