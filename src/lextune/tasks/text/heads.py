"""Splits a classifier of transformers at the states that its head reads; it trains nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from lextune.errors import ModelError, Problem
from lextune.tasks.text.encoder import anatomy, read_states
from lextune.tasks.text.packing import TextBatch

Head = Callable[[torch.Tensor], torch.Tensor]


def logits(model: nn.Module, batch: TextBatch) -> torch.Tensor:
    """The head's output for each row, or for each token that answers, shape (items, outputs)."""
    known = anatomy(model)
    if known is not None:
        return known.head(read_states(model, known, batch))
    padded = batch.padded()
    found: torch.Tensor = model(**padded).logits
    return _answering(found, batch) if _reads_tokens(model) else found


def features(model: nn.Module, batch: TextBatch) -> torch.Tensor:
    """The last layer's states of what the head reads, shape (items, hidden).

    Raises:
        ModelError: The head of this architecture is not known, or reads something else.
    """
    known = anatomy(model)
    if known is not None:
        return read_states(model, known, batch)
    _head(model)
    encoder: Any = model.base_model
    states: torch.Tensor = encoder(**batch.padded())[0]
    return _answering(states, batch) if _reads_tokens(model) else states[:, 0]


def _reads_tokens(model: nn.Module) -> bool:
    return type(model).__name__.endswith("ForTokenClassification")


def _answering(padded: torch.Tensor, batch: TextBatch) -> torch.Tensor:
    """Of a padded batch's values, shape (rows, width, any), those of the tokens that answer."""
    width = padded.shape[1]
    starts = torch.arange(len(batch)).numpy() * width
    if batch.encoded.pad_left:
        starts = starts + width - batch.encoded.lengths[batch.rows]
    places = torch.from_numpy(batch.places(starts)).to(padded.device)
    return padded.flatten(0, 1)[places]


def head_logits(model: nn.Module, states: torch.Tensor) -> torch.Tensor:
    """The head on what `features` gave, shape (items, outputs).

    Raises:
        ModelError: As for `features`.
    """
    known = anatomy(model)
    return _head(model)(states) if known is None else known.head(states)


def _head(model: nn.Module) -> Head:
    found = _HEADS.get(type(model).__name__)
    head = None if found is None else found(model)
    if head is None:
        raise ModelError(
            Problem(
                f"it is not known what the head of {type(model).__name__} reads",
                "set train.method: full",
                "a head can be trained alone where it reads the first token of a row",
            )
        )
    return head


def _albert(model: Any) -> Head:
    base = model.albert
    return lambda states: model.classifier(
        model.dropout(base.pooler_activation(base.pooler(states)))
    )


def _deberta(model: Any) -> Head:
    return lambda states: model.classifier(model.dropout(model.pooler(states[:, None])))


def _modernbert(model: Any) -> Head | None:
    if model.config.classifier_pooling != "cls":
        return None
    return lambda states: model.classifier(model.drop(model.head(states)))


def _mpnet(model: Any) -> Head:
    return lambda states: model.classifier(states[:, None])


#: Of architectures that take no packed rows, by the class that transformers builds.
_HEADS: Mapping[str, Callable[[Any], Head | None]] = {
    "AlbertForSequenceClassification": _albert,
    "DebertaForSequenceClassification": _deberta,
    "DebertaV2ForSequenceClassification": _deberta,
    "ModernBertForSequenceClassification": _modernbert,
    "MPNetForSequenceClassification": _mpnet,
}
