"""Images kept as bytes: the same from a file as from memory, none twice, and only those that were checked."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny
from lextune.errors import DataError, VerificationError
from lextune.files import sha256
from lextune.images import ImageInput
from lextune.tasks.mapped import kept_rows, unnamed_rows
from lextune.tasks.vision.pixels import (
    PIXELS_AT_ONCE,
    Pixels,
    encode_images,
    short_side_fit,
)
from lextune.tasks.vision.transform import Transform

TRANSFORM = Transform((32, 32), 1.0, "bicubic", (0.5,) * 3, (0.5,) * 3)


def write(folder: Path, count: int) -> list[ImageInput]:
    found = []
    for number in range(count):
        path = folder / f"{number}.png"
        size = (40 + 7 * number, 36 + 3 * number)
        tiny.draw_image("red", number, size)[0].save(path)
        found.append(ImageInput(str(path), sha256(path.read_bytes())))
    return found


def encode(inputs: object) -> Pixels:
    return encode_images(inputs, TRANSFORM, short_side_fit(32))  # type: ignore[arg-type]


def same(left: Pixels, right: Pixels) -> None:
    assert np.array_equal(left.data, right.data)
    assert np.array_equal(left.shapes, right.shapes)
    assert np.array_equal(left.originals, right.originals)


def test_a_file_holds_what_memory_would(tmp_path: Path) -> None:
    inputs = write(tmp_path, 5)
    whole = encode(inputs)
    assert whole.originals.tolist() == [[36 + 3 * n, 40 + 7 * n] for n in range(5)]
    assert (whole.shapes.min(axis=1) == 32).all()
    blocks = [inputs[:2], inputs[2:4], inputs[4:]]
    done: list[int] = []
    kept = kept_rows(tmp_path / "kept" / "part", encode, blocks, done.append)
    same(kept, whole)
    assert done == [2, 2, 1]
    same(unnamed_rows(encode, blocks, lambda _: None, tmp_path), whole)
    again = kept_rows(
        tmp_path / "kept" / "part", encode, [], done.append
    )  # blocks are not asked for
    same(again, whole)
    assert [again.image(n).shape for n in range(5)] == [
        (*size, 3) for size in whole.shapes.tolist()
    ]


def test_a_small_image_is_kept_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "small.png"
    image, _ = tiny.draw_image("blue", 0, (20, 24))
    image.save(path)
    kept = encode([ImageInput(str(path), sha256(path.read_bytes()))])
    assert np.array_equal(kept.image(0), np.asarray(image))


def test_no_images_are_no_images(tmp_path: Path) -> None:
    assert len(encode([])) == 0
    assert len(unnamed_rows(encode, [], lambda _: None, tmp_path)) == 0


def test_another_file_than_was_checked_is_refused(tmp_path: Path) -> None:
    given_inputs = write(tmp_path, 1)
    tiny.draw_image("green", 9)[0].save(given_inputs[0].file)
    with pytest.raises(VerificationError, match="is not the one that was checked"):
        encode(given_inputs)
    os.unlink(given_inputs[0].file)
    with pytest.raises(DataError, match="cannot be read"):
        encode(given_inputs)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 900), max_size=40), st.integers(1, 16), st.booleans())
def test_batches_hold_every_image_once_and_no_more_pixels_than_fit(
    sides: list[int], batch: int, alike: bool
) -> None:
    shapes = np.array([(side, side) for side in sides], np.int32).reshape(-1, 2)
    transform = Transform((700, 700), 1.0, "bicubic", (0.5,) * 3, (0.5,) * 3)
    kept = Pixels(np.zeros(0, np.uint8), shapes, shapes, transform, alike=alike)
    batches = kept.in_order(batch)
    assert sorted(row for rows in batches for row in rows.tolist()) == list(range(len(sides)))
    for rows in batches:
        most = 700**2 if alike else int(shapes[rows].prod(axis=1).max())
        assert len(rows) <= batch
        assert len(rows) == 1 or most * len(rows) <= PIXELS_AT_ONCE + most
