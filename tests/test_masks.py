"""Mask files as numbers: turned like images, refused when they changed, written and read back."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from lextune.images import UnfitImageError
from lextune.labels import Mask
from lextune.masks import VOID, load_mask, read_pixels, turned, write_indexed


def label(data, size, classes, orientation=1):
    return Mask(hashlib.sha256(data).hexdigest(), size, classes, orientation)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_arrays_turn_as_pillow_turns_images(orientation):
    pixels = np.arange(15, dtype=np.uint8).reshape(3, 5)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", exif=exif)
    image = ImageOps.exif_transpose(Image.open(stream))
    np.testing.assert_array_equal(turned(pixels, orientation), np.asarray(image))
    assert read_pixels(stream.getvalue()).orientation == orientation


@given(st.lists(st.lists(st.integers(0, 65535), min_size=3, max_size=3), min_size=1, max_size=4))
def test_what_was_written_is_read(rows):
    values = np.array(rows)
    pixels = read_pixels(write_indexed(values))
    np.testing.assert_array_equal(pixels.values, values)
    assert pixels.names() == tuple(str(value) for value in np.unique(values))
    assert not pixels.coloured


def test_class_numbers_are_places_in_the_label():
    data = write_indexed(np.array([[0, 7], [300, 9]]))
    found = load_mask(data, label(data, (2, 2), {"300": "a", "0": "b", "7": "c"}))
    assert found.tolist() == [[1, 2], [0, VOID]]
    assert found.dtype == np.uint8
    small = write_indexed(np.array([[0, 7], [3, 9]]))
    found = load_mask(small, label(small, (2, 2), {"3": "a", "0": "b", "7": "c", "800": "d"}))
    assert found.tolist() == [[1, 2], [0, VOID]]


def test_a_mask_without_classes_is_void():
    for data in (write_indexed(np.array([[0, 700]])), write_indexed(np.array([[0, 7]]))):
        assert load_mask(data, label(data, (2, 1), {})).tolist() == [[VOID, VOID]]


def test_another_file_or_size_than_the_label_says_is_refused():
    data = write_indexed(np.array([[0, 7]]))
    with pytest.raises(UnfitImageError):
        load_mask(data + b" ", label(data, (2, 1), {"0": "a"}))
    with pytest.raises(UnfitImageError):
        load_mask(data, label(data, (1, 2), {"0": "a"}))
    assert load_mask(data, label(data, (1, 2), {"0": "a"}, 6)).shape == (2, 1)


def test_an_indexed_file_has_colours_to_look_at():
    image = Image.open(io.BytesIO(write_indexed(np.array([[0, 1, 2]]))))
    assert image.mode == "P"
    assert image.convert("RGB").getpixel((1, 0)) == (128, 0, 0)
    assert image.convert("RGB").getpixel((2, 0)) == (0, 128, 0)
