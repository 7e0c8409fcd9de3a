"""Measures whether and how far training moved the weights; it knows nothing of how they were trained."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from lextune.records import Measurement


def weight_change(
    before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor]
) -> tuple[Measurement, ...]:
    """Tensors that differ, and the relative L2 distance, over the floating-point tensors of both.

    Which ones must change is the caller's to say: those in `before`.
    """
    names = [name for name in before if name in after and before[name].is_floating_point()]
    changed, moved, size = 0, 0.0, 0.0
    for name in names:
        old, new = before[name].double(), after[name].double().to(before[name].device)
        changed += int(not torch.equal(old, new))
        moved += float((new - old).square().sum())
        size += float(old.square().sum())
    n = len(names)
    distance = (moved / size) ** 0.5 if size else float("nan")
    return (
        Measurement.exact("changed_weight_tensors", changed, n=n, unit="tensors"),
        Measurement.exact("relative_weight_change", distance, n=n, unit="L2 ratio"),
    )
