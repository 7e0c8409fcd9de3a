"""Confusions add up to what was there, and the worst mistakes come first with their place."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lextune.evaluation.boxes import ScoredBoxes
from lextune.evaluation.errors import BACKGROUND, Mistake, confusion, worst
from lextune.evaluation.masks import ScoredMasks, layout, summarise
from lextune.evaluation.predict import Scored
from lextune.evaluation.spans import ScoredSpans
from lextune.labels import Box, Span
from lextune.tasks.vision.found import VOID, FoundMask, ScoredBox

A, B = (10.0, 10.0, 30.0, 30.0), (50.0, 50.0, 90.0, 90.0)
TYPES = ("car", "cat")


def rows(labels: list[int], scores: list[list[float]]) -> Scored:
    ids = tuple(f"r{i}" for i in range(len(labels)))
    return Scored(ids, np.array(labels, np.int64), np.array(scores), ("a", "b", "c"), {})


def test_rows_that_are_wrong_and_sure_come_first() -> None:
    scored = rows(
        [0, 1, 2, 0, 1],
        [[0.9, 0.1, 0.0], [0.6, 0.3, 0.1], [0.98, 0.01, 0.01], [0.2, 0.7, 0.1], [math.nan, 1, 0]],
    )
    found = worst(scored, 2)
    assert [one.id for one in found] == ["r2", "r3"]
    assert found[0] == Mistake("r2", pytest.approx(-math.log(0.01)), "c", "a", 0.98)
    assert len(worst(scored, 9)) == 3
    counts = confusion(scored)
    assert counts is not None
    assert counts.counts.tolist() == [[1, 1, 0], [1, 0, 0], [1, 0, 0]]
    assert counts.unit == "rows"


def boxes(labels: list[list[Box]], found: list[tuple[ScoredBox, ...] | None]) -> ScoredBoxes:
    ids = tuple(f"r{i}" for i in range(len(labels)))
    return ScoredBoxes(ids, [tuple(one) for one in labels], found, TYPES, {})


def test_boxes_are_confused_with_each_other_and_with_the_background() -> None:
    scored = boxes(
        [[Box(*A, "car"), Box(*B, "cat")], [Box(*A, "car")], [], [Box(*A, "car")]],
        [
            (ScoredBox(*A, "car", 0.9), ScoredBox(*B, "car", 0.8)),  # right; a cat taken for a car
            (ScoredBox(*A, "car", 0.4),),  # not sure enough: missed
            (ScoredBox(*B, "cat", 0.7),),  # nothing is there
            None,  # not answered: not counted
        ],
    )
    found = confusion(scored)
    assert found is not None
    assert found.classes == ("car", "cat", BACKGROUND)
    assert found.counts.tolist() == [[1, 0, 1], [1, 0, 0], [0, 1, 0]]
    assert worst(scored, 9) == (
        Mistake("r0", 0.8, "cat", "car", 0.8, B),
        Mistake("r2", 0.7, BACKGROUND, "cat", 0.7, B),
        Mistake("r1", 0.6, "car", BACKGROUND, None, A),
    )


def test_a_second_box_on_an_object_is_of_the_background_and_one_on_a_crowd_is_nothing() -> None:
    scored = boxes(
        [[Box(*A, "car"), Box(40, 40, 100, 100, "cat", True)]],
        [
            (
                ScoredBox(*A, "car", 0.6),
                ScoredBox(10, 10, 30, 28, "car", 0.9),
                ScoredBox(50, 50, 60, 60, "cat", 0.9),
                ScoredBox(50, 50, 60, 60, "car", 0.9),
            )
        ],
    )
    found = confusion(scored)
    assert found is not None
    assert found.counts.tolist() == [[1, 0, 0], [0, 0, 0], [2, 0, 0]]


def test_masks_count_pixels_and_name_the_worst_images() -> None:
    truths = [np.array([[0, 0, 1, VOID]], np.uint8)] * 3
    given = [[[0, 0, 1, 0]], [[0, 1, 1, 1]], [[1, 1, 0, 0]]]
    sure = np.full((1, 4), 255, np.uint8)
    scored = ScoredMasks(
        ("r0", "r1", "r2"),
        [layout(one, 2) for one in truths],
        [
            summarise(FoundMask(np.array(one, np.uint8), 1.0, sure), truth, 2)
            for one, truth in zip(given, truths, strict=True)
        ],
        TYPES,
        {},
    )
    found = confusion(scored)
    assert found is not None
    assert found.counts.tolist() == [[3, 3], [1, 2]]
    assert found.unit == "pixels"
    bad = worst(scored, 9)
    assert [one.id for one in bad] == ["r2", "r1"]
    assert [one.loss for one in bad] == [1.0, 0.5]


def test_other_kinds_have_neither() -> None:
    scored = ScoredSpans(("r0",), [(Span(0, 1, "PER"),)], [()], ("PER",), {})
    assert confusion(scored) is None
    assert worst(scored, 5) == ()
