"""Folded batch norms: the same answers and gradients as frozen ones, and no fold where it would change them."""

from __future__ import annotations

import copy

import pytest
import timm
import torch
from torch import nn

from lextune.tasks.vision.folding import fold_batch_norms, freeze_batch_norms


def frozen_network(name: str = "test_efficientnet") -> nn.Module:
    torch.manual_seed(0)
    model = timm.create_model(name, num_classes=3)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):  # statistics and affine parts that do something
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    freeze_batch_norms(model)
    return model


def gradients(
    model: nn.Module, images: torch.Tensor, half: bool = False
) -> dict[str, torch.Tensor]:
    model.train()
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        answer = model(images)
    answer.float().square().mean().backward()
    return {name: one.grad for name, one in model.named_parameters() if one.grad is not None}


@pytest.mark.parametrize("name", ["test_efficientnet", "tf_efficientnet_lite0", "resnet18"])
def test_a_folded_network_answers_and_learns_as_a_frozen_one(name: str) -> None:
    model = frozen_network(name)
    folded = copy.deepcopy(model)
    images = torch.rand(2, 3, 64, 64)
    norms = sum(isinstance(one, nn.BatchNorm2d) for one in model.modules())
    assert fold_batch_norms(folded, images) == norms
    torch.testing.assert_close(folded.eval()(images), model.eval()(images), rtol=1e-4, atol=1e-4)
    own, other = gradients(model, images), gradients(folded, images)
    assert own.keys() == other.keys()
    for key, gradient in own.items():
        scale = float(gradient.abs().max()) + 1e-6
        torch.testing.assert_close(other[key] / scale, gradient / scale, rtol=0, atol=2e-3)


def test_in_half_precision_the_gradient_is_no_worse_than_without_folding() -> None:
    model = frozen_network("tf_efficientnet_lite0")
    folded, plain = copy.deepcopy(model), copy.deepcopy(model)
    images = torch.rand(2, 3, 64, 64)
    fold_batch_norms(folded, images)
    exact = gradients(model, images)

    def likeness(other: nn.Module) -> float:
        found = gradients(other, images, half=True)
        left, right = (torch.cat([one[key].flatten() for key in exact]) for one in (exact, found))
        return float(torch.nn.functional.cosine_similarity(left, right, dim=0))

    assert likeness(folded) > 0.95
    assert likeness(folded) > likeness(plain) - 0.02


def test_names_and_values_of_tensors_stay() -> None:
    model = frozen_network()
    before = copy.deepcopy(model.state_dict())
    fold_batch_norms(model, torch.rand(2, 3, 32, 32))
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[key], before[key]) for key in before)


class Shared(nn.Module):
    """A convolution whose output a norm takes, and something else besides."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        nn.init.uniform_(self.norm.running_mean, 0.5, 1.0)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.conv(images)
        found: torch.Tensor = self.norm(made) + made
        return found


def test_nothing_is_folded_where_the_answer_would_change() -> None:
    model = Shared()
    freeze_batch_norms(model)
    images = torch.rand(2, 3, 8, 8)
    before = model.eval()(images)
    assert fold_batch_norms(model, images) == 0
    assert torch.equal(model(images), before)


def test_frozen_norms_stay_frozen_in_training() -> None:
    model = frozen_network()
    norm = next(one for one in model.modules() if isinstance(one, nn.BatchNorm2d))
    before = norm.running_mean.clone()
    model.train()
    model(torch.rand(4, 3, 32, 32))
    assert torch.equal(norm.running_mean, before)
    assert not norm.training
