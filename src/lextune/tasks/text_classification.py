"""The tasks text_classification and sentiment: one text, one class; it knows no run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from lextune.labels import LabelKind
from lextune.tasks.base import Encoded, tasks
from lextune.tasks.pretrained import ProblemType
from lextune.tasks.text.task import TextTask

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

#: Scores that differ by less may stand in another order than they would in fp32.
_NEAR = 0.05


class TextClassification(TextTask):
    """Single-label classification of one text column."""

    label_kind: ClassVar[LabelKind] = "class"
    problem_type: ClassVar[ProblemType | None] = "single_label_classification"
    metrics: tuple[str, ...] = (
        "accuracy",
        "macro_f1",
        "precision",
        "recall",
        "roc_auc",
        "log_loss",
        "expected_calibration_error",
    )
    baselines: tuple[str, ...] = ("majority", "tfidf_logistic_regression")

    def numbers(
        self,
        labels: Sequence[str],
        classes: Sequence[str],
        encoded: Encoded | None = None,  # noqa: ARG002
    ) -> npt.NDArray[np.int64]:
        """The number of each row's class, by name; shape (rows,)."""
        import numpy as np

        number = {name: index for index, name in enumerate(classes)}
        return np.fromiter((number[label] for label in labels), np.int64, len(labels))

    def loss(
        self, logits: torch.Tensor, labels: torch.Tensor, *,
        class_weights: torch.Tensor | None = None, label_smoothing: float = 0.0,
    ) -> torch.Tensor:  # fmt: skip
        """Mean cross entropy in nats."""
        import torch

        return torch.nn.functional.cross_entropy(
            logits.float(), labels, class_weights, label_smoothing=label_smoothing
        )

    def blind_loss(self, outputs: int) -> float:
        """Of the same probability for each class."""
        return math.log(max(outputs, 2))

    def right(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Where the highest-scored class is the label."""
        return logits.argmax(-1) == labels

    def decode(self, logits: torch.Tensor) -> npt.NDArray[np.float32]:
        """Softmax over the classes."""
        return logits.detach().float().softmax(-1).cpu().numpy()

    def unsure(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Where the two best classes are near each other."""
        import numpy as np

        if scores.shape[1] < 2:
            return np.zeros(len(scores), bool)
        best = np.partition(scores, -2, axis=1)
        return np.asarray(~(best[:, -1] - best[:, -2] >= _NEAR))


for _name in ("text_classification", "sentiment"):
    tasks.register(_name)(TextClassification(_name))
