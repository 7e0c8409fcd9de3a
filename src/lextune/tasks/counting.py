"""Counts the floating-point operations of a model's passes over batches; it knows no run and no data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count


def operations(loaded: Any, inputs: Sequence[Any], *, backward: bool) -> int:
    """Floating-point operations of one pass over a batch of inputs, and of the pass back through all weights.

    Multiplications and additions of products of matrices, convolutions and attention are counted, each as one
    operation, as they are run: with the padding of the batch. What is done to single values is not.

    Args:
        loaded: A `models.loading.LoadedModel`.
        inputs: One batch. Those of a task whose loss reads the model's own answers carry their labels.
        backward: Whether the pass back is counted too.

    Returns:
        0 where the model multiplies no matrices, as trees.
    """
    task, rows = loaded.task, np.arange(len(inputs))
    encoded = loaded.encode(list(inputs))
    batch = task.collate(encoded, _rows(encoded, rows)).to(_device(loaded.model))
    with _learning(loaded.model, backward), _counter() as counter:
        logits = task.logits(loaded.model, batch)
        outcome = _scalar(loaded, encoded, rows, inputs, logits)
        if backward and outcome.requires_grad:
            outcome.backward()  # type: ignore[no-untyped-call]
    return int(counter.get_total_flops())


def _rows(encoded: Any, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """All rows: a long text may be several."""
    return rows if len(encoded) == len(rows) else np.arange(len(encoded))


def _scalar(
    loaded: Any, encoded: Any, rows: npt.NDArray[np.int64], inputs: Sequence[Any], logits: Any
) -> torch.Tensor:
    """A number that depends on all answers: their sum where they are there, else the loss, which makes them."""
    if isinstance(logits, torch.Tensor):
        return logits.float().sum()
    labels = loaded.task.numbers([one.label or "" for one in inputs], loaded.classes, encoded)
    found: torch.Tensor = loaded.task.loss(logits, loaded.task.targets(labels, encoded, rows))
    return found


@contextmanager
def _learning(model: torch.nn.Module, learn: bool) -> Iterator[None]:
    """Within it all weights that can learn need gradients, or none; then they are as they were."""
    before = {one: one.requires_grad for one in model.parameters()}
    try:
        for one in before:
            one.requires_grad_(learn and one.is_floating_point())
        with torch.set_grad_enabled(learn):
            yield
    finally:
        for one, needed in before.items():
            one.requires_grad_(needed)
            one.grad = None


def _counter() -> FlopCounterMode:
    """Torch's counter, which does not know attention on CPUs."""
    ops = torch.ops.aten
    known = {
        ops._scaled_dot_product_flash_attention_for_cpu: _attention,
        ops._scaled_dot_product_flash_attention_for_cpu_backward: _attention_back,
    }
    return FlopCounterMode(display=False, custom_mapping=known)


def _attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    found: int = sdpa_flop_count(query, key, value)  # type: ignore[no-untyped-call]
    return found


def _attention_back(out: Any, query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    found: int = sdpa_backward_flop_count(out, query, key, value)  # type: ignore[no-untyped-call]
    return found


def _device(model: torch.nn.Module) -> torch.device:
    return next(model.parameters()).device
