"""The tasks text_classification and sentiment: one text, one class, a BERT-like encoder with a linear head; it knows no run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lextune.tasks.base import Encoded, Files, tasks
from lextune.tasks.pretrained import build_classifier, own_dropouts
from lextune.tasks.tensors import distinct_tensors
from lextune.tasks.text.packing import TextBatch
from lextune.tasks.text.tokenizing import export_tokenizer, make_encoder, positions

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch


class TextClassification:
    """Single-label classification of one text column."""

    pipeline_tag = "text-classification"
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

    def __init__(self, name: str) -> None:
        self.name = name

    def positions(self, files: Files) -> int | None:
        """As config.json has it, less those that the architecture never uses."""
        return positions(files)

    def encoder(self, files: Files, max_length: int) -> Callable[[Sequence[str]], Encoded]:
        """Texts to token ids, cut to `max_length` tokens with the special tokens kept."""
        return make_encoder(files, max_length)

    def build(
        self, files: Files, classes: Sequence[str], *, dropout: float | None, new_head: bool
    ) -> tuple[torch.nn.Module, frozenset[str]]:
        """A transformers sequence classifier whose every tensor comes from `files`, but for a new head's."""
        return build_classifier(files, classes, dropout=dropout, new_head=new_head)

    def collate(self, encoded: Encoded, rows: npt.NDArray[np.int64]) -> TextBatch:
        """The rows, to be packed or padded as the model takes them."""
        return TextBatch(encoded, rows)

    def logits(self, model: torch.nn.Module, batch: TextBatch) -> torch.Tensor:
        """The head's output, shape (batch, classes)."""
        from lextune.tasks.text.encoder import anatomy, first_states

        known = anatomy(model)
        if known is not None:
            return known.head(first_states(model, known, batch))
        logits: torch.Tensor = model(**batch.padded()).logits
        return logits

    def features(self, model: torch.nn.Module, batch: TextBatch) -> torch.Tensor:
        """The last states of the first tokens, shape (batch, hidden)."""
        from lextune.tasks.text import heads

        return heads.features(model, batch)

    def head_logits(self, model: torch.nn.Module, features: torch.Tensor) -> torch.Tensor:
        """The head alone, shape (batch, classes)."""
        from lextune.tasks.text import heads

        return heads.head_logits(model, features)

    def loss(
        self, logits: torch.Tensor, labels: torch.Tensor, *,
        class_weights: torch.Tensor | None = None, label_smoothing: float = 0.0,
    ) -> torch.Tensor:  # fmt: skip
        """Mean cross entropy in nats."""
        import torch

        return torch.nn.functional.cross_entropy(
            logits.float(), labels, class_weights, label_smoothing=label_smoothing
        )

    def decode(self, logits: torch.Tensor) -> npt.NDArray[np.float32]:
        """Softmax over the classes."""
        return logits.detach().float().softmax(-1).cpu().numpy()

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


for _name in ("text_classification", "sentiment"):
    tasks.register(_name)(TextClassification(_name))
