"""The same boxes, written as each format has them, are the same record."""

from __future__ import annotations

import json
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drawn import load, picture, problems
from lextune.config import ColumnsConfig
from lextune.labels import Box, write_boxes

WIDTH, HEIGHT = 40, 30


@st.composite
def boxes(draw):
    x1, y1 = draw(st.integers(0, WIDTH - 1)), draw(st.integers(0, HEIGHT - 1))
    x2, y2 = draw(st.integers(x1 + 1, WIDTH)), draw(st.integers(y1 + 1, HEIGHT))
    return Box(x1, y1, x2, y2, draw(st.sampled_from(["cat", "dog"])))


def coco(folder, found):
    annotations = [
        {"id": n, "image_id": 5, "category_id": 9 if box.type == "dog" else 0,
         "bbox": [box.x1, box.y1, box.x2 - box.x1, box.y2 - box.y1]}
        for n, box in enumerate(found)
    ]  # fmt: skip
    image = {"id": 5, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}
    categories = [{"id": 9, "name": "dog"}, {"id": 0, "name": "cat"}]
    path = folder / "images" / "x.json"
    path.write_text(json.dumps({"images": [image], "annotations": annotations, "categories": categories}))  # fmt: skip
    return path


def voc(folder, found):
    objects = "".join(
        f"<object><name>{box.type}</name><bndbox><xmin>{box.x1 + 1}</xmin><ymin>{box.y1 + 1}</ymin>"
        f"<xmax>{box.x2}</xmax><ymax>{box.y2}</ymax></bndbox></object>"
        for box in found
    )
    path = folder / "Annotations" / "a.xml"
    path.parent.mkdir(exist_ok=True)
    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"
    path.write_text(f"<annotation>{size}{objects}</annotation>")
    return path.parent


def yolo(folder, found):
    lines = [
        f"{int(box.type == 'dog')} {(box.x1 + box.x2) / 2 / WIDTH:.6f} {(box.y1 + box.y2) / 2 / HEIGHT:.6f} "
        f"{(box.x2 - box.x1) / WIDTH:.6f} {(box.y2 - box.y1) / HEIGHT:.6f}\n"
        for box in found
    ]
    path = folder / "labels" / "a.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(lines))
    (folder / "data.yaml").write_text("names: [cat, dog]\n")
    return folder / "images"


def jsonl(folder, found):
    objects = {
        "bbox": [[box.x1, box.y1, box.x2 - box.x1, box.y2 - box.y1] for box in found],
        "categories": [box.type for box in found],
    }
    path = folder / "rows.jsonl"
    path.write_text(json.dumps({"image": "images/a.png", "label": objects}))
    return path


# a box as wide as a pixel is flat in VOC as it is written
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(st.lists(boxes(), max_size=4).filter(lambda all_: all(b.x2 - b.x1 > 1 and b.y2 - b.y1 > 1 for b in all_)))  # fmt: skip
def test_every_format_gives_it(tmp_path, found):
    for write in (coco, voc, yolo, jsonl):
        folder = tmp_path / write.__name__
        shutil.rmtree(folder, ignore_errors=True)
        picture(folder / "images" / "a.png", WIDTH, HEIGHT)
        rows, context = load(write(folder, found))
        assert list(rows.labels) == [write_boxes(found)], write.__name__
        assert not context.findings.has_errors()


@pytest.mark.parametrize("write", [coco, voc, yolo])
def test_a_column_that_annotations_have_not_is_an_error(tmp_path, write):
    picture(tmp_path / "images" / "a.png", WIDTH, HEIGHT)
    path = write(tmp_path, [Box(1, 2, 5, 9, "cat")])
    _, context = load(path, columns=ColumnsConfig(group=("camera",)))
    assert "missing_column" in problems(context)


def test_what_an_image_says_in_coco_is_a_column(tmp_path):
    picture(tmp_path / "images" / "a.png", WIDTH, HEIGHT)
    path = coco(tmp_path, [Box(1, 2, 5, 9, "cat")])
    path.write_text(path.read_text().replace('"width"', '"camera": 3, "width"'))
    rows, context = load(path, columns=ColumnsConfig(group=("camera",)))
    assert [rows.groups["camera"][0]] == ["3"]
    assert not context.findings.has_errors()
