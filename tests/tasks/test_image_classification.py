"""The task image_classification: timm's and transformers' classifiers, their heads, their folders, and training to the bit."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import timm
import torch

import tiny
from bench import StopAt
from lextune.config_training import AugmentationConfig, TrainConfig
from lextune.errors import ModelError
from lextune.files import sha256
from lextune.images import ImageInput
from lextune.models.loading import load_finished
from lextune.tasks.base import model_info
from lextune.tasks.image_classification import ImageClassification
from lextune.training.loop import Outcome, Rows, Trainer

TASK = ImageClassification("image_classification")
CLASSES = ("blue", "green", "red")


def files_of(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return files_of(tiny.write_tiny_network(tmp_path_factory.mktemp("network")))


@pytest.fixture(scope="module")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A ResNet of transformers, with the head of five other classes."""
    from transformers import ResNetConfig, ResNetForImageClassification

    folder = tmp_path_factory.mktemp("resnet")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], num_labels=5, layer_type="basic"
        )
        ResNetForImageClassification(config).save_pretrained(folder)
    own = {
        "size": {"shortest_edge": 32},
        "do_resize": True,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(own | {"resample": 3}))
    return files_of(folder)


def inputs_in(folder: Path) -> tuple[list[ImageInput], list[str]]:
    paths = sorted(folder.rglob("*.png"))
    inputs = [ImageInput(str(path), sha256(path.read_bytes())) for path in paths]
    return inputs, [path.parent.name for path in paths]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_images(tmp_path_factory.mktemp("images"), 36)


def test_a_new_head_begins_as_a_blind_guess(network: dict[str, bytes], images: Path) -> None:
    inputs, labels = inputs_in(images)
    torch.manual_seed(0)
    model, new = TASK.build(network, CLASSES, dropout=0.0, new_head=True)
    assert new == {"classifier.weight", "classifier.bias"}
    encoded = TASK.encoder(network, 0)(inputs)
    rows = np.arange(len(inputs))
    with torch.inference_mode():
        logits = TASK.logits(model.eval(), TASK.collate(encoded, rows))
    loss = float(TASK.loss(logits, torch.from_numpy(TASK.numbers(labels, CLASSES))))
    assert loss == pytest.approx(math.log(3), abs=0.25)


def test_a_head_is_kept_only_with_its_classes_in_their_order(network: dict[str, bytes]) -> None:
    model, _ = TASK.build(network, CLASSES, dropout=0.0, new_head=True)
    done = TASK.export(model, network, model_info(TASK.name, CLASSES, 0, "fp32"))
    again, new = TASK.build(done, CLASSES, dropout=0.0, new_head=True)
    assert not new
    assert torch.equal(again.get_classifier().weight, model.get_classifier().weight)  # type: ignore[operator]
    _, new = TASK.build(done, CLASSES[::-1], dropout=0.0, new_head=True)
    assert new == {"classifier.weight", "classifier.bias"}


@pytest.mark.parametrize("change", ["missing", "shape", "left over"])
def test_weights_that_do_not_belong_are_refused(network: dict[str, bytes], change: str) -> None:
    state = safetensors.torch.load(network["model.safetensors"])
    name = "conv_head.weight"
    if change == "missing":
        del state[name]
    elif change == "shape":
        state[name] = state[name][:-1].contiguous()
    else:
        state["blocks.9.0.conv.weight"] = torch.zeros(1)
    given = network | {"model.safetensors": safetensors.torch.save(state)}
    with pytest.raises(ModelError, match="tensors"):
        TASK.build(given, CLASSES, dropout=0.0, new_head=True)


def test_an_unknown_network_is_refused(network: dict[str, bytes]) -> None:
    config = json.loads(network["config.json"]) | {"architecture": "my_own_network"}
    given = network | {"config.json": json.dumps(config).encode()}
    with pytest.raises(ModelError, match="timm has no network 'my_own_network'"):
        TASK.build(given, CLASSES, dropout=0.0, new_head=True)


def test_timm_loads_the_folder_as_it_is(
    network: dict[str, bytes], images: Path, tmp_path: Path
) -> None:
    inputs, _ = inputs_in(images)
    model, _ = TASK.build(network, CLASSES, dropout=0.0, new_head=True)
    settings = {"image_size": "48", "crop_pct": "0.9"}
    files = TASK.export(model, network, model_info(TASK.name, CLASSES, 0, "fp32", settings))
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    theirs = timm.create_model(f"local-dir:{tmp_path}", pretrained=True).eval()
    own = theirs.pretrained_cfg
    assert tuple(own["input_size"]) == (3, 48, 48)
    assert own["crop_pct"] == 0.9
    assert json.loads(files["config.json"])["label_names"] == list(CLASSES)
    loaded = load_finished(files)
    encoded = loaded.encode(inputs)
    assert encoded.transform.size == (48, 48)
    rows = np.arange(6)
    with torch.inference_mode():
        wanted = theirs(TASK.collate(encoded, rows).pixels).softmax(-1).numpy()
    np.testing.assert_allclose(loaded.scores(encoded, rows), wanted, atol=1e-5)


def test_a_classifier_of_transformers_learns_and_is_loaded_by_it(
    resnet: dict[str, bytes], images: Path, tmp_path: Path
) -> None:
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    inputs, _ = inputs_in(images)
    torch.manual_seed(0)
    model, new = TASK.build(resnet, CLASSES, dropout=0.0, new_head=True)
    assert new
    assert all(name.startswith("classifier.") for name in new)
    files = TASK.export(model, resnet, model_info(TASK.name, CLASSES, 0, "fp32"))
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    theirs = AutoModelForImageClassification.from_pretrained(tmp_path).eval()
    assert theirs.config.id2label == dict(enumerate(CLASSES))
    assert AutoImageProcessor.from_pretrained(tmp_path, use_fast=False) is not None
    loaded = load_finished(files)
    encoded, rows = loaded.encode(inputs), np.arange(4)
    with torch.inference_mode():
        wanted = theirs(pixel_values=TASK.collate(encoded, rows).pixels).logits.softmax(-1).numpy()
    np.testing.assert_allclose(loaded.scores(encoded, rows), wanted, atol=1e-5)


def trainer(
    network: dict[str, bytes], folder: Path, callbacks: tuple[Any, ...] = (), **settings: Any
) -> Trainer:
    config = TrainConfig(**{
        "epochs": 4, "batch_size": 12, "learning_rate": 3e-3, "precision": "fp32", "save_steps": 1,
        "early_stopping_patience": 9, "augmentation": AugmentationConfig(color_jitter=0.2), **settings,
    })  # fmt: skip
    torch.manual_seed(config.seed)
    model, _ = TASK.build(network, CLASSES, dropout=0.0, new_head=True)
    TASK.fit(model, frozen_norms=config.batch_norm == "frozen")
    return Trainer(TASK, model, config, folder, identity="the same", callbacks=callbacks)


def part(network: dict[str, bytes], folder: Path) -> Rows:
    inputs, labels = inputs_in(folder)
    encoded = TASK.encoder(network, 0)(inputs)
    return Rows(encoded, TASK.numbers(labels, CLASSES), [one.file for one in inputs])


def weights(trained: Trainer) -> dict[str, torch.Tensor]:
    return {name: one.clone() for name, one in trained.model.state_dict().items()}


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("settings", [{}, {"augmentation": AugmentationConfig(mixup_alpha=0.4, cutmix_alpha=1.0)},
                                      {"batch_norm": "trained"}, {"head_epochs": 2, "backbone_lr_scale": 0.1}])  # fmt: skip
def test_a_stopped_training_goes_on_to_the_bit(
    network: dict[str, bytes], images: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    rows = part(network, images)
    whole = trainer(network, tmp_path / "whole", **settings)
    whole.run(rows, rows, 3, resume=False)
    cut = trainer(network, tmp_path / "cut", (StopAt(5),), **settings)
    with pytest.raises(KeyboardInterrupt):
        cut.run(rows, rows, 3, resume=False)
    rest = trainer(network, tmp_path / "cut", **settings)
    rest.run(rows, rows, 3, resume=True)
    own, other = weights(whole), weights(rest)
    assert all(torch.equal(own[name], other[name]) for name in own)


def test_the_head_alone_learns_at_first(
    network: dict[str, bytes], images: Path, tmp_path: Path
) -> None:
    rows = part(network, images)
    model = trainer(network, tmp_path, head_epochs=4)
    before = weights(model)
    model.run(rows, rows, 3, resume=False)
    after = weights(model)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"classifier.weight", "classifier.bias"}


@pytest.mark.parametrize(("method", "epochs", "rate"), [("full", 12, 3e-3), ("head", 80, 0.1)])
def test_colours_are_learnt(
    network: dict[str, bytes], tmp_path: Path, method: str, epochs: int, rate: float
) -> None:
    rows = part(network, tiny.write_images(tmp_path / "train", 60, seed=1))
    tested = part(network, tiny.write_images(tmp_path / "test", 30, seed=2))
    model = trainer(network, tmp_path, method=method, epochs=epochs, learning_rate=rate)
    outcome: Outcome = model.run(rows, tested, 3, resume=False)
    assert outcome.best_validation_loss < 0.7
    assert model.validate(tested)[1] > 0.7


def test_the_mean_over_mirror_images_is_asked_for(network: dict[str, bytes], images: Path) -> None:
    inputs, _ = inputs_in(images)
    model, _ = TASK.build(network, CLASSES, dropout=0.0, new_head=True)
    model.eval()
    plain = TASK.encoder(network, 0)(inputs)
    both = TASK.encoder(network, 0, {"test_time_augmentation": "flip"})(inputs)
    rows = np.arange(3)
    with torch.inference_mode():
        batch = TASK.collate(plain, rows)
        left, right = (model(one).log_softmax(-1) for one in (batch.pixels, batch.pixels.flip(-1)))
        found = TASK.logits(model, TASK.collate(both, rows))
    torch.testing.assert_close(found, (left + right) / 2)
