import pytest
import torch
from torchvision.models.detection.fcos import FCOSHead

import tiny_detectors
from lextune.errors import ModelError
from lextune.tasks.vision.boxes import BoxTargets
from lextune.tasks.vision.detectors import build_detector
from lextune.tasks.vision.pyramid import PLACES, PyramidDetections, build_body
from lextune.tasks.vision.scaled import PaddedBatch


@pytest.fixture(scope="module")
def model():
    return build_detector(tiny_detectors.backbone(), ["a", "b"], new_head=True)[0].eval()


def _batch(count=2):
    torch.manual_seed(1)
    return PaddedBatch(torch.randn(count, 3, 64, 96), [(64, 96)] * count)


def _targets(*images, ignored=None):
    boxes = [torch.tensor([one[:4] for one in image]).float().reshape(-1, 4) for image in images]
    classes = [torch.tensor([one[4] for one in image], dtype=torch.int64) for image in images]
    nothing = [torch.zeros(0, 4)] * len(images)
    return BoxTargets(boxes, classes, ignored or nothing)


_SOME = ((4, 4, 40, 30, 0), (50, 20, 90, 60, 1), (10, 40, 22, 50, 1)), ()


@torch.no_grad()
def test_the_loss_is_torchvisions_up_to_what_it_is_divided_by(model):
    detections, targets = PyramidDetections(model, _batch()), _targets(*_SOME)
    given = [{"boxes": b, "labels": c} for b, c in zip(targets.boxes, targets.classes, strict=True)]
    matched = list(detections._matched(targets))
    parts = FCOSHead.compute_loss(
        model.head, given, detections.outputs, [detections.anchors] * 2, matched
    )
    positives = int((torch.stack(matched) >= 0).sum())
    ours = detections.loss(targets, None, 0.0) * PLACES * 3
    assert positives > 0
    assert float(ours) == pytest.approx(float(sum(parts.values())) * positives, rel=1e-4)


@torch.no_grad()
def test_the_loss_of_a_batch_is_the_mean_of_its_images_by_their_boxes(model):
    batch, targets = _batch(), _targets(_SOME[0], _SOME[0][:1])
    whole = PyramidDetections(model, batch).loss(targets, None, 0.0)
    parts = 0.0
    for image, count in enumerate((3, 1)):
        one = PaddedBatch(batch.pixels[image : image + 1], batch.sizes[:1])
        alone = _targets(_SOME[0][:count])
        parts += float(PyramidDetections(model, one).loss(alone, None, 0.0)) * count / 4
    assert float(whole) == pytest.approx(parts, rel=1e-4)


def test_images_without_objects_teach_that_nothing_is_there(model):
    detections = PyramidDetections(model, _batch())
    loss = detections.loss(_targets((), ()), None, 0.0)
    loss.backward()
    assert float(loss.detach()) > 0
    gradient = model.head.classification_head.cls_logits.bias.grad
    assert bool((gradient > 0).all())  # lower scores everywhere
    model.zero_grad()


@torch.no_grad()
def test_nothing_is_taught_inside_a_crowd(model):
    everywhere = [torch.tensor([[0.0, 0, 96, 64]])]
    detections = PyramidDetections(model, _batch(1))
    assert float(detections.loss(_targets((), ignored=everywhere), None, 0.0)) == 0
    both = _targets(_SOME[0], ignored=everywhere)
    assert (
        0
        < float(detections.loss(both, None, 0.0))
        < float(detections.loss(_targets(_SOME[0]), None, 0.0))
    )


@torch.no_grad()
def test_class_weights_and_smoothing_change_the_loss(model):
    detections, targets = PyramidDetections(model, _batch()), _targets(*_SOME)
    plain = float(detections.loss(targets, None, 0.0))
    assert float(detections.loss(targets, torch.ones(2), 0.0)) == pytest.approx(plain)
    assert float(detections.loss(targets, torch.tensor([1.0, 3.0]), 0.0)) != pytest.approx(plain)
    assert float(detections.loss(targets, None, 0.2)) != pytest.approx(plain)


def test_boxes_are_those_that_torchvisions_own_forward_finds(model):
    model.score_thresh = 0.0
    torch.manual_seed(3)
    image = torch.rand(3, 320, 384)
    expected = model([image])[0]
    mean, std = (
        torch.tensor(one)[:, None, None]
        for one in (model.transform.image_mean, model.transform.image_std)
    )
    batch = PaddedBatch(((image - mean) / std)[None], [(320, 384)])
    found = PyramidDetections(model, batch).boxes()[0]
    assert len(found["boxes"]) == 100
    assert torch.allclose(found["boxes"], expected["boxes"], atol=1e-3)
    assert torch.equal(found["labels"], expected["labels"])
    model.score_thresh = 0.05


def test_an_answer_that_is_no_number_is_told(model):
    batch = _batch()
    batch.pixels[1] = float("nan")
    detections = PyramidDetections(model, batch)
    assert detections.finite().tolist() == [True, False]
    assert torch.isnan(detections.loss(_targets(*_SOME), None, 0.0))


@pytest.mark.parametrize("architecture", ["test_vit", "no_such_network"])
def test_a_network_without_features_at_the_strides_is_refused(architecture):
    with pytest.raises(ModelError, match="no features at strides"):
        build_body(architecture)
