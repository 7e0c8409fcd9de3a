"""What a task must say and do, and the encoded rows that rooms hand to it; it knows no particular task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from lextune.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

#: What one pass through a model holds on a CPU: the states of more tokens leave the processor's caches.
TOKENS_AT_ONCE = 4096


@dataclass(frozen=True)
class Encoded:
    """Tokenised rows in two flat arrays, so that a million rows need no million objects.

    Attributes:
        ids: Token ids of all rows, one after the other, int32, shape (tokens,).
        offsets: Row i is ids[offsets[i]:offsets[i + 1]], int64, shape (rows + 1,).
        pad_id: Token id that fills a batch.
        truncated: How many rows were longer than the limit.
        limit: Longest row that the model has positions for; padding stays within it. None is unlimited.
        pad_left: Whether padding comes before a row: so for a model that reads its answer off the last place.
    """

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    pad_id: int
    truncated: int
    limit: int | None = None
    pad_left: bool = False

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens per row, shape (rows,)."""
        return self.offsets[1:] - self.offsets[:-1]

    def in_order(self, batch_size: int) -> list[npt.NDArray[np.int64]]:
        """Batches of similar length, longest first, for prediction: every row once."""
        import numpy as np

        order = np.argsort(-self.lengths, kind="stable")
        batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        return [part for batch in batches for part in self.cut(batch)]

    def cut(
        self, rows: npt.NDArray[np.int64], tokens: int = TOKENS_AT_ONCE
    ) -> list[npt.NDArray[np.int64]]:
        """The rows, longest first, in parts of about equally many tokens.

        Args:
            rows: Row numbers, shape (batch,).
            tokens: What a part should hold at most; a longer row is a part of its own.
        """
        import numpy as np

        rows = rows[np.argsort(-self.lengths[rows], kind="stable")]
        ends = np.cumsum(self.lengths[rows])
        total = int(ends[-1]) if len(rows) else 0
        parts = max(1, -(-total // tokens))
        # a row belongs to the part in which its middle lies
        middle = (ends - self.lengths[rows] / 2) * parts / max(1, total)
        part = np.minimum(middle.astype(np.int64), parts - 1)
        return np.split(rows, np.flatnonzero(np.diff(part)) + 1) if len(rows) else []


Files = Mapping[str, bytes]


class Batch(Protocol):
    """Some rows as a task hands them to itself; others only move them to the model's device."""

    def to(self, device: torch.device) -> Batch: ...  # noqa: D102


class Task(Protocol):
    """One kind of work. Torch is imported inside the methods that need it, never with the module."""

    name: str
    pipeline_tag: str
    metrics: tuple[str, ...]
    baselines: tuple[str, ...]

    def positions(self, files: Files) -> int | None:
        """The longest row that the model can take, in tokens; None is unlimited."""
        ...

    def encoder(self, files: Files, max_length: int) -> Callable[[Sequence[str]], Encoded]:
        """A function from texts to encoded rows, built from the bytes of the tokenizer's files."""
        ...

    def build(
        self, files: Files, classes: Sequence[str], *, dropout: float | None, new_head: bool
    ) -> tuple[torch.nn.Module, frozenset[str]]:
        """The model from the bytes of its files, and the names of the tensors that were not in them.

        `new_head` says whether a missing head is initialised.

        Raises:
            ModelError: A tensor other than a new head would be newly initialised.
        """
        ...

    def collate(self, encoded: Encoded, rows: npt.NDArray[np.int64]) -> Batch:
        """One batch of the model's inputs."""
        ...

    def logits(self, model: torch.nn.Module, batch: Any) -> torch.Tensor:
        """Shape (batch, classes)."""
        ...

    def features(self, model: torch.nn.Module, batch: Any) -> torch.Tensor:
        """What the head reads of each row, shape (batch, hidden).

        Raises:
            ModelError: It is not known where the head of this architecture begins.
        """
        ...

    def head_logits(self, model: torch.nn.Module, features: torch.Tensor) -> torch.Tensor:
        """`logits` from `features`, shape (batch, classes)."""
        ...

    def loss(
        self, logits: torch.Tensor, labels: torch.Tensor, *,
        class_weights: torch.Tensor | None = None, label_smoothing: float = 0.0,
    ) -> torch.Tensor:  # fmt: skip
        """The mean loss, a scalar: over the rows, or weighted by `class_weights`, shape (classes,)."""
        ...

    def decode(self, logits: torch.Tensor) -> npt.NDArray[np.float32]:
        """Probabilities, shape (batch, classes)."""
        ...

    def export(
        self, model: torch.nn.Module, files: Files, info: Mapping[str, Any]
    ) -> dict[str, bytes]:
        """The files of a folder that the task's own library loads as it is."""
        ...


tasks: Registry[Task] = Registry("task", "lextune.tasks")


def model_info(
    task: str, classes: Sequence[str], max_length: int, precision: str
) -> dict[str, Any]:
    """The content of `lextune.json`: what serving must know that the library's own files do not say."""
    return {
        "schema": "lextune.model/v1",
        "task": task,
        "classes": list(classes),
        "max_length": max_length,
        "precision": precision,
    }
