"""Boxes and masks in the columns of tables: JSONL, CSV, Parquet and Hugging Face's image folders."""

from __future__ import annotations

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drawn import boxes_by_image, load, picture, problems, values
from lextune.config import ColumnsConfig

OBJECTS = {"bbox": [[1, 2, 3, 4], [0, 0, 40, 30]], "categories": [1, 0]}
EXPECTED = [(0, 0, 40, 30, "cat", False), (1, 2, 4, 6, "dog", False)]
NAMES = {"labels": {"0": "cat", "1": "dog"}, "columns": ColumnsConfig(label="objects")}


@pytest.fixture
def folder(tmp_path):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png", seed=1)
    return tmp_path


def expected(rows):
    return boxes_by_image(rows) == {"a.png": EXPECTED, "b.png": []}


def test_jsonl(folder):
    empty = {"bbox": [], "categories": []}
    text = "".join(
        json.dumps({"image": name, "objects": found}) + "\n"
        for name, found in (("a.png", OBJECTS), ("b.png", empty))
    )
    (folder / "rows.jsonl").write_text(text)
    rows, context = load(folder / "rows.jsonl", **NAMES)
    assert expected(rows)
    assert problems(context) == {}


def test_csv(folder):
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerows([("image", "objects"), ("a.png", json.dumps(OBJECTS)), ("b.png", "[]")])
    (folder / "rows.csv").write_text(stream.getvalue())
    assert expected(load(folder / "rows.csv", **NAMES)[0])


def test_parquet_with_images_inside(folder):
    images = [{"bytes": (folder / name).read_bytes(), "path": name} for name in ("a.png", "b.png")]
    found = [OBJECTS, {"bbox": [], "categories": []}]
    pq.write_table(pa.table({"image": images, "objects": found}), folder / "rows.parquet")
    rows, context = load(folder / "rows.parquet", **NAMES)
    assert list(boxes_by_image(rows).values()) == [EXPECTED, []]
    assert not context.findings.has_errors()


def test_image_folder_with_metadata(folder):
    lines = [
        json.dumps({"file_name": "a.png", "objects": OBJECTS}),
        json.dumps({"file_name": "b.png", "objects": []}),
    ]
    (folder / "metadata.jsonl").write_text("\n".join(lines))
    assert expected(load(folder, **NAMES)[0])


def test_faults_are_told_with_their_lines(folder):
    cells = [[[0, 0, 99, 9, "a"]], [[3, 3, 3, 9, "a"]], "nothing", [[0, 0, 9, 9, "a"]]]
    lines = [json.dumps({"image": "a.png", "label": cell}) for cell in cells]
    path = folder / "rows.jsonl"
    path.write_text("\n".join(lines))
    found = problems(load(path)[1])
    assert {kind: item.rows for kind, item in found.items()} == {
        "bad_box": (f"{path}:1 (record 1)",),
        "flat_box": (f"{path}:2 (record 2)",),
        "bad_label": (f"{path}:3 (record 3)",),
    }
    rows, context = load(path, unreadable=0.8)
    context.settle()
    assert len(rows) == 1
    assert not context.findings.has_errors()


def test_a_row_without_a_label_is_an_error_and_not_a_picture_without_objects(folder):
    (folder / "rows.jsonl").write_text('{"image": "a.png", "label": null}')
    assert "missing_label" in problems(load(folder / "rows.jsonl")[1])


def test_masks_with_and_without_classes(folder):
    values(folder / "masks" / "m.png", [[0, 5] * 20] * 30)
    cells = ["masks/m.png", {"mask": "masks/m.png", "classes": {"0": "road", "5": "car"}}]
    lines = [
        json.dumps({"image": f"{name}.png", "label": cell})
        for name, cell in zip("ab", cells, strict=True)
    ]
    (folder / "rows.jsonl").write_text("\n".join(lines))
    rows, context = load(folder / "rows.jsonl", "mask", labels={"5": "car"})
    assert rows.classes.counts() == {"0": 1, "car": 2, "road": 1}
    assert problems(context) == {}


@pytest.mark.parametrize("kind", ["boxes", "mask"])
def test_a_folder_that_no_reader_knows_is_not_read_as_texts(folder, kind):
    rows, context = load(folder, kind)
    found = problems(context)
    assert (len(rows), list(found)) == (0, ["unknown_layout"])
    assert "voc" in found["unknown_layout"].remedy
