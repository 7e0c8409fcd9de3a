"""The task multi_label_classification: one text, any number of classes, none included; it knows no run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from lextune.labels import LabelKind, read_classes
from lextune.tasks.base import Encoded, tasks
from lextune.tasks.pretrained import ProblemType
from lextune.tasks.text.task import TextTask

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

#: A class is given where its probability is at least this; it is not tuned.
THRESHOLD = 0.5
#: A score so near to it may lie on the other side in fp32.
_NEAR = 0.03


class MultiLabelClassification(TextTask):
    """A probability for each class by itself: sigmoid, binary cross entropy, one threshold."""

    label_kind: ClassVar[LabelKind] = "classes"
    problem_type: ClassVar[ProblemType | None] = "multi_label_classification"
    metrics: tuple[str, ...] = (
        "micro_f1",
        "macro_f1",
        "subset_accuracy",
        "precision",
        "recall",
        "macro_roc_auc",
    )
    baselines: tuple[str, ...] = ("most_frequent_classes", "tfidf_one_vs_rest")

    def numbers(
        self,
        labels: Sequence[str],
        classes: Sequence[str],
        encoded: Encoded | None = None,  # noqa: ARG002
    ) -> npt.NDArray[np.float32]:
        """1 where a row has a class, else 0; shape (rows, classes)."""
        import numpy as np

        number = {name: index for index, name in enumerate(classes)}
        found = np.zeros((len(labels), len(classes)), np.float32)
        for row, label in enumerate(labels):
            for name in read_classes(label):
                found[row, number[name]] = 1
        return found

    def loss(
        self, logits: torch.Tensor, labels: torch.Tensor, *,
        class_weights: torch.Tensor | None = None, label_smoothing: float = 0.0,
    ) -> torch.Tensor:  # fmt: skip
        """Mean binary cross entropy in nats, over rows and classes; a class's weight counts for its rows with it.

        Smoothing moves each label towards one half.
        """
        import torch

        smooth = labels * (1 - label_smoothing) + label_smoothing / 2
        return torch.nn.functional.binary_cross_entropy_with_logits(
            logits.float(), smooth, pos_weight=class_weights
        )

    def blind_loss(self, outputs: int) -> float:  # noqa: ARG002
        """Of one half for each class."""
        return math.log(2)

    def right(self, logits: torch.Tensor, labels: torch.Tensor) -> tuple[int, int]:
        """Where just the classes of the label are given."""
        same = (logits.float().sigmoid() >= THRESHOLD) == (labels >= THRESHOLD)
        return int(same.all(-1).sum()), len(labels)

    def decode(self, logits: torch.Tensor) -> npt.NDArray[np.float32]:
        """Sigmoid."""
        return logits.detach().float().sigmoid().cpu().numpy()

    def unsure(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Where a class is near the threshold."""
        import numpy as np

        return np.asarray((~(np.abs(scores - THRESHOLD) >= _NEAR)).any(axis=1))


tasks.register("multi_label_classification")(MultiLabelClassification("multi_label_classification"))
