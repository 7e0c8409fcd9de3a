"""Arrow files, streams and Feather: the same rows as Parquet, and class numbers by name."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather, ipc

from lextune.data.findings import Findings
from lextune.data.formats import ReadContext, ReadOptions
from lextune.data.prepare import stream_rows


def read(path, **options):
    context = ReadContext(ReadOptions(**options), Findings())
    return list(stream_rows(str(path), context=context)), context


def pairs(rows):
    return [(row.values["text"], row.values["label"]) for row in rows]


TABLE = pa.table({"text": ["a", "", None, "d"], "label": ["x", "y", "x", "y"]})
NAMED = {"label": {"names": ["neg", "pos"], "_type": "ClassLabel"}}


def with_features(table, features):
    meta = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    return table.replace_schema_metadata(meta)


def save(path: Path, table: pa.Table, kind: str) -> Path:
    if kind == "feather":
        feather.write_feather(table, str(path), compression="uncompressed")
        return path
    make = ipc.new_file if kind == "file" else ipc.new_stream
    with pa.OSFile(str(path), "wb") as sink, make(sink, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=2):
            writer.write_batch(batch)
    return path


@pytest.mark.parametrize(
    ("kind", "name"), [("file", "a.arrow"), ("stream", "a.arrow"), ("feather", "a.feather")]
)
class TestForms:
    """A file, a stream, and Feather."""

    def test_rows_come_in_order_with_their_places(self, tmp_path, kind, name):
        path = save(tmp_path / name, TABLE, kind)
        rows, context = read(path)
        assert pairs(rows) == [("a", "x"), (None, "y"), (None, "x"), ("d", "y")]
        assert rows[3].where == f"{path}: row 4"
        assert context.files[0].size == path.stat().st_size
        assert not context.findings.problems()

    def test_class_numbers_become_names(self, tmp_path, kind, name):
        table = with_features(pa.table({"text": ["a", "b", "c"], "label": [1, 0, -1]}), NAMED)
        rows, context = read(save(tmp_path / name, table, kind))
        assert pairs(rows)[:2] == [("a", "pos"), ("b", "neg")]
        assert context.findings.error_kinds() == {"class_number"}

    def test_a_file_cut_short_is_an_error(self, tmp_path, kind, name):
        path = save(tmp_path / name, pa.concat_tables([TABLE] * 500), kind)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert read(path)[1].findings.error_kinds() == {"damaged"}


def test_a_compressed_file_is_read(tmp_path):
    path = save(tmp_path / "a.arrow", TABLE, "file")
    packed = tmp_path / "b.arrow.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert len(read(packed)[0]) == 4


class TestLists:
    """Labels that are lists, and tokens with tags."""

    def test_several_classes_by_number(self, tmp_path):
        features = {"label": {"feature": NAMED["label"], "_type": "List"}}
        table = with_features(pa.table({"text": ["a", "b"], "label": [[1, 0], []]}), features)
        rows, _ = read(save(tmp_path / "a.arrow", table, "file"), label_kind="classes")
        assert pairs(rows) == [("a", '["pos", "neg"]'), ("b", "[]")]

    @pytest.mark.parametrize("wrap", [lambda one: {"feature": one, "_type": "Sequence"}, lambda one: [one]])  # fmt: skip
    def test_tokens_and_tag_numbers_become_spans(self, tmp_path, wrap):
        tags = {"names": ["O", "B-PER", "I-PER"], "_type": "ClassLabel"}
        table = with_features(
            pa.table({"tokens": [["Ada", "L", "went"], ["home"]], "ner_tags": [[1, 2, 0], [0]]}),
            {"ner_tags": wrap(tags)},
        )
        path = save(tmp_path / "a.arrow", table, "stream")
        rows, context = read(path, text="tokens", label="ner_tags", label_kind="spans")
        assert [row.values for row in rows] == [
            {"tokens": "Ada L went", "ner_tags": '[[0,5,"PER"]]'}, {"tokens": "home", "ner_tags": "[]"},
        ]  # fmt: skip
        assert "tags IOB2 (found)" in context.encodings[str(path)]
        rows, _ = read(path, text="tokens", label=None)
        assert [row.values["tokens"] for row in rows] == ["Ada L went", "home"]

    def test_tag_numbers_without_names_are_refused(self, tmp_path):
        table = pa.table({"tokens": [["Ada", "went"]], "ner_tags": [[1, 0]]})
        path = save(tmp_path / "a.arrow", table, "file")
        _, context = read(path, text="tokens", label="ner_tags", label_kind="spans")
        assert context.findings.error_kinds() == {"illegal_tag"}

    def test_an_illegal_tag_has_its_row_and_token(self, tmp_path):
        table = pa.table({"text": [["Ada", "went"]], "label": [["O", "I-PER"]]})
        path = save(tmp_path / "a.arrow", table, "file")
        _, context = read(path, label_kind="spans", tag_scheme="IOB2")
        assert context.findings.problems()[0].rows == (f"{path}: row 1, token 2",)

    def test_tags_must_be_as_many_as_tokens(self, tmp_path):
        table = pa.table({"text": [["Ada", "went"], ["a"]], "label": [["O"], ["O"]]})
        rows, context = read(save(tmp_path / "a.arrow", table, "file"), label_kind="spans")
        assert len(rows) == 1
        assert context.findings.error_kinds() == {"tag_count"}

    def test_a_list_where_a_text_is_wanted_is_refused(self, tmp_path):
        table = pa.table({"text": [["a"]], "label": ["x"]})
        path = save(tmp_path / "a.arrow", table, "file")
        assert read(path)[1].findings.error_kinds() == {"column_type"}
        assert read(path, label_kind="spans")[1].findings.error_kinds() == {"column_type"}
