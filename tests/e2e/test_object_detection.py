"""A detector from COCO's JSON to a release that is verified, loaded and measured again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import lextune
import tiny_detectors
from lextune.cli import main
from lextune.pipeline_evaluation import evaluate_release
from lextune.serving.predictor import load_release

pytestmark = pytest.mark.slow


def _coco(path: Path, images: int, seed: int) -> Path:
    """Pictures with white squares, every fourth without one, and one box without an area."""
    draw = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    entries, annotations = [], []
    for number in range(images):
        side = int(draw.integers(20, 40))
        left, top = int(draw.integers(0, 96 - side)), int(draw.integers(0, 64 - side))
        squares = [] if number % 4 == 3 else [(left, top, side)]
        pixels = tiny_detectors.picture(squares, (96, 64), seed=seed * 1000 + number)
        (path.parent / f"{number}.png").write_bytes(pixels)
        entries.append({"id": number, "file_name": f"{number}.png", "width": 96, "height": 64})
        boxes = [[*square[:2], side, side] for square in squares]
        boxes += [[5, 5, 0, 30]] if number == 0 else []
        for box in boxes:
            one = {
                "id": len(annotations),
                "image_id": number,
                "category_id": 7,
                "bbox": box,
                "area": 1,
                "iscrowd": 0,
            }
            annotations.append(one)
    categories = [{"id": 7, "name": "square"}]
    path.write_text(
        json.dumps({"images": entries, "annotations": annotations, "categories": categories})
    )
    return path


@pytest.mark.parametrize(
    ("files", "changes", "least"),
    [
        (tiny_detectors.backbone, {"epochs": 8, "class_weights": "balanced"}, 0.5),
        (
            tiny_detectors.rt_detr,
            {"epochs": 1},
            0.0,
        ),  # so tiny a one learns nothing in so short a time
    ],
)
def test_from_annotations_to_a_release(files, changes, least, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for name, data in files().items():
        (folder / name).write_bytes(data)
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    train, test = (
        _coco(tmp_path / "a" / "train.json", 48, 1),
        _coco(tmp_path / "b" / "test.json", 30, 2),
    )
    config = {
        "task": "object_detection",
        "model": {"source": str(folder)},
        "data": {
            "train": str(train), "test": str(test), "flat_boxes": "drop", "licence": "CC0-1.0",
            "columns": {"image": "image", "label": "label"}, "split": {"validation": 0.2},
        },
        "train": {
            "batch_size": 4, "learning_rate": 3e-3, "image_size": 64, "precision": "fp32",
            "augmentation": {"crop_scale": 0.8}, **changes,
        },
        "evaluation": {"bootstrap_samples": 200},
        "use": {"purpose": "find squares", "commercial": False, "places": ["EU"]},
        "policy": {"packs": ["licences"]},
        "release": {"name": "squares", "version": "1.0.0"},
    }  # fmt: skip
    run = lextune.run(config, out=tmp_path / "run")
    model = json.loads((tmp_path / "run" / "model" / "lextune.json").read_text())
    assert 0.05 <= float(model["settings"]["score_threshold"]) <= 1
    assert model["settings"]["image_size"] == "64"
    assert run.release is not None, run.blocked
    assert run.metrics["mean_average_precision_50"]["n"] == 30
    assert run.metrics["mean_average_precision_50"]["value"] >= least
    again = evaluate_release(run.release, str(test))
    assert again["metrics"].items() <= run.metrics.items()
    assert "average_precision_50" in (tmp_path / "run" / "report" / "index.html").read_text()
    predictor, pictures = load_release(run.release), sorted((tmp_path / "b").glob("*.png"))
    assert predictor.score_threshold == float(model["settings"]["score_threshold"])
    found = [box for one in predictor.predict(pictures) for box in one.boxes]
    assert all(box.score >= predictor.score_threshold for box in found)
    assert all(0 <= box.box.xmin < box.box.xmax <= 96 and box.box.ymax <= 64 for box in found)
    assert bool(found) >= (least > 0)
    answers = tmp_path / "answers.jsonl"
    assert main(["predict", str(run.release), str(test), "-o", str(answers)]) == 0
    assert len(answers.read_text().splitlines()) == 30
