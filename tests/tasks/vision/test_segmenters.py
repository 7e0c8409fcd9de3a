"""Building networks of masks: what may be new, what is refused, and that the libraries load what is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import load, save

from lextune.errors import ModelError
from lextune.tasks.base import tasks
from lextune.tasks.vision.segmenters import architecture_of, build_segmenter
from tiny_segmenters import CLASSES, tiny_encoder

TASK = tasks.get("semantic_segmentation")
INFO = {"classes": list(CLASSES), "task": "semantic_segmentation"}


def built(files: dict[str, bytes], classes=CLASSES, new_head: bool = True):
    model, new = build_segmenter(files, classes, dropout=None, new_head=new_head)
    return model.eval(), new


@pytest.mark.parametrize("name", ["test_resnet", "test_convnext", "test_efficientnet"])
def test_a_decoder_is_drawn_over_an_encoder_of_timm_and_nothing_else(name: str) -> None:
    files = tiny_encoder(name)
    model, new = built(files)
    assert new
    assert not any(one.startswith("encoder.") for one in new)
    assert all(one in new for one in model.state_dict() if not one.startswith("encoder."))
    flat = {key.replace(".", "_"): one for key, one in load(files["model.safetensors"]).items()}
    for key, one in model.encoder.model.state_dict().items():
        assert torch.equal(one, flat[key.replace(".", "_")]), key
    answer = model(torch.rand(2, 3, 64, 96))
    assert answer.shape == (2, 3, 64, 96)
    # a new head begins as a blind guess
    assert answer.softmax(1).min() > 0.2


def test_an_encoder_without_some_of_its_tensors_is_refused() -> None:
    files = tiny_encoder()
    state = load(files["model.safetensors"])
    state.pop("layer2.0.conv1.weight")
    with pytest.raises(ModelError, match="layer2"):
        built(files | {"model.safetensors": save(state)})
    with pytest.raises(ModelError, match="lack"):
        built(tiny_encoder(), new_head=False)


def test_what_is_written_loads_in_the_library_as_it_is(tmp_path: Path) -> None:
    files = tiny_encoder()
    model, _ = built(files)
    for name, data in TASK.export(model, files, INFO).items():
        (tmp_path / name).write_bytes(data)
    theirs = smp.from_pretrained(str(tmp_path)).eval()
    pixels = torch.rand(1, 3, 64, 64)
    assert torch.equal(theirs(pixels), model(pixels))
    assert type(theirs) is smp.FPN


def test_what_is_written_is_read_again_with_its_head_and_its_way_of_seeing() -> None:
    files = tiny_encoder()
    model, _ = built(files)
    again = TASK.export(model, files, INFO)
    other, new = built(again, new_head=False)
    assert new == frozenset()
    assert all(torch.equal(one, other.state_dict()[key]) for key, one in model.state_dict().items())
    kept, new = built(again)
    assert new == frozenset()
    assert torch.equal(kept.segmentation_head[0].weight, model.segmentation_head[0].weight)
    assert TASK.transform(again, {}) == TASK.transform(files, {})
    assert TASK.transform(again, {}).size == (320, 320)
    assert TASK.transform(again, {}).mean == (0.5, 0.5, 0.5)


def test_a_head_of_other_classes_is_drawn_anew_and_nothing_else() -> None:
    files = tiny_encoder()
    model, _ = built(files)
    written = TASK.export(model, files, INFO)
    for classes in (("a", "b"), ("road", "lake", "field")):
        other, new = built(written, classes)
        assert new == {"segmentation_head.0.weight", "segmentation_head.0.bias"}
        assert torch.equal(other.decoder.p5.weight, model.decoder.p5.weight)
        assert len(other.segmentation_head[0].weight) == len(classes)


@pytest.mark.parametrize("kind", ["Unet", "DeepLabV3Plus", "UPerNet"])
def test_any_network_of_the_library_goes_on(kind: str, tmp_path: Path) -> None:
    theirs = getattr(smp, kind)("resnet18", encoder_weights=None, classes=7)
    theirs.save_pretrained(str(tmp_path))
    files = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    model, new = built(files)
    assert type(model) is type(theirs)
    assert all(one.startswith("segmentation_head.") for one in new)
    assert torch.equal(model.encoder.conv1.weight, theirs.encoder.conv1.weight)
    assert architecture_of(json.loads(files["config.json"])) == f"{kind} over resnet18"


@pytest.mark.parametrize(
    "change",
    [
        {"_model_class": "Nothing"}, {"_model_class": "from_pretrained"}, {"_model_class": "utils"},
        {"in_channels": 4}, {"encoder_name": "tu-nothing_of_the_sort"}, {"encoder_depth": "deep"},
        {"decoder_pyramid_channels": 32}, {"surplus": 1},
    ],
)  # fmt: skip
def test_a_config_that_fits_nothing_is_refused(change: dict) -> None:
    files = tiny_encoder()
    model, _ = built(files)
    written = TASK.export(model, files, INFO)
    config = json.loads(written["config.json"]) | change
    with pytest.raises(ModelError):
        built(written | {"config.json": json.dumps(config).encode()}, new_head=False)


def test_no_weights_are_downloaded_whatever_the_config_asks_for(tmp_path: Path) -> None:
    smp.FPN("resnet18", encoder_weights=None, classes=3).save_pretrained(str(tmp_path))
    config = json.loads((tmp_path / "config.json").read_text()) | {"encoder_weights": "imagenet"}
    files = {
        "config.json": json.dumps(config).encode(),
        "model.safetensors": (tmp_path / "model.safetensors").read_bytes(),
    }
    model, _ = built(files)
    assert model.config["encoder_weights"] is None


def test_the_rate_of_dropout_is_that_of_the_run() -> None:
    model, _ = build_segmenter(tiny_encoder(), CLASSES, dropout=0.4, new_head=True)
    assert model.decoder.dropout.p == 0.4
