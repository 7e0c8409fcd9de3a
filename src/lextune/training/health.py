"""Stops a training whose loss or gradient leaves the numbers, and says why; it changes no weight."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import torch

from lextune.errors import Problem, TrainingError
from lextune.training.checkpoints import Progress

#: The mean loss of so many steps is compared with a blind guess's to see an explosion.
_RECENT = 10
_EXPLODED = 10.0


@dataclass(frozen=True)
class Health:
    """Looks at each loss and each gradient before it reaches the weights.

    Attributes:
        model: To tell weights that were broken before from a batch that breaks them.
        optimizer: For the learning rate, in messages.
        progress: Notes the first loss and the last ones.
        blind_loss: Of a blind guess, in nats.
    """

    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    progress: Progress
    blind_loss: float

    def check_loss(self, value: float, ids: Sequence[str]) -> None:
        """Of one batch, before its gradient is taken.

        Raises:
            TrainingError: It is no finite number.
        """
        if not math.isfinite(value):
            self._stop(f"the loss is {'not a number' if math.isnan(value) else 'infinite'}", ids)

    def check_step(self, loss: float, norm: float, ids: Sequence[str]) -> None:
        """Of a whole step, before the optimiser takes it.

        Raises:
            TrainingError: The gradient is not finite, or the loss of the last steps exploded.
        """
        state = self.progress
        if state.first_loss is None:
            state.first_loss = loss
        state.recent = [*state.recent, loss][-_RECENT:]
        if not math.isfinite(norm):
            self._stop("the gradient is not finite", ids)
        limit = _EXPLODED * self.blind_loss
        if len(state.recent) == _RECENT and float(np.mean(state.recent)) > limit:
            self._stop(f"the loss exploded to {np.mean(state.recent):.3g}", ids)

    def check_validation(self, loss: float) -> None:
        """Of the epoch that has just ended.

        Raises:
            TrainingError: It is no finite number.
        """
        if not math.isfinite(loss):
            raise TrainingError(
                Problem(
                    f"the validation loss after epoch {self.progress.epoch} is {loss}",
                    "lower train.learning_rate, or set train.precision: fp32",
                    "weights that give no number are broken, and the epochs after them too",
                )
            )

    def _stop(self, fact: str, ids: Sequence[str]) -> NoReturn:
        """Raise with the cause: weights that had already left the numbers, or this batch."""
        broken = [
            name
            for name, parameter in self.model.named_parameters()
            if not bool(torch.isfinite(parameter).all())
        ]
        cause = (
            f"{len(broken)} weight tensors were no longer finite before this step, first {broken[0]}"
            if broken
            else f"all weights were finite before this step; the batch was rows {', '.join(ids[:4])}"
            + (f" and {len(ids) - 4} more" if len(ids) > 4 else "")
        )
        rate = self.optimizer.param_groups[0]["lr"]
        raise TrainingError(
            Problem(
                f"training stopped at step {self.progress.step + 1}, epoch "
                f"{self.progress.epoch + 1}: {fact} (learning rate {rate:.3g}, "
                f"{self.progress.precision})",
                "lower train.learning_rate, raise train.warmup_ratio, or set train.precision: fp32",
                cause,
            )
        )
