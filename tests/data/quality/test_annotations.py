"""Boxes and masks as data: how many, how small, what is void, what stands twice."""

from __future__ import annotations

import json

import pytest

from drawn import load, picture, values
from lextune.config import DataConfig, QualityConfig
from lextune.data.checks import check_path
from lextune.data.findings import Findings
from lextune.data.quality.base import QualityInput
from lextune.data.quality.checks.annotations import boxes_and_masks
from lextune.data.report.page import make_page


def table(folder, labels):
    """A JSONL of images with those labels."""
    lines = []
    for number, label in enumerate(labels):
        picture(folder / f"{number}.png", 100, 80, seed=number)
        lines.append(json.dumps({"image": f"{number}.png", "label": label}))
    path = folder / "rows.jsonl"
    path.write_text("\n".join(lines))
    return path


def measured(path, kind, **config):
    rows, context = load(path, kind, **config)
    assert not context.findings.has_errors()
    findings = Findings()
    result = boxes_and_masks(QualityInput({"train": rows}, rows, QualityConfig()), findings)
    return result, {one.name: one.value for one in result.measurements}, findings.problems()


def test_boxes_are_counted_by_image_size_and_class(tmp_path):
    path = table(tmp_path, [
        [[0, 0, 50, 50, "a"], [0, 0, 31, 33, "b"], [0, 0, 32, 32, "b", 1], [1, 1, 2, 2, "b"]], [], [[5, 5, 50, 50, "a"]],
        [[5, 5, 9, 9, "a"], [5, 5, 9, 9, "a"]],
    ])  # fmt: skip
    result, found, problems = measured(path, "boxes")
    assert found["mean_boxes_per_image"] == 7 / 4
    assert found["empty_image_share"] == 1 / 4
    assert found["small_box_share"] == 4 / 7  # 31 by 33 is one pixel less than COCO's 32 by 32
    assert found["crowd_box_share"] == 1 / 7
    assert result.details["train"]["boxes_by_class"] == {"a": 4, "b": 3}
    assert [(item.kind, item.count, item.rows) for item in problems] == [
        ("repeated_boxes", 1, (f"{path}:4 (record 4)",))
    ]


def test_images_without_any_box_have_no_shares_of_boxes(tmp_path):
    _, found, _ = measured(table(tmp_path, [[], []]), "boxes")
    assert found["small_box_share"] is None
    assert found["empty_image_share"] == 1


def test_pixels_are_counted_by_class(tmp_path):
    lines = []
    for number, mask in enumerate(([[0, 0, 1, 9]], [[0, 2, 9, 9]])):
        picture(tmp_path / f"{number}.png", 4, 1, seed=number)
        values(tmp_path / f"m{number}.png", mask)
        lines.append(json.dumps({"image": f"{number}.png", "label": f"m{number}.png"}))
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(lines))
    result, found, _ = measured(path, "mask", ignore_labels=("9",), labels={"2": "1"})
    assert found["void_pixel_share"] == pytest.approx(3 / 8)
    assert found["rarest_class_pixel_share"] == pytest.approx(2 / 8)
    assert result.details["train"]["pixel_share_by_class"] == {"0": 3 / 8, "1": 2 / 8}


def test_other_labels_are_not_its_matter(tmp_path):
    rows, _ = load(table(tmp_path, ["a", "b"]), "class")
    result = boxes_and_masks(QualityInput({"train": rows}, rows, QualityConfig()), Findings())
    assert (result.status, result.measurements) == ("not_applicable", ())


def test_the_page_of_the_report_shows_them(tmp_path):
    path = table(tmp_path, [[[0, 0, 50, 50, "wheel <b>"]], []])
    given = DataConfig(train=(str(path),), quality=QualityConfig(checks=("annotations",)))
    text = make_page(check_path(given, kind="boxes", inputs="image").document())
    assert "Boxes and masks" in text
    assert '<tr><td>wheel &lt;b&gt;</td><td class="n">1</td></tr>' in text
    values(tmp_path / "m.png", [[0, 0, 0, 1] * 25] * 80)
    path.write_text('{"image": "0.png", "label": "m.png"}')
    text = make_page(check_path(given, kind="mask", inputs="image").document())
    assert '<tr><td>0</td><td class="n">0.7500</td></tr>' in text


def test_the_page_says_nothing_of_them_where_they_were_not_looked_at(tmp_path):
    path = table(tmp_path, ["a", "b"])
    given = DataConfig(train=(str(path),), quality=QualityConfig(checks=("annotations",)))
    assert "Boxes and masks" not in make_page(check_path(given, inputs="image").document())
