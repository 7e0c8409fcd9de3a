"""Builds models of rows of features from the bytes of their files, and writes them; it knows no loss and no run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import nn

from lextune.errors import ModelError, Problem
from lextune.tasks.base import Files
from lextune.tasks.pretrained import read_json, read_weights
from lextune.tasks.tabular.columns import Column
from lextune.tasks.tabular.encoding import Cells, Layout, layout_of
from lextune.tasks.tabular.network import RecordBatch, Sizes, TabularEncoder, TabularTransformer
from lextune.tasks.tabular.trees import BoostedTrees, matrix_of
from lextune.tasks.tensors import distinct_tensors

MODEL_TYPE = "tabular-transformer"
#: Of the model's config.json where it does not say.
_DROPOUT = 0.1
_MOST = 2**31 - 1


def layouts(columns: Sequence[Column]) -> tuple[Layout, list[Layout]]:
    """Of the rows' cells, and of the events of each column of them."""
    plain = [one for one in columns if one.kind != "events"]
    return layout_of(plain), [layout_of(one.fields) for one in columns if one.kind == "events"]


def build_transformer(
    files: Files, classes: Sequence[str], columns: Sequence[Column], *, dropout: float | None,
    new_head: bool, sizes: Mapping[str, int], own_classes: Sequence[str],
) -> tuple[nn.Module, frozenset[str]]:  # fmt: skip
    """The transformer, and the names of the tensors that no file held.

    Args:
        files: config.json, and weights where it was trained before.
        classes: Of the head.
        columns: What each feature is.
        dropout: In training; None is the model's own.
        new_head: Whether a missing head is drawn; without weights everything is.
        sizes: What the config asks for instead of the model's own.
        own_classes: Of the weights' head: it is kept where they are these.

    Raises:
        ModelError: The weights do not fit, or other sizes are asked for than they have.
    """
    config = _read_config(files)
    trained = any(name.endswith(".safetensors") for name in files)
    asked = config | dict(sizes)
    if trained and asked != config:
        raise ModelError(
            Problem(
                "train asks for another size than the pretrained model has",
                f"remove train.{', train.'.join(sizes)}, or train anew: model.source: init:{MODEL_TYPE}",
            )
        )
    model = TabularTransformer(
        TabularEncoder(*layouts(columns), _sizes(asked), _DROPOUT if dropout is None else dropout),
        len(classes),
    )
    model.sizes = asked  # type: ignore[assignment]
    if not trained and new_head:
        return model, frozenset(name for name, _ in model.named_parameters())
    state = read_weights(files)
    if new_head and list(own_classes) != list(classes):
        state = {name: one for name, one in state.items() if not name.startswith("head.")}
    try:
        found = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise _misfit("tensors of other shapes") from error
    new = frozenset(found.missing_keys)
    if found.unexpected_keys or not (new <= {"head.weight", "head.bias"} and (new_head or not new)):
        raise _misfit(f"{len(new)} tensors too few, {len(found.unexpected_keys)} too many")
    return model, new


def build_trees(
    files: Files, classes: Sequence[str], *, new_head: bool
) -> tuple[nn.Module, frozenset[str]]:
    """The trees of a model that was grown, or none yet where they are to be grown.

    Raises:
        ModelError: The weights do not fit, or lead nowhere.
    """
    config = read_json(files, "config.json")
    if new_head:
        empty = BoostedTrees(scores=1 if len(classes) == 2 else len(classes))
        return empty, frozenset(empty.state_dict())
    try:
        sizes = {name: int(config["arrays"][name]) for name in BoostedTrees().sizes}
        if not all(0 <= size < _MOST for size in sizes.values()):
            raise ValueError("no size")
    except (KeyError, TypeError, ValueError) as error:
        raise _misfit("config.json says no sizes of arrays") from error
    state = read_weights(files)
    shapes = {name: one.shape for name, one in state.items()}
    model = BoostedTrees()
    if sum(one.numel() for one in state.values()) < sizes["nodes"]:
        raise _misfit("arrays that are shorter than config.json says")
    model = BoostedTrees(**sizes)
    if shapes != {name: one.shape for name, one in model.state_dict().items()}:
        raise _misfit("arrays of other names or shapes than config.json says")
    model.load_state_dict(state)
    _check_ways(model)
    return model, frozenset()


def _check_ways(model: BoostedTrees) -> None:
    """Every way goes on to a later node, so that every walk ends."""
    inner = ~model.is_leaf
    place = torch.arange(len(model.value))[inner]
    for way in (model.left[inner], model.right[inner]):
        if bool((way <= place).any()) or bool((way >= len(model.value)).any()):
            raise _misfit("ways that lead nowhere")
    inside = [
        (model.roots, len(model.value)), (model.score_of, len(model.prior)),
        (model.category_set + 1, len(model.goes_left) + 1),
    ]  # fmt: skip
    if any(bool((one < 0).any()) or bool((one >= most).any()) for one, most in inside):
        raise _misfit("numbers of nodes, scores or sets that there are not")
    if not all(bool(torch.isfinite(one).all()) for one in (model.value.detach(), model.prior)):
        raise _misfit("values that are not finite")


def asked(model: nn.Module, batch: RecordBatch) -> torch.Tensor:
    """Scores of the classes, shape (rows, classes)."""
    if not isinstance(model, BoostedTrees):
        scores: torch.Tensor = model(batch)
        return scores
    cells = Cells(batch.cells.numbers.cpu().numpy(), batch.cells.codes.cpu().numpy().astype(np.int32))  # fmt: skip
    scores = model(torch.from_numpy(matrix_of(cells)).to(model.value.device))
    return scores


def config_of(model: Any, files: Files, classes: Sequence[str]) -> dict[str, Any]:
    """The content of config.json."""
    config = read_json(files, "config.json")
    if isinstance(model, BoostedTrees):
        config["arrays"] = model.sizes
    else:
        config |= model.sizes
    return config | {"id2label": {str(index): name for index, name in enumerate(classes)}}


def weights_of(model: nn.Module) -> bytes:
    """The content of model.safetensors."""
    state = {name: one.cpu().contiguous() for name, one in distinct_tensors(model).items()}
    data: bytes = safetensors.torch.save(state, {"format": "pt"})
    return data


def _read_config(files: Files) -> dict[str, int]:
    config = read_json(files, "config.json")
    try:
        found = {name: int(config[name]) for name in Sizes.__dataclass_fields__}
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            Problem("config.json of the model says no sizes", "restore the file")
        ) from error
    return found


def _sizes(config: Mapping[str, int]) -> Sizes:
    sizes = Sizes(**config)
    fits = min(config.values()) > 0 and sizes.hidden_size % sizes.num_attention_heads == 0
    if not fits or max(config.values()) > 2**16:
        raise ModelError(
            Problem(
                f"a network of {sizes.hidden_size} numbers a token cannot have "
                f"{sizes.num_attention_heads} attention heads and {sizes.num_hidden_layers} layers",
                "set train.hidden_size to a multiple of train.num_attention_heads",
            )
        )
    return sizes


def _misfit(what: str) -> ModelError:
    return ModelError(
        Problem(
            f"the weights do not fit the model: {what}",
            "restore config.json, lextune.json and model.safetensors, which belong together",
        )
    )
