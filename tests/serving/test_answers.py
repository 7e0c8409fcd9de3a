"""Answers say what was found and no more, in the shapes that others know."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lextune.serving.answers import boxes_answer, class_answers, mask_answer
from lextune.tasks.vision.drawing import colours
from lextune.tasks.vision.found import FoundMask, ScoredBox

CLASSES = ("field", "lake", "road")


def test_boxes_have_the_shape_of_hugging_face_and_the_surest_is_first():
    found = (
        ScoredBox(1.006, 2, 30, 40, "cell", 0.6),
        ScoredBox(0, 0, 5, 5, "cell", 0.3),
        ScoredBox(5, 5, 9, 9, "plate", 0.9),
    )
    answer = boxes_answer(found, 0.5)
    assert answer.model_dump()["boxes"] == (
        {"score": 0.9, "label": "plate", "box": {"xmin": 5, "ymin": 5, "xmax": 9, "ymax": 9}},
        {"score": 0.6, "label": "cell", "box": {"xmin": 1.01, "ymin": 2, "xmax": 30, "ymax": 40}},
    )


@given(scores=st.lists(st.floats(0, 1), max_size=8), threshold=st.floats(0, 1))
def test_boxes_below_the_threshold_are_not_shown(scores, threshold):
    found = [ScoredBox(0, 0, 1, 1, "cell", one) for one in scores]
    shown = [one.score for one in boxes_answer(found, threshold).boxes]
    assert shown == sorted((one for one in scores if one >= threshold), reverse=True)


def test_the_first_of_equal_classes_is_the_label():
    (one,) = class_answers(("a", "b"), [[0.5, 0.5]])
    assert one.label == "a"
    (several,) = class_answers(("a", "b"), [[0.5, 0.4]], 0.5)
    assert several.labels == ("a",)


@given(values=st.lists(st.lists(st.integers(0, 2), min_size=4, max_size=4), min_size=1, max_size=5))
def test_the_picture_of_a_mask_holds_its_classes_in_their_colours(values):
    values = np.array(values, np.uint8)
    answer = mask_answer(FoundMask(values, 0.5, np.full_like(values, 51)), CLASSES)
    image = Image.open(io.BytesIO(answer.mask))
    assert image.mode == "P"
    assert np.array_equal(np.asarray(image), values)
    palette = image.getpalette()
    assert [tuple(palette[3 * n : 3 * n + 3]) for n in range(3)] == list(colours(3))
    shares = {one.label: one.share for one in answer.segments}
    assert shares == {
        name: pytest.approx((values == n).mean()) for n, name in enumerate(CLASSES) if (values == n).any()
    }  # fmt: skip
    assert [*shares.values()] == sorted(shares.values(), reverse=True)
    assert all(one.score == pytest.approx(0.2) for one in answer.segments)


def test_a_mask_is_base64_in_json():
    answer = mask_answer(
        FoundMask(np.zeros((2, 3), np.uint8), 1.0, np.full((2, 3), 255, np.uint8)), CLASSES
    )
    document = json.loads(json.dumps(answer.model_dump(mode="json")))
    assert base64.b64decode(document["mask"], validate=True) == answer.mask
    assert document["segments"] == [{"label": "field", "share": 1.0, "score": 1.0}]
    assert str(answer.mask) not in repr(answer)
