"""What is drawn has the colours of its classes, lies where it should, and never leaves the picture."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lextune.labels import Box
from lextune.tasks.vision.drawing import (
    colours,
    draw_boxes,
    draw_class,
    draw_mask,
    encoded,
    sized,
)
from lextune.tasks.vision.found import VOID, ScoredBox

CLASSES = ("ant", "bee", "蚂蚁")
GREY = np.full((300, 400, 3), 128, np.uint8)


@given(count=st.integers(0, 254))
@settings(max_examples=20, deadline=None)
def test_no_two_classes_have_one_colour_and_more_classes_change_none(count):
    made = colours(count)
    assert len(set(made)) == len(made) == count
    assert colours(254)[:count] == made


def test_a_box_is_drawn_in_the_colour_of_its_class_at_its_place():
    image = np.asarray(draw_boxes(GREY, [ScoredBox(100, 150, 300, 250, "bee", 0.9)], CLASSES))
    assert image.shape == GREY.shape
    line = tuple(image[200, 100].tolist())
    assert line == colours(3)[1]
    assert np.array_equal(image[160:240, 120:280], GREY[160:240, 120:280])
    assert np.array_equal(image[270:], GREY[270:])
    assert (image[130:150, 100:140] == colours(3)[1]).all(axis=-1).any()  # the field of the name


def test_a_picture_that_is_scaled_has_its_boxes_scaled():
    image = np.asarray(draw_boxes(GREY, [Box(100, 150, 300, 250, "bee")], CLASSES, 200))
    assert image.shape == (150, 200, 3)
    assert tuple(image[100, 50].tolist()) == colours(3)[1]


def test_the_surest_box_lies_on_top():
    boxes = [ScoredBox(50, 50, 200, 200, "ant", 0.9), ScoredBox(50, 50, 200, 200, "bee", 0.4)]
    image = np.asarray(draw_boxes(GREY, boxes, CLASSES))
    assert tuple(image[150, 50].tolist()) == colours(3)[0]


@given(
    corners=st.tuples(*[st.floats(-50, 500)] * 4),
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    name=st.text(min_size=1, max_size=40),
    longest=st.sampled_from([None, 40]),
)
@settings(max_examples=50, deadline=None)
def test_any_box_on_any_picture_is_drawn(corners, height, width, name, longest):
    pixels = np.zeros((height, width, 3), np.uint8)
    x1, y1, x2, y2 = corners
    box = Box(min(x1, x2), min(y1, y2), max(x1, x2) + 1, max(y1, y2) + 1, name, crowd=True)
    image = draw_boxes(pixels, [box], [name], longest)
    assert max(image.size) == (longest or 240)


def test_a_mask_colours_its_pixels_and_leaves_what_is_void():
    values = np.zeros((300, 400), np.uint8)
    values[:, 200:] = 2
    values[200:] = VOID
    image = np.asarray(draw_mask(GREY, values, CLASSES, legend=False)).astype(int)
    assert image.shape == GREY.shape
    for place, number in ((100, 0), (300, 2)):
        expected = np.array(colours(3)[number]) * 0.55 + 128 * 0.45
        assert np.abs(image[100, place] - expected).max() <= 1
    assert (image[250, 100] == 128).all()
    assert (image[100, 200] > image[100, 210]).all()  # a light line where a class ends


def test_the_legend_names_the_classes_that_occur_and_grows_with_them():
    values = np.zeros((300, 400), np.uint8)
    one = draw_mask(GREY, values, CLASSES)
    many = tuple(f"a class with a long name {number}" for number in range(9))
    values[:180] = np.repeat(np.arange(9), 20)[:, None]
    nine = draw_mask(GREY, values, many)
    assert 300 < one.height < nine.height
    below = np.asarray(nine)[300:]
    for colour in colours(9):
        assert (below == colour).all(axis=-1).any()


def test_a_mask_of_a_large_picture_is_scaled_without_new_classes():
    values = np.zeros((300, 400), np.uint8)
    values[:, 200:] = 2
    image = np.asarray(draw_mask(np.zeros_like(GREY), values, CLASSES, 100, legend=False))
    assert image.shape == (75, 100, 3)
    inside = image[10:60, [10, 90]].reshape(-1, 3)
    assert {tuple(one) for one in inside.tolist()} == {
        tuple(int(channel * np.float32(0.55)) for channel in colours(3)[number]) for number in (0, 2)
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["ant 0.97", "蚂蚁 0.50", "a name that is longer than the picture" * 9]
)
def test_words_stand_on_the_colour_of_the_class(text):
    image = np.asarray(draw_class(GREY, text, (0, 158, 115)))
    assert tuple(image[0, 0].tolist()) == (0, 158, 115)
    assert np.array_equal(image[100:], GREY[100:])


def test_small_pictures_are_enlarged_and_large_ones_are_not():
    assert sized(np.zeros((8, 16, 3), np.uint8), None)[0].size == (240, 120)
    image, scale = sized(GREY, None)
    assert (image.size, scale) == ((400, 300), 1.0)


def test_drawing_does_not_change_the_picture():
    before = GREY.copy()
    draw_boxes(GREY, [Box(1, 1, 9, 9, "ant")], CLASSES)
    draw_class(GREY, "ant", (1, 2, 3))
    assert np.array_equal(GREY, before)


@pytest.mark.parametrize(("suffix", "kind"), [(".jpg", "JPEG"), (".png", "PNG")])
def test_nothing_but_pixels_is_written(suffix, kind):
    image = Image.fromarray(GREY)
    exif = Image.Exif()
    exif[0x010E] = "secret"
    image.info["exif"] = exif.tobytes()
    image.info["comment"] = b"secret"
    data = encoded(image, suffix)
    assert Image.open(io.BytesIO(data)).format == kind
    assert b"secret" not in data
