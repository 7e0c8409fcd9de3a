"""Lets a pooler that no file held begin with standardised features of some training rows; it knows no file."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import torch

from lextune.errors import ModelError
from lextune.tasks.base import Task
from lextune.training.loop import Rows

#: So many rows are looked at, from the shortest to the longest.
_ROWS = 128
_AT_ONCE = 32
#: Of the mean variance, added to each: a feature that hardly varies is not blown up.
_FLOOR = 0.01


def standardise_pooler(
    task: Task, model: torch.nn.Module, rows: Rows, new_tensors: Collection[str]
) -> bool:
    """Make a drawn pooler pass on what the encoder says less its mean, at unit scale, before its tanh.

    Contrastive training leaves an encoder's states close to each other: what all texts share is larger than what
    tells them apart, and a new head first learns to see past it. This is a data-dependent start (Krähenbühl et al.
    2016, arXiv:1511.06856) of a layer that is trained as any other. A pooler that came with the model is left alone.

    Args:
        task: Gives the states that the head reads.
        model: Moved nowhere; its pooler may be changed in place.
        rows: Of the training part.
        new_tensors: Names of the tensors that were drawn.

    Returns:
        Whether there was such a pooler.
    """
    dense = _drawn_pooler(model, new_tensors)
    if dense is None:
        return False
    try:
        features = features_of(task, model, rows, spread(rows, _ROWS))
    except ModelError:  # it is not known what this head reads
        return False
    variance = features.var(0, unbiased=False)
    scale = (variance + _FLOOR * variance.mean()).rsqrt()
    if not bool(torch.isfinite(scale).all()):  # one row, or the same one again and again
        return False
    with torch.no_grad():
        dense.weight.copy_(torch.diag(scale))
        dense.bias.copy_(-features.mean(0) * scale)
    return True


def _drawn_pooler(model: torch.nn.Module, new_tensors: Collection[str]) -> torch.nn.Linear | None:
    for name, module in model.named_modules():
        dense = getattr(module, "dense", None)
        if not name.endswith("pooler") or not isinstance(dense, torch.nn.Linear):
            continue
        if not isinstance(getattr(module, "activation", None), torch.nn.Tanh):
            continue
        drawn = {f"{name}.dense.weight", f"{name}.dense.bias"} <= set(new_tensors)
        if drawn and dense.in_features == dense.out_features:
            return dense
    return None


def spread(rows: Rows, most: int) -> npt.NDArray[np.int64]:
    """At most so many rows, evenly from the shortest to the longest."""
    order = np.argsort(rows.encoded.lengths, kind="stable")
    return np.asarray(order[np.linspace(0, len(order) - 1, min(most, len(order))).astype(np.int64)])


@torch.no_grad()
def features_of(
    task: Task, model: torch.nn.Module, rows: Rows, chosen: npt.NDArray[np.int64]
) -> torch.Tensor:
    """What the head reads of some rows, shape (rows, hidden)."""
    where, training = next(model.parameters()).device, model.training
    model.eval()
    try:
        return torch.cat(
            [
                task.features(model, task.collate(rows.encoded, part).to(where)).float()
                for part in np.array_split(chosen, -(-len(chosen) // _AT_ONCE))
            ]
        )
    finally:
        model.train(training)
