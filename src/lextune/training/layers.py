"""Lets a new head that sums over an encoder's layers begin with those that tell the classes apart; it knows no file."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch

from lextune.tasks.base import Task
from lextune.training.loop import Rows
from lextune.training.pooling import features_of, spread

#: So many rows are looked at, from the shortest to the longest.
_ROWS = 512
#: How much the better layers are preferred: a layer that is right for 5 % more rows weighs e^2 times as much.
_SHARPNESS = 40.0
#: Of the mean variance, added to each: a feature that hardly varies is not blown up.
_FLOOR = 0.01


def start_layer_weights(
    task: Task, model: Any, rows: Rows, new_tensors: Collection[str]
) -> torch.Tensor | None:
    """Weigh the layers by how well each tells training rows apart, and let the map after them standardise the sum.

    A softmax of trained logits moves by the learning rate, so that in few steps it stays where it began: alike for
    all layers, of which the last are of words, not of voices (docs/decisions/0035-head-of-sounds.md). How well a
    layer does is the accuracy of ridge regression on its standardised features, each row left out once (Allen 1974).

    Args:
        task: Gives the features of all layers, one after the other.
        model: Moved nowhere; `layer_weights` and `projector` are changed in place, where both were drawn.
        rows: Of the training part, with one class each.
        new_tensors: Names of the tensors that were drawn.

    Returns:
        The share of each layer, shape (layers,); None where there is no such head.
    """
    if not {"layer_weights", "projector.weight", "projector.bias"} <= set(new_tensors):
        return None
    projector = model.projector
    if projector.in_features != projector.out_features:
        return None
    chosen = spread(rows, _ROWS)
    found = features_of(task, model, rows, chosen)
    found = found.reshape(len(found), -1, projector.in_features)
    labels = torch.from_numpy(rows.labels[chosen]).to(found.device)
    right = torch.stack([_left_out(one, labels) for one in found.unbind(1)])
    # a layer counts by its accuracy, not by how large its numbers are
    scale = found.std(0, unbiased=False).mean(1).clamp(min=1e-6)
    weights: torch.Tensor = (right * _SHARPNESS).softmax(0) / scale
    weights = weights / weights.sum()
    total = (found * weights[:, None]).sum(1)
    variance = total.var(0, unbiased=False)
    factor = (variance + _FLOOR * variance.mean()).rsqrt()
    if not bool(torch.isfinite(factor).all()):  # one row, or the same one again and again
        return None
    with torch.no_grad():
        model.layer_weights.copy_(weights.clamp(min=1e-6).log())
        projector.weight.copy_(torch.diag(factor))
        projector.bias.copy_(-total.mean(0) * factor)
    return weights


def _left_out(features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Share of rows whose class ridge regression on the others finds, a scalar."""
    rows, width = features.shape
    wanted = torch.nn.functional.one_hot(labels).double()
    given = features.double()
    given = (given - given.mean(0)) / given.std(0, unbiased=False).clamp(min=1e-8)
    inner = given @ given.T
    strength = width * rows / 10
    hat = torch.linalg.solve(inner + strength * torch.eye(rows, device=inner.device), inner)
    hat = hat.T + 1 / rows
    own = hat.diagonal()[:, None]
    left_out = (hat @ wanted - own * wanted) / (1 - own)
    share: torch.Tensor = (left_out.argmax(1) == labels).double().mean()
    return share
