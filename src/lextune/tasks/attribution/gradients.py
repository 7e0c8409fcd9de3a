"""Integrated gradients along the embeddings of one input; it knows no words and no names of features.

Sundararajan, Taly and Yan 2017 (arXiv:1703.01365): the gradient of the answer is averaged over a straight way from a
baseline to the input and multiplied by their difference, so that the weights of all pieces sum to the difference of the
answers (completeness). The integral is taken at the points of Gauss and Legendre.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from lextune.errors import ModelError, Problem
from lextune.tasks.base import TOKENS_AT_ONCE
from lextune.tasks.text.packing import TextBatch

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Way:
    """From a baseline to one input.

    Attributes:
        module: Whose output is moved along the way: the embeddings.
        encoded: The input, one row.
        places: Where its pieces are in the module's output, flattened to vectors, given the module's inputs and a batch
            of copies of the row; shape (copies, pieces).
        baseline: What stands for each piece at the beginning, shape (pieces, width) or (1, width).
        length: What a copy costs, in tokens.
    """

    module: nn.Module
    encoded: Any
    places: Callable[[tuple[Any, ...], Any, int], torch.Tensor]
    baseline: Callable[[], torch.Tensor]
    length: int


@dataclass(frozen=True)
class Integrated:
    """Weights of the pieces of one input.

    Attributes:
        weights: Of each piece, in log-odds, shape (pieces,).
        score: Log-odds of the target at the input.
        baseline: The same at the baseline.
        steps: Points of the integral.
    """

    weights: Floats
    score: float
    baseline: float
    steps: int

    @property
    def gap(self) -> float:
        """By how much the weights fail to sum to the difference of the two scores."""
        return abs(float(self.weights.sum()) - (self.score - self.baseline))


def differentiable(loaded: Any) -> bool:
    """Whether the way of an input of this model is known: text encoders, and networks of records without events."""
    if loaded.task.label_kind not in ("class", "classes"):
        return False
    if loaded.task.input_kind == "text":
        return hasattr(loaded.encode, "pieces") and callable(
            getattr(loaded.model, "get_input_embeddings", None)
        )
    encoder = getattr(loaded.model, "encoder", None)
    return loaded.task.input_kind == "record" and encoder is not None and not len(encoder.events)


def way_of(loaded: Any, given: Any, usual: Any = None) -> Way:
    """The way to an input: of a text from padding, with its special tokens kept; of a record from the usual one.

    Args:
        loaded: A `models.loading.LoadedModel` that is `differentiable`.
        given: The input.
        usual: Of a record, the usual one.
    """
    encoded = loaded.encode([given])
    if loaded.task.input_kind == "text":
        return _text_way(loaded, encoded, loaded.encode.pieces(given)[:, 1] > 0)
    module = loaded.model.encoder.cells
    start = loaded.task.collate(loaded.encode([usual]), np.arange(1)).cells

    def places(_: tuple[Any, ...], batch: Any, copies: int) -> torch.Tensor:
        numbers, codes = batch.cells.numbers.shape[1], batch.cells.codes.shape[1]
        return torch.arange(copies * (numbers + codes)).view(copies, -1)

    def baseline() -> torch.Tensor:
        found: torch.Tensor = module.forward(start.to(_device(loaded.model)))[0]
        return found

    return Way(module, encoded, places, baseline, int(encoded.lengths[0]))


def _text_way(loaded: Any, encoded: Any, content: npt.NDArray[np.bool_]) -> Way:
    module = loaded.model.get_input_embeddings()
    if len(content) != int(encoded.lengths[0]):
        raise ModelError(
            Problem(
                "the tokenizer gives a text other tokens when it is asked for their places",
                "restore tokenizer.json as the model's authors wrote it",
            )
        )

    def places(args: tuple[Any, ...], batch: TextBatch, copies: int) -> torch.Tensor:
        found = _token_places(args[0], batch).view(copies, -1)
        return found[:, torch.from_numpy(content)]

    def baseline() -> torch.Tensor:
        pad = torch.tensor([encoded.pad_id], device=_device(loaded.model))
        found: torch.Tensor = module.forward(pad)
        return found

    return Way(module, encoded, places, baseline, int(encoded.lengths[0]))


def _token_places(ids: torch.Tensor, batch: TextBatch) -> torch.Tensor:
    """Where the tokens of each row are in a line or in padded rows that the model was given, row after row."""
    if ids.ndim == 1:
        for packed in (batch.packed(), batch.packed(1)):
            if packed.ids.shape == ids.shape and bool((packed.ids == ids).all()):
                return torch.from_numpy(batch.places(packed.first[packed.back].cpu().numpy()))
    elif ids.ndim == 2 and len(ids) == len(batch):
        starts = np.arange(len(batch), dtype=np.int64) * ids.shape[1]
        if batch.encoded.pad_left:
            starts = starts + ids.shape[1] - batch.encoded.lengths[batch.rows]
        return torch.from_numpy(batch.places(starts))
    raise ModelError(
        Problem(
            "it is not known where this model lays the tokens of a text",
            "explain with the method occlusion",
        )
    )


def integrate(loaded: Any, way: Way, target: int, steps: int) -> Integrated:
    """The weights of an input's pieces for one class.

    Args:
        loaded: The model.
        way: To the input.
        target: Number of the class.
        steps: Points of the integral.
    """
    points, shares = np.polynomial.legendre.leggauss(steps)
    # both ends of the way come along: they say what the weights must sum to
    along = torch.from_numpy(np.concatenate([(points + 1) / 2, [0.0, 1.0]])).float()
    weighted = torch.from_numpy(np.concatenate([shares / 2, [0.0, 0.0]]))
    at_once = max(1, TOKENS_AT_ONCE // max(way.length, 1))
    total: Any = 0
    scores = []
    for alphas, part in zip(
        torch.split(along, at_once), torch.split(weighted, at_once), strict=True
    ):
        found, moved = _gradients(loaded, way, target, alphas)
        total = total + (moved.double() * part[:, None]).sum(0)
        scores.append(found)
    ends = torch.cat(scores)[-2:].tolist()
    return Integrated(np.asarray(total.numpy(), np.float64), ends[1], ends[0], steps)


def _gradients(
    loaded: Any, way: Way, target: int, alphas: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-odds at some points of the way, shape (points,), and gradient times difference, shape (points, pieces)."""
    device = _device(loaded.model)
    rows = np.zeros(len(alphas), np.int64)
    batch = loaded.task.collate(way.encoded, rows).to(device)
    with torch.enable_grad(), _moved(way, batch, alphas.to(device)) as held:
        logits = loaded.task.logits(loaded.model, batch)
        each = loaded.task.label_kind == "classes"
        score = torch_log_odds(logits, target, each=each)
        leaf, difference = held
        (slope,) = torch.autograd.grad(score.sum(), leaf)
    return score.detach().double().cpu(), (slope * difference).sum(-1).detach().cpu()


@contextmanager
def _moved(way: Way, batch: Any, alphas: torch.Tensor) -> Iterator[list[torch.Tensor]]:
    """Within it the module gives what lies between baseline and input, and tells the moved pieces and how far they go."""
    held: list[torch.Tensor] = []

    def move(_: nn.Module, args: tuple[Any, ...], output: torch.Tensor) -> torch.Tensor:
        if held:
            raise ModelError(
                Problem("this model embeds its input twice", "explain with the method occlusion")
            )
        flat = output.detach().reshape(-1, output.shape[-1])
        places = way.places(args, batch, len(alphas)).to(output.device)
        start = way.baseline().detach()
        difference = flat[places] - start
        leaf = (start + alphas[:, None, None] * difference).requires_grad_()
        held[:] = [leaf, difference]
        moved = flat.index_put((places.reshape(-1),), leaf.reshape(-1, flat.shape[-1]))
        return moved.view(output.shape)

    handle = way.module.register_forward_hook(move)
    try:
        yield held
    finally:
        handle.remove()


def torch_log_odds(logits: torch.Tensor, target: int, *, each: bool) -> torch.Tensor:
    """Logarithm of p / (1 - p) of a class, shape (rows,); `each` where classes do not exclude each other."""
    if each:
        return logits[:, target]
    others = torch.cat([logits[:, :target], logits[:, target + 1 :]], 1)
    return logits[:, target] - others.logsumexp(1)


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device
