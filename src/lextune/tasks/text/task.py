"""What all tasks on one text share: a transformers classifier over packed rows, and how it is written; it knows no loss."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lextune.config import RunConfig
from lextune.config_training import TrainConfig
from lextune.labels import InputKind, LabelKind
from lextune.tasks.base import NO_SETTINGS, Encoded, Encoder, Files
from lextune.tasks.pretrained import ProblemType, build_classifier, own_dropouts
from lextune.tasks.tensors import distinct_tensors, sized
from lextune.tasks.text.packing import TextBatch
from lextune.tasks.text.tokenizing import export_tokenizer, make_encoder, positions

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch


Advance = Callable[[int], None]


class TextTask:
    """A task with one text column and a BERT-like encoder; a task adds what is taught and how it is answered."""

    label_kind: ClassVar[LabelKind]
    problem_type: ClassVar[ProblemType | None]
    input_kind: ClassVar[InputKind] = "text"
    train_settings: ClassVar[frozenset[str]] = frozenset({"max_length"})
    pipeline_tag: ClassVar[str] = "text-classification"

    def __init__(self, name: str) -> None:
        self.name = name

    def positions(self, files: Files) -> int | None:
        """As config.json has it, less those that the architecture never uses."""
        return positions(files)

    def settings(
        self, config: RunConfig, inputs: Iterable[str], labels: Iterable[str]  # noqa: ARG002
    ) -> dict[str, str]:  # fmt: skip
        """None."""
        return {}

    def kept(self, path: Path, encode: Encoder, inputs: Any, advance: Advance) -> Encoded:
        """The tokens of all texts, mapped from the file."""
        from lextune.tasks.text.tokens import kept_tokens

        return kept_tokens(path, encode, inputs.blocks(), advance)

    def passing(
        self, encode: Encoder, inputs: Any, advance: Advance, folder: Path | None
    ) -> Encoded:
        """The tokens of all texts, mapped from a file without a name."""
        from lextune.tasks.text.tokens import unnamed_tokens

        return unnamed_tokens(encode, inputs.blocks(), advance, folder)

    def encoder(
        self, files: Files, max_length: int, settings: Mapping[str, str] = NO_SETTINGS  # noqa: ARG002
    ) -> Encoder:  # fmt: skip
        """Texts to token ids, cut to `max_length` tokens with the special tokens kept."""
        return make_encoder(files, max_length)

    def outputs(self, classes: Sequence[str]) -> tuple[str, ...]:
        """One a class."""
        return tuple(classes)

    def items(self, encoded: Encoded, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:  # noqa: ARG002
        """The rows themselves."""
        return rows

    def epoch(self, encoded: Encoded, config: TrainConfig, epoch: int) -> Encoded:  # noqa: ARG002
        """The same in every epoch."""
        return encoded

    def targets(
        self, labels: npt.NDArray[Any], encoded: Encoded, rows: npt.NDArray[np.int64]
    ) -> torch.Tensor:
        """Those of the items, in their order."""
        import torch

        return torch.from_numpy(labels[self.items(encoded, rows)])

    def size(self, targets: torch.Tensor, class_weights: torch.Tensor | None) -> float:
        """The items, each with the weight of its class where it has one class."""
        return sized(targets, class_weights)

    def fit(self, model: torch.nn.Module, *, frozen_norms: bool) -> None:
        """Nothing: a text model runs as it was built."""

    def decided(self, loaded: Any, encoded: Any, labels: Any) -> dict[str, str]:  # noqa: ARG002
        """Nothing."""
        return {}

    def accepts(self, logits: torch.Tensor, targets: torch.Tensor, outputs: int) -> bool:
        """One score an item and output."""
        return tuple(logits.shape) == (len(targets), outputs)

    def build(
        self, files: Files, classes: Sequence[str], *, dropout: float | None, new_head: bool,
        settings: Mapping[str, str] = NO_SETTINGS,  # noqa: ARG002
    ) -> tuple[torch.nn.Module, frozenset[str]]:  # fmt: skip
        """A transformers classifier whose every tensor comes from `files`, but for a new head's."""
        return build_classifier(
            files, self.outputs(classes), dropout=dropout, new_head=new_head,
            problem_type=self.problem_type,
        )  # fmt: skip

    def collate(self, encoded: Encoded, rows: npt.NDArray[np.int64]) -> TextBatch:
        """The rows, to be packed or padded as the model takes them."""
        return TextBatch(encoded, rows)

    def logits(self, model: torch.nn.Module, batch: TextBatch) -> torch.Tensor:
        """The head's output, shape (items, outputs)."""
        from lextune.tasks.text import heads

        return heads.logits(model, batch)

    def features(self, model: torch.nn.Module, batch: TextBatch) -> torch.Tensor:
        """The last states of what the head reads, shape (items, hidden)."""
        from lextune.tasks.text import heads

        return heads.features(model, batch)

    def head_logits(self, model: torch.nn.Module, features: torch.Tensor) -> torch.Tensor:
        """The head alone, shape (items, outputs)."""
        from lextune.tasks.text import heads

        return heads.head_logits(model, features)

    def export(
        self, model: torch.nn.Module, files: Files, info: Mapping[str, Any]
    ) -> dict[str, bytes]:
        """config.json, model.safetensors, the tokenizer's files and lextune.json."""
        import safetensors.torch

        state = {name: one.cpu().contiguous() for name, one in distinct_tensors(model).items()}
        config = model.config.to_dict()  # type: ignore[operator,union-attr]
        config |= {key: rate for key, rate in own_dropouts(files).items() if key in config}
        config["architectures"] = [type(model).__name__]
        for key in (
            "_name_or_path",
            "tokenizer_class",
        ):  # the tokenizer's own config names its class
            config.pop(key, None)
        return {
            **export_tokenizer(files, int(info["max_length"])),
            "config.json": json.dumps(config, indent=2, sort_keys=True).encode() + b"\n",
            "model.safetensors": safetensors.torch.save(state, {"format": "pt"}),
            "lextune.json": json.dumps(dict(info), indent=2, ensure_ascii=False).encode() + b"\n",
        }


#: Scores that differ by less may stand in another order than they would in fp32.
_NEAR = 0.05


class SoftmaxTask(TextTask):
    """A task of which each item (a row, a token) has one of the outputs: softmax and cross entropy."""

    def loss(
        self, logits: torch.Tensor, labels: torch.Tensor, *,
        class_weights: torch.Tensor | None = None, label_smoothing: float = 0.0,
    ) -> torch.Tensor:  # fmt: skip
        """Mean cross entropy in nats; 0 where no item is taught."""
        import torch

        if not len(labels):
            return logits.float().sum() * 0
        return torch.nn.functional.cross_entropy(
            logits.float(), labels, class_weights, label_smoothing=label_smoothing
        )

    def blind_loss(self, outputs: int) -> float:
        """Of the same probability for each output."""
        return math.log(max(outputs, 2))

    def right(self, logits: torch.Tensor, labels: torch.Tensor) -> tuple[int, int]:
        """Where the likeliest output is the label's."""
        return int((logits.argmax(-1) == labels).sum()), len(labels)

    def decode(self, logits: torch.Tensor) -> npt.NDArray[np.float32]:
        """Softmax over the outputs."""
        return logits.detach().float().softmax(-1).cpu().numpy()

    def unsure(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Where the two best outputs are near each other."""
        import numpy as np

        if scores.shape[1] < 2:
            return np.zeros(len(scores), bool)
        best = np.partition(scores, -2, axis=1)
        return np.asarray(~(best[:, -1] - best[:, -2] >= _NEAR))
