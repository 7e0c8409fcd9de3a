"""The tasks text_classification and sentiment: one text, one class; it knows no run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from lextune.labels import LabelKind
from lextune.tasks.base import Encoded, tasks
from lextune.tasks.pretrained import ProblemType
from lextune.tasks.text.task import SoftmaxTask

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class TextClassification(SoftmaxTask):
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


for _name in ("text_classification", "sentiment"):
    tasks.register(_name)(TextClassification(_name))
