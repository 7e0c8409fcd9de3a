"""What a task must say and do, and the encoded rows that rooms hand to it; it knows no particular task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from lextune.config import RunConfig
from lextune.config_training import TrainConfig
from lextune.labels import InputKind, LabelKind
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
        texts: Which text each row is of, int64, shape (rows,), where a long text makes several rows; None where
            every text is one row.
        spans: What a token answers for, as code points of its text (start, end), int32, shape (tokens, 2); (0, 0)
            where it answers for nothing. None where rows are answered for, not tokens.
    """

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    pad_id: int
    truncated: int
    limit: int | None = None
    pad_left: bool = False
    texts: npt.NDArray[np.int64] | None = None
    spans: npt.NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens per row, shape (rows,)."""
        return self.offsets[1:] - self.offsets[:-1]

    @property
    def text_count(self) -> int:
        """How many texts the rows are of."""
        return len(self) if self.texts is None or not len(self) else int(self.texts[-1]) + 1

    def tokens_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Places in `ids` of all tokens of some rows, row after row, shape (their tokens,)."""
        import numpy as np

        lengths = self.lengths[rows]
        ends = np.cumsum(lengths)
        within = np.arange(int(ends[-1]) if len(rows) else 0) - np.repeat(ends - lengths, lengths)
        return np.asarray(np.repeat(self.offsets[rows], lengths) + within, np.int64)

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


class EncodedRows(Protocol):
    """Rows as a task's model takes them, of which rooms ask how many and how long they are."""

    @property
    def truncated(self) -> int:
        """How many rows lost something to a limit."""
        ...

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """What a row costs: rows of similar ones form a batch; shape (rows,)."""
        ...

    def __len__(self) -> int: ...

    def in_order(self, batch_size: int) -> list[npt.NDArray[np.int64]]:
        """Batches for prediction: every row once."""
        ...

    def cut(self, rows: npt.NDArray[np.int64], tokens: int) -> list[npt.NDArray[np.int64]]:
        """The rows in parts that are small enough for one pass."""
        ...


Files = Mapping[str, bytes]
Encoder = Callable[[Sequence[Any]], Any]
#: Where the training rows decide nothing about encoding.
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


class Batch(Protocol):
    """Some rows as a task hands them to itself; others only move them to the model's device."""

    def to(self, device: torch.device) -> Batch: ...  # noqa: D102


class Task(Protocol):
    """One kind of work. Torch is imported inside the methods that need it, never with the module."""

    name: str
    #: Fields of the train section that only tasks which name them read.
    train_settings: ClassVar[frozenset[str]]
    label_kind: ClassVar[LabelKind]
    input_kind: ClassVar[InputKind]
    pipeline_tag: ClassVar[str]
    #: The first one is the headline: what baselines are compared by.
    metrics: tuple[str, ...]
    baselines: tuple[str, ...]

    def positions(self, files: Files) -> int | None:
        """The longest row that the model can take, in tokens; None is unlimited."""
        ...

    def settings(
        self, config: RunConfig, inputs: Iterable[Any], labels: Iterable[str]
    ) -> dict[str, str]:
        """What config and training rows decide about encoding, for `lextune.json`; cells as in `lextune.labels`."""
        ...

    def encoder(self, files: Files, max_length: int, settings: Mapping[str, str]) -> Encoder:
        """A function from texts or `images.ImageInput`s to encoded rows, built from the bytes of the model's files."""
        ...

    def kept(
        self, path: Path, encode: Encoder, inputs: Any, advance: Callable[[int], None]
    ) -> EncodedRows:
        """The encoded inputs in a file, as they are already or written by blocks.

        Args:
            path: Its name must say all that decides the encoding, for nothing else is compared.
            encode: As `encoder` makes it.
            inputs: A sequence with `blocks()`.
            advance: Told of the rows of each block.
        """
        ...

    def passing(
        self, encode: Encoder, inputs: Any, advance: Callable[[int], None], folder: Path | None
    ) -> EncodedRows:
        """The encoded inputs in a file without a name on the disk of `folder`, which is gone when they are."""
        ...

    def outputs(self, classes: Sequence[str]) -> tuple[str, ...]:
        """Names of the model's outputs: the classes, or the tags made of them."""
        ...

    def numbers(self, labels: Sequence[str], classes: Sequence[str], encoded: Any) -> Any:
        """What is taught, in numbers: one entry for each row, or for each token where tokens answer.

        Args:
            labels: A cell for each text.
            classes: In the order of the outputs.
            encoded: The texts; only tasks whose tokens answer look at them.
        """
        ...

    def items(self, encoded: Any, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Which entries of `numbers` the logits of these rows speak of, in their order."""
        ...

    def epoch(self, encoded: Any, config: TrainConfig, epoch: int) -> Any:
        """The encoded rows as training sees them in an epoch (from 0): a pure function of the seed, epoch and row."""
        ...

    def targets(self, labels: Any, encoded: Any, rows: npt.NDArray[np.int64]) -> Any:
        """What is taught of these rows, a tensor or something with `to(device)`; `labels` are as `numbers` gave them."""
        ...

    def size(self, targets: Any, class_weights: torch.Tensor | None) -> float:
        """How much the loss of these targets is a mean over: items, or their weights."""
        ...

    def build(
        self, files: Files, classes: Sequence[str], *, dropout: float | None, new_head: bool,
        settings: Mapping[str, str] = NO_SETTINGS,
    ) -> tuple[torch.nn.Module, frozenset[str]]:  # fmt: skip
        """The model from the bytes of its files, and the names of the tensors that were not in them.

        `new_head` says whether a missing head is initialised; `settings` are those of the encoder.

        Raises:
            ModelError: A tensor other than a new head would be newly initialised.
        """
        ...

    def fit(self, model: torch.nn.Module, *, frozen_norms: bool) -> None:
        """Make a loaded model fast on this machine, in place; `frozen_norms` says that batch norms learn no statistics."""
        ...

    def decided(self, loaded: Any, encoded: Any, labels: Any) -> dict[str, str]:
        """What the validation part decides about answers once the model is trained, for `lextune.json`.

        Args:
            loaded: A `models.loading.LoadedModel`.
            encoded: The validation rows.
            labels: As `numbers` gave them.
        """
        ...

    def collate(self, encoded: Any, rows: npt.NDArray[np.int64]) -> Batch:
        """One batch of the model's inputs."""
        ...

    def logits(self, model: torch.nn.Module, batch: Any) -> Any:
        """Shape (items, outputs), or whatever `loss` takes."""
        ...

    def features(self, model: torch.nn.Module, batch: Any) -> torch.Tensor:
        """What the head reads of each item, shape (items, hidden).

        Raises:
            ModelError: It is not known where the head of this architecture begins.
        """
        ...

    def head_logits(self, model: torch.nn.Module, features: torch.Tensor) -> torch.Tensor:
        """`logits` from `features`, shape (items, outputs)."""
        ...

    def loss(
        self, logits: Any, labels: Any, *,
        class_weights: torch.Tensor | None = None, label_smoothing: float = 0.0,
    ) -> torch.Tensor:  # fmt: skip
        """The mean loss, a scalar: over the items, or weighted by `class_weights`, shape (outputs,)."""
        ...

    def blind_loss(self, outputs: int) -> float:
        """The loss of a guess that gives every answer the same probability."""
        ...

    def accepts(self, logits: Any, targets: Any, outputs: int) -> bool:
        """Whether the model's answers have the shape that the targets ask for."""
        ...

    def right(self, logits: Any, labels: Any) -> tuple[int, int]:
        """How many items are answered as taught, and of how many."""
        ...

    def export(
        self, model: torch.nn.Module, files: Files, info: Mapping[str, Any]
    ) -> dict[str, bytes]:
        """The files of a folder that the task's own library loads as it is."""
        ...


@runtime_checkable
class Scores(Protocol):
    """What a task has besides whose items (rows, tokens) have a score for each output."""

    def decode(self, logits: torch.Tensor) -> npt.NDArray[np.float32]:
        """Probabilities, shape (items, outputs)."""
        ...

    def unsure(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Which items may be answered differently in another precision, shape (items,)."""
        ...


@runtime_checkable
class Finds(Protocol):
    """What a task has besides whose answer to a row is something found in it: spans, boxes, a mask."""

    def find(
        self, loaded: Any, inputs: Sequence[Any], batch_size: int, advance: Callable[[int], None]
    ) -> Any:
        """What is found in each input.

        Args:
            loaded: A `models.loading.LoadedModel`.
            inputs: Few enough to be in memory with what is found.
            batch_size: Inputs in a forward pass.
            advance: Told of the inputs that are done.
        """
        ...


@runtime_checkable
class Pretrains(Protocol):
    """What a task has besides whose models may come without weights, and first learn from inputs without labels."""

    def masking(
        self, model: torch.nn.Module, files: Files, settings: Mapping[str, str], config: TrainConfig
    ) -> tuple[Any, torch.nn.Module] | None:
        """A task of guessing what is hidden of the inputs, and a model for it whose training changes `model` in place.

        None where the files have weights.
        """
        ...


@runtime_checkable
class Grows(Protocol):
    """What a task has besides some of whose models are grown whole from all rows, and not trained by steps."""

    def grows(self, files: Files) -> bool:
        """Whether these are files of such a model."""
        ...

    def grow(
        self, encoded: Any, labels: Any, files: Files, seed: int
    ) -> tuple[torch.nn.Module, dict[str, Any]]:
        """The model, and how it was grown: `iterations`, how often all rows were gone through, and its settings.

        Raises:
            ModelError: It cannot take these rows.
        """
        ...


tasks: Registry[Task] = Registry("task", "lextune.tasks")


def model_info(
    task: str,
    classes: Sequence[str],
    max_length: int,
    precision: str,
    settings: Mapping[str, str] = NO_SETTINGS,
) -> dict[str, Any]:
    """The content of `lextune.json`: what serving must know that the library's own files do not say."""
    return {
        "schema": "lextune.model/v1",
        "task": task,
        "classes": list(classes),
        "max_length": max_length,
        "precision": precision,
        **({"settings": dict(settings)} if settings else {}),
    }
