"""What the training of masks minimises: cross entropy of pixels, Dice's overlap of classes, or both; it knows no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from lextune.extras import need
from lextune.tasks.vision.found import VOID

if TYPE_CHECKING:
    from lextune.tasks.vision.frames import MaskTargets


def mask_loss(
    logits: torch.Tensor, targets: MaskTargets, class_weights: torch.Tensor | None,
    label_smoothing: float,
) -> torch.Tensor:  # fmt: skip
    """The mean over the pixels that are not void, in nats; 0 where all are.

    Dice's loss is 1 - 2 |A and B| / (|A| + |B|) of each class over the whole batch, softly counted (Milletari et al.
    2016, arXiv:1606.04797), as a mean over the classes that are there; neither weights nor smoothed labels change it.

    Args:
        logits: Shape (images, classes, height, width).
        targets: Of the same images.
        class_weights: Of a pixel of each class, shape (classes,), or None.
        label_smoothing: Share of each label that goes to all classes alike.
    """
    scores, truth = logits.float(), targets.values.long()
    if not bool((truth != VOID).any()):
        return scores.sum() * 0.0
    parts = targets.loss.split("+")
    total = scores.new_zeros(())
    if "cross_entropy" in parts:
        weights = None if class_weights is None else class_weights.to(scores)
        total = total + torch.nn.functional.cross_entropy(
            scores, truth, weights, ignore_index=VOID, label_smoothing=label_smoothing
        )
    if "dice" in parts:
        total = total + _dice(scores, truth)
    return total


def _dice(scores: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    losses = need("vision", "segmentation_models_pytorch.losses")
    loss: torch.Tensor = losses.DiceLoss("multiclass", ignore_index=VOID)(scores, truth)
    # the library takes the mean over all classes, and 0 for one that is not there
    there = int((torch.bincount(truth[truth != VOID]) > 0).sum())
    return torch.mul(loss, scores.shape[1] / there)


def pixels_of(targets: MaskTargets, classes: int) -> torch.Tensor:
    """Pixels of each class, shape (classes,), int64."""
    values = targets.values[targets.values != VOID]
    return torch.bincount(values.flatten().long(), minlength=classes)
