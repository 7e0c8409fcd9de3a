"""Tries a model on a few training rows before the first step, and redraws a head that was drawn too wide; it knows no file."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import torch

from lextune.errors import ModelError, Problem
from lextune.tasks.base import Task
from lextune.training.loop import Rows

#: So many rows are tried, from the shortest to the longest.
_ROWS = 16
#: A head whose first loss lies so far (in nats) above that of a blind guess is drawn again.
_FAR = 0.25
_STD = 0.02


def try_first_rows(
    task: Task, model: torch.nn.Module, rows: Rows, outputs: int, *,
    new_tensors: Collection[str], seed: int,
) -> str | None:  # fmt: skip
    """Make sure that the model answers, and that a new head begins as a blind guess.

    Torch's own generators are left as they are: a model that is fine trains as if it had not been tried.

    Args:
        task: Gives batches, logits and loss.
        model: Moved nowhere; its output layer may be redrawn in place.
        rows: Of the training part.
        outputs: How many the model has.
        new_tensors: Names of the tensors that were drawn.
        seed: Of the redrawing.

    Returns:
        What was done, in a sentence, where something was.

    Raises:
        ModelError: The model cannot take these rows, or gives another number of scores.
    """
    loss = _first_loss(task, model, rows, outputs)
    blind = task.blind_loss(outputs)
    layer = _new_output(model, outputs, new_tensors)
    if loss <= blind + _FAR or layer is None:
        return None
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=draw) * _STD)
        if layer.bias is not None:
            layer.bias.zero_()
    again = _first_loss(task, model, rows, outputs)
    return (
        f"the new head was drawn too wide: its first loss was {loss:.3g}, a blind guess has "
        f"{blind:.3g}; drawn again with a standard deviation of {_STD} it is {again:.3g}"
    )


@torch.no_grad()
def _first_loss(task: Task, model: torch.nn.Module, rows: Rows, outputs: int) -> float:
    order = np.argsort(rows.encoded.lengths, kind="stable")
    tried = order[np.linspace(0, len(order) - 1, min(_ROWS, len(order))).astype(np.int64)]
    where, training = next(model.parameters()).device, model.training
    model.eval()
    try:
        batch = task.collate(rows.encoded, tried).to(where)
        logits = task.logits(model, batch)
        taught = task.targets(rows.labels, rows.encoded, tried).to(where)
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # whatever an architecture raises on inputs that it cannot take
        told = " ".join(str(error).split())[:300]
        raise ModelError(
            Problem(
                f"the model cannot take a batch of {len(tried)} {task.input_kind}s",
                "choose another model, or mend its config.json: pad_token_id, positions and "
                "vocabulary must be those of the weights and of tokenizer.json",
                f"{type(error).__name__}: {told}",
            )
        ) from error
    finally:
        model.train(training)
    if not task.accepts(logits, taught, outputs):
        raise ModelError(
            Problem(
                f"the model gives answers of the shape {tuple(getattr(logits, 'shape', ()))} for "
                f"{len(tried)} {task.input_kind}s and {outputs} outputs",
                "choose another model",
                "every class or tag needs one score",
            )
        )
    return float(task.loss(logits, taught))


def _new_output(
    model: torch.nn.Module, outputs: int, new_tensors: Collection[str]
) -> torch.nn.Linear | None:
    """The last linear layer that was drawn and has a row for each output."""
    found = [
        module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
        and f"{name}.weight" in new_tensors
        and module.out_features == outputs
    ]
    return found[-1] if found else None
