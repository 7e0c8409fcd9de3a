import json

import numpy as np
import pytest
import safetensors.torch
import torch
import transformers

import tiny_detectors
from lextune.errors import ConfigError, ModelError
from lextune.images import ImageInput
from lextune.labels import Box, write_boxes
from lextune.tasks.base import tasks
from lextune.tasks.vision.detectors import build_detector
from lextune.tasks.vision.library_detectors import LibraryDetections

_TASK = tasks.get("object_detection")
_KINDS = [tiny_detectors.detr, tiny_detectors.rt_detr, tiny_detectors.yolos]
_CELLS = [
    write_boxes([Box(10, 20, 50, 40, "a"), Box(30, 10, 40, 30, "b")]),
    "[]",
    write_boxes([Box(1, 1, 8, 8, "b")]),
]


def _batch(files):
    inputs = [
        ImageInput("", "", data=tiny_detectors.picture([], size))
        for size in ((64, 48), (40, 64), (20, 9))
    ]
    pixels = _TASK.encoder(files, 0, {})(inputs)
    rows = np.arange(3)
    labels = _TASK.numbers(_CELLS, ["a", "b"], pixels)
    return _TASK.collate(pixels, rows), _TASK.targets(labels, pixels, rows)


@pytest.mark.parametrize("kind", _KINDS)
def test_only_what_depends_on_the_classes_is_new(kind):
    files = kind()
    model, new = build_detector(files, ["a", "b"], new_head=True)
    assert new
    assert all("class" in name or "score" in name for name in new)
    before = safetensors.torch.load(files["model.safetensors"])
    for name, one in model.state_dict().items():
        if name in before and name not in new:
            assert torch.equal(one, before[name])
    assert not build_detector(files, ["one", "two", "three"], new_head=True)[1]


@pytest.mark.parametrize("kind", _KINDS)
def test_it_trains_and_is_written_as_the_library_loads_it(kind, tmp_path):
    files = kind()
    model, _ = build_detector(files, ["a", "b"], new_head=True)
    batch, targets = _batch(files)
    model.train()
    loss = LibraryDetections(model, batch).loss(targets, None, 0.0)
    loss.backward()
    assert 0 < float(loss.detach()) < 10
    model.eval()
    out = _TASK.export(model, files, {"classes": ["a", "b"], "settings": {}})
    for name, data in out.items():
        (tmp_path / name).write_bytes(data)
    loaded = transformers.AutoModelForObjectDetection.from_pretrained(tmp_path).eval()
    assert loaded.config.id2label == {0: "a", 1: "b"}
    with torch.no_grad():
        assert torch.equal(loaded(batch.pixels).logits, model(batch.pixels).logits)
    again, new = build_detector(out, ["a", "b"], new_head=False)
    assert not new
    with torch.no_grad():
        assert torch.equal(again.eval()(batch.pixels).logits, model(batch.pixels).logits)


@pytest.mark.parametrize("kind", _KINDS)
def test_a_box_that_is_said_of_an_image_lies_where_the_library_means_it(kind):
    files = kind()
    model, _ = build_detector(files, ["a", "b"], new_head=True)
    batch, targets = _batch(files)
    detections = LibraryDetections(model.eval(), batch)
    answer = detections._asked(None)
    told = detections._labels(targets)
    answer.pred_boxes = torch.zeros_like(answer.pred_boxes)
    answer.pred_boxes[0, :2] = told[0]["boxes"]
    extra = answer.logits.shape[-1] - 2
    answer.logits = torch.full_like(answer.logits, -20.0)
    answer.logits[0, 0, 0] = answer.logits[0, 1, 1] = 20.0
    answer.logits[:, 2:, 2 : 2 + extra] = 20.0
    found = detections.boxes()[0]
    order = found["labels"].argsort()
    assert found["labels"][order].tolist() == [0, 1]
    assert torch.allclose(found["boxes"][order], targets.boxes[0], atol=1e-2)


def test_images_without_any_object_train():
    files = tiny_detectors.rt_detr()
    model, _ = build_detector(files, ["a", "b"], new_head=True)
    batch, _ = _batch(files)
    pixels = _TASK.encoder(files, 0, {})([ImageInput("", "", data=tiny_detectors.picture([]))] * 3)
    nothing = _TASK.targets(_TASK.numbers(["[]"] * 3, ["a", "b"]), pixels, np.arange(3))
    loss = LibraryDetections(model.train(), batch).loss(nothing, None, 0.0)
    assert torch.isfinite(loss)


@pytest.mark.parametrize("kind", _KINDS)
def test_an_answer_that_is_no_number_has_a_loss_that_is_none(kind):
    files = kind()
    model, _ = build_detector(files, ["a", "b"], new_head=True)
    batch, targets = _batch(files)
    batch.pixels[:] = float("nan")
    detections = LibraryDetections(model.eval(), batch)
    assert not detections.finite().any()
    assert torch.isnan(detections.loss(targets, None, 0.0))


def test_class_weights_are_refused():
    files = tiny_detectors.yolos()
    model, _ = build_detector(files, ["a", "b"], new_head=True)
    batch, targets = _batch(files)
    with pytest.raises(ConfigError, match="class weights"):
        LibraryDetections(model, batch).loss(targets, torch.ones(2), 0.0)


def test_weights_that_lack_or_exceed_the_model_are_refused():
    files = tiny_detectors.yolos()
    state = safetensors.torch.load(files["model.safetensors"])
    first = next(name for name in state if name.startswith("vit."))
    less = {name: one for name, one in state.items() if name != first}
    more = state | {"vit.encoder.extra": torch.ones(1)}
    for wrong in (less, more):
        broken = files | {"model.safetensors": safetensors.torch.save(wrong, {"format": "pt"})}
        with pytest.raises(ModelError, match="tensors"):
            build_detector(broken, ["a", "b"], new_head=True)
    with pytest.raises(ModelError):
        build_detector(files, ["a", "b"], new_head=False)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"model_type": "bert"}, "no detector"),
        ({"model_type": "of_its_own", "auto_map": {"AutoModel": "code.Model"}}, "of_its_own"),
        ({"backbone": "owner/network", "use_timm_backbone": False}, "names its backbone"),
    ],
)
def test_what_would_need_a_hub_or_code_of_its_own_is_refused(changes, match):
    files = tiny_detectors.yolos()
    config = json.loads(files["config.json"]) | changes
    with pytest.raises(ModelError, match=match):
        build_detector(
            files | {"config.json": json.dumps(config).encode()}, ["a", "b"], new_head=True
        )
