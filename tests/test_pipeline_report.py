"""The page of a run shows what the answers say, stays out of what is signed, and stops no run."""

from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from lextune import pipeline_report, pipeline_report_audits
from lextune.data.images.probe import probe
from lextune.evaluation.boxes import ScoredBoxes
from lextune.evaluation.evaluate import evaluate
from lextune.evaluation.kinds import Resampling
from lextune.evaluation.masks import ScoredMasks, layout, summarise
from lextune.labels import Box, Mask, write_boxes, write_mask
from lextune.listener import Listener
from lextune.masks import write_indexed
from lextune.models.loading import LoadedModel
from lextune.pipeline_report import REPORT, REPORT_TEXT, write_report
from lextune.records import Predictions
from lextune.tasks.base import tasks
from lextune.tasks.vision.drawing import colours
from lextune.tasks.vision.found import FoundMask, ScoredBox

CLASSES = ("a", "b")
PREDICTIONS = Predictions(path="p", sha256="0" * 64, split="test", rows=2, classes=CLASSES)


class Told(Listener):
    def __init__(self):
        self.lines = []

    def tell(self, text):
        self.lines.append(text)


def pictures(text):
    """The pictures of a page, as arrays."""
    found = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', text)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(one)))) for one in found]


def table(tmp_path, labels, masks=()):
    """Rows of grey pictures as the data room leaves them."""
    import pyarrow as pa

    rows = {"id": [], "image": [], "text": [], "label": [], "mask": []}
    for number, label in enumerate(labels):
        path = tmp_path / "images" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (80, 60), (100 + number, 100, 100)).save(path)
        rows["id"].append(f"r{number}")
        rows["image"].append(str(path))
        rows["text"].append(f"sha256:{probe(path.read_bytes()).sha256}")
        rows["label"].append(label)
        rows["mask"].append(str(masks[number]) if masks else "")
    return pa.table(rows)


def write(tmp_path, task, rows, answers, settings=None):
    evaluation = evaluate(answers, PREDICTIONS, tasks.get(task).metrics, Resampling(200, 0))
    info = {
        "schema": "lextune.model/v1", "task": task, "classes": CLASSES, "settings": settings or {},
    }  # fmt: skip
    told = Told()
    files = {"lextune.json": json.dumps(info).encode()}
    made = write_report(tmp_path, ("x 1", "r"), files, rows, (evaluation, answers), told)
    return made, told.lines


def boxes(tmp_path):
    right = (Box(10, 10, 30, 30, "a"),)
    labels = [right, (*right, Box(40, 10, 70, 50, "b"))]
    found = [
        (ScoredBox(10, 10, 30, 30, "a", 0.9),),
        (ScoredBox(10, 10, 30, 30, "a", 0.8), ScoredBox(5, 35, 30, 55, "b", 0.4)),
    ]
    rows = table(tmp_path, [write_boxes(one) for one in labels])
    return rows, ScoredBoxes(("r0", "r1"), labels, found, CLASSES, {})


def test_a_run_leaves_the_page_outside_what_is_signed(picture_run):
    run = picture_run.folder / "run"
    text = (run / REPORT).read_text()
    assert "colours-1.0.0" in text
    assert "true: forest; given: sea" in text
    assert len(pictures(text)) >= 3
    for part in ("dossier", "release", "model"):
        assert not [path for path in (run / part).rglob("*") if path.name == "index.html"]
    signed = b"".join(path.read_bytes() for path in (run / "dossier" / "statements").iterdir())
    assert b"report/index" not in signed


def test_boxes_of_truth_and_model_stand_side_by_side(tmp_path):
    made, told = write(tmp_path, "object_detection", *boxes(tmp_path))
    assert told == []
    assert made == tmp_path / REPORT
    text = made.read_text()
    assert "missed: b" in text
    assert "nothing is there" not in text  # 0.4 is below the score from which boxes are given
    assert "the object was found" in text
    truth, model, *_ = pictures(text)
    of_b = np.array(colours(2)[1])
    at = (slice(174, 186), slice(232, 248))  # the left side of the missed box, six times as large
    assert truth.shape == model.shape == (360, 480, 3)
    assert (np.abs(truth[at].astype(int) - of_b).sum(-1) < 60).any()
    assert not (np.abs(model[at].astype(int) - of_b).sum(-1) < 60).any()


def test_boxes_are_taken_for_given_from_the_score_of_the_model(tmp_path):
    made, _ = write(
        tmp_path, "object_detection", *boxes(tmp_path), settings={"score_threshold": "0.3500"}
    )
    text = made.read_text()
    assert "nothing is there: b, score 0.40" in text
    assert "from a score of 0.35" in text


def test_masks_are_found_again_and_shown_beside_the_truth(tmp_path, monkeypatch):
    truth = np.zeros((60, 80), np.uint8)
    truth[:, 40:] = 1
    path = tmp_path / "mask.png"
    path.write_bytes(write_indexed(truth))
    cell = write_mask(Mask(probe(path.read_bytes()).sha256, (80, 60), {"0": "a", "1": "b"}))
    rows = table(tmp_path, [cell] * 2, [path] * 2)
    given = FoundMask(np.zeros_like(truth), 0.9, np.full_like(truth, 230))
    summary = summarise(given, truth, 2)
    answers = ScoredMasks(("r0", "r1"), [layout(truth, 2)] * 2, [summary] * 2, CLASSES, {})
    task = tasks.get("semantic_segmentation")
    loaded = LoadedModel(task, None, CLASSES, 0, "fp32", None, {})
    monkeypatch.setattr("lextune.models.loading.load_finished", lambda files: loaded)
    monkeypatch.setattr(type(task), "find", lambda self, *rest: [given])
    made, told = write(tmp_path, "semantic_segmentation", rows, answers)
    assert told == []
    text = made.read_text()
    assert "mean IoU 0.25" in text
    truth_shown, model_shown, *_ = pictures(text)
    right = np.array(colours(2)[1]) * 0.55 + 100 * 0.45
    assert np.abs(truth_shown[100, 200] - right).max() < 12
    assert np.abs(model_shown[100, 200] - right).max() > 30


@pytest.mark.parametrize("change", ["gone", "changed"])
def test_an_image_that_is_not_the_one_that_was_predicted_is_not_shown(tmp_path, change):
    rows, answers = boxes(tmp_path)
    path = tmp_path / "images" / "1.png"
    if change == "gone":
        path.unlink()
    else:
        Image.new("RGB", (80, 60), "red").save(path)
    made, _ = write(tmp_path, "object_detection", rows, answers)
    text = made.read_text()
    assert "The image is not there any more" in text
    assert len(pictures(text)) == 2  # of the other row


def test_without_its_libraries_it_is_told_how_to_install_them(tmp_path, monkeypatch):
    for module in (pipeline_report, pipeline_report_audits):
        monkeypatch.setattr(module, "missing", lambda extra: ["jinja2"])
    made, told = write(tmp_path, "object_detection", *boxes(tmp_path))
    assert made == tmp_path / REPORT_TEXT
    assert "pip install" in told[0]
    assert "average_precision" in made.read_text()
    assert not (tmp_path / REPORT).exists()


def test_what_goes_wrong_with_it_is_told_without_what_it_says(tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("secret")

    (tmp_path / "report").mkdir()
    (tmp_path / REPORT).write_text("of an attempt before")
    monkeypatch.setattr(pipeline_report, "_page", fail)
    made, told = write(tmp_path, "object_detection", *boxes(tmp_path))
    assert (made, told) == (None, ["no report page could be made: RuntimeError"])
    assert not (tmp_path / REPORT).exists()


def test_the_decision_lies_beside_the_report_in_two_languages(picture_run):
    for name, outcome in (("verdict.html", "As of "), ("verdict.zh.html", "截至 ")):
        page = (picture_run.folder / "run" / "report" / name).read_text("utf-8")
        assert outcome in page
        assert "<script src" not in page
