"""The method `head`: the encoder stays as it is and runs once over each row; the head is trained on what it gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lextune.tasks.base import Task
from lextune.training.backbone import head_names
from lextune.training.methods.base import Method, ParameterGroup, decayed_groups, methods

if TYPE_CHECKING:
    import torch


@methods.register("head")
class Head(Method):
    """Pooler and classifier are trained, on features that are computed before the first step and kept in memory.

    The encoder runs without dropout. The features of n rows (of n tokens, where tokens answer) take
    n * hidden * 4 bytes.
    """

    features_once = True

    def prepare(self, model: torch.nn.Module) -> list[ParameterGroup]:
        """Freeze the encoder, but for a pooler in it: that is above the states that the head reads."""
        head = head_names(model)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name in head)
        self._kept: list[tuple[Any, torch.Tensor]] = []
        return decayed_groups(model.parameters(), self.config.weight_decay)

    def logits(
        self,
        task: Task,
        model: torch.nn.Module,
        encoded: Any,
        rows: npt.NDArray[np.int64],
    ) -> torch.Tensor:
        """The head on the kept features."""
        import torch

        features = next((kept for of, kept in self._kept if of is encoded), None)
        if features is None:
            # not of an inference: they outlive a validation that asks for them first
            with torch.inference_mode(mode=False), torch.no_grad():
                features = self._features(task, model, encoded)
            self._kept.append((encoded, features))
        items = torch.from_numpy(task.items(encoded, rows)).to(features.device)
        return task.head_logits(model, features[items])

    def _features(self, task: Task, model: torch.nn.Module, encoded: Any) -> torch.Tensor:
        """Of all items, shape (items, hidden): always in the same batches, so that a resumed run has the same bits."""
        import torch

        training, where = model.training, next(model.parameters()).device
        model.eval()
        features = torch.empty(0)
        for rows in encoded.in_order(self.config.batch_size * 2):
            found = task.features(model, task.collate(encoded, rows).to(where)).float()
            items = task.items(encoded, rows)
            if not len(features):
                tokens = getattr(encoded, "spans", None) is not None
                count = len(encoded.ids) if tokens else len(encoded)
                features = found.new_empty(count, found.shape[1])
            features[torch.from_numpy(items).to(where)] = found
        model.train(training)
        return features
