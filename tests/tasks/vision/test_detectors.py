import json

import pytest
import safetensors.torch
import torch

import tiny_detectors
from lextune.errors import ModelError
from lextune.tasks.base import tasks
from lextune.tasks.vision.detectors import build_detector, is_library_detector

_TASK = tasks.get("object_detection")


def _written(files, classes, settings=None):
    model, _ = build_detector(files, classes, new_head=True)
    info = {"classes": classes, "settings": settings or {}}
    return model, _TASK.export(model, files, info)


@pytest.mark.parametrize("architecture", ["test_efficientnet", "test_resnet", "test_convnext"])
def test_every_tensor_of_the_backbone_comes_from_the_files(architecture):
    files = tiny_detectors.backbone(architecture)
    model, new = build_detector(files, ["a"], new_head=True)
    assert all(name.startswith(("backbone.fpn.", "backbone.down.", "head.")) for name in new)
    state = {
        name.replace(".", "_"): one
        for name, one in safetensors.torch.load(files["model.safetensors"]).items()
    }
    held = {name: one for name, one in model.state_dict().items() if name not in new}
    assert held
    for name, one in held.items():
        assert torch.equal(one, state[name.removeprefix("backbone.body.").replace(".", "_")])


def test_a_missing_tensor_of_the_backbone_is_refused():
    files = tiny_detectors.backbone()
    state = safetensors.torch.load(files["model.safetensors"])
    del state["conv_stem.weight"]
    with pytest.raises(ModelError, match="lack 1"):
        build_detector(
            files | {"model.safetensors": safetensors.torch.save(state)}, ["a"], new_head=True
        )


def test_a_backbone_alone_is_no_finished_detector():
    with pytest.raises(ModelError, match="newly initialised"):
        build_detector(tiny_detectors.backbone(), ["a"], new_head=False)


def test_a_written_detector_is_read_exactly():
    model, files = _written(tiny_detectors.backbone(), ["a", "b"], {"image_size": "64"})
    again, new = build_detector(files, ["a", "b"], new_head=False)
    assert not new
    assert not is_library_detector(files)
    for name, one in model.state_dict().items():
        assert torch.equal(one, again.state_dict()[name])
    assert _TASK.transform(files, {}).size == (64, 64)
    assert _TASK.transform(files, {}).mean == (0.5, 0.5, 0.5)


def test_a_written_detector_that_is_trained_for_other_classes_keeps_all_but_their_scores():
    _, files = _written(tiny_detectors.backbone(), ["a", "b"])
    for classes in (["b", "a"], ["x", "y", "z"]):
        _, new = build_detector(files, classes, new_head=True)
        assert new == {
            "head.classification_head.cls_logits.weight", "head.classification_head.cls_logits.bias",
        }  # fmt: skip
        with pytest.raises(ModelError):
            build_detector(files, classes, new_head=False)
    assert not build_detector(files, ["a", "b"], new_head=True)[1]


def test_a_config_that_describes_nothing_is_refused():
    _, files = _written(tiny_detectors.backbone(), ["a", "b"])
    config = json.loads(files["config.json"])
    del config["width"]
    with pytest.raises(ModelError, match="does not describe"):
        build_detector(
            files | {"config.json": json.dumps(config).encode()}, ["a", "b"], new_head=False
        )
