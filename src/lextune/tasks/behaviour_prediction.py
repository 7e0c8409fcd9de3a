"""The task behaviour_prediction: one row of features, perhaps with events, one class; it knows no run."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lextune.config import RunConfig
from lextune.config_training import TrainConfig
from lextune.errors import ModelError, Problem
from lextune.labels import InputKind
from lextune.tasks.base import NO_SETTINGS, Encoder, Files, tasks
from lextune.tasks.one_class import OneClass

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    from lextune.tasks.tabular.columns import Column
    from lextune.tasks.tabular.encoding import Layout, Records
    from lextune.tasks.tabular.network import RecordBatch

Advance = Callable[[int], None]
#: From more rows than these so many are looked at, evenly over all, to decide what the columns are.
_LOOKED_AT = 200_000
#: Sizes of a network, as `config.json` names them.
_SIZES = ("hidden_size", "num_hidden_layers", "num_attention_heads")
_TREES = "hist-gradient-boosting"


class BehaviourPrediction(OneClass):
    """Softmax over the classes of a row: a tabular transformer, or gradient-boosted trees."""

    input_kind: ClassVar[InputKind] = "record"
    train_settings: ClassVar[frozenset[str]] = frozenset(
        {"max_length", "pretrain_epochs", "mask_share", *_SIZES}
    )
    pipeline_tag: ClassVar[str] = "tabular-classification"
    metrics: tuple[str, ...] = (
        "average_precision", "roc_auc", "accuracy", "macro_f1", "precision", "recall", "brier_score",
        "log_loss", "expected_calibration_error", "normalised_expected_cost",
    )  # fmt: skip
    baselines: tuple[str, ...] = ("majority", "hist_gradient_boosting")

    def __init__(self, name: str) -> None:
        self.name = name

    def positions(self, files: Files) -> int | None:  # noqa: ARG002
        """None: of more events than `train.max_length` the last ones are read."""
        return None

    def settings(
        self, config: RunConfig, inputs: Iterable[str], labels: Iterable[str]  # noqa: ARG002
    ) -> dict[str, str]:  # fmt: skip
        """What each column is, with its quantiles or categories, and the sizes that the config sets."""
        from lextune.tasks.tabular.columns import decide_columns, write_columns

        rows = inputs if isinstance(inputs, Sequence) else list(inputs)
        step = max(1, len(rows) // _LOOKED_AT)
        looked = rows if step == 1 else (rows[index] for index in range(0, len(rows), step))
        found = {"columns": write_columns(decide_columns(looked))}
        train = config.train
        sizes = {name: value for name in _SIZES if (value := getattr(train, name)) is not None}
        return found | ({"sizes": json.dumps(sizes)} if sizes else {})

    def columns(self, files: Files, settings: Mapping[str, str]) -> tuple[Column, ...]:
        """Those of a model that was trained before, where it was; else what the training rows decided.

        Raises:
            ModelError: The model was trained on other columns than the data has.
        """
        from lextune.tasks.tabular.columns import read_columns

        own = _own_settings(files)
        try:
            decided = read_columns(settings["columns"])
            known = read_columns(own["columns"]) if "columns" in own else decided
        except (KeyError, ValueError) as error:
            raise ModelError(
                Problem(
                    "the columns of the model are not there", "use the folder as lextune wrote it"
                )
            ) from error
        if [(one.name, one.kind) for one in known] != [(one.name, one.kind) for one in decided]:
            differ = sorted(
                {(one.name, one.kind) for one in known} ^ {(one.name, one.kind) for one in decided}
            )
            raise ModelError(
                Problem(
                    "the pretrained model has other columns than the data: "
                    + ", ".join(f"{name!r} ({kind})" for name, kind in differ[:10]),
                    "give data with the same columns, or train anew: model.source: init:tabular-transformer",
                )
            )  # fmt: skip
        return known

    def encoder(
        self, files: Files, max_length: int, settings: Mapping[str, str] = NO_SETTINGS
    ) -> Encoder:
        """Rows to arrays of numbers, codes and events."""
        from lextune.tasks.tabular.encoding import encode

        columns = self.columns(files, settings)
        return lambda rows: encode(rows, columns, max_length)

    def kept(self, path: Path, encode: Encoder, inputs: Any, advance: Advance) -> Records:  # noqa: ARG002
        """The arrays in memory: they are small, and as quickly made as read."""
        from lextune.tasks.tabular.encoding import encode_blocks

        return encode_blocks(encode, inputs, advance)

    def passing(
        self, encode: Encoder, inputs: Any, advance: Advance, folder: Path | None  # noqa: ARG002
    ) -> Records:  # fmt: skip
        """The arrays in memory."""
        from lextune.tasks.tabular.encoding import encode_blocks

        return encode_blocks(encode, inputs, advance)

    def items(self, encoded: Records, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:  # noqa: ARG002
        """The rows themselves."""
        return rows

    def epoch(self, encoded: Records, config: TrainConfig, epoch: int) -> Records:  # noqa: ARG002
        """The same in every epoch."""
        return encoded

    def build(
        self, files: Files, classes: Sequence[str], *, dropout: float | None, new_head: bool,
        settings: Mapping[str, str] = NO_SETTINGS,
    ) -> tuple[torch.nn.Module, frozenset[str]]:  # fmt: skip
        """The trees, or the transformer with whatever weights there are."""
        from lextune.tasks.tabular.models import build_transformer, build_trees

        if self.grows(files):
            return build_trees(files, classes, new_head=new_head)
        return build_transformer(
            files, classes, self.columns(files, settings), dropout=dropout, new_head=new_head,
            sizes=json.loads(settings.get("sizes", "{}")), own_classes=_own_classes(files),
        )  # fmt: skip

    def fit(self, model: torch.nn.Module, *, frozen_norms: bool) -> None:
        """Nothing: it runs as it was built."""

    def decided(self, loaded: Any, encoded: Any, labels: Any) -> dict[str, str]:  # noqa: ARG002
        """Nothing."""
        return {}

    def collate(self, encoded: Records, rows: npt.NDArray[np.int64]) -> RecordBatch:
        """Some rows."""
        from lextune.tasks.tabular.network import batch_of

        return batch_of(encoded, rows)

    def logits(self, model: torch.nn.Module, batch: RecordBatch) -> torch.Tensor:
        """Shape (rows, classes)."""
        from lextune.tasks.tabular.models import asked

        return asked(model, batch)

    def features(self, model: torch.nn.Module, batch: RecordBatch) -> torch.Tensor:
        """What the last layer reads of each row, shape (rows, hidden).

        Raises:
            ModelError: Trees have no layers.
        """
        if not hasattr(model, "encoder"):
            raise ModelError(
                Problem("trees have no head", "set train.method: full, or take another model")
            )
        found: torch.Tensor = model.features(batch)  # type: ignore[operator]
        return found

    def head_logits(self, model: torch.nn.Module, features: torch.Tensor) -> torch.Tensor:
        """The last layer alone."""
        found: torch.Tensor = model.head(features)  # type: ignore[operator]
        return found

    def blind_loss(self, outputs: int) -> float:
        """Of the same probability for each output."""
        return math.log(max(outputs, 2))

    def decode(self, logits: torch.Tensor) -> npt.NDArray[np.float32]:
        """Softmax over the classes; of trees in float64, as scikit-learn has it."""
        import torch

        exact = logits.detach() if logits.dtype == torch.float64 else logits.detach().float()
        return exact.softmax(-1).cpu().numpy()

    def export(
        self, model: torch.nn.Module, files: Files, info: Mapping[str, Any]
    ) -> dict[str, bytes]:
        """config.json, model.safetensors and lextune.json, which names the columns that the weights belong to."""
        from lextune.tasks.tabular.columns import write_columns
        from lextune.tasks.tabular.models import config_of, weights_of

        settings = dict(info.get("settings", {}))
        settings["columns"] = write_columns(self.columns(files, settings))
        settings.pop("sizes", None)
        written = {**info, "settings": settings}
        config = config_of(model, files, info["classes"])
        return {
            "config.json": json.dumps(config, indent=2, sort_keys=True).encode() + b"\n",
            "model.safetensors": weights_of(model),
            "lextune.json": json.dumps(written, indent=2, ensure_ascii=False).encode() + b"\n",
        }

    def grows(self, files: Files) -> bool:
        """Whether the model is grown whole, and not trained by steps."""
        return _config(files).get("model_type") == _TREES

    def grow(
        self, encoded: Records, labels: npt.NDArray[np.int64], files: Files, seed: int
    ) -> tuple[torch.nn.Module, dict[str, Any]]:
        """Trees, and how they were grown: `iterations` and the settings of `config.json`.

        Raises:
            ModelError: Rows have events, which trees do not read.
        """
        from lextune.tasks.tabular.trees import GROWTH, exported, grow

        if encoded.events:
            raise ModelError(
                Problem(
                    "gradient boosting does not read lists of events",
                    "set model.source: init:tabular-transformer, or leave them out: data.columns.features",
                )
            )
        growth = {name: _config(files).get(name, usual) for name, usual in GROWTH.items()}
        fitted = grow(encoded.cells, labels, growth, seed)
        return exported(fitted), {**growth, "iterations": int(fitted.n_iter_)}

    def masking(
        self, model: Any, files: Files, settings: Mapping[str, str], config: TrainConfig
    ) -> tuple[Any, torch.nn.Module] | None:
        """A task of guessing hidden cells, and a model for it around the encoder; None of one that has weights already."""
        from lextune.tasks.tabular.pretraining import MaskedCells, MaskedModel

        if self.grows(files) or any(name.endswith(".safetensors") for name in files):
            return None
        layout, events = self.layouts(self.columns(files, settings))
        task = MaskedCells(layout, events, config.mask_share, config.seed)
        return task, MaskedModel(model.encoder, layout, events)

    def layouts(self, columns: Sequence[Column]) -> tuple[Layout, list[Layout]]:
        """Of the rows' cells, and of the events of each column of them."""
        from lextune.tasks.tabular.models import layouts

        return layouts(columns)


def _config(files: Files) -> dict[str, Any]:
    from lextune.tasks.pretrained import read_json

    return read_json(files, "config.json")


def _own_info(files: Files) -> dict[str, Any]:
    from lextune.tasks.pretrained import read_json

    return read_json(files, "lextune.json") if "lextune.json" in files else {}


def _own_settings(files: Files) -> dict[str, str]:
    found = _own_info(files).get("settings", {})
    return found if isinstance(found, dict) else {}


def _own_classes(files: Files) -> list[str]:
    found = _own_info(files).get("classes", [])
    return found if isinstance(found, list) else []


tasks.register("behaviour_prediction")(BehaviourPrediction("behaviour_prediction"))
