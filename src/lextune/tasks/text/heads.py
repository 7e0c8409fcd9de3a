"""Splits a classifier of transformers at the states that its head reads; it trains nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from lextune.errors import ModelError, Problem
from lextune.tasks.text.encoder import anatomy, first_states
from lextune.tasks.text.packing import TextBatch

Head = Callable[[torch.Tensor], torch.Tensor]


def features(model: nn.Module, batch: TextBatch) -> torch.Tensor:
    """The last layer's states of the first token of each row, shape (rows, hidden).

    Raises:
        ModelError: The head of this architecture is not known, or reads something else.
    """
    known = anatomy(model)
    if known is not None:
        return first_states(model, known, batch)
    _head(model)
    encoder: Any = model.base_model
    states: torch.Tensor = encoder(**batch.padded())[0]
    return states[:, 0]


def head_logits(model: nn.Module, states: torch.Tensor) -> torch.Tensor:
    """The head on what `features` gave, shape (rows, classes).

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
