"""Figures of masks are those of all pixels, void ones leave both sets, and nothing of an image is kept but counts."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune import statistics
from lextune.evaluation.evaluate import compare, evaluate, measure
from lextune.evaluation.kinds import Resampling, TrainingInputs, kinds
from lextune.evaluation.masks import (
    GRID,
    MaskSummary,
    ScoredMasks,
    in_classes,
    layout,
    summarise,
)
from lextune.labels import Mask
from lextune.records import Measurement, Predictions
from lextune.tasks.vision.found import VOID, FoundMask

CLASSES = ("sky", "road", "car", "tree")
DRAWS = Resampling(200, 0)
KIND = kinds.get("mask")
ALL = tuple(KIND.metrics.names())
FILE = Predictions(path="p", sha256="0" * 64, split="test", rows=4, classes=CLASSES)
Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def said(values: Any, sure: Any = 255) -> FoundMask:
    array = np.array(values, np.uint8)
    certainty = np.broadcast_to(np.array(sure, np.uint8), array.shape)
    return FoundMask(array, float(certainty.mean()) / 255, certainty)


def scored(
    truths: Sequence[Pixels],
    found: Sequence[FoundMask],
    groups: dict[str, list[str | None]] | None = None,
) -> ScoredMasks:
    size = len(CLASSES)
    return ScoredMasks(
        tuple(f"r{row}" for row in range(len(truths))),
        [layout(one, size) for one in truths],
        [summarise(one, truth, size) for one, truth in zip(found, truths, strict=True)],
        CLASSES, groups or {},
    )  # fmt: skip


def figures(answers: ScoredMasks, *names: str) -> dict[str, Measurement]:
    return {one.name: one for one in measure(answers, names or ALL, DRAWS)}


def made(seed: int, images: int = 8, wrong: float = 0.3) -> tuple[list[Pixels], list[FoundMask]]:
    """Truth with void pixels of three of four classes, and what is said of it."""
    rng = np.random.default_rng(seed)
    truths, found = [], []
    for _ in range(images):
        shape = rng.integers(3, 20, 2)
        truth = rng.choice([0, 1, 2, VOID], shape, p=[0.5, 0.3, 0.1, 0.1]).astype(np.uint8)
        given = np.where(rng.random(shape) < wrong, rng.integers(0, 3, shape), truth)
        truths.append(truth)
        found.append(said(np.where(given == VOID, 0, given), rng.integers(80, 256, shape)))
    return truths, found


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6))
def test_the_figures_are_those_of_scikit_learn(seed: int) -> None:
    from sklearn.metrics import accuracy_score, f1_score, jaccard_score

    truths, found = made(seed)
    true = np.concatenate([one.ravel() for one in truths])
    given_ = np.concatenate([one.values.ravel() for one in found])
    true, given_ = true[true != VOID], given_[true != VOID]
    seen = sorted({*true.tolist(), *given_.tolist()})
    mine = figures(scored(truths, found))
    each = jaccard_score(true, given_, average=None, labels=seen)
    for kind, value in zip(seen, each, strict=True):
        assert mine[f"iou.{CLASSES[kind]}"].value == pytest.approx(value)
    assert mine["mean_iou"].value == pytest.approx(each.mean())
    f1 = f1_score(true, given_, average="macro", labels=seen)
    assert mine["mean_dice"].value == pytest.approx(f1)
    assert mine["pixel_accuracy"].value == pytest.approx(accuracy_score(true, given_))


def test_iou_is_no_recall() -> None:
    """huggingface/evaluate#421: gold right half, predicted lower half."""
    truth, given_ = np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8)
    truth[:, 2:], given_[2:] = 1, 1
    answers = scored([truth], [said(given_)])
    assert figures(answers)["iou.road"].value == pytest.approx(4 / 12)
    right, labelled, _ = answers.counts[0, 1]
    assert right / labelled == 0.5


def test_void_pixels_leave_both_sets() -> None:
    truth = np.array([[0, 0, VOID, VOID], [1, 1, VOID, VOID]], np.uint8)
    given_ = said([[0, 0, 2, 1], [1, 1, 2, 0]])
    found = figures(scored([truth], [given_]))
    assert found["iou.sky"].value == 1.0
    assert found["iou.road"].value == 1.0
    assert found["iou.car"].value is None
    assert found["pixel_accuracy"].value == 1.0
    assert found["expected_calibration_error"].value == 0.0


def test_a_class_nowhere_is_left_out_and_one_on_one_side_counts_0() -> None:
    truth = np.array([[0, 0], [1, 1]], np.uint8)
    answers = scored([truth] * 12, [said([[0, 0], [2, 2]])] * 12)
    found = {one.name: one for one in evaluate(answers, FILE, ALL, DRAWS).measurements}
    assert found["iou.sky"].value == 1.0
    assert found["iou.road"].value == 0.0
    assert found["iou.car"].value == 0.0
    assert found["iou.tree"].value is None
    assert [found[f"iou.{name}"].n for name in CLASSES] == [12, 12, 12, 0]
    assert found["mean_iou"].value == pytest.approx(1 / 3)


def test_a_class_that_is_never_given_is_no_failed_metric() -> None:
    truths, found = made(0, images=15)
    truths = [np.where(one == 2, 3, one).astype(np.uint8) for one in truths]
    values = {one.name: one for one in evaluate(scored(truths, found), FILE, ALL, DRAWS).measurements}  # fmt: skip
    assert values["iou.tree"].value == 0.0
    interval = values["iou.tree"].interval
    assert interval is not None
    assert interval.low == 0.0
    assert 0.1 < interval.high < 0.4  # as many trials as images
    assert values["failed_metrics"].value == 0


def test_void_alone_measures_nothing() -> None:
    truth = np.full((5, 5), VOID, np.uint8)
    values = {one.name: one for one in evaluate(scored([truth], [said(truth * 0)]), FILE, ALL, DRAWS).measurements}  # fmt: skip
    assert values["mean_iou"].value is None
    assert values["pixel_accuracy"].value is None
    assert values["failed_metrics"].value is None


def test_a_draw_is_the_figure_of_the_images_drawn() -> None:
    from lextune.evaluation import resampling

    truths, found = made(4)
    answers = scored(truths, found)
    draw = resampling.draws(8, Resampling(5, 3))
    from lextune.evaluation.masks import overlap

    for row in draw:
        rows = np.repeat(np.arange(8), row).tolist()
        alone = figures(scored([truths[i] for i in rows], [found[i] for i in rows]), "mean_iou")
        ours = np.nanmean(overlap(np.tensordot(row, answers.counts, 1)))
        assert alone["mean_iou"].value == pytest.approx(ours)


def test_intervals_hold_the_figure() -> None:
    truths, found = made(9, images=25)
    for one in figures(scored(truths, found)).values():
        if one.n:
            assert one.value is not None
            assert one.interval is not None
            assert one.interval.low <= one.value <= one.interval.high


def test_the_calibration_error_is_that_of_the_pixels() -> None:
    truths, found = made(5)
    known = [one != VOID for one in truths]
    certain = [one.certainty for one in found if one.certainty is not None]
    sure = np.concatenate([one[some] for one, some in zip(certain, known, strict=True)]) / 255
    right = np.concatenate(
        [(one.values == truth)[truth != VOID] for one, truth in zip(found, truths, strict=True)]
    )
    # An edge of a bin is a 255th too: a hair more keeps floats on its upper side.
    expected = statistics.expected_calibration_error(sure + 1e-12 * (sure < 1), right)
    value = figures(scored(truths, found))["expected_calibration_error"].value
    assert value == pytest.approx(expected)


def test_an_image_that_was_not_answered_is_not_evaluated() -> None:
    truths, found = made(1, images=3)
    found[1] = found[1]._replace(confidence=math.nan)
    answers = scored(truths, found)
    assert answers.finite.tolist() == [True, False, True]
    values = {one.name: one for one in evaluate(answers, FILE, ALL, DRAWS).measurements}
    assert values["evaluated_share"].value == pytest.approx(2 / 3)
    assert values["mean_iou"].n == 2
    columns = answers.columns()
    assert columns["prediction"][1] is None
    assert columns["confidence"][1] is None
    assert sum(json.loads(columns["label"][1]).values()) == int((truths[1] != VOID).sum())


def test_columns_hold_counts_that_give_the_overlap_again() -> None:
    truths, found = made(2)
    answers = scored(truths, found)
    columns = answers.columns()
    sums = {
        name: {kind: sum(json.loads(cell).get(kind, 0) for cell in columns[name]) for kind in CLASSES}
        for name in ("label", "prediction", "right")
    }  # fmt: skip
    for kind in CLASSES[:3]:
        union = sums["label"][kind] + sums["prediction"][kind] - sums["right"][kind]
        value = figures(answers)[f"iou.{kind}"].value
        assert value == pytest.approx(sums["right"][kind] / union)


@pytest.mark.parametrize(
    ("found", "truth"),
    [
        (said([[0, 0]]), np.zeros((2, 1), np.uint8)),
        (said([[0, 9]]), np.zeros((1, 2), np.uint8)),
        (said([[0, 0]]), np.full((1, 2), 9, np.uint8)),
        (said([[0, 0]])._replace(certainty=None), np.zeros((1, 2), np.uint8)),
    ],
)
def test_what_does_not_fit_together_is_an_error(found: FoundMask, truth: Pixels) -> None:
    with pytest.raises(ValueError, match=r"shape|no class"):
        summarise(found, truth, len(CLASSES))


def test_values_of_a_mask_become_the_models_numbers() -> None:
    mask = Mask("0" * 64, (2, 2), {"0": "road", "4": "sky", "9": "road"})
    given_ = np.array([[0, 1], [2, VOID]], np.uint8)
    assert in_classes(given_, mask, CLASSES).tolist() == [[1, 0], [1, VOID]]
    with pytest.raises(ValueError, match="not among"):
        in_classes(given_, mask._replace(classes={"0": "boat"}), CLASSES)


@given(st.integers(1, 40), st.integers(1, 40))
def test_a_layout_loses_no_pixel(height: int, width: int) -> None:
    truth = np.random.default_rng(height).integers(0, 5, (height, width)).astype(np.uint8)
    truth[truth == 4] = VOID
    cells = layout(truth, 4)
    assert cells.shape == (GRID * GRID, 4)
    expected = np.bincount(truth.ravel(), minlength=256)[:4]
    np.testing.assert_array_equal(cells.sum(axis=0), expected)


def test_baselines_are_what_they_say_pixel_by_pixel() -> None:
    rng = np.random.default_rng(0)
    truths = [np.zeros((16, 24), np.uint8) for _ in range(20)]
    for one in truths:
        one[int(rng.integers(6, 9)) :] = 1  # road below the sky
        one[:2, :2] = VOID
    answers = scored(truths[10:], [said(one % VOID) for one in truths[10:]])
    learnt = TrainingInputs([None] * 10, [layout(one, 4) for one in truths[:10]], 10)
    evaluation = compare(
        evaluate(answers, FILE, ALL, DRAWS), answers, [None] * 10, learnt, ("majority_class", "mean_layout"), DRAWS
    )  # fmt: skip
    often = figures(scored(truths[10:], [said(np.ones((16, 24)))] * 10))
    beside = {one.name: one for one in evaluation.baselines["majority_class"]}
    assert beside["mean_iou"].value == often["mean_iou"].value
    cells = KIND.baselines.get("mean_layout")(learnt, 4).reshape(GRID, GRID)
    drawn = np.kron(cells, np.ones((2, 3))).astype(np.uint8)
    expected = figures(scored(truths[10:], [said(drawn)] * 10))
    beside = {one.name: one for one in evaluation.baselines["mean_layout"]}
    assert beside["mean_iou"].value == expected["mean_iou"].value
    assert beside["pixel_accuracy"].value == expected["pixel_accuracy"].value
    values = {one.name: one for one in evaluation.measurements}
    for name in ("majority_class", "mean_layout"):
        one = values[f"mean_iou_minus_{name}"]
        assert one.n == 10
        assert one.value is not None
        assert one.interval is not None
        assert 0 < one.interval.low < one.value < one.interval.high


def test_groups_are_measured_each() -> None:
    truths, found = made(6, images=5)
    answers = scored(truths, found, {"site": ["a", "b", "a", None, "b"]})
    shown = [one for one in measure(answers, ("mean_iou",), DRAWS) if one.group]
    assert [(one.group, one.n) for one in shown] == [("site=a", 2), ("site=b", 2)]
    alone = figures(answers.keep(np.array([True, False, True, False, False])), "mean_iou")
    assert shown[0].value == alone["mean_iou"].value
    assert isinstance(answers.found[0], MaskSummary)
    assert answers.confusion.sum() == sum(int((one != VOID).sum()) for one in truths)
