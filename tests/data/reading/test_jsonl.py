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


def streamed(path, **options):
    context = ReadContext(ReadOptions(**options), Findings())
    return list(stream_rows(path, context=context)), context


def pairs(rows):
    return [(row.values["text"], row.values["label"]) for row in rows]


def problems(context):
    return {item.kind: item for item in context.findings.problems()}


class TestArrays:
    """One array of objects, read piece by piece."""

    @pytest.mark.parametrize("step", [1, 3, 7, 1 << 16])
    def test_any_piece_gives_the_same_rows(self, write, monkeypatch, step):
        monkeypatch.setattr("lextune.data.reading.jsonl._STEP", step)
        items = [
            {"text": f'é{n} \\ " ] }}', "label": "x", "more": [n, {"a": []}]} for n in range(9)
        ]
        for indent in (None, 1):
            path = write.bytes("a.json", f" \n {json.dumps(items, indent=indent)} \n".encode())
            rows, context = streamed(path)
            assert pairs(rows) == [(item["text"], "x") for item in items]
            assert not context.findings.problems()
            places = [int(row.where.rsplit(":", 1)[1].split()[0]) for row in rows]
            assert places == ([2] * 9 if indent is None else [3 + 10 * n for n in range(9)])

    @pytest.mark.parametrize("step", [1, 1 << 16])
    @pytest.mark.parametrize(
        "rest", ["", "]]", "] x", ",]", ',{"text": "b"', "{}]", "]\n{}", ',{"text": NaN, "label": "x"}]']
    )  # fmt: skip
    def test_a_fault_ends_it_with_an_error(self, write, monkeypatch, step, rest):
        monkeypatch.setattr("lextune.data.reading.jsonl._STEP", step)
        rows, context = streamed(
            write.bytes("a.json", f'[{{"text": "a", "label": "x"}}{rest}'.encode())
        )
        assert len(rows) == 1
        assert context.findings.error_kinds() == {"broken_array"}

    def test_an_item_that_never_ends_is_not_read_into_memory(self, write, monkeypatch):
        monkeypatch.setattr("lextune.data.reading.jsonl.MOST_SIGNS", 1000)
        monkeypatch.setattr("lextune.data.reading.jsonl._STEP", 100)
        path = write.bytes("a.json", b'[{"text": "' + b"a" * 100_000)
        assert "longer than" in problems(streamed(path)[1])["broken_array"].fact

    def test_items_that_are_not_utf_8_are_named(self, write):
        path = write.bytes(
            "a.json", b'[{"text": "a", "label": "x"},\n{"text": "\xe9", "label": "x"}]'
        )
        rows, context = streamed(path)
        assert len(rows) == 1
        assert problems(context)["encoding"].rows == (f"{path}:2",)


class TestTokens:
    """Lists of tokens and tags."""

    def test_they_become_text_with_spans(self, write):
        lines = [
            {"tokens": ["Ada", "went"], "tags": ["B-PER", "O"], "id": 1},
            {"tokens": ["x"], "tags": ["O"], "id": 2},
        ]
        path = write.bytes("a.jsonl", "".join(json.dumps(one) + "\n" for one in lines).encode())
        rows, context = streamed(
            path, text="tokens", label="tags", label_kind="spans", others=("id",)
        )
        assert rows[0].values == {"tokens": "Ada went", "tags": '[[0,3,"PER"]]', "id": "1"}
        assert (
            context.encodings[path] == "utf-8, tags IOB2 (found), tokens joined by a space (found)"
        )

    def test_an_illegal_tag_is_placed(self, write):
        path = write.bytes("a.jsonl", b'{"text": ["a", "b"], "label": ["O", "I-X"]}\n')
        _, context = streamed(path, label_kind="spans", tag_scheme="IOB2")
        assert problems(context)["illegal_tag"].rows == (f"{path}:1 (record 1), token 2",)

    def test_tokens_without_tags_are_read_for_prediction(self, write):
        path = write.bytes("a.jsonl", '{"text": ["北", "京"]}\n'.encode())
        assert streamed(path, label=None)[0][0].values == {"text": "北京"}
