"""The tasks text_classification and sentiment: one text, one class, a BERT-like encoder with a linear head; it knows no run."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lextune.errors import ModelError, Problem
from lextune.tasks.base import Encoded, Files, tasks

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch
    from tokenizers import Tokenizer

#: Padded lengths are multiples of this: few distinct shapes, so that kernels are made once.
_MULTIPLE = 32
_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
)


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

    def encoder(self, files: Files, max_length: int) -> Callable[[Sequence[str]], Encoded]:
        """Texts to token ids, cut to `max_length` tokens with the special tokens kept."""
        import numpy as np
        from tokenizers import Tokenizer

        if "tokenizer.json" not in files:
            raise ModelError(
                Problem(
                    "the model has no tokenizer.json",
                    "load its tokenizer with transformers once and call save_pretrained",
                )
            )
        try:
            tokenizer = Tokenizer.from_str(files["tokenizer.json"].decode())
        except Exception as error:  # the library raises nothing narrower
            raise ModelError(
                Problem("tokenizer.json is damaged", "restore the file", type(error).__name__)
            ) from error
        positions = _positions(files)
        tokenizer.enable_truncation(min(max_length, positions))
        tokenizer.no_padding()
        pad_id = _pad_id(files, tokenizer)

        def encode(texts: Sequence[str]) -> Encoded:
            found = tokenizer.encode_batch_fast(list(texts))
            lengths = np.fromiter((len(one.ids) for one in found), np.int64, len(found))
            offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
            ids = np.empty(int(offsets[-1]), np.int32)
            for index, one in enumerate(found):
                ids[offsets[index] : offsets[index + 1]] = one.ids
            truncated = sum(bool(one.overflowing) for one in found)
            return Encoded(ids, offsets, pad_id, truncated, positions)

        return encode

    def build(
        self, files: Files, classes: Sequence[str], *, dropout: float | None, new_head: bool
    ) -> tuple[torch.nn.Module, frozenset[str]]:
        """A transformers sequence classifier whose every tensor comes from `files`, but for a new head's."""
        from transformers import AutoConfig, AutoModelForSequenceClassification

        raw = json.loads(files["config.json"])
        known_classes = list(dict(raw.get("id2label") or {}).values()) == list(classes)
        raw |= {
            "id2label": dict(enumerate(classes)),
            "label2id": {name: index for index, name in enumerate(classes)},
            "problem_type": "single_label_classification",
        }
        if dropout is not None:
            raw |= {key: dropout for key in _DROPOUTS if key in raw}
        kind = raw.pop("model_type", None)
        raw = {key: value for key, value in raw.items() if key not in ("architectures", "auto_map")}
        try:
            config = AutoConfig.for_model(kind, **raw)
            library_class = AutoModelForSequenceClassification._model_mapping[type(config)]
        except (KeyError, ValueError) as error:
            raise ModelError(
                Problem(
                    f"the architecture {kind!r} has no sequence classifier in transformers",
                    "choose an encoder that transformers knows (BERT, RoBERTa, DeBERTa, ...)",
                    "code that ships inside a model's folder is never run",
                )
            ) from error
        state = _weights(files)
        if new_head and not known_classes:
            # a head of other classes would teach their order: names travel, positions do not
            state = {key: value for key, value in state.items() if not key.startswith(_OUTPUTS)}
        with _quiet():
            model, report = library_class.from_pretrained(
                None,
                config=config,
                state_dict=state,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # reported below, and refused
                dtype="float32",
            )
        self._check_head(report, new_head)
        if new_head:
            _reset_untrained_pooler(model)
        return model, frozenset(report["missing_keys"])

    def _check_head(self, report: dict[str, Any], new_head: bool) -> None:
        head = (*_OUTPUTS, "pre_classifier.", "pooler.")
        missing = sorted(report["missing_keys"])
        mismatched = sorted(str(key[0]) for key in report["mismatched_keys"])
        wrong = [
            key for key in missing if not (new_head and (key.startswith(head) or ".pooler." in key))
        ]
        if wrong or mismatched:
            names = ", ".join((wrong + mismatched)[:5])
            raise ModelError(
                Problem(
                    f"the weights lack {len(wrong)} and misfit {len(mismatched)} tensors ({names})",
                    "use weights that belong to this config.json",
                    "a tensor that is newly initialised would answer at random",
                )
            )

    def collate(self, encoded: Encoded, rows: npt.NDArray[np.int64]) -> dict[str, torch.Tensor]:
        """input_ids and attention_mask, shape (batch, longest row rounded up)."""
        import numpy as np
        import torch

        starts, lengths = encoded.offsets[rows], encoded.lengths[rows]
        longest = int(lengths.max())
        width = longest + -longest % _MULTIPLE
        if encoded.limit is not None:
            width = max(longest, min(width, encoded.limit))
        columns = np.arange(width)
        mask = columns[None, :] < lengths[:, None]
        ids = np.full(mask.shape, encoded.pad_id, np.int64)
        ids[mask] = encoded.ids[(starts[:, None] + columns[None, :])[mask]]
        return {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(mask.astype(np.int64)),
        }

    def logits(self, model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """The head's output, shape (batch, classes)."""
        logits: torch.Tensor = model(**batch).logits
        return logits

    def loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Mean cross entropy in nats."""
        import torch

        return torch.nn.functional.cross_entropy(logits.float(), labels)

    def decode(self, logits: torch.Tensor) -> npt.NDArray[np.float32]:
        """Softmax over the classes."""
        return logits.detach().float().softmax(-1).cpu().numpy()

    def export(
        self, model: torch.nn.Module, files: Files, info: Mapping[str, Any]
    ) -> dict[str, bytes]:
        """config.json, model.safetensors, the tokenizer's files and lextune.json."""
        import safetensors.torch

        state = {
            name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()
        }
        config = model.config.to_dict()  # type: ignore[operator,union-attr]
        base = json.loads(files["config.json"])
        config |= {key: base[key] for key in _DROPOUTS if key in base}
        config["architectures"] = [type(model).__name__]
        config.pop("_name_or_path", None)
        kept = {name: files[name] for name in _TOKENIZER_FILES if name in files}
        return {
            **kept,
            "config.json": json.dumps(config, indent=2, sort_keys=True).encode() + b"\n",
            "model.safetensors": safetensors.torch.save(state, {"format": "pt"}),
            "lextune.json": json.dumps(dict(info), indent=2, ensure_ascii=False).encode() + b"\n",
        }


def _reset_untrained_pooler(model: torch.nn.Module) -> None:
    """Make a pooler that was never trained pass its input on: the identity before its tanh.

    A bias that is exactly zero was never touched by a gradient: encoders trained with mean pooling ship
    their pooler as it was drawn, so narrow that it hides the encoder from the head for the first epoch
    (docs/decisions/0004-untrained-pooler.md has the figures).
    """
    import torch

    for name, module in model.named_modules():
        dense = getattr(module, "dense", None)
        if not name.endswith("pooler") or not isinstance(dense, torch.nn.Linear):
            continue
        square = dense.in_features == dense.out_features
        if square and dense.bias is not None and not bool(dense.bias.any()):
            torch.nn.init.eye_(dense.weight)


#: The tensors of a classification head, as transformers' architectures name them.
_OUTPUTS = ("classifier.", "score.", "classification_head.")
_DROPOUTS = (
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "dropout",
    "attention_dropout",
    "seq_classif_dropout",
)


def _positions(files: Files) -> int:
    """How many tokens the model has positions for."""
    config = json.loads(files["config.json"])
    limit = int(config.get("max_position_embeddings") or 512)
    # RoBERTa counts positions from the padding id upwards, so two of its table are never used.
    return (
        limit - 2 if config.get("model_type") in ("roberta", "xlm-roberta", "camembert") else limit
    )


def _pad_id(files: Files, tokenizer: Tokenizer) -> int:
    """The padding token's id: as the tokenizer's config names it, else as the model's config numbers it."""
    token = json.loads(files.get("tokenizer_config.json", b"{}")).get("pad_token") or "[PAD]"
    found = tokenizer.token_to_id(str(token["content"] if isinstance(token, dict) else token))
    if found is None:
        found = json.loads(files["config.json"]).get("pad_token_id")
    return int(found or 0)


def _weights(files: Files) -> dict[str, torch.Tensor]:
    """The tensors of `model.safetensors`, or of the shards that its index names, or of all such files.

    Only the top folder counts: another folder's weights (a checkpoint, a further layer) are another model's.
    """
    import safetensors.torch

    names = sorted(name for name in files if name.endswith(".safetensors") and "/" not in name)
    try:
        if "model.safetensors" in files:
            names = ["model.safetensors"]
        elif (index := files.get("model.safetensors.index.json")) is not None:
            names = sorted(set(json.loads(index)["weight_map"].values()))
        state: dict[str, torch.Tensor] = {}
        for name in names:
            state |= safetensors.torch.load(files[name])
    except (KeyError, ValueError, TypeError, safetensors.SafetensorError) as error:
        raise ModelError(
            Problem(
                "the weights are damaged or a shard is missing", "restore the .safetensors files"
            )
        ) from error
    return state


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """transformers reports a new head as if it were a fault, and draws a bar of its own."""
    from transformers.utils import logging as library

    before = library.get_verbosity()
    library.set_verbosity(logging.ERROR)
    library.disable_progress_bar()
    try:
        yield
    finally:
        library.set_verbosity(before)
        library.enable_progress_bar()


for _name in ("text_classification", "sentiment"):
    tasks.register(_name)(TextClassification(_name))
