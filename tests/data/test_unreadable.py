"""Rows that cannot be read: listed by file and line, counted, and left out only where the config allows their share."""

from __future__ import annotations

import itertools
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lextune.config import DataConfig
from lextune.data.checks import check_path
from lextune.data.formats import ReadOptions
from lextune.data.prepare import load_labelled, prepare, stream_rows
from lextune.errors import ConfigError, DataError

GOOD = [(f"text number {n}", "xy"[n % 2]) for n in range(98)]


def csv_body(*bad: bytes) -> bytes:
    return b"text,label\n" + b"".join(f"{a},{b}\n".encode() for a, b in GOOD) + b"".join(bad)


def jsonl_body(*bad: bytes) -> bytes:
    return b"".join(json.dumps({"text": a, "label": b}).encode() + b"\n" for a, b in GOOD) + b"".join(bad)  # fmt: skip


CASES = {
    "ragged_row": ("a.csv", csv_body(b"one\n", b"a,b,c\n"), "99", "class"),
    "nul": ("a.csv", csv_body(b"o\0ne,x\n", b"t\0wo,y\n"), "99", "class"),
    "missing_label": ("a.csv", csv_body(b"one,\n", b"two,\n"), "99", "class"),
    "invalid_label": ("a.csv", csv_body(b"one,NaN\n", b"two,inf\n"), "99", "class"),
    "encoding": ("a.csv", csv_body(b"caf\xe9,x\n", b"d\xe9j\xe0,y\n"), "100", "class"),
    "broken_json": ("a.jsonl", jsonl_body(b'{"text": 1\n', b"[1]\n"), "99", "class"),
    "missing_column": ("a.jsonl", jsonl_body(b'{"text": "a"}\n' * 2), "99", "class"),
    "column_type": ("a.jsonl", jsonl_body(b'{"text": ["a"], "label": "x"}\n' * 2), "99", "class"),
    "broken_unicode": ("a.jsonl", jsonl_body(b'{"text": "\\ud800", "label": "x"}\n' * 2), "99", "class"),
    "bad_label": (
        "a.csv", b'text,label\n' + b'"a, b","[""k""]"\n' * 98 + b"one,x\ntwo,y\n", "99", "classes",
    ),
    "illegal_tag": ("a.conll", b"Ada\tB-PER\nwent\tO\n\n" * 98 + b"a\tI-X\n\nb\tI-X\n", "295", "spans"),
}  # fmt: skip


def problem(report, kind):
    return next(item for item in report.problems if item.kind == kind)


@pytest.mark.parametrize("kind", CASES)
class TestEachKind:
    """Two of a hundred rows cannot be read."""

    def test_they_are_errors_with_their_places(self, write, kind):
        name, body, line, labels = CASES[kind]
        report = check_path(DataConfig(train=(write.bytes(name, body),)), kind=labels)
        found = problem(report, kind)
        assert found.severity == "error"
        assert sum(item.count for item in report.errors()) == 2
        where = found.rows[0]
        assert where.startswith(f"{write.folder}/{name}:")
        assert int(where.partition(f"{name}:")[2].partition(" ")[0]) in range(int(line), int(line) + 2)  # fmt: skip

    def test_a_share_that_allows_them_leaves_them_out_and_says_so(self, write, kind):
        name, body, _, labels = CASES[kind]
        config = DataConfig(train=(write.bytes(name, body),), unreadable=0.02)
        report = check_path(config, kind=labels)
        assert not report.errors() or labels == "classes"  # one class alone stays an error
        assert (report.rows, report.unreadable) == (98, 2)
        assert all(item.severity == "warning" for item in report.problems if item.kind == kind)

    def test_a_smaller_share_does_not(self, write, kind):
        name, body, _, labels = CASES[kind]
        config = DataConfig(train=(write.bytes(name, body),), unreadable=0.019)
        assert problem(check_path(config, kind=labels), kind).severity == "error"


def test_they_are_measured(write):
    path = write.bytes("a.csv", csv_body(b"one\n", b"a,b,c\n"))
    with pytest.raises(DataError, match="2 cells"):
        prepare(DataConfig(train=(path,)))
    prepared = prepare(DataConfig(train=(path,), unreadable=0.05))
    (found,) = [item for item in prepared.measurements if item.name == "unreadable_rows"]
    assert (found.value, found.n) == (2, 100)
    assert sum(split.rows for split in prepared.ref.splits.values()) == 98
    assert len(load_labelled((path,), DataConfig(train=("x",), unreadable=0.05)).table) == 98


def test_the_share_is_that_of_each_part(write):
    train, bad = write.csv(GOOD * 10), write.bytes("t.csv", csv_body(b"one\n", b"a,b,c\n"))
    report = check_path(DataConfig(train=(train,), test=(bad,), unreadable=0.01))
    assert problem(report, "ragged_row").severity == "error"


def test_two_faults_of_one_row_are_one_row(write):
    body = jsonl_body(b'{"text": ["a"], "label": ["b"]}\n')
    report = check_path(DataConfig(train=(write.bytes("a.jsonl", body),), unreadable=0.5))
    assert report.unreadable == 1


def test_what_ends_a_file_early_is_never_excused(write):
    for name, body in (
        ("a.csv", csv_body(b'"open,x\n')),
        ("a.json", b'[{"text": "a", "label": "x"}, {"text": '),
        ("b.csv", b"text,label,na\xefve\none,x,1\n"),
    ):
        report = check_path(DataConfig(train=(write.bytes(name, body),), unreadable=0.99))
        assert report.errors(), name


def test_prediction_stops_at_the_first_of_them(write):
    path = write.bytes("a.csv", csv_body(b"caf\xe9,x\n", b"good,x\n"))
    rows = stream_rows(path, ReadOptions())
    seen = list(itertools.islice(rows, 98))
    assert seen[-1].values["text"] == "text number 97"
    with pytest.raises(DataError, match="utf-8"):
        next(rows)


def test_numbers_of_classes_without_a_name_are_left_out(tmp_path):
    features = {"label": {"names": ["n", "p"], "_type": "ClassLabel"}}
    meta = {b"huggingface": json.dumps({"info": {"features": features}})}
    table = pa.table({"text": [f"t {n}" for n in range(100)], "label": [0, 1] * 49 + [-1, 7]})
    pq.write_table(table.replace_schema_metadata(meta), tmp_path / "a.parquet")
    report = check_path(DataConfig(train=(str(tmp_path / "a.parquet"),), unreadable=0.02))
    assert (report.rows, report.unreadable) == (98, 2)
    assert not report.errors()


def test_texts_of_a_folder_are_left_out(write):
    path = write.tree([(f"{text} {number}", label) for number, (text, label) in enumerate(GOOD)])
    write.bytes("tree/x/bad.txt", b"d\xe9j\xe0 vu")
    report = check_path(DataConfig(train=(path,), unreadable=0.02))
    assert (report.rows, report.unreadable) == (98, 1)
    assert problem(report, "encoding").rows == (f"{path}/x/bad.txt",)


@pytest.mark.parametrize("share", [1.0, -0.1, float("nan")])
def test_all_rows_can_not_be_left_out(share):
    from lextune.config import load_config

    with pytest.raises(ConfigError, match="unreadable"):
        load_config({"task": "sentiment", "model": {"source": "auto"}, "data": {"train": "a", "unreadable": share}})  # fmt: skip
