"""Lets a model forget what the backward pass can compute again, to save memory; it knows no loop."""

from __future__ import annotations

from typing import Any

import torch

from lextune.errors import ModelError, Problem


def recompute_layers(model: torch.nn.Module) -> None:
    """Gradient checkpointing (Chen et al. 2016, arXiv:1604.06174): each layer runs again for its gradient.

    torch's generators are put back for the second run, so that dropout and the gradient are the same.

    Raises:
        ModelError: transformers has none for this architecture.
    """
    enable: Any = getattr(model, "activation_checkpointing_enable", None)
    try:
        if enable is None:
            raise ValueError("it is no model of transformers")
        enable({"use_reentrant": False})
    except ValueError as error:
        raise ModelError(
            Problem(
                f"{type(model).__name__} cannot compute its layers again",
                "set train.gradient_checkpointing: false, and for less memory lower train.batch_size and "
                "raise train.gradient_accumulation_steps",
                str(error),
            )
        ) from error
    # only the reentrant kind needs inputs with a gradient
    model.disable_input_require_grads()  # type: ignore[operator]
