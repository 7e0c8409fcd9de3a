"""What tasks share that give each row one class: numbers of classes, softmax and cross entropy; it knows no kind of row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from lextune.labels import LabelKind

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

#: Scores that differ by less may stand in another order than they would in fp32.
_NEAR = 0.05


class OneClass:
    """One score a row and class, of which the highest is the answer."""

    label_kind: ClassVar[LabelKind] = "class"

    def outputs(self, classes: Sequence[str]) -> tuple[str, ...]:
        """One a class."""
        return tuple(classes)

    def numbers(
        self, labels: Sequence[str], classes: Sequence[str], encoded: Any = None  # noqa: ARG002
    ) -> npt.NDArray[np.int64]:  # fmt: skip
        """The number of each row's class, by name; shape (rows,)."""
        import numpy as np

        number = {name: index for index, name in enumerate(classes)}
        return np.fromiter((number[label] for label in labels), np.int64, len(labels))

    def targets(
        self, labels: npt.NDArray[np.int64], encoded: Any, rows: npt.NDArray[np.int64]  # noqa: ARG002
    ) -> torch.Tensor:  # fmt: skip
        """Class numbers, shape (rows,)."""
        import torch

        return torch.from_numpy(labels[rows])

    def size(self, targets: torch.Tensor, class_weights: torch.Tensor | None) -> float:
        """The rows, each with the weight of its class where it has one class."""
        from lextune.tasks.tensors import sized

        return sized(targets, class_weights)

    def loss(
        self, logits: torch.Tensor, labels: torch.Tensor, *,
        class_weights: torch.Tensor | None = None, label_smoothing: float = 0.0,
    ) -> torch.Tensor:  # fmt: skip
        """Mean cross entropy in nats; labels are class numbers, or shares of the classes in each row."""
        import torch

        if labels.is_floating_point():  # the last class may occur in no row
            labels = torch.nn.functional.pad(labels, (0, logits.shape[-1] - labels.shape[-1]))
        return torch.nn.functional.cross_entropy(
            logits.float(), labels, class_weights, label_smoothing=label_smoothing
        )

    def accepts(self, logits: torch.Tensor, targets: torch.Tensor, outputs: int) -> bool:
        """One score a row and class."""
        return tuple(logits.shape) == (len(targets), outputs)

    def right(self, logits: torch.Tensor, labels: torch.Tensor) -> tuple[int, int]:
        """Rows whose likeliest class is the label's."""
        return int((logits.argmax(-1) == labels).sum()), len(labels)

    def decode(self, logits: torch.Tensor) -> npt.NDArray[np.float32]:
        """Softmax over the classes."""
        return logits.detach().float().softmax(-1).cpu().numpy()

    def unsure(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Where the two best classes are near each other."""
        import numpy as np

        best = np.partition(scores, -2, axis=1)
        return np.asarray(~(best[:, -1] - best[:, -2] >= _NEAR))
