"""The losses of masks: against their formulas, with void pixels, weights and smoothed labels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.tasks.vision.found import VOID
from lextune.tasks.vision.frames import MaskTargets
from lextune.tasks.vision.mask_loss import mask_loss, pixels_of


def case(seed: int, classes: int = 3, void: float = 0.3) -> tuple[torch.Tensor, torch.Tensor]:
    draw = np.random.default_rng(seed)
    values = draw.integers(0, classes, (2, 4, 6)).astype(np.uint8)
    values[draw.random(values.shape) < void] = VOID
    logits = torch.from_numpy(draw.normal(0, 2, (2, classes, 4, 6))).float()
    return logits, torch.from_numpy(values)


def loss(logits, values, kind="cross_entropy", weights=None, smoothing=0.0) -> float:
    return float(mask_loss(logits, MaskTargets(values, kind), weights, smoothing))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from(["cross_entropy", "dice", "cross_entropy+dice"]))
def test_void_pixels_change_nothing(seed: int, kind: str) -> None:
    logits, values = case(seed)
    other = torch.where((values == VOID)[:, None], torch.randn(logits.shape), logits)
    assert loss(logits, values, kind) == pytest.approx(loss(other, values, kind), abs=1e-5)


def test_cross_entropy_is_the_mean_over_known_pixels() -> None:
    logits, values = case(0)
    known = values != VOID
    picked = logits.log_softmax(1).permute(0, 2, 3, 1)[known]
    wanted = -picked.gather(1, values[known].long()[:, None]).mean()
    assert loss(logits, values) == pytest.approx(float(wanted), rel=1e-5)
    weights = torch.tensor([1.0, 5.0, 0.5])
    each = weights[values[known].long()]
    weighted = -(picked.gather(1, values[known].long()[:, None])[:, 0] * each).sum() / each.sum()
    assert loss(logits, values, weights=weights) == pytest.approx(float(weighted), rel=1e-5)
    smooth = 0.8 * float(wanted) - 0.2 * float(picked.mean())
    assert loss(logits, values, smoothing=0.2) == pytest.approx(smooth, rel=1e-5)


def test_dice_counts_each_class_alike_and_is_0_for_a_sure_right_answer() -> None:
    values = torch.zeros(1, 4, 4, dtype=torch.uint8)
    values[0, 0, 0] = 2  # one pixel of sixteen, and class 1 is nowhere
    right = torch.nn.functional.one_hot(values.long(), 3).permute(0, 3, 1, 2) * 50.0
    assert loss(right, values, "dice") == pytest.approx(0, abs=1e-5)
    all_first = torch.zeros(1, 3, 4, 4)
    all_first[:, 0] = 50.0
    # class 0: 1 - 2*15/(16+15); class 2: 1
    assert loss(all_first, values, "dice") == pytest.approx((1 - 30 / 31 + 1) / 2, abs=1e-4)
    both = loss(all_first, values, "cross_entropy+dice")
    assert both == pytest.approx(
        loss(all_first, values) + loss(all_first, values, "dice"), rel=1e-5
    )


@pytest.mark.parametrize("kind", ["cross_entropy", "dice", "cross_entropy+dice"])
def test_a_batch_without_a_known_pixel_teaches_nothing(kind: str) -> None:
    logits, values = case(1)
    logits.requires_grad_()
    found = mask_loss(logits, MaskTargets(torch.full_like(values, VOID), kind), None, 0.1)
    found.backward()
    assert float(found.detach()) == 0.0
    assert not logits.grad.any()


def test_an_even_answer_has_the_loss_of_a_blind_guess() -> None:
    _, values = case(2)
    assert loss(torch.zeros(2, 3, 4, 6), values) == pytest.approx(math.log(3), rel=1e-6)


def test_pixels_are_counted_by_class_without_void_ones() -> None:
    values = torch.tensor([[[0, 0, 2], [VOID, 2, 2]]], dtype=torch.uint8)
    assert pixels_of(MaskTargets(values), 4).tolist() == [2, 0, 3, 0]
