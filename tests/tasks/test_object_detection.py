import math

import numpy as np
import pytest
import torch

import tiny_detectors
from lextune.config import RunConfig
from lextune.config_training import AugmentationConfig, TrainConfig
from lextune.errors import ConfigError, ModelError
from lextune.images import ImageInput
from lextune.labels import Box, read_boxes, write_boxes
from lextune.models.loading import load_finished, load_pretrained
from lextune.tasks.base import model_info, tasks
from lextune.training.loop import Rows, Trainer

_TASK = tasks.get("object_detection")
_CLASSES = ("square",)


def _inputs(count=12, size=(96, 64)):
    draw = np.random.default_rng(1)
    inputs, cells = [], []
    for row in range(count):
        if row % 4 == 3:  # a picture without objects
            inputs.append(ImageInput("", "", data=tiny_detectors.picture([], size)))
            cells.append("[]")
            continue
        side = int(draw.integers(20, 40))
        left, top = int(draw.integers(0, size[0] - side)), int(draw.integers(0, size[1] - side))
        inputs.append(ImageInput("", "", data=tiny_detectors.picture([(left, top, side)], size)))
        cells.append(write_boxes([Box(left, top, left + side, top + side, "square")]))
    return inputs, cells


def _config(**changes):
    plain = {
        "task": "object_detection", "model": {"source": "m"}, "data": {"train": ["d"]},
        "use": {}, "release": {"name": "r", "version": "1.0.0"},
    }  # fmt: skip
    return RunConfig.model_validate(plain | changes, strict=False)


def _trained(tmp_path, epochs=15):
    torch.manual_seed(0)
    settings = {"image_size": "64"}
    loaded = load_pretrained(
        tiny_detectors.backbone(), _TASK, _CLASSES, max_length=0, dropout=None, settings=settings
    )
    _TASK.fit(loaded.model, frozen_norms=True)
    inputs, cells = _inputs()
    encoded = loaded.encode(inputs)
    numbers = _TASK.numbers(cells, _CLASSES, encoded)
    rows = Rows(encoded, numbers, [str(row) for row in range(len(inputs))])
    train = TrainConfig(
        epochs=epochs, batch_size=4, learning_rate=3e-3, precision="fp32", early_stopping_patience=999,
        augmentation=AugmentationConfig(crop_scale=0.8), lr_scheduler_type="cosine",
    )  # fmt: skip
    outcome = Trainer(_TASK, loaded.model, train, tmp_path, identity="x").run(
        rows, rows, 1, resume=False
    )
    info = model_info(_TASK.name, _CLASSES, 0, "fp32", settings)
    return outcome, loaded, _TASK.export(loaded.model, tiny_detectors.backbone(), info)


@pytest.mark.slow
def test_it_learns_to_find_squares_and_a_written_model_finds_the_same(tmp_path):
    outcome, loaded, files = _trained(tmp_path)
    assert outcome.best_validation_loss < outcome.first_loss / 2
    inputs, cells = _inputs()
    told = []
    found = _TASK.find(load_finished(files), inputs, 5, told.append)
    assert sum(told) == len(inputs)
    assert found == _TASK.find(loaded, inputs, 5, told.append)
    right = 0
    for cell, boxes in zip(cells, found, strict=True):
        if cell == "[]":
            continue
        best, truth = boxes[0], read_boxes(cell)[0]
        assert best.type == "square"
        overlap = max(0, min(best.x2, truth[2]) - max(best.x1, truth[0])) * max(
            0, min(best.y2, truth[3]) - max(best.y1, truth[1])
        )
        union = (best.x2 - best.x1) * (best.y2 - best.y1) + (truth[2] - truth[0]) ** 2 - overlap
        right += overlap / union >= 0.5
    assert right >= 8  # of 9


def test_boxes_are_told_in_pixels_of_the_original_in_the_order_of_the_images():
    loaded = load_pretrained(
        tiny_detectors.backbone(),
        _TASK,
        _CLASSES,
        max_length=0,
        dropout=None,
        settings={"image_size": "64"},
    )
    loaded.model.score_thresh = 0.0
    with torch.no_grad():
        loaded.model.head.regression_head.bbox_reg.bias.fill_(1.0)
    sizes = [(200, 50), (10, 8), (64, 64), (50, 200)]
    inputs = [ImageInput("", "", data=tiny_detectors.picture([], size)) for size in sizes]
    together = _TASK.find(loaded, inputs, 4, lambda _: None)
    for (width, height), boxes, given in zip(sizes, together, inputs, strict=True):
        assert boxes
        assert all(0 <= box.x1 < box.x2 <= width for box in boxes)
        assert all(0 <= box.y1 < box.y2 <= height for box in boxes)
        assert [box.score for box in boxes] == sorted((box.score for box in boxes), reverse=True)
        (alone,) = _TASK.find(loaded, [given], 4, lambda _: None)
        assert max(box.x2 for box in alone) > width / 2
        assert max(box.y2 for box in alone) > height / 2


def test_an_image_whose_answer_is_no_number_has_none():
    loaded = load_pretrained(
        tiny_detectors.backbone(),
        _TASK,
        _CLASSES,
        max_length=0,
        dropout=None,
        settings={"image_size": "64"},
    )
    with torch.no_grad():
        loaded.model.head.classification_head.cls_logits.bias.fill_(math.nan)
    inputs, _ = _inputs(2)
    assert _TASK.find(loaded, inputs, 2, lambda _: None) == [None, None]


def test_what_boxes_do_not_do_is_refused():
    config = _config(
        train={"augmentation": {"mixup_alpha": 0.2, "cutmix_alpha": 1.0}},
        evaluation={"test_time_augmentation": "flip"},
    )
    with pytest.raises(ConfigError) as error:
        _TASK.settings(config, [], [])
    assert len(error.value.problems) == 3
    assert _TASK.settings(_config(train={"image_size": 64}), [], []) == {"image_size": "64"}
    with pytest.raises(ModelError, match="features"):
        _TASK.features(torch.nn.Identity(), None)


def test_resized_images_are_the_same_whoever_asks_first():
    inputs, cells = _inputs(6)
    encoded = _TASK.encoder(tiny_detectors.backbone(), 0, {"image_size": "64"})(inputs)
    numbers = _TASK.numbers(cells, _CLASSES, encoded)
    seen = _TASK.epoch(encoded, TrainConfig(), 4)
    batch = _TASK.collate(seen, np.array([4, 0]))
    targets = _TASK.targets(numbers, seen, np.array([4, 0]))
    for image, (height, width) in enumerate(batch.sizes):
        for box in targets.boxes[image].tolist():
            x1, y1, x2, y2 = (round(one) for one in box)
            inside = batch.pixels[image, 0, y1 + 2 : y2 - 2, x1 + 2 : x2 - 2]
            assert float(inside.min()) > 0.9  # the square, wherever it was moved to
            assert 0 <= x1 < x2 <= width
            assert 0 <= y1 < y2 <= height
