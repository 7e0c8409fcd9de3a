"""What training sees of images: decided by seed, epoch and row alone, inside the image, and taught as it is shown."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.config_training import AugmentationConfig
from lextune.tasks.image_classification import ImageClassification
from lextune.tasks.vision.augment import Geometry, Mixing, View, lay, middle_crop
from lextune.tasks.vision.batches import crops, mixed, mixed_targets
from lextune.tasks.vision.pixels import Pixels
from lextune.tasks.vision.transform import Transform

TRANSFORM = Transform((16, 16), 0.875, "bicubic", (0.5,) * 3, (0.5,) * 3)
SIDES = st.integers(1, 300)


def pixels(count: int = 6, view: View | None = None) -> Pixels:
    draw = np.random.default_rng(0)
    shapes = np.array([(18 + n, 20 + n) for n in range(count)], np.int32)
    data = draw.integers(0, 256, int(3 * shapes.prod(axis=1).sum()), np.uint8)
    return Pixels(data, shapes, shapes, TRANSFORM, view=view)


@given(SIDES, SIDES, st.integers(0, 2**32 - 1), st.integers(0, 99), st.floats(0.05, 1))
def test_a_crop_lies_in_the_image_and_is_large_enough(
    height: int, width: int, seed: int, row: int, scale: float
) -> None:
    view = View(AugmentationConfig(crop_scale=scale), seed, 0)
    left, top, right, bottom = view.crop(row, (height, width), (16, 16)).box
    assert -1e-6 <= left < right <= width + 1e-6
    assert -1e-6 <= top < bottom <= height + 1e-6
    whole = middle_crop((height, width), (16, 16), 1.0).box
    least = min(scale * height * width, (whole[2] - whole[0]) * (whole[3] - whole[1]))
    assert (right - left) * (bottom - top) >= least * (1 - 1e-6)
    assert view.crop(row, (height, width), (16, 16)) == View(view.config, seed, 0).crop(
        row, (height, width), (16, 16)
    )


def test_epochs_and_rows_differ_and_the_order_of_asking_does_not_matter() -> None:
    view = View(AugmentationConfig(), 1, 0)
    boxes = [view.crop(row, (40, 40), (16, 16)) for row in range(20)]
    assert len(set(boxes)) == 20
    assert [view.crop(row, (40, 40), (16, 16)) for row in range(19, -1, -1)] == boxes[::-1]
    assert View(view.config, 1, 1).crop(0, (40, 40), (16, 16)) != boxes[0]


@given(SIDES, SIDES, st.floats(0.1, 1))
def test_the_middle_crop_is_in_the_middle(height: int, width: int, share: float) -> None:
    left, top, right, bottom = middle_crop((height, width), (16, 16), share).box
    np.testing.assert_allclose([left + right, top + bottom], [width, height])
    np.testing.assert_allclose([right - left, bottom - top], [share * min(height, width)] * 2)


def test_a_mirror_image_is_one() -> None:
    image = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    same = Geometry((0, 0, 5, 4), (4, 5))
    assert np.array_equal(lay(image, same, "bicubic"), image)
    assert np.array_equal(lay(image, same._replace(flip=True), "bicubic"), image[:, ::-1])


def test_prediction_sees_the_same_whatever_the_batch() -> None:
    kept = pixels()
    whole = crops(kept, np.arange(6)).pixels
    for row in range(6):
        assert torch.equal(crops(kept, np.array([row])).pixels[0], whole[row])
    assert whole.is_contiguous(memory_format=torch.channels_last)
    assert float(whole.min()) >= -1
    assert float(whole.max()) <= 1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.booleans())
def test_blended_images_are_taught_as_they_are_blended(seed: int, cut: bool) -> None:
    config = AugmentationConfig(**({"cutmix_alpha": 1.0} if cut else {"mixup_alpha": 0.4}))
    rows, labels = np.array([3, 0, 5, 1]), np.array([2, 0, 1, 1, 0, 2])
    view = View(config, seed, 2)
    mixing = view.mixing(rows, (16, 16))
    assert mixing is not None
    assert 0 <= mixing.share <= 1
    taught = ImageClassification("x").targets(labels, pixels(view=view), rows)
    assert torch.allclose(taught.sum(1), torch.ones(4))
    own = torch.nn.functional.one_hot(torch.from_numpy(labels[rows]), 3).float()
    assert torch.allclose(
        taught, mixing.share * own + (1 - mixing.share) * own.roll(-1, 0), atol=1e-6
    )
    # images that are all of their own number show the share of each in what is made of them
    flat = torch.arange(4.0)[:, None, None, None].expand(4, 1, 16, 16)
    shown = mixed(flat, mixing).mean((1, 2, 3))
    wanted = mixing.share * torch.arange(4.0) + (1 - mixing.share) * torch.arange(4.0).roll(-1)
    assert torch.allclose(shown, wanted, atol=1e-4)


def test_shares_of_a_blend_are_of_both() -> None:
    found = mixed_targets(torch.tensor([0, 1]), 2, Mixing(0.75, None))
    assert torch.allclose(found, torch.tensor([[0.75, 0.25], [0.25, 0.75]]))
