"""The task of masks: from files to a trained network that answers at the size of the image."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lextune.config import RunConfig
from lextune.config_training import TrainConfig
from lextune.errors import ModelError, VerificationError
from lextune.models.loading import LoadedModel, load_finished
from lextune.tasks.base import model_info, tasks
from lextune.tasks.vision.found import VOID, FoundMask
from lextune.tasks.vision.frames import class_pixels
from tiny_segmenters import CLASSES, picture_input, tiny_encoder, write_picture

TASK = tasks.get("semantic_segmentation")
SETTINGS = {"image_size": "64", "crop_pct": "1.0", "test_time_augmentation": "none"}


def loaded(files=None, settings=SETTINGS, precision: str = "fp32") -> LoadedModel:
    files = files or tiny_encoder()
    torch.manual_seed(0)
    model, new = TASK.build(files, CLASSES, dropout=0.0, new_head=True)
    TASK.fit(model, frozen_norms=True)
    encode = TASK.encoder(files, 0, settings)
    return LoadedModel(TASK, model, CLASSES, 0, precision, encode, settings, new)


def pictures(folder: Path, count: int = 8):
    made = [
        write_picture(folder, f"p{i}", (60, 40) if i % 2 else (44, 52), i) for i in range(count)
    ]
    return [picture_input(file, mask) for file, mask, _ in made], [values for _, _, values in made]


def test_what_is_taught_are_the_classes_of_the_files(tmp_path: Path) -> None:
    inputs, truth = pictures(tmp_path, 2)
    encoded = loaded().encode(inputs)
    backwards = CLASSES[::-1]
    labels = TASK.numbers([one.label for one in inputs], backwards, encoded)
    targets = TASK.targets(labels, encoded, np.array([0]))
    height, width = truth[0].shape
    found = targets.values[0, :height, :width].numpy()
    assert np.array_equal(found, np.where(truth[0] == 9, VOID, 2 - truth[0]))
    assert TASK.size(targets, None) == (truth[0] != 9).sum()
    weights = torch.tensor([1.0, 10.0, 100.0])
    counts = np.bincount(found[found != VOID], minlength=3)
    assert TASK.size(targets, weights) == float(counts @ [1, 10, 100])
    both = sum(
        np.bincount(np.where(one == 9, 3, 2 - one).ravel(), minlength=4)[:3] for one in truth
    )
    assert class_pixels(encoded, labels, 3).tolist() == both.tolist()


def test_a_network_learns_and_answers_at_the_size_of_the_image(tmp_path: Path) -> None:
    inputs, truth = pictures(tmp_path)
    at = loaded()
    encoded = at.encode(inputs)
    labels = TASK.numbers([one.label for one in inputs], CLASSES, encoded)
    config = TrainConfig(segmentation_loss="cross_entropy+dice")
    optimizer = torch.optim.AdamW(at.model.parameters(), lr=3e-3)
    rows = np.arange(len(inputs))
    losses = []
    for epoch in range(15):
        at.model.train()
        seen = TASK.epoch(encoded, config, epoch)
        logits = TASK.logits(at.model, TASK.collate(seen, rows))
        targets = TASK.targets(labels, seen, rows)
        assert TASK.accepts(logits, targets, 3)
        loss = TASK.loss(logits, targets)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    # a blind guess: ln 3, and two thirds of Dice's loss at least
    assert losses[0] == pytest.approx(math.log(3) + 0.65, abs=0.2)
    assert losses[-1] < 0.6 * losses[0]
    at.model.eval()
    done = []
    found = TASK.find(at, inputs, 3, done.append)
    assert sum(done) == len(inputs)
    right = total = 0
    for one, values in zip(found, truth, strict=True):
        assert isinstance(one, FoundMask)
        assert one.values.shape == one.certainty.shape == values.shape
        assert 1 / 3 < one.confidence <= 1
        known = values != 9
        right, total = right + (one.values == values)[known].sum(), total + known.sum()
    assert right / total > 0.8

    info = model_info(TASK.name, CLASSES, 0, "fp32", SETTINGS)
    files = TASK.export(at.model, tiny_encoder(), info)
    again = load_finished(files)
    other = TASK.find(again, inputs, 5, lambda _: None)
    assert all(np.mean(a.values == b.values) > 0.999 for a, b in zip(found, other, strict=True))
    bare = [one._replace(label=None, mask="", data=Path(one.file).read_bytes()) for one in inputs]
    served = TASK.find(again, bare, 5, lambda _: None)
    assert all(np.array_equal(a.values, b.values) for a, b in zip(other, served, strict=True))


def test_large_images_are_kept_small_and_answered_large(tmp_path: Path) -> None:
    file, mask, values = write_picture(tmp_path, "large", (300, 200), 1)
    at = loaded()
    encoded = at.encode([picture_input(file, mask)])
    assert encoded.shapes.tolist() == [[64, 96]]
    assert set(np.unique(encoded.mask(0))) <= {0, 1, 2, VOID}
    at.model.eval()
    found = TASK.find(at, [picture_input(file, mask)], 4, lambda _: None)[0]
    assert found.values.shape == values.shape


def test_the_answer_to_a_mirror_image_is_the_mirror_image(tmp_path: Path) -> None:
    file, mask, _ = write_picture(tmp_path, "one", (64, 64), 2)
    other = tmp_path / "mirrored.png"
    with Image.open(file) as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(other)
    at = loaded(settings={**SETTINGS, "test_time_augmentation": "flip"})
    at.model.eval()
    mirrored = picture_input(other, mask)
    first, second = TASK.find(at, [picture_input(file, mask), mirrored], 4, lambda _: None)
    assert np.mean(first.values == second.values[:, ::-1]) > 0.999
    assert first.confidence == pytest.approx(second.confidence, abs=1e-4)


def test_turned_images_are_answered_upright(tmp_path: Path) -> None:
    file, _, _ = write_picture(tmp_path, "one", (60, 40), 3)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = tmp_path / "turned.png"
    with Image.open(file) as image:
        image.save(turned, exif=exif)
    at = loaded()
    at.model.eval()
    given = picture_input(turned, file.with_name("one_mask.png"))._replace(label=None, mask="")
    assert TASK.find(at, [given], 4, lambda _: None)[0].values.shape == (60, 40)


def test_validation_takes_whole_images_and_cross_entropy(tmp_path: Path) -> None:
    inputs, truth = pictures(tmp_path, 2)
    at = loaded()
    at.model.eval()
    encoded = at.encode(inputs)
    labels = TASK.numbers([one.label for one in inputs], CLASSES, encoded)
    rows = np.arange(2)
    targets = TASK.targets(labels, encoded, rows)
    assert targets.loss == "cross_entropy"
    right, total = TASK.right(torch.zeros(2, 3, *targets.values.shape[1:]), targets)
    assert total == sum((one != 9).sum() for one in truth)
    assert right == sum((one == 0).sum() for one in truth)


def test_a_mask_that_was_changed_or_removed_is_refused(tmp_path: Path) -> None:
    inputs, _ = pictures(tmp_path, 2)
    encode = loaded().encode
    Path(inputs[0].mask).write_bytes(Path(inputs[1].mask).read_bytes())
    with pytest.raises(VerificationError, match="mask"):
        encode(inputs)
    Path(inputs[0].mask).unlink()
    with pytest.raises(VerificationError, match="mask"):
        encode(inputs)
    Path(inputs[1].file).write_bytes(Path(inputs[0].file).read_bytes())
    with pytest.raises(VerificationError):
        encode([inputs[1]])


def test_batch_norms_of_the_encoder_are_frozen_and_those_of_a_decoder_learn(tmp_path: Path) -> None:
    import segmentation_models_pytorch as smp

    smp.Unet("tu-test_resnet", encoder_weights=None, classes=3).save_pretrained(str(tmp_path))
    at = loaded({one.name: one.read_bytes() for one in tmp_path.iterdir()})
    at.model.train()
    state = {
        key: one.clone() for key, one in at.model.state_dict().items() if "running_mean" in key
    }
    at.model(torch.rand(2, 3, 64, 64))
    moved = {
        key
        for key, one in at.model.state_dict().items()
        if key in state and not torch.equal(one, state[key])
    }
    assert moved
    assert all(key.startswith("decoder.") for key in moved)


def test_the_method_head_says_why_it_does_not_fit() -> None:
    with pytest.raises(ModelError, match="head"):
        TASK.features(loaded().model, None)


def test_settings_and_defaults() -> None:
    config = RunConfig.model_validate(
        {
            "task": TASK.name,
            "model": {"source": "x"},
            "data": {"train": "y"},
            "train": {"image_size": 96},
        }
    )
    assert TASK.settings(config, [], [])["image_size"] == "96"
    assert TASK.transform(tiny_encoder(), {}).size == (320, 320)
    assert TASK.transform(tiny_encoder(), {}).short_side == 366
    bare = {"config.json": b'{"_model_class": "Unet", "encoder_name": "resnet18"}'}
    assert TASK.transform(bare, {}).size == (320, 320)
    assert TASK.blind_loss(11) == pytest.approx(math.log(11))
    assert json.loads(RunConfig.model_validate(config.model_dump()).model_dump_json())
    with pytest.raises(ValueError, match="segmentation_loss"):
        TrainConfig(segmentation_loss="focal")


def test_an_epoch_is_a_pure_function_of_seed_and_number(tmp_path: Path) -> None:
    inputs, _ = pictures(tmp_path, 4)
    encoded = loaded().encode(inputs)
    rows = np.array([2, 0])
    config = TrainConfig()
    first, again, later = (
        TASK.collate(TASK.epoch(encoded, config, n), rows).pixels for n in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, later)
    seen = TASK.epoch(encoded, config, 0)
    assert seen.alike
    assert [one.tolist() for one in seen.cut(np.arange(4))] == [[0, 1, 2, 3]]
    assert {one.name for one in dataclasses.fields(encoded)} < {
        one.name for one in dataclasses.fields(seen)
    }
