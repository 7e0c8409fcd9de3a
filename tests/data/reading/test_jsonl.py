"""JSON lines and arrays: what JSON leaves open is refused."""

from __future__ import annotations

import io
import json
import sys

import pytest

from lextune.data.findings import Findings
from lextune.data.formats import ReadContext, ReadOptions
from lextune.data.prepare import stream_rows
from lextune.errors import DataError


def read(path, **options):
    context = ReadContext(ReadOptions(**options), Findings())
    rows = list(stream_rows(path, context=context))
    return [(row.values["text"], row.values.get("label")) for row in rows], rows, context


def test_lines_with_a_mark_are_read(write):
    path = write.bytes(
        "a.jsonl", b'\xef\xbb\xbf{"text": "a", "label": "x"}\r\n\r\n{"text": "b", "label": "y"}'
    )
    found, rows, context = read(path)
    assert found == [("a", "x"), ("b", "y")]
    assert rows[1].where == f"{path}:3 (record 2)"
    assert context.encodings == {path: "utf-8 with mark"}


def test_other_line_signs_do_not_end_a_line(write):
    found, _, _ = read(write.bytes("a.jsonl", '{"text": "a\u2028b\x85c", "label": "x"}\n'.encode()))
    assert found == [("a\u2028b\x85c", "x")]


def test_numbers_keep_their_writing_and_null_is_missing(write):
    lines = [
        '{"text": "a", "label": 1}',
        '{"text": null, "label": 1.0}',
        '{"text": "", "label": true}',
    ]
    found, _, _ = read(write.bytes("a.jsonl", "\n".join(lines).encode()))
    assert found == [("a", "1"), (None, "1.0"), (None, "true")]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ('{"text": "a", "label": "x", "label": "y"}', "broken_json"),
        ('{"text": "a", "label": NaN}', "broken_json"),
        ('{"text": "a", "label": -Infinity}', "broken_json"),
        ('{"text": "a", "label": "x"', "broken_json"),
        ('{"text": "a", "label": "x"} {}', "broken_json"),
        ('"a"', "broken_json"),
        ("{" * 3 + '"a":' * 2, "broken_json"),
        ('{"text": "a"}', "missing_column"),
        ('{"text": ["a"], "label": "x"}', "column_type"),
        ('{"text": "\\ud83d", "label": "x"}', "broken_unicode"),
        ('{"text": "a\\u0000b", "label": "x"}', "nul"),
    ],
)
def test_what_readers_would_guess_about_is_an_error_with_its_line(write, line, kind):
    good = '{"text": "fine", "label": "x"}'
    path = write.bytes("a.jsonl", f"{good}\n{line}\n{good}\n".encode())
    found, _, context = read(path)
    error = next(item for item in context.findings.problems() if item.kind == kind)
    assert error.severity == "error"
    assert error.rows == (f"{path}:2 (record 2)",)
    assert found.count(("fine", "x")) == 2


def test_a_very_deep_value_is_an_error_and_no_crash(write):
    path = write.bytes("a.jsonl", b'{"text": ' + b"[" * 100_000)
    assert read(path)[2].findings.has_errors()


def test_an_array_gives_each_item_its_line(write):
    path = write.json([("a", "x"), ("b\nc", "y")])
    found, rows, _ = read(path)
    assert found == [("a", "x"), ("b\nc", "y")]
    assert [row.where for row in rows] == [f"{path}:2 (record 1)", f"{path}:6 (record 2)"]


@pytest.mark.parametrize(
    "text",
    [
        '[{"text": "a", "label": "x"}',
        '[{"text": "a", "label": "x"} {}]',
        '[{"text": "a", "label": "x"},]',
        "[1]",
        "[] x",
    ],
)
def test_a_broken_array_is_an_error(write, text):
    assert read(write.bytes("a.json", text.encode()))[2].findings.has_errors()


def test_standard_input_is_json_lines(monkeypatch):
    lines = [json.dumps({"text": text}) for text in ("a", "b")]
    stream = io.TextIOWrapper(io.BytesIO("\n".join(lines).encode()))
    monkeypatch.setattr(sys, "stdin", stream)
    rows = stream_rows("-")
    assert next(rows).values == {"text": "a"}
    assert next(rows).where == "standard input:2 (record 2)"


def test_a_stream_stops_at_the_first_bad_record_after_the_good_ones(write):
    rows = stream_rows(write.bytes("a.jsonl", b'{"text": "a"}\n{"no": 1}\n{"text": "c"}\n'))
    assert next(rows).values["text"] == "a"
    with pytest.raises(DataError, match=r":2 \(record 2\)"):
        next(rows)


class Endless(io.RawIOBase):
    """Standard input that never ends."""

    def readable(self):
        return True

    def readinto(self, buffer):
        line = b'{"text": "again"}\n'
        buffer[: len(line)] = line
        return len(line)


def test_a_stream_yields_rows_before_its_end_is_seen(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Endless())))
    rows = stream_rows("-")
    assert [next(rows).values["text"] for _ in range(3)] == ["again"] * 3
    rows.close()
