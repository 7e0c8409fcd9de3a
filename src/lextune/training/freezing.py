"""Freezes a model's word embeddings where the config asks for it or they are most of the model; it trains nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from lextune.errors import ModelError, Problem

if TYPE_CHECKING:
    import torch

#: Of all parameters; a larger table is frozen by `auto`. Encoders of one language have about half there, those
#: of a hundred languages 70 % and more, of which a training set in one language moves a few per cent.
_MOST = 2 / 3


def freeze_embeddings(model: torch.nn.Module, asked: bool | Literal["auto"]) -> None:
    """Let the word embeddings stay as they were pretrained, in place.

    Args:
        model: Of transformers.
        asked: `train.freeze_embeddings`.

    Raises:
        ModelError: They are to be frozen, and the model does not say where they are.
    """
    if asked is False:
        return
    table = _table(model)
    if asked is True and table is None:
        raise ModelError(
            Problem(
                f"{type(model).__name__} does not say which are its word embeddings",
                "set train.freeze_embeddings: false",
            )
        )
    if table is None:
        return
    size = sum(one.numel() for one in model.parameters())
    if asked is True or table.numel() > _MOST * size:
        table.requires_grad_(False)


def embeddings_frozen(model: torch.nn.Module) -> bool:
    """Whether the word embeddings are there and need no gradient."""
    table = _table(model)
    return table is not None and not table.requires_grad


def _table(model: Any) -> torch.nn.Parameter | None:
    try:
        table: torch.nn.Parameter | None = model.get_input_embeddings().weight
    except (AttributeError, NotImplementedError):
        return None
    return table
