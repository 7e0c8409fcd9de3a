"""CSV and its kin: what ends a record, what is missing, what is refused."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lextune.data.findings import Findings
from lextune.data.formats import ReadContext, ReadOptions
from lextune.data.prepare import stream_rows


def read(path, *, text="text", label="label", findings=None, **options):
    context = ReadContext(ReadOptions(text=text, label=label, **options), findings or Findings())
    return list(stream_rows(path, context=context)), context


def pairs(rows, text="text", label="label"):
    return [(row.values[text], row.values[label]) for row in rows]


def problems(context):
    return {item.kind: item for item in context.findings.problems()}


def test_a_byte_order_mark_is_no_part_of_the_first_column(write):
    path = write.bytes("a.csv", b"\xef\xbb\xbfreview,stars\nfine,4\n")
    rows, context = read(path, text="review", label="stars")
    assert pairs(rows, "review", "stars") == [("fine", "4")]
    assert set(rows[0].values) == {"review", "stars"}
    assert context.encodings == {path: "utf-8 with mark"}


@pytest.mark.parametrize(
    ("mark", "codec"),
    [
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
        (b"\xff\xfe\0\0", "utf-32-le"),
        (b"\0\0\xfe\xff", "utf-32-be"),
    ],
)
def test_excel_exports_are_read_by_their_mark(write, mark, codec):
    path = write.bytes("a.csv", mark + "text\tlabel\r\n好,的\tja\r\n".encode(codec))
    rows, context = read(path)
    assert pairs(rows) == [("好,的", "ja")]
    assert context.encodings == {path: f"{codec} with mark"}


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("gb18030", "这个酒店的房间很好，服务也不错。"),
        ("cp1252", "café, très bien déjà vu"),
        ("shift_jis", "これは良い映画です。"),
    ],
)
def test_other_encodings_are_refused_with_a_guess_and_read_when_told(write, codec, text):
    path = write.bytes("a.csv", f'text,label\n"{text}",x\n'.encode(codec))
    rows, context = read(path)
    found = problems(context)["encoding"]
    assert rows == []
    assert found.severity == "error"
    assert "(a guess)" in found.fact
    assert "data.encoding" in found.remedy
    assert text not in str(found)
    rows, context = read(path, encoding=codec)
    assert pairs(rows) == [(text, "x")]
    assert "as configured" in context.encodings[path]


def test_the_guess_names_the_right_encoding_among_others(write):
    text = "这个酒店的房间很好，服务也不错。" * 5
    path = write.bytes("a.csv", f"text,label\n{text},x\n".encode("gb18030"))
    _, context = read(path)
    assert "gb18030" in problems(context)["encoding"].fact


def test_utf_16_without_a_mark_is_refused_with_the_option_to_set(write):
    path = write.bytes("a.csv", "text,label\ngood,x\n".encode("utf-16-le"))
    _, context = read(path)
    assert "utf-16-le" in problems(context)["encoding"].remedy
    rows, _ = read(path, encoding="utf-16-le")
    assert pairs(rows) == [("good", "x")]


@pytest.mark.parametrize("encoding", ["klingon", "hex", "rot13"])
def test_an_unknown_encoding_is_an_error(write, encoding):
    _rows, context = read(write.bytes("a.csv", b"text,label\na,b\n"), encoding=encoding)
    assert "encoding" in problems(context)


def test_a_fault_late_in_a_file_is_found_and_placed(write):
    body = b"text,label\n" + b"good,x\n" * 5000 + b"caf\xe9,x\n"
    _, context = read(write.bytes("a.csv", body))
    assert problems(context)["encoding"].rows == (f"{write.folder}/a.csv:5002",)


def test_a_line_end_inside_quotes_does_not_cut_a_record(write):
    path = write.bytes("a.csv", b'id,title\n1,fine\n2,"two\nlines"\n3,last\n')
    rows, _ = read(path, text="title", label="id")
    assert pairs(rows, "title", "id") == [("fine", "1"), ("two\nlines", "2"), ("last", "3")]
    assert [row.where for row in rows] == [
        f"{path}:2 (record 1)", f"{path}:3 (record 2)", f"{path}:5 (record 3)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "sign", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
)
def test_only_cr_and_lf_end_a_record(write, sign):
    path = write.bytes("a.csv", f"text,label\none{sign}two,x\n".encode())
    assert pairs(read(path)[0]) == [(f"one{sign}two", "x")]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_each_usual_line_end_ends_a_record(write, end):
    path = write.bytes("a.csv", end.join(["text,label", "a,x", "b,y", ""]).encode())
    rows, _ = read(path)
    assert pairs(rows) == [("a", "x"), ("b", "y")]
    assert rows[1].where.endswith(":3 (record 2)")


@pytest.mark.parametrize("word", ["null", "NULL", "None", "NA", "N/A", "nan", "-", "#N/A"])
def test_words_for_nothing_stay_words(write, word):
    path = write.bytes("a.csv", f'text,label\n{word},x\n"{word}",x\n'.encode())
    assert pairs(read(path)[0]) == [(word, "x"), (word, "x")]


def test_only_an_empty_cell_is_missing_and_spaces_stay(write):
    path = write.bytes("a.csv", b'text,label\n,x\n"",y\n  ,z\n 007 ,007\n')
    assert pairs(read(path)[0]) == [(None, "x"), (None, "y"), ("  ", "z"), (" 007 ", "007")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_the_delimiter_is_found_in_the_header(write, delimiter, suffix):
    path = write.bytes(f"a.{suffix}", f"text{delimiter}label\na. b{delimiter}x\n".encode())
    rows, context = read(path)
    assert pairs(rows) == [("a. b", "x")]
    usual = {"csv": ",", "tsv": "\t"}[suffix]
    assert ("delimiter" in problems(context)) == (delimiter != usual)


def test_the_delimiter_that_gives_the_wanted_columns_wins_over_the_commonest(write):
    path = write.bytes("a.csv", b"text;label;notes, dates, names, places\na;x;\n")
    assert pairs(read(path)[0]) == [("a", "x")]


def test_excels_hint_line_is_honoured(write):
    path = write.bytes("a.csv", b"sep=;\r\ntext;label\r\na,b;x\r\n")
    rows, _ = read(path)
    assert pairs(rows) == [("a,b", "x")]
    assert rows[0].where.endswith(":3 (record 1)")


def test_ragged_records_are_named_by_line_and_record_and_the_others_are_read(write):
    path = write.bytes("a.csv", b'text,label\n"a\nb",x\nc\nd,x,y\ne,y\n')
    rows, context = read(path)
    assert pairs(rows) == [("a\nb", "x"), ("e", "y")]
    found = problems(context)["ragged_row"]
    assert (found.count, found.rows) == (2, (f"{path}:4 (record 2)", f"{path}:5 (record 3)"))


@pytest.mark.parametrize("body", [b'"open,x\nb,y\n', b'"a"b,x\n'])
def test_quotes_that_do_not_fit_are_an_error_at_their_record(write, body):
    path = write.bytes("a.csv", b"text,label\nfine,x\n" + body)
    _, context = read(path)
    assert problems(context)["broken_quotes"].rows == (f"{path}:3 (record 2)",)


def test_records_swallowed_by_a_lone_quote_in_a_tab_file_are_suspected(write):
    path = write.bytes("a.tsv", b'label\ttext\n0\t"so\n1\tsaid"\n0\tfine\n')
    rows, context = read(path)
    assert len(rows) == 2
    assert problems(context)["swallowed_lines"].rows == (f"{path}:2 (record 1)",)


def test_nul_bytes_are_named(write):
    path = write.bytes("a.csv", b"text,label\n" + b"fine,x\n" * 50 + b"a\0b,x\n")
    _, context = read(path)
    assert problems(context)["nul"].rows == (f"{path}:52 (record 51)",)


def test_a_cell_larger_than_the_modules_limit_is_read(write):
    path = write.bytes("a.csv", b"text,label\n" + b"a" * 300_000 + b",x\n")
    assert len(read(path)[0][0].values["text"]) == 300_000


def test_a_missing_column_is_named_with_the_nearest_one(write):
    path = write.bytes("a.csv", b"Text,stars\na,1\n")
    _, context = read(path)
    both = [item for item in context.findings.problems() if item.kind == "missing_column"]
    assert len(both) == 2
    assert "perhaps to 'Text'" in both[0].remedy
    assert "data.columns.text" in both[0].remedy
    assert "data.columns.label" in both[1].remedy


def test_a_file_without_a_header_does_not_show_its_first_text(write):
    secret = "Anna Muster lives at 12 Long Street and called us about her illness"
    _, context = read(write.bytes("a.csv", f"{secret},1\nb,0\n".encode()))
    assert "Muster" not in "".join(map(str, context.findings.problems()))
    assert "missing_column" in problems(context)


def test_a_column_that_stands_twice_is_an_error(write):
    _, context = read(write.bytes("a.csv", b"text,label,label\na,b,c\n"))
    assert problems(context)["repeated_column"].severity == "error"


@pytest.mark.parametrize("body", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_an_error(write, body):
    _, context = read(write.bytes("a.csv", body))
    assert "empty_file" in problems(context)


def test_blank_lines_are_told_and_a_one_column_file_keeps_them_as_missing_texts(write):
    rows, context = read(write.bytes("a.csv", b"text,label\na,x\n\nb,y\n\n"))
    assert pairs(rows) == [("a", "x"), ("b", "y")]
    assert problems(context)["blank_line"].count == 2
    rows, _ = read(write.bytes("b.csv", b"text\na\n\nb\n"), label=None)
    assert [row.values["text"] for row in rows] == ["a", None, "b"]


cell = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(st.tuples(cell, cell), min_size=1, max_size=6), delimiter=st.sampled_from(",;\t|")
)
def test_whatever_a_csv_writer_writes_is_read_back(write, rows, delimiter):
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([("text", "label"), *rows])
    got, context = read(write.bytes("h.csv", stream.getvalue().encode()))
    assert pairs(got) == [(text or None, label or None) for text, label in rows]
    assert not context.findings.has_errors()
