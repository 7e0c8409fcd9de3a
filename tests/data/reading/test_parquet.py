"""Parquet: block by block, types that are no text refused."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lextune.data.findings import Findings
from lextune.data.formats import ReadContext, ReadOptions
from lextune.data.prepare import stream_rows


def read(path, **options):
    context = ReadContext(ReadOptions(**options), Findings())
    rows = list(stream_rows(str(path), context=context))
    return [(row.values["text"], row.values["label"]) for row in rows], rows, context


def test_rows_come_in_order_over_row_groups_with_their_place_and_digest(write):
    path = write.parquet([(f"t{number}", "x") for number in range(10)])
    found, rows, context = read(path)
    assert found == [(f"t{number}", "x") for number in range(10)]
    assert rows[4].where == f"{path}: row 5"
    assert len(context.files[0].sha256) == 64


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (pa.array([1, None]), ["1", None]),
        (pa.array([1.0, float("nan")]), ["1.0", "nan"]),
        (pa.array([True, False]), ["true", "false"]),
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
        (pa.array(["a", ""], pa.large_string()), ["a", None]),
        (pa.array([datetime.date(2026, 1, 2), None]), ["2026-01-02", None]),
    ],
)
def test_plain_types_become_text(tmp_path, labels, expected):
    pq.write_table(pa.table({"text": ["a", "b"], "label": labels}), tmp_path / "a.parquet")
    assert [label for _, label in read(tmp_path / "a.parquet")[0]] == expected


@pytest.mark.parametrize("labels", [[[1], [2]], [{"a": 1}, None], [b"a", b"b"]])
def test_lists_structures_and_bytes_are_refused(tmp_path, labels):
    pq.write_table(pa.table({"text": ["a", "b"], "label": labels}), tmp_path / "a.parquet")
    _, rows, context = read(tmp_path / "a.parquet")
    assert rows == []
    assert context.findings.error_kinds() == {"column_type"}


def test_other_columns_of_any_type_are_no_matter(tmp_path):
    pq.write_table(
        pa.table({"text": ["a"], "label": ["x"], "vector": [[1.0]]}), tmp_path / "a.parquet"
    )
    assert read(tmp_path / "a.parquet")[0] == [("a", "x")]


def test_a_file_cut_short_is_an_error(tmp_path, write):
    data = Path(write.parquet([("a", "x")])).read_bytes()
    assert read(write.bytes("b.parquet", data[:-9]))[2].findings.error_kinds() == {"damaged"}


def test_a_missing_column_is_an_error(tmp_path):
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet")[2].findings.error_kinds() == {"missing_column"}


def hugging_face(names):
    feature = {"names": names, "_type": "ClassLabel"}
    return {"huggingface": json.dumps({"info": {"features": {"label": feature}}})}


def test_class_numbers_of_hugging_face_become_their_names(tmp_path):
    table = pa.table({"text": ["a", "b", "c"], "label": [1, 0, None]})
    pq.write_table(
        table.replace_schema_metadata(hugging_face(["neg", "pos"])), tmp_path / "a.parquet"
    )
    found, _, context = read(tmp_path / "a.parquet")
    assert [label for _, label in found] == ["pos", "neg", None]
    assert not context.findings.has_errors()


@pytest.mark.parametrize("number", [2, -1])
def test_a_class_number_without_a_name_is_an_error(tmp_path, number):
    table = pa.table({"text": ["a", "b"], "label": [0, number]})
    pq.write_table(
        table.replace_schema_metadata(hugging_face(["neg", "pos"])), tmp_path / "a.parquet"
    )
    _, _, context = read(tmp_path / "a.parquet")
    (problem,) = context.findings.problems()
    assert (problem.kind, problem.count) == ("class_number", 1)


@pytest.mark.parametrize("metadata", ["{", "[]", '{"info": 3}'])
def test_metadata_that_say_nothing_leave_numbers_as_they_are(tmp_path, metadata):
    table = pa.table({"text": ["a", "b"], "label": [0, 1]})
    pq.write_table(table.replace_schema_metadata({"huggingface": metadata}), tmp_path / "a.parquet")
    assert [label for _, label in read(tmp_path / "a.parquet")[0]] == ["0", "1"]


def test_narrow_floats_keep_their_shortest_text(tmp_path):
    labels = pa.array([0.1, 1.0], pa.float32())
    pq.write_table(pa.table({"text": ["a", "b"], "label": labels}), tmp_path / "a.parquet")
    assert [label for _, label in read(tmp_path / "a.parquet")[0]] == ["0.1", "1.0"]


def test_a_column_that_stands_twice_is_refused(tmp_path):
    table = pa.table([["a"], ["b"], ["c"]], names=["text", "label", "label"])
    pq.write_table(table, tmp_path / "a.parquet")
    _, rows, context = read(tmp_path / "a.parquet")
    assert rows == []
    assert [one.kind for one in context.findings.problems()] == ["repeated_column"]
