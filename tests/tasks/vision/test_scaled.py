import json

import numpy as np
import pytest

import tiny_detectors
from lextune.config_training import AugmentationConfig
from lextune.errors import ModelError
from lextune.images import ImageInput
from lextune.tasks.vision.augment import View
from lextune.tasks.vision.pixels import encode_images
from lextune.tasks.vision.scaled import (
    Scaling,
    geometry_of,
    of_original,
    padded,
    read_scaling,
    written_preprocessor,
)

_HALF = (0.5,) * 3


def _scaling(**changes):
    values = {
        "size": (32, 32),
        "crop_pct": 1.0,
        "interpolation": "bilinear",
        "mean": _HALF,
        "std": _HALF,
        "longest": 48,
        "multiple": 32,
    }
    return Scaling(**(values | changes))


def _pixels(scaling, *sizes):
    inputs = [ImageInput("", "", data=tiny_detectors.picture([], size)) for size in sizes]
    return encode_images(inputs, scaling, scaling.kept, alike=False)


def test_the_shorter_side_is_set_unless_the_longer_one_would_be_too_long():
    scaling = _scaling()
    assert scaling.scaled((64, 80)) == (32, 40)
    assert scaling.scaled((64, 256)) == (12, 48)
    assert scaling.scaled((8, 10)) == (32, 40)
    assert scaling.kept((8, 10)) == (8, 10)
    assert _scaling(longest=None).scaled((9, 99)) == (32, 32)


def test_a_batch_is_padded_with_the_mean_colour():
    pixels = _pixels(_scaling(), (64, 64), (64, 128), (3, 2))
    batch = padded(pixels, np.arange(3))
    assert batch.sizes == [(32, 32), (48, 24), (32, 48)]
    assert batch.pixels.shape == (3, 3, 64, 64)
    assert not batch.pixels[0, :, 32:].any()
    assert not batch.pixels[1, :, :, 24:].any()
    assert batch.pixels[1, :, :48, :24].any()
    assert not batch.alike


def test_what_training_sees_is_a_function_of_seed_epoch_and_row():
    pixels = _pixels(_scaling(), (64, 64), (64, 128), (30, 20), (50, 50))
    view = View(AugmentationConfig(vertical_flip=0.5), seed=1, epoch=2)
    seen = pixels.seen(view)
    whole, part = padded(seen, np.arange(4)), padded(seen, np.array([2]))
    height, width = part.sizes[0]
    assert np.array_equal(whole.pixels[2, :, :height, :width], part.pixels[0, :, :height, :width])
    other = pixels.seen(View(view.config, seed=1, epoch=3))
    assert [geometry_of(seen, row) for row in range(4)] != [
        geometry_of(other, row) for row in range(4)
    ]


def test_a_geometry_of_the_kept_image_is_told_of_the_original():
    pixels = _pixels(_scaling(), (64, 128))
    assert pixels.shapes.tolist() == [[48, 24]]
    told = of_original(pixels, 0, geometry_of(pixels, 0))
    assert told.box == (0, 0, 64, 128)
    assert told.size == (48, 24)


@pytest.mark.parametrize(
    ("size", "side", "longest"),
    [
        ({"shortest_edge": 64, "longest_edge": 96}, (64, 64), 96),
        ({"height": 64, "width": 96}, (64, 96), None),
        (800, (800, 800), 1333),
    ],
)
def test_the_model_says_how_large_its_images_are(size, side, longest):
    files = {
        "preprocessor_config.json": json.dumps(
            {"size": size, "image_mean": [0.1, 0.2, 0.3]}
        ).encode()
    }
    found = read_scaling(files, {}, short_side=320, longest=1.6, multiple=32)
    assert (found.size, found.longest) == (side, longest)
    assert found.mean == (0.1, 0.2, 0.3)
    again = {"preprocessor_config.json": written_preprocessor(files, found)}
    assert read_scaling(again, {}, short_side=320, longest=1.6, multiple=32) == found


def test_a_config_may_ask_for_another_size():
    files = tiny_detectors.backbone()
    plain = read_scaling(files, {}, short_side=320, longest=1.5, multiple=32)
    assert (plain.size, plain.longest, plain.multiple) == ((320, 320), 480, 32)
    asked = read_scaling(files, {"image_size": "64"}, short_side=320, longest=1.5, multiple=32)
    assert (asked.size, asked.longest) == ((64, 64), 96)


def test_a_preprocessor_without_a_size_is_refused():
    files = {"preprocessor_config.json": json.dumps({"size": {"longest_edge": 9}}).encode()}
    with pytest.raises(ModelError, match="to which size"):
        read_scaling(files, {}, short_side=320, longest=1.6, multiple=32)
