"""Builds transformers' classifiers from the bytes of a model's folder, and refuses what does not fit; it knows no text."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from lextune.errors import ModelError, Problem
from lextune.tasks.base import Files

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel

ProblemType = Literal["single_label_classification", "multi_label_classification"]

#: What the layers of a head that depend on the classes are called, over transformers' architectures.
_OUTPUTS = ("classifier.", "score.", "classification_head.", "logits_proj.", "sequence_summary.")
#: What else of a classifier may be new. `head.` and `dense.` are pretrained with some encoders: kept if there.
_NEW = (*_OUTPUTS, "pre_classifier.", "pooler.", "head.", "dense.")
#: Names that transformers' configs give to the rates of dropout. Layers that are skipped whole are no dropout.
DROPOUTS = (
    "hidden_dropout_prob", "hidden_dropout", "dropout", "dropout_rate", "embedding_dropout",
    "attention_probs_dropout_prob", "attention_dropout", "activation_dropout", "mlp_dropout",
    "residual_dropout", "resid_dropout", "embed_dropout", "resid_pdrop", "embd_pdrop", "emb_pdrop",
    "attn_pdrop", "local_attention_probs_dropout_prob", "lsh_attention_probs_dropout_prob",
    "seq_classif_dropout", "classifier_dropout", "classifier_dropout_prob",
    "classifier_dropout_rate", "cls_dropout", "pooler_dropout", "summary_first_dropout",
    "summary_last_dropout",
)  # fmt: skip
#: Not taken over from a config.json: code of its own, and what the classes of the task decide.
_NOT_READ = (
    "architectures", "auto_map", "model_type", "num_labels", "id2label", "label2id", "problem_type"
)  # fmt: skip
#: Buffers that older versions of transformers wrote with the weights of a layer.
_BUFFERS = (".position_ids", ".inv_freq", ".masked_bias", ".attn.bias")


def read_json(files: Files, name: str) -> dict[str, Any]:
    """The mapping in a JSON file of the model's folder; an absent file is an empty one.

    Raises:
        ModelError: It is no JSON, or no mapping.
    """
    try:
        found = json.loads(files.get(name, b"{}"))
    except (ValueError, RecursionError) as error:
        raise ModelError(
            Problem(f"{name} of the model is not JSON", "restore the file", type(error).__name__)
        ) from error
    if not isinstance(found, dict):
        raise ModelError(
            Problem(
                f"{name} of the model holds a {type(found).__name__}",
                "restore the file",
                "a mapping is read there",
            )
        )
    return found


def library_config(files: Files, **changes: Any) -> PretrainedConfig:
    """config.json as transformers understands it, with its defaults for what is not said.

    Raises:
        ModelError: transformers does not know the architecture, or does not accept the values.
    """
    from transformers import CONFIG_MAPPING, AutoConfig

    raw = read_json(files, "config.json")
    kind = raw.get("model_type")
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        raise _no_classifier(kind)
    given = {key: value for key, value in raw.items() if key not in _NOT_READ}
    with quiet(), refused(f"config.json does not describe a model of the architecture {kind!r}"):
        return AutoConfig.for_model(kind, **given | changes)


def build_classifier(
    files: Files,
    outputs: Sequence[str],
    *,
    dropout: float | None,
    new_head: bool,
    problem_type: ProblemType | None,
    family: str | None = None,
) -> tuple[PreTrainedModel, frozenset[str]]:
    """The classifier of rows, or of tokens, and the names of the tensors that `files` did not hold.

    Args:
        files: Of the model's folder.
        outputs: Names of classes or tags.
        dropout: Over all rates of the model's config; None keeps them.
        new_head: Whether a missing head is initialised.
        problem_type: As transformers calls what is said of a row; None for a classifier of tokens.
        family: The automatic class of transformers that knows such models; None is that of texts or tokens.

    Raises:
        ModelError: The files fit neither transformers nor each other.
    """
    import transformers

    config = library_config(
        files,
        id2label=dict(enumerate(outputs)),
        label2id={name: index for index, name in enumerate(outputs)},
        problem_type=problem_type,
    )
    tokens = problem_type is None
    usual = f"AutoModelFor{'Token' if tokens else 'Sequence'}Classification"
    try:
        library_class = getattr(transformers, family or usual)._model_mapping[type(config)]
    except KeyError as error:
        raise _no_classifier(config.model_type) from error
    if dropout is not None:
        for key in DROPOUTS:
            if hasattr(config, key):
                setattr(config, key, dropout)
    state = read_weights(files)
    if new_head and not _has_head_of(files, outputs):
        # a head of other classes would teach their order: names travel, positions do not
        state = {key: value for key, value in state.items() if not key.startswith(_OUTPUTS)}
    with quiet(), refused(f"transformers builds no {config.model_type!r} from config.json"):
        model, report = library_class.from_pretrained(
            None,
            config=config,
            state_dict=state,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # reported below, and refused
            dtype="float32",
        )
    _check_tensors(model, report, new_head)
    if new_head:
        _reset_untrained_pooler(model)
    return model, frozenset(report["missing_keys"])


def own_dropouts(files: Files) -> dict[str, Any]:
    """The rates of dropout that the model came with, by name."""
    config = library_config(files)
    return {key: getattr(config, key) for key in DROPOUTS if hasattr(config, key)}


def _has_head_of(files: Files, classes: Sequence[str]) -> bool:
    """Whether config.json numbers just these classes from 0 in this order; its keys may come in any order."""
    named = read_json(files, "config.json").get("id2label")
    if not isinstance(named, dict):
        return False
    return named == {str(index): name for index, name in enumerate(classes)}


def _check_tensors(model: PreTrainedModel, report: dict[str, Any], new_head: bool) -> None:
    missing = sorted(report["missing_keys"])
    mismatched = sorted(str(key[0]) for key in report["mismatched_keys"])
    wrong = [
        key for key in missing if not (new_head and (key.startswith(_NEW) or ".pooler." in key))
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
    left = _left_over(model, report["unexpected_keys"])
    if left:
        raise ModelError(
            Problem(
                f"config.json has no place for {len(left)} tensors of the weights "
                f"({', '.join(left[:3])})",
                "use the config.json that belongs to these weights",
                "an encoder without some of its layers is not the one that was pretrained",
            )
        )


def _left_over(model: PreTrainedModel, unexpected: Sequence[str]) -> list[str]:
    """Tensors of numbered layers in a stack that the model has: heads of other tasks are not meant."""
    modules = {name for name, _ in model.named_modules()}
    found = []
    for key in sorted(unexpected):
        parts = key.split(".")
        cut = next((index for index, part in enumerate(parts) if part.isdigit()), 0)
        stack = ".".join(parts[:cut])
        known = stack in modules or f"{model.base_model_prefix}.{stack}" in modules
        if cut and known and not key.endswith(_BUFFERS) and not key.startswith(_OUTPUTS):
            found.append(key)
    return found


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


def read_weights(files: Files) -> dict[str, torch.Tensor]:
    """The tensors of `model.safetensors`, or of the shards that its index names, or of all such files.

    Only the top folder counts: another folder's weights (a checkpoint, a further layer) are another model's.

    Raises:
        ModelError: A file is damaged, or a shard is missing.
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
    except (
        AttributeError, KeyError, ValueError, TypeError, RecursionError, safetensors.SafetensorError
    ) as error:  # fmt: skip
        raise ModelError(
            Problem(
                "the weights are damaged or a shard is missing", "restore the .safetensors files"
            )
        ) from error
    return state


def _no_classifier(kind: object) -> ModelError:
    return ModelError(
        Problem(
            f"the architecture {kind!r} has no such classifier in transformers",
            "choose an encoder that transformers knows (BERT, RoBERTa, DeBERTa, ...)",
            "code that ships inside a model's folder is never run",
        )
    )


@contextlib.contextmanager
def refused(fact: str) -> Iterator[None]:
    """Whatever the library raises on these files is a fault of the files: it declares no narrower errors.

    Raises:
        ModelError: The library raised something.
    """
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        told = " ".join(str(error).split())[:300]
        raise ModelError(
            Problem(
                fact,
                "restore the config.json that belongs to the weights",
                f"{type(error).__name__}: {told}",
            )
        ) from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
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
