"""Figures of boxes are COCO's, do not depend on the order of images, have intervals, and stand beside typical boxes."""

from __future__ import annotations

import contextlib
import io
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.evaluation.boxes import ScoredBoxes
from lextune.evaluation.evaluate import compare, evaluate, measure
from lextune.evaluation.kinds import Resampling, TrainingInputs, kinds
from lextune.evaluation.matching import match
from lextune.images import ImageInput
from lextune.labels import Box, read_boxes
from lextune.records import Measurement, Predictions
from lextune.tasks.vision.found import ScoredBox

TYPES = ("car", "cat", "cow")
DRAWS = Resampling(200, 0)
KIND = kinds.get("boxes")
ALL = tuple(KIND.metrics.names())
FILE = Predictions(path="p", sha256="0" * 64, split="test", rows=4, classes=TYPES)
Found = tuple[ScoredBox, ...]


def scored(
    labels: Sequence[Sequence[Box]],
    found: Sequence[Found | None],
    groups: dict[str, list[str | None]] | None = None,
) -> ScoredBoxes:
    ids = tuple(f"r{row}" for row in range(len(labels)))
    return ScoredBoxes(ids, [tuple(one) for one in labels], found, TYPES, groups or {})


def figures(answers: ScoredBoxes, *names: str) -> dict[str, Measurement]:
    return {one.name: one for one in measure(answers, names or ALL, DRAWS)}


def made(seed: int, images: int = 12, crowds: float = 0.2) -> tuple[list[list[Box]], list[Found]]:
    """Labels, and boxes near some of them and elsewhere, all scores different."""
    rng = np.random.default_rng(seed)
    labels: list[list[Box]] = []
    found: list[Found] = []
    for _ in range(images):
        boxes: list[Box] = []
        for _ in range(rng.integers(0, 6)):
            corner, size = rng.uniform(0, 60, 2), rng.uniform(10, 40, 2)
            kind = TYPES[rng.integers(0, 2)]  # no cow is labelled
            boxes.append(Box(*corner, *(corner + size), kind, bool(rng.random() < crowds)))
        given: list[ScoredBox] = []
        for _ in range(rng.integers(0, 14)):
            corners = np.concatenate([rng.uniform(0, 50, 2), rng.uniform(60, 100, 2)])
            kind = TYPES[rng.integers(0, 3)]
            if boxes and rng.random() < 0.8:
                near = boxes[rng.integers(len(boxes))]
                corners, kind = (
                    np.array(near[:4]) + rng.normal(0, rng.choice([0, 2, 5]), 4),
                    near.type,
                )
            if (corners[:2] < corners[2:]).all():
                given.append(ScoredBox(*corners.tolist(), kind, float(rng.random())))
        labels.append(boxes)
        found.append(tuple(given))
    return labels, found


def pycocotools(labels: Sequence[Sequence[Box]], found: Sequence[Found]) -> Any:
    """Its evaluation, accumulated, over all areas and 100 boxes."""
    coco = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    truth = coco.COCO()
    truth.dataset = {
        "images": [{"id": image + 1} for image in range(len(labels))],
        "categories": [{"id": place + 1, "name": name} for place, name in enumerate(TYPES)],
        "annotations": [
            {
                "image_id": image + 1, "category_id": TYPES.index(box.type) + 1, "iscrowd": int(box.crowd),
                "bbox": [box.x1, box.y1, box.x2 - box.x1, box.y2 - box.y1],
                "area": (box.x2 - box.x1) * (box.y2 - box.y1),
            }
            for image, boxes in enumerate(labels) for box in boxes
        ],
    }  # fmt: skip
    for place, one in enumerate(truth.dataset["annotations"], 1):
        one["id"] = place
    results = [
        {
            "image_id": image + 1, "category_id": TYPES.index(box.type) + 1, "score": box.score,
            "bbox": [box.x1, box.y1, box.x2 - box.x1, box.y2 - box.y1],
        }
        for image, boxes in enumerate(found) for box in boxes
    ]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        done = evaluation.COCOeval(truth, truth.loadRes(results), "bbox")
        done.params.areaRng, done.params.areaRngLbl, done.params.maxDets = (
            [[0, 1e10]],
            ["all"],
            [100],
        )
        done.evaluate()
        done.accumulate()
    return done


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_the_figures_are_those_of_pycocotools(seed: int) -> None:
    labels, found = made(seed)
    if not any(found):
        return
    oracle = pycocotools(labels, found)
    precision = oracle.eval["precision"][:, :, :, 0, 0].mean(axis=1)  # (overlaps, types)
    recall = oracle.eval["recall"][:, :, 0, 0]
    mine = scored(labels, found).figures
    for ours, theirs in zip(mine, (precision, recall), strict=True):
        np.testing.assert_allclose(np.where(np.isnan(ours), -1, ours), theirs, atol=1e-12)


def test_a_draw_is_the_figure_of_the_images_drawn() -> None:
    """The fast sums over draws are what the images themselves give, taken as often as they were drawn."""
    labels, found = made(3)
    draw = np.random.default_rng(0).multinomial(12, np.full(12, 1 / 12), size=5)
    drawn = scored(labels, found).matches.figures(draw)
    for row in range(5):
        rows = np.repeat(np.arange(12), draw[row]).tolist()
        alone = scored([labels[i] for i in rows], [found[i] for i in rows]).figures
        for ours, theirs in zip(drawn, alone, strict=True):
            np.testing.assert_allclose(ours[row], theirs, atol=1e-12)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.randoms())
def test_the_order_of_images_and_boxes_is_nothing(seed: int, random: Any) -> None:
    labels, found = made(seed)
    found = [tuple(one._replace(score=round(one.score, 1)) for one in boxes) for boxes in found]
    rows = list(range(len(labels)))
    random.shuffle(rows)
    turned = [tuple(random.sample(found[row], len(found[row]))) for row in rows]
    first, second = scored(labels, found), scored([labels[row] for row in rows], turned)
    for one, two in zip(first.figures, second.figures, strict=True):
        np.testing.assert_allclose(one, two)


BOX = (10.0, 10.0, 30.0, 30.0)


@pytest.mark.parametrize("turned", [False, True])
def test_equal_scores_enter_together(turned: bool) -> None:
    """Lightning-AI/torchmetrics#1774: pycocotools says 0.5 or 1.0, by the order of the pictures."""
    labels = [[Box(*BOX, "cat")], []][:: -1 if turned else 1]
    answers = scored(labels, [(ScoredBox(*BOX, "cat", 0.9),)] * 2)
    found = figures(answers)
    assert found["mean_average_precision"].value == 0.5
    assert found["mean_average_precision_50"].value == 0.5


def test_the_first_annotation_can_be_matched() -> None:
    """roboflow/supervision#1895: an annotation with the id 0 counted as no match."""
    found = figures(scored([[Box(*BOX, "car")]], [(ScoredBox(*BOX, "car", 0.9),)]))
    assert found["mean_average_precision"].value == 1.0
    assert found["mean_average_recall_100"].value == 1.0


def test_a_type_that_is_not_labelled_is_undefined_and_no_failure() -> None:
    labels = [[Box(*BOX, "car")]] * 6
    found = [(ScoredBox(*BOX, "car", 0.9), ScoredBox(*BOX, "cow", 0.9))] * 6
    evaluation = evaluate(scored(labels, found), FILE, ALL, DRAWS)
    values = {one.name: one for one in evaluation.measurements}
    assert values["average_precision.cow"].value is None
    assert values["average_precision.cow"].n == 0
    assert values["mean_average_precision"].value == 1.0
    assert values["failed_metrics"].value == 0


def test_without_any_object_nothing_is_measured() -> None:
    found = figures(scored([[], []], [(ScoredBox(*BOX, "car", 0.9),), ()]))
    assert found["mean_average_precision_50"].value is None
    assert found["mean_average_precision_50"].interval is None
    assert found["average_precision_50.car"].n == 0


def test_finding_nothing_is_0_not_undefined() -> None:
    found = figures(scored([[Box(*BOX, "car")]] * 4, [()] * 4))
    assert found["mean_average_precision_50"].value == 0.0
    assert found["mean_average_precision_50"].interval is not None
    assert found["average_precision_50.car"].value == 0.0


def test_boxes_of_another_type_match_nothing() -> None:
    found = figures(scored([[Box(*BOX, "car")]] * 4, [(ScoredBox(*BOX, "cow", 0.9),)] * 4))
    assert found["mean_average_precision_50"].value == 0.0
    assert found["detection_calibration_error"].value == pytest.approx(0.9)


def test_a_box_on_a_crowd_counts_neither_way() -> None:
    labels = [[Box(*BOX, "car"), Box(40, 40, 90, 90, "car", True)]]
    found = [(ScoredBox(*BOX, "car", 0.8), ScoredBox(50, 50, 60, 60, "car", 0.9))]
    one = figures(scored(labels, found))
    assert one["average_precision_50.car"].value == 1.0
    assert one["average_precision_50.car"].n == 1
    assert one["detection_calibration_error"].n == 1
    assert one["detection_calibration_error"].value == pytest.approx(0.2)


def test_only_the_100_boxes_of_the_highest_scores_count() -> None:
    far = [ScoredBox(50, 50, 60, 60, "car", 0.9 - i / 1000) for i in range(100)]
    found = figures(scored([[Box(*BOX, "car")]], [(*far, ScoredBox(*BOX, "car", 0.5))]))
    assert found["mean_average_recall_100"].value == 0.0
    found = figures(scored([[Box(*BOX, "car")]], [(*far[1:], ScoredBox(*BOX, "car", 0.5))]))
    assert found["mean_average_recall_100"].value == 1.0


def test_an_image_that_was_not_answered_is_not_evaluated() -> None:
    labels, _ = made(1, images=4)
    nan = (ScoredBox(*BOX, "car", math.nan),)
    answers = scored(labels, [None, nan, (), ()])
    assert answers.finite.tolist() == [False, False, True, True]
    values = {one.name: one for one in evaluate(answers, FILE, ALL, DRAWS).measurements}
    assert values["evaluated_share"].value == 0.5
    assert values["mean_average_precision"].n == 2
    assert answers.columns()["prediction"] == [None, None, "[]", "[]"]


def test_intervals_hold_the_figure_and_never_collapse() -> None:
    labels, found = made(7, images=40)
    for one in figures(scored(labels, found)).values():
        if one.n:
            assert one.value is not None
            assert one.interval is not None
            assert one.interval.low <= one.value <= one.interval.high
    perfect = figures(scored([[Box(*BOX, "car")]] * 50, [(ScoredBox(*BOX, "car", 1.0),)] * 50))
    interval = perfect["mean_average_precision_50"].interval
    assert interval is not None
    assert 0.9 < interval.low < 0.95  # Wilson's of 50 out of 50
    assert interval.high == 1.0


def test_the_calibration_error_is_that_of_the_boxes() -> None:
    labels, found = made(11, images=30, crowds=0)
    answers = scored(labels, found)
    matches = answers.matches
    from lextune import statistics

    expected = statistics.expected_calibration_error(matches.score, matches.right[0])
    one = figures(answers)["detection_calibration_error"]
    assert one.value == pytest.approx(expected)
    assert one.n == sum(len(boxes) for boxes in found)


def test_groups_are_measured_each_and_images_without_one_counted() -> None:
    labels, found = made(5, images=6)
    labels = [[*boxes, Box(*BOX, "car")] for boxes in labels]
    answers = scored(labels, found, {"site": ["a", "a", "b", "b", None, "a"]})
    shown = [one for one in measure(answers, ALL[:1], DRAWS) if one.group]
    assert [(one.group, one.n) for one in shown] == [("site=a", 3), ("site=b", 2)]
    alone = figures(answers.keep(np.array([False, False, True, True, False, False])))
    assert shown[1].value == alone["mean_average_precision_50"].value
    without = figures(answers)["rows_without_site"]
    assert without.value == 1


def test_columns_hold_the_cells_and_scores_in_one_order() -> None:
    found = (ScoredBox(20.001, 1, 30, 9, "cat", 0.25), ScoredBox(2, 1, 30, 9, "car", 0.75))
    columns = scored([[Box(*BOX, "car", True)]], [found]).columns()
    assert [read_boxes(one) for one in columns["label"]] == [(Box(*BOX, "car", True),)]
    [cell] = columns["prediction"]
    assert [box[:5] for box in read_boxes(cell)] == [(2, 1, 30, 9, "car"), (20, 1, 30, 9, "cat")]
    assert json.loads(columns["scores"][0]) == [0.75, 0.25]


def test_an_unknown_type_is_an_error() -> None:
    with pytest.raises(KeyError):
        match([[]], [(ScoredBox(*BOX, "dog", 0.5),)], TYPES)


def image(folder: Path, name: str, size: tuple[int, int], orientation: int = 1) -> ImageInput:
    from PIL import Image

    path = folder / name
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", size).save(path, exif=exif)
    return ImageInput(str(path), "0" * 64)


def test_typical_boxes_are_shares_of_the_upright_image(tmp_path: Path) -> None:
    inputs = [image(tmp_path, f"{i}.jpg", (40, 80), 6) for i in range(10)]  # 80 by 40, upright
    labels: list[tuple[Box, ...]] = [(Box(8, 4, 40, 20, "car"),)] * 9
    labels.append((Box(0, 0, 80, 40, "cow", True),))
    train = TrainingInputs(inputs, labels, 10)
    test = [image(tmp_path, "t.png", (800, 100)), inputs[0]]
    [one], [two] = KIND.baselines.get("prior_boxes")(train, test)
    assert one[:4] == pytest.approx((80, 10, 400, 50))
    assert two[:4] == pytest.approx((8, 4, 40, 20))
    assert one.type == "car"
    assert one.score == 0.9


def test_a_model_stands_beside_typical_boxes_with_a_paired_difference(tmp_path: Path) -> None:
    labels, _ = made(2, images=40, crowds=0)
    inputs = [image(tmp_path, f"{i}.png", (100, 100)) for i in range(40)]
    learnt = TrainingInputs(inputs[:20], [tuple(one) for one in labels[:20]], 20)
    rng = np.random.default_rng(0)
    found = [
        tuple(ScoredBox(*box[:4], box.type, float(rng.random())) for box in boxes if rng.random() < 0.9)
        for boxes in labels[20:]
    ]  # fmt: skip
    answers = scored(labels[20:], found)
    evaluation = compare(
        evaluate(answers, FILE, ALL, DRAWS), answers, inputs[20:], learnt, ("prior_boxes",), DRAWS
    )
    values = {one.name: one for one in evaluation.measurements}
    one = values["mean_average_precision_50_minus_prior_boxes"]
    beside = {one.name: one for one in evaluation.baselines["prior_boxes"]}
    assert one.n == 20
    assert one.value is not None
    assert beside["mean_average_precision_50"].value is not None
    model = values["mean_average_precision_50"].value
    assert model is not None
    assert one.value == pytest.approx(model - beside["mean_average_precision_50"].value)
    assert one.interval is not None
    assert 0.3 < one.interval.low < one.value < one.interval.high
    assert "paired" in one.interval.method


def test_a_difference_that_no_draw_changes_still_has_an_interval() -> None:
    labels = [[Box(*BOX, "car")]] * 30
    perfect = scored(labels, [(ScoredBox(*BOX, "car", 0.9),)] * 30)
    nothing = replace(perfect, found=[()] * 30)
    one = KIND.difference(perfect, nothing, "prior_boxes", DRAWS)
    assert one.value == 1.0
    assert one.interval is not None
    assert 0.8 < one.interval.low < 0.9
    assert one.interval.high == 1.0
    assert KIND.difference(perfect, perfect, "itself", DRAWS).value == 0.0
