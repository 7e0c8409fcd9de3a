"""Redacted files: the same format and columns, spans on their characters, and no output that is not whole."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lextune.data.formats import ReadOptions
from lextune.data.redaction.files import describe, redact_path
from lextune.data.redaction.methods import Replacing
from lextune.data.redaction.redactor import Redactor
from lextune.data.redaction.rewriting import Wanted
from lextune.data.redaction.secret import Secret
from lextune.errors import DataError
from small_detector import SmallDetector

MASK = Redactor(SmallDetector, Replacing("mask"))
TEXT = "write to ada@lovelace.org now"
MASKED = "write to [EMAIL_ADDRESS] now"


def redacted(source, output, *, redactor=MASK, columns=("text",), processes=1, **options):
    wanted = Wanted(columns, ("label", "spans", "entities"))
    options = ReadOptions(text=columns[0], label=None, others=columns[1:], **options)
    return redact_path(str(source), output, redactor, wanted, options, processes)


def refused(source, output, **options):
    with pytest.raises(DataError) as error:
        redacted(source, output, **options)
    assert not output.exists()
    assert not list(output.parent.glob(".*.tmp"))
    assert "ada@" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(
    ("sign", "suffix", "ending"), [(",", ".csv", "\n"), (";", ".csv", "\r\n"), ("\t", ".tsv", "\n"), ("|", ".csv", "\n")]
)  # fmt: skip
def test_delimited(tmp_path, mark, sign, suffix, ending):
    rows = [
        ["text", "label", "note, or so"],
        [TEXT, "pos", "1.50"],
        ['two\nlines of "ada@lovelace.org"', "", f"a{sign}b"],
        ["nothing", "null", " spaced "],
    ]
    stream = io.StringIO()
    csv.writer(stream, delimiter=sign, lineterminator=ending).writerows(rows)
    source, output = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    source.write_bytes(mark + stream.getvalue().encode())
    made = redacted(source, output)
    assert output.read_bytes().decode() == stream.getvalue().replace(
        "ada@lovelace.org", "[EMAIL_ADDRESS]"
    )
    assert (made.counts.rows, made.counts.changed_rows) == (3, 2)
    assert made.counts.detections == {"EMAIL_ADDRESS": 2}
    assert made.output[0].sha256 == hashlib.sha256(output.read_bytes()).hexdigest()
    assert made.files[0].sha256 == hashlib.sha256(source.read_bytes()).hexdigest()


def test_quoted_headers_stay_quoted_and_another_suffix_has_another_delimiter(tmp_path):
    source, output = tmp_path / "in.csv", tmp_path / "out.tsv"
    source.write_bytes(f'"id";"text"\n"1";"{TEXT}"\n'.encode("utf-16"))
    made = redacted(source, output)
    assert output.read_bytes() == f'"id"\t"text"\n"1"\t"{MASKED}"\n'.encode()
    assert "utf-16" in str(made.encodings)


def test_a_header_alone_and_a_packed_file(tmp_path):
    source, output = tmp_path / "in.csv.gz", tmp_path / "out.csv.gz"
    source.write_bytes(gzip.compress(b"id,text\r\n"))
    assert redacted(source, output).counts.rows == 0
    assert gzip.decompress(output.read_bytes()) == b"id,text\r\n"


def test_spans_in_cells_of_csv(tmp_path):
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    spans = '[[0,5,"V"],[9,25,"EMAIL"],[26,29,"TIME"]]'
    stream = io.StringIO()
    csv.writer(stream).writerows([["text", "label"], [TEXT, spans], ["no", "[]"], [TEXT, "[x]"]])
    source.write_text(stream.getvalue())
    redacted(source, output)
    found = list(csv.reader(io.StringIO(output.read_text())))
    marked = [MASKED[a:b] for a, b, _ in json.loads(found[1][1])]
    assert marked == ["write", "[EMAIL_ADDRESS]", "now"]
    assert [row[1] for row in found[2:]] == ["[]", "[x]"]


def test_jsonl_keeps_every_other_byte(tmp_path):
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = [
        '{"id": 1.0e5,  "text": "TEXT", "big": 12345678901234567890, "u": "\\u00e9"}\r\n'.replace("TEXT", TEXT),
        "\n",
        '{"text": "TEXT", "entities": [[9, 25, "E"], [26, 29, "T"]], "nested": {"a": [1, 2.50]}}\n'.replace("TEXT", TEXT),
        '{"text": "TEXT", "spans": [{"start": 26, "end": 29, "label": "T"}]}\n'.replace("TEXT", TEXT),
        '{"text": "\\u59d3\\u540d\\uff1a\\u5f20\\u4e09", "label": null}\n',
        '{"text": null}\n{"text": "plain", "x": "ada@lovelace.org"}',
    ]  # fmt: skip
    source.write_bytes(b"\xef\xbb\xbf" + "".join(lines).encode())
    made = redacted(source, output)
    expected = "".join(lines).replace(TEXT, MASKED)
    expected = expected.replace('[[9, 25, "E"], [26, 29, "T"]]', '[[9, 24, "E"], [25, 28, "T"]]')
    expected = expected.replace('[{"start": 26, "end": 29,', '[{"start": 25, "end": 28,')
    expected = expected.replace("\\u5f20\\u4e09", "[PERSON]")
    assert output.read_bytes().decode() == expected
    assert made.counts.rows == 6
    assert made.counts.other_columns == {"x": {"EMAIL_ADDRESS": 1}}
    assert [one.kind for one in made.problems] == ["personal_data_in_other_column"]
    assert "ada@" not in json.dumps(describe(made))


@pytest.mark.parametrize(
    "text", ["[]", ' [\n {"text": "TEXT"} ,\n{"text":"b", "n": 1.00}\n]\n'.replace("TEXT", TEXT)]
)
def test_an_array_stays_an_array(tmp_path, text):
    source, output = tmp_path / "in.json", tmp_path / "out.json"
    source.write_text(text)
    redacted(source, output)
    assert output.read_text() == text.replace(TEXT, MASKED)


@pytest.mark.parametrize(
    "line",
    ['{"text": 5}', '{"no": "x"}', '{"text": "a", "text": "b"}', '{"text": "a"} x', "[1]", '{"text": "a", "n": NaN}',
     '{"text": "a",}', '{"text" "a"}', '{"text": "\\ud800"}', '{"text": "a', '{"text": "a", "n": {"k": 1, "k": 2}}'],
)  # fmt: skip
def test_what_the_reader_refuses_is_refused_with_its_place(tmp_path, line):
    source = tmp_path / "in.jsonl"
    source.write_text(f'{{"text": "{TEXT}"}}\n{line}\n{{"text": "good"}}\n{line}\n')
    told = refused(source, tmp_path / "out.jsonl")
    assert "in.jsonl:2 (record 2)" in told
    assert "in.jsonl:4 (record 4)" in told
    source = tmp_path / "in.json"
    source.write_text(f'[{{"text": "{TEXT}"}},\n{line}]')
    assert "record 2" in refused(source, tmp_path / "out.json")


def test_spans_outside_the_text_are_refused(tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text(f'{{"text": "{TEXT}", "label": [[0, 99, "X"]]}}\n')
    assert "in.jsonl:1 (record 1)" in refused(source, tmp_path / "out.jsonl")


def test_parquet_keeps_its_schema(tmp_path):
    source, output = tmp_path / "in.parquet", tmp_path / "out.parquet"
    span = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32()), ("label", pa.string())]))
    schema = pa.schema(
        [("id", pa.int64()), ("text", pa.large_string()), ("kind", pa.dictionary(pa.int8(), pa.string())),
         ("spans", span), ("f", pa.float32()), ("b", pa.binary())],
        metadata={"huggingface": '{"info": {}}'},
    )  # fmt: skip
    many = 40_000
    table = pa.table(
        {
            "id": [13800138000, *range(many)],
            "text": [TEXT, None, *["words"] * (many - 1)],
            "kind": pa.array([TEXT, "b"] * (many // 2) + [None]).dictionary_encode().cast(schema.field("kind").type),
            "spans": [[{"start": 26, "end": 29, "label": "T"}], *[None] * many],
            "f": [0.1] * (many + 1),
            "b": [b"\xff"] * (many + 1),
        },
        schema=schema,
    )  # fmt: skip
    pq.write_table(table, source, compression="zstd")
    made = redacted(source, output, columns=("text", "kind"))
    found = pq.read_table(output)
    assert found.schema.equals(pq.read_schema(source), check_metadata=True)
    assert found.select(["id", "f", "b"]).equals(table.select(["id", "f", "b"]))
    assert found["text"].to_pylist()[:3] == [MASKED, None, "words"]
    assert set(found["kind"].to_pylist()) == {MASKED, "b", None}
    assert found["spans"][0].as_py() == [{"start": 25, "end": 28, "label": "T"}]
    assert pq.ParquetFile(output).metadata.row_group(0).column(0).compression == "ZSTD"
    assert pq.ParquetFile(output).num_row_groups == 2
    assert made.counts.other_columns == {"id": {"PHONE_NUMBER": 1}}
    assert made.counts.rows == many + 1
    assert "no column 'body'" in refused(source, tmp_path / "o.parquet", columns=("body",))
    assert "not text" in refused(source, tmp_path / "o.parquet", columns=("id",))


def test_a_folder_of_texts(tmp_path):
    source, output = tmp_path / "in", tmp_path / "out"
    (source / "pos").mkdir(parents=True)
    (source / "pos" / "a.txt").write_bytes(f"﻿{TEXT}\r\n".encode())
    (source / "ada@lovelace.org.txt").write_text("nothing")
    made = redacted(source, output)
    assert (output / "pos" / "a.txt").read_bytes() == f"{MASKED}\r\n".encode()
    assert made.counts.other_columns == {"file name": {"EMAIL_ADDRESS": 1}}
    assert sorted(one.path for one in made.output) == ["ada@lovelace.org.txt", "pos/a.txt"]
    with pytest.raises(DataError, match="there already"):
        redacted(source, output)


def test_outputs_that_do_not_fit_are_refused(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text(f"text\n{TEXT}\n")
    assert "suffix" in refused(source, tmp_path / "out.jsonl")
    assert "packed" in refused(source, tmp_path / "out.csv.xz")
    with pytest.raises(DataError, match="source itself"):
        redacted(source, source)
    assert source.read_text() == f"text\n{TEXT}\n"
    assert "no such file" in refused(tmp_path / "none.csv", tmp_path / "out.csv")
    (tmp_path / "in2.csv").write_text("text\nx\n")
    assert "2 files" in refused(tmp_path / "in*.csv", tmp_path / "out.csv")
    source.write_text(f'text,n\n{TEXT},1\n{TEXT}\n"{TEXT},3\n')
    told = refused(source, tmp_path / "out.csv")
    assert "in.csv:3 (record 2)" in told
    assert "in.csv:4 (record 3)" in told


def test_what_is_emptied_is_told(tmp_path):
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"text": "ada@lovelace.org", "label": [[0, 3, "PER"]]}\n')
    made = redacted(source, output, redactor=Redactor(SmallDetector, Replacing("remove")))
    assert output.read_text() == '{"text": "", "label": []}\n'
    assert (made.counts.emptied_cells, made.counts.dropped_spans) == (1, 1)
    assert {one.kind for one in made.problems} == {"emptied_text", "dropped_span"}


@pytest.mark.slow
def test_several_processes_give_what_one_gives(tmp_path):
    source = tmp_path / "in.jsonl"
    with open(source, "w") as stream:
        for n in range(5000):
            stream.write(json.dumps({"text": f"call 138{n:08d} or {n}@example.net", "n": n}) + "\n")
    redactor = Redactor(SmallDetector, Replacing("pseudonym", Secret(b"a secret of tests alone")))
    one = redacted(source, tmp_path / "one.jsonl", redactor=redactor)
    two = redacted(source, tmp_path / "two.jsonl", redactor=redactor, processes=2)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    assert one.counts == two.counts
    assert one.counts.changed_rows == 5000
