"""What training minimises: a task's loss with weights of classes and smoothed labels; it knows no model and no optimiser."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from lextune.errors import ConfigError, DataError, Problem
from lextune.tasks.base import Task


@dataclass(frozen=True)
class Objective:
    """The training loss. Validation takes the task's own, so that runs of other settings compare.

    Attributes:
        task: Gives the loss.
        label_smoothing: Share of each label that goes to all classes alike (Szegedy et al. 2016,
            arXiv:1512.00567, section 7).
        class_weights: Of the loss of a row of each class, shape (classes,), or None for 1 each.
    """

    task: Task
    label_smoothing: float = 0.0
    class_weights: torch.Tensor | None = None

    def __call__(self, logits: Any, labels: Any) -> torch.Tensor:
        """The mean over the rows, each with the weight of its class; a scalar."""
        weights = self.class_weights
        return self.task.loss(
            logits, labels, class_weights=weights, label_smoothing=self.label_smoothing
        )

    def shares(self, batches: Sequence[Any]) -> list[float]:
        """What the mean of each batch counts in the mean over all of them; it sums to 1, or is 0 without items.

        A mean of means would count the items of a short batch for more than the others.

        Args:
            batches: What is taught of each batch, as `Task.targets` gives it.
        """
        each = [self.task.size(one, self.class_weights) for one in batches]
        total = sum(each)
        return [one / total if total else 0.0 for one in each]


def class_weights(
    asked: Literal["balanced"] | Mapping[str, float] | None,
    classes: Sequence[str],
    counts: npt.NDArray[np.int64],
) -> torch.Tensor | None:
    """The weight of each class, shape (classes,), as the config asks.

    Args:
        asked: `balanced` weighs a class by rows / (classes * its rows), as scikit-learn's
            `compute_class_weight` does (King and Zeng 2001); a mapping gives weights by name, 1 for the rest.
        classes: Their names.
        counts: Training rows, or pixels, of each class, shape (classes,).

    Raises:
        ConfigError: The mapping names a class that there is not.
        DataError: A class to be balanced has no row, or no pixel.
    """
    if asked is None:
        return None
    if asked == "balanced":
        if not counts.all():
            raise DataError(
                Problem(
                    f"the class {classes[int(counts.argmin())]!r} has no training row to balance",
                    "set train.class_weights to a mapping of class to weight, or add rows",
                )
            )
        return torch.from_numpy(counts.sum() / (len(classes) * counts)).float()
    unknown = [name for name in asked if name not in classes]
    if unknown:
        raise ConfigError([_unknown_class(name, classes) for name in unknown])
    return torch.tensor([float(asked.get(name, 1.0)) for name in classes])


def _unknown_class(name: str, classes: Sequence[str]) -> Problem:
    near = difflib.get_close_matches(name, classes, n=1)
    return Problem(
        f"train.class_weights names the class {name!r}, which the data does not have",
        f"did you mean {near[0]!r}?" if near else f"use some of {', '.join(classes[:20])}",
        "a weight that nothing reads would do nothing",
    )
