"""The pipeline's training room: joins model, data and loop, and writes the trained model's folder."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lextune.config import RunConfig
from lextune.errors import ConfigError, Problem
from lextune.evidence.canonical import canonical
from lextune.files import sha256
from lextune.listener import Listener
from lextune.models.loading import LoadedModel, load_pretrained
from lextune.models.selection import SelectedModel
from lextune.pipeline_evaluation import ENCODING
from lextune.pipeline_making import (
    Bar,
    fitted_temperature,
    grow_model,
    pretrain,
    try_growing,
    write_model,
)  # fmt: skip
from lextune.records import FileDigest, Measurement, TrainedModel
from lextune.tasks.base import EncodedRows, Grows, Pretrains, model_info, tasks
from lextune.tasks.tensors import distinct_tensors
from lextune.tasks.text.tokens import TOKENS_FOLDER
from lextune.tasks.text.unknown import MOST_ROWS, measure_unknown, unknown_warning
from lextune.training.callbacks import TrainerLog
from lextune.training.changes import weight_change
from lextune.training.freezing import embeddings_frozen
from lextune.training.layers import start_layer_weights
from lextune.training.loop import Outcome, Rows, Trainer
from lextune.training.machine import device, give_freed_memory_back, keep_freed_memory
from lextune.training.methods.base import idle_settings, methods
from lextune.training.objective import class_weights
from lextune.training.pooling import standardise_pooler
from lextune.training.rehearsal import Rehearsal, rehearse
from lextune.training.start import try_first_rows

if TYPE_CHECKING:
    from lextune.data.columns import Texts
    from lextune.data.prepare import Prepared


#: What of other people's code decides how rows are encoded.
_LIBRARIES = {
    "text": ("tokenizers",), "image": ("pillow",), "audio": ("soundfile", "soxr"), "record": ("numpy",),
    "history": ("numpy",),
}  # fmt: skip


def fine_tune(
    config: RunConfig,
    selected: SelectedModel,
    prepared: Prepared,
    folder: Path,
    *,
    resume: bool,
    listener: Listener,
) -> TrainedModel:
    """Train, and write `model/` under the run's folder: what transformers loads as it is, and lextune.json.

    Raises:
        ModelError: The model's files do not fit each other, or not the data.
        TrainingError: The loss left the numbers.
    """
    keep_freed_memory()
    _check_parts(prepared, "train", "validation")
    _check_method(config, prepared)
    unknown = _unknown_tokens(config, selected, prepared, listener)
    task, classes = tasks.get(config.task), prepared.ref.classes
    weights = _class_weights(config, prepared)
    loaded = _load(config, selected, prepared, listener)
    train, validation = (
        _rows(loaded, selected, prepared, name, folder / TOKENS_FOLDER, listener)
        for name in ("train", "validation")
    )
    if isinstance(task, Grows) and task.grows(selected.files):
        return grow_model(config, selected, loaded, (train, validation), folder, listener)
    identity = _identity(config, selected, prepared)
    pretrained = pretrain(
        config, selected, loaded, (train, validation), folder, identity, resume=resume, listener=listener
    )  # fmt: skip
    guarded = methods.get(config.train.method).guarded
    redrawn = _try_first(config, loaded, validation if guarded else train)
    if redrawn:
        listener.tell(redrawn)
    if task.label_kind == "mask":
        weights = _class_weights(config, prepared, train)
    trainer = Trainer(
        task,
        loaded.model,
        config.train,
        folder / "checkpoints",
        identity=identity,
        class_weights=weights,
        callbacks=[TrainerLog(folder / "trainer_log.jsonl"), Bar(listener)],
    )
    frozen = embeddings_frozen(loaded.model)
    before = _watched(trainer, loaded)
    outcome = trainer.run(train, validation, len(task.outputs(classes)), resume=resume)
    give_freed_memory_back()
    loaded = dataclasses.replace(loaded, precision=outcome.precision)
    tempering, temperature = fitted_temperature(config, loaded, validation, listener)
    decided = task.decided(loaded, validation.encoded, validation.labels)
    settings = {**loaded.settings, **decided, **tempering}
    info = model_info(config.task, classes, loaded.max_length, outcome.precision, settings)
    files = task.export(loaded.model, selected.files, info)
    digests = write_model(folder / "model", files)
    privacy = trainer.method.privacy(outcome.steps, outcome.epochs)
    measurements = (
        *weight_change(before, distinct_tensors(loaded.model)),
        *_counted(outcome, train, validation, guarded=guarded),
        *_spent(privacy),
        *unknown,
        *pretrained.measurements,
    )
    effective = {
        **pretrained.parameters,
        **temperature,
        "max_length": loaded.max_length,
        "head_redrawn": redrawn is not None,
        "freeze_embeddings": frozen,
    }
    record = _record(config, selected, outcome, digests, measurements, effective)
    return record.model_copy(update={"privacy": privacy})


def _check_parts(prepared: Prepared, *names: str) -> None:
    """Refuse to train on other rows than `prepare` stated.

    Raises:
        VerificationError: A part was changed since.
    """
    from lextune.data.binding import check_tables

    check_tables({name: prepared.parts[name] for name in names}, prepared.ref.splits)


def _check_method(config: RunConfig, prepared: Prepared) -> None:
    """Refuse what the method cannot do with these rows, before anything is loaded.

    Raises:
        ConfigError: Naming the keys.
    """
    method, task = methods.get(config.train.method), tasks.get(config.task)
    method.check(config.train, task, len(prepared.parts["train"]))


def _unknown_tokens(
    config: RunConfig, selected: SelectedModel, prepared: Prepared, listener: Listener
) -> tuple[Measurement, ...]:
    """What the tokenizer does not know of a sample of the training texts; a large share is told."""
    from lextune.data.columns import Texts

    if tasks.get(config.task).input_kind != "text":
        return ()
    column = prepared.parts["train"]["text"]
    draw, seed = np.random.default_rng(config.train.seed), config.train.seed
    rows = np.sort(draw.choice(len(column), min(MOST_ROWS, len(column)), replace=False))
    found = measure_unknown(
        selected.files, list(Texts(column, rows)), sampled=len(rows) < len(column), seed=seed
    )
    warning = unknown_warning(found)
    if warning is not None:
        listener.tell(warning)
    return found


@dataclass(frozen=True)
class Tried:
    """What was measured on a sample of the training rows.

    Attributes:
        load_seconds: To build the model and try it once.
        tokenise_seconds: Of one row.
        features_once: Whether the method runs the encoder over every row once, before the first step.
        pretrain_epochs: Epochs that a model without weights learns from inputs alone.
    """

    rehearsal: Rehearsal
    precision: str
    load_seconds: float
    tokenise_seconds: float
    features_once: bool
    pretrain_epochs: int = 0


def try_training(
    config: RunConfig,
    selected: SelectedModel,
    prepared: Prepared,
    folder: Path,
    most: int,
    listener: Listener,
) -> Tried:
    """Load, tokenise and step as `fine_tune` would, on at most `most` rows drawn with the seed.

    Raises:
        LextuneError: As for `fine_tune`.
    """
    from lextune.data.columns import Texts
    from lextune.data.inputs import inputs_of

    keep_freed_memory()
    _check_method(config, prepared)
    task, classes, table = tasks.get(config.task), prepared.ref.classes, prepared.parts["train"]
    weights = _class_weights(config, prepared)
    draw = np.random.default_rng(config.train.seed)
    rows = np.sort(draw.choice(len(table), min(most, len(table)), replace=False))
    start = time.perf_counter()
    loaded = _load(config, selected, prepared, listener)
    loading = time.perf_counter() - start
    _unknown_tokens(config, selected, prepared, listener)
    listener.tell(f"{ENCODING[task.input_kind]} {len(rows):,} rows")
    start = time.perf_counter()
    encoded = loaded.encode(list(inputs_of(table, task.input_kind, rows)))
    tokenising = (time.perf_counter() - start) / len(rows)
    labels = task.numbers(list(Texts(table["label"], rows)), classes, encoded)
    sample = Rows(encoded, labels, _row_ids(encoded, Texts(table["id"], rows)))
    if isinstance(task, Grows) and task.grows(selected.files):
        grown = try_growing(config, selected, loaded, sample)
        return Tried(grown, "fp32", loading, tokenising, features_once=False)
    start = time.perf_counter()
    _try_first(config, loaded, sample)
    trainer = Trainer(
        task, loaded.model, config.train, folder / "checkpoints",
        identity="rehearsal", class_weights=weights,
    )  # fmt: skip
    loading += time.perf_counter() - start
    listener.tell("trying steps")
    _before = _watched(trainer, loaded)  # held as in a run, for the sake of its memory
    rehearsal = rehearse(trainer, sample, len(task.outputs(classes)))
    once = trainer.method.features_once
    blank = isinstance(task, Pretrains) and task.masking(
        loaded.model, selected.files, loaded.settings, config.train
    )
    before = config.train.pretrain_epochs if blank else 0
    return Tried(rehearsal, trainer.progress.precision, loading, tokenising, once, before)


def _class_weights(
    config: RunConfig, prepared: Prepared, masks: Rows | None = None
) -> torch.Tensor | None:
    """Of the training loss; of pixels they are known when `masks`, the training rows, are decoded, and None before.

    Raises:
        ConfigError: They are asked for, but the task gives neither rows, boxes nor pixels one class each.
    """
    asked = config.train.class_weights
    if asked is None:
        return None
    task, classes = tasks.get(config.task), prepared.ref.classes
    if task.label_kind not in ("class", "boxes", "mask"):
        raise ConfigError(
            Problem(
                f"train.class_weights is set, but the task {config.task} does not read it",
                "remove it",
                "weights are of rows, boxes or pixels, each of which has one class",
            )
        )
    if task.label_kind == "mask":
        from lextune.tasks.vision.frames import class_pixels

        if masks is None:
            return None
        return class_weights(asked, classes, class_pixels(masks.encoded, masks.labels, len(classes)))  # type: ignore[arg-type]  # fmt: skip
    labels = prepared.parts["train"]["label"].to_pylist()
    numbers = task.numbers(labels, classes, None)
    numbers = getattr(numbers, "classes", numbers)
    return class_weights(asked, classes, np.bincount(numbers, minlength=len(classes)))


def _load(
    config: RunConfig, selected: SelectedModel, prepared: Prepared, listener: Listener
) -> LoadedModel:
    """The model with its new head, drawn from the run's seed."""
    from lextune.data.columns import Texts
    from lextune.data.inputs import inputs_of

    task, table = tasks.get(config.task), prepared.parts["train"]
    inputs = inputs_of(table, task.input_kind)
    settings = {**_met(inputs, prepared), **task.settings(config, inputs, Texts(table["label"]))}
    torch.manual_seed(config.train.seed)
    asked = config.train.max_length
    loaded = load_pretrained(
        selected.files, task, prepared.ref.classes,
        max_length=asked, dropout=config.train.dropout, settings=settings,
    )  # fmt: skip
    task.fit(loaded.model, frozen_norms=config.train.batch_norm == "frozen")
    if loaded.max_length < asked:
        kept = "read in overlapping windows" if task.label_kind == "spans" else "cut there"
        listener.tell(
            f"train.max_length is {asked}, but the model has positions for {loaded.max_length} "
            f"tokens: texts are {kept}"
        )
    return loaded


def _met(inputs: Any, prepared: Prepared) -> dict[str, str]:
    """Of histories: how many training events each item has, which figures of novelty are made of wherever it is measured."""
    from lextune.data.inputs import Histories

    if not isinstance(inputs, Histories):
        return {}
    counts = [inputs.counts.get(name, 0) for name in prepared.ref.classes]
    return {"item_counts": json.dumps(counts, separators=(",", ":"))}


def _try_first(config: RunConfig, loaded: LoadedModel, rows: Rows) -> str | None:
    loaded.model.to(device())
    standardise_pooler(loaded.task, loaded.model, rows, loaded.new_tensors)
    start_layer_weights(loaded.task, loaded.model, rows, loaded.new_tensors)
    return try_first_rows(
        loaded.task, loaded.model, rows, len(loaded.task.outputs(loaded.classes)),
        new_tensors=loaded.new_tensors, seed=config.train.seed,
    )  # fmt: skip


def _watched(trainer: Trainer, loaded: LoadedModel) -> dict[str, torch.Tensor]:
    """Copies of the tensors of which training must change some: the pretrained ones that the method changes.

    A new head alone changes even where the rest went wrong, so it counts only for a method that trains
    nothing else.
    """
    watched = trainer.method.watched(loaded.model)
    pretrained = {name: one for name, one in watched.items() if name not in loaded.new_tensors}
    return {name: one.detach().clone() for name, one in (pretrained or watched).items()}


def _rows(
    loaded: LoadedModel,
    selected: SelectedModel,
    prepared: Prepared,
    name: str,
    folder: Path,
    listener: Listener,
) -> Rows:
    """One part, tokenised by blocks into a file in `folder`, or as an interrupted run left it there."""
    from lextune.data.columns import Texts
    from lextune.data.inputs import inputs_of

    table = prepared.parts[name]
    decides = {
        "part": prepared.ref.splits[name].fingerprint,
        "model": [one.sha256 for one in selected.ref.files],
        "max_length": loaded.max_length,
        "settings": dict(loaded.settings),
        "windows": loaded.task.label_kind == "spans",
        "libraries": {one: version(one) for one in _LIBRARIES[loaded.task.input_kind]},
    }
    inputs = inputs_of(table, loaded.task.input_kind)
    encoded = loaded.task.kept(
        folder / sha256(canonical(decides)), loaded.encode, inputs,
        listener.bar(f"{ENCODING[loaded.task.input_kind]} {name}", len(inputs)),
    )  # fmt: skip
    labels = loaded.task.numbers(table["label"].to_pylist(), loaded.classes, encoded)
    return Rows(encoded, labels, _row_ids(encoded, Texts(table["id"])))


def _row_ids(encoded: EncodedRows, ids: Texts) -> Sequence[str]:
    """The id of the row that each encoded one is of."""
    owners = getattr(encoded, "texts", None)
    return ids if owners is None else ids.take(owners)


def _identity(config: RunConfig, selected: SelectedModel, prepared: Prepared) -> str:
    """Digest of all that decides how training goes."""
    return sha256(
        canonical(
            {
                "task": config.task,
                "train": config.train.model_dump(mode="json", exclude={"save_steps"}),
                "model": [one.model_dump(mode="json") for one in selected.ref.files],
                "classes": list(prepared.ref.classes),
                "data": {
                    name: prepared.ref.splits[name].fingerprint for name in ("train", "validation")
                },
            }
        )
    )


def _spent(privacy: Mapping[str, Any] | None) -> tuple[Measurement, ...]:
    """The claim of privacy, where there is one; n are the rows that it is of."""
    if privacy is None:
        return ()
    rows = int(privacy["rows"])
    return (
        Measurement.exact("privacy_epsilon", privacy["epsilon"], n=rows, unit="epsilon"),
        Measurement.exact("privacy_delta", privacy["delta"], n=rows, unit="probability"),
    )


def _counted(
    outcome: Outcome, train: Rows, validation: Rows, *, guarded: bool
) -> tuple[Measurement, ...]:
    cut = train.encoded.truncated
    first = Measurement.exact("first_training_loss", outcome.first_loss, n=1, unit="nats")
    return (
        Measurement.exact("truncated_train_rows", cut, n=len(train.ids), unit="rows"),
        # a loss of training rows has no noise
        *(() if guarded else (first,)),
        Measurement(
            name="best_validation_loss",
            value=outcome.best_validation_loss,
            n=len(validation.ids),
            unit="nats",
        ),
    )


def _record(
    config: RunConfig,
    selected: SelectedModel,
    outcome: Outcome,
    digests: tuple[FileDigest, ...],
    measurements: tuple[Measurement, ...],
    effective: Mapping[str, Any],
) -> TrainedModel:
    """`effective` is what training did where the config asked for something else."""
    asked = config.train.model_dump(mode="json", exclude={*idle_settings(config.train.method)})
    parameters = asked | {
        **effective,
        "trained_parameters": outcome.trained_parameters,
        "optimizer": "AdamW",
        "best_epoch": outcome.best_epoch,
        "threads": outcome.threads,
        "torch": torch.__version__,
    }
    return TrainedModel(
        folder="model",
        base=selected.ref,
        method=config.train.method,
        parameters=parameters,
        seed=config.train.seed,
        steps=outcome.steps,
        epochs=float(outcome.epochs),
        files=digests,
        precision=outcome.precision,
        measurements=measurements,
        cost={
            "train_seconds": round(outcome.seconds, 3),
            "train_samples_per_second": round(outcome.samples_per_second, 3),
        },
    )
