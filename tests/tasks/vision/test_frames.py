"""Inputs of masks: the same piece of image and mask, no invented class, and answers at the original size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.config_training import AugmentationConfig
from lextune.tasks.vision.augment import Geometry, View, lay
from lextune.tasks.vision.found import VOID
from lextune.tasks.vision.frames import TaughtFrames, class_tables, enlarged, frames, taught
from lextune.tasks.vision.pixels import Pixels
from lextune.tasks.vision.transform import Transform

PLAIN = Transform((32, 32), 0.875, "bilinear", (0.0,) * 3, (1.0,) * 3)


def pixels(
    images: list[np.ndarray], masks: list[np.ndarray], transform: Transform = PLAIN
) -> Pixels:
    shapes = np.array([one.shape[:2] for one in images], np.int32)
    data, values = (np.concatenate([one.ravel() for one in some]) for some in (images, masks))
    return Pixels(data, shapes, shapes, transform, values, alike=False)


def grey(mask: np.ndarray) -> np.ndarray:
    """An image that shows its mask."""
    return np.repeat((mask * 20)[..., None], 3, 2).astype(np.uint8)


def test_a_doubled_mask_of_0_and_7_is_still_0_and_7() -> None:
    mask = np.zeros((4, 4), np.uint8)
    mask[1:3, 1:3] = 7
    doubled = lay(mask, Geometry((0.0, 0.0, 4.0, 4.0), (8, 8)), "nearest")
    assert set(np.unique(doubled)) == {0, 7}
    assert np.array_equal(doubled, np.kron(mask, np.ones((2, 2), np.uint8)))


@settings(deadline=None, max_examples=40)
@given(
    st.integers(4, 40), st.integers(4, 40), st.integers(0, 10**6), st.integers(0, 5),
    st.floats(0.05, 1), st.sampled_from([16, 31, 64]),
)  # fmt: skip
def test_no_crop_of_a_mask_has_a_class_that_the_mask_has_not(
    height, width, seed, epoch, scale, side
) -> None:
    mask = np.random.default_rng(seed).choice([0, 7, 9], (height, width)).astype(np.uint8)
    transform = Transform((side, side), 1.0, "bilinear", (0.0,) * 3, (1.0,) * 3)
    kept = pixels([grey(mask)], [mask], transform)
    seen = TaughtFrames.of(
        kept.seen(View(AugmentationConfig(crop_scale=scale), seed, epoch)), "dice"
    )
    tables = np.arange(256, dtype=np.uint8)[None]
    found = taught(seen, np.array([0]), tables)
    assert found.values.shape == (1, side, side)
    assert found.loss == "dice"
    assert set(found.values.unique().tolist()) <= set(np.unique(mask).tolist())
    assert frames(seen, np.array([0])).pixels.shape == (1, 3, side, side)


def test_image_and_mask_take_the_same_way_in_every_epoch() -> None:
    mask = np.repeat(np.repeat(np.arange(12, dtype=np.uint8).reshape(3, 4), 40, 0), 40, 1)
    kept = pixels([grey(mask)], [mask])
    tables = np.arange(256, dtype=np.uint8)[None]
    flipped = 0
    for epoch in range(20):
        seen = kept.seen(View(AugmentationConfig(crop_scale=0.2, color_jitter=0.0), 3, epoch))
        image = frames(seen, np.array([0])).pixels[0, 0] * 255 / 20
        values = taught(seen, np.array([0]), tables).values[0].float()
        # but at the edges, where bilinear mixes two areas
        assert ((image - values).abs() < 0.6).float().mean() > 0.8
        flipped += int(values[0, 0] > values[0, -1])
        again = taught(seen, np.array([0]), tables).values[0].float()
        assert torch.equal(values, again)
    assert 0 < flipped < 20


def test_prediction_sees_whole_images_padded_to_a_multiple_of_32() -> None:
    masks = [np.full((30, 50), 1, np.uint8), np.full((33, 20), 2, np.uint8)]
    kept = pixels([grey(one) for one in masks], masks)
    rows = np.array([0, 1])
    batch, found = (
        frames(kept, rows),
        taught(kept, rows, np.tile(np.arange(256, dtype=np.uint8), (2, 1))),
    )
    assert batch.pixels.shape == (2, 3, 64, 64)
    assert found.values.shape == (2, 64, 64)
    assert batch.pixels[0].unique().tolist() == pytest.approx([20 / 255])  # the edge goes on
    for row, (height, width) in enumerate([(30, 50), (33, 20)]):
        assert (found.values[row, :height, :width] == row + 1).all()
        assert int((found.values[row] != VOID).sum()) == height * width


def test_values_of_each_mask_become_the_models_numbers() -> None:
    tables = class_tables([("sky", "road"), ("road",), ()], {"road": 0, "sky": 1})
    assert tables[0, :3].tolist() == [1, 0, VOID]
    assert tables[1, :2].tolist() == [0, VOID]
    assert (tables[2] == VOID).all()
    assert tables[:, VOID].tolist() == [VOID] * 3


@settings(deadline=None, max_examples=25)
@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 30),
    st.integers(1, 30),
    st.integers(0, 10**6),
)
def test_answers_at_the_original_size_are_those_of_enlarged_logits(
    height, width, tall, wide, seed
) -> None:
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, height + 2, width + 1, generator=draw) * 4
    found = enlarged(logits, (height, width), (tall, wide))
    large = torch.nn.functional.interpolate(
        logits[None, :, :height, :width], (tall, wide), mode="bilinear", align_corners=False
    )[0].softmax(0)
    best, number = large.max(0)
    near = (large.topk(2, 0).values.diff(dim=0)[0].abs() < 1e-4).numpy()
    assert (near | (found.values == number.numpy())).all()
    assert found.confidence == pytest.approx(float(best.mean()), abs=1e-5)
    assert np.abs(found.certainty.astype(float) / 255 - best.numpy()).max() < 0.003


def test_large_answers_are_made_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(0))
    whole = enlarged(logits, (8, 8), (50, 40))
    monkeypatch.setattr("lextune.tasks.vision.frames._PIECE", 3 * 40 * 7)
    pieces = enlarged(logits, (8, 8), (50, 40))
    assert np.array_equal(whole.values, pieces.values)
    assert np.array_equal(whole.certainty, pieces.certainty)
    assert whole.confidence == pytest.approx(pieces.confidence)


def test_logits_that_are_no_numbers_have_no_confidence() -> None:
    logits = torch.full((2, 4, 4), float("nan"))
    assert np.isnan(enlarged(logits, (4, 4), (4, 4)).confidence)
