"""Chooses the score from which a found box is shown, on images that were not trained on; it knows no model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from lextune.tasks.vision.boxes import BoxTargets

#: Overlap (intersection over union) from which a box of the right type is right.
OVERLAP = 0.5


def best_threshold(
    batches: Sequence[tuple[Sequence[dict[str, torch.Tensor]], BoxTargets]], otherwise: float
) -> float:
    """The score with the highest F1 of all boxes that have it or more.

    Boxes are matched as in COCO: the surest first, each with the untaken object that it overlaps most. One that is
    more than half inside a region about which nothing is said is neither right nor wrong.

    Args:
        batches: What was found in the images of a batch (`boxes`, `labels`, `scores`, best first), and their objects.
        otherwise: Given where nothing is right at any score.
    """
    import numpy as np

    scores, right, objects = [np.zeros(0, np.float32)], [np.zeros(0, bool)], 0
    for found, targets in batches:
        for image, one in enumerate(found):
            hits, counted = _matched(
                one, targets.boxes[image], targets.classes[image], targets.ignored[image]
            )
            scores.append(one["scores"].float().cpu().numpy()[counted])
            right.append(np.asarray(hits)[counted])
            objects += len(targets.boxes[image])
    score, hit = np.concatenate(scores), np.concatenate(right)
    order = np.argsort(-score, kind="stable")
    score, hits_so_far = score[order], np.cumsum(hit[order])
    if not hit.any():
        return otherwise
    f1 = 2 * hits_so_far / (np.arange(1, len(score) + 1) + objects)
    last = np.append(score[1:] < score[:-1], True)  # equal scores enter together
    return float(score[np.argmax(np.where(last, f1, -1))])


def _matched(
    found: dict[str, torch.Tensor],
    boxes: torch.Tensor,
    classes: torch.Tensor,
    ignored: torch.Tensor,
) -> tuple[list[bool], list[bool]]:
    """Which boxes are right, and which count."""
    import torch
    from torchvision.ops import box_iou

    overlaps = box_iou(found["boxes"].float(), boxes)
    overlaps[found["labels"][:, None] != classes[None]] = 0
    taken = torch.zeros(len(boxes), dtype=torch.bool, device=boxes.device)
    hits = []
    for row in overlaps:
        free = row.masked_fill(taken, 0)
        hit = len(free) > 0 and bool(free.max() >= OVERLAP)
        if hit:
            taken[free.argmax()] = True
        hits.append(hit)
    inside = _shares_inside(found["boxes"].float(), ignored) > 1 / 2
    return hits, [hit or not out for hit, out in zip(hits, inside.tolist(), strict=True)]


def _shares_inside(boxes: torch.Tensor, regions: torch.Tensor) -> torch.Tensor:
    """The largest share of each box's area that one region covers, shape (boxes,)."""
    import torch

    if not len(regions):
        return boxes.new_zeros(len(boxes))
    upper = torch.maximum(boxes[:, None, :2], regions[None, :, :2])
    lower = torch.minimum(boxes[:, None, 2:], regions[None, :, 2:])
    both = (lower - upper).clamp(min=0).prod(2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1).clamp(min=1e-6)
    return (both / area[:, None]).amax(1)
