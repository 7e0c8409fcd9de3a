"""What the training room does besides training by steps: it pretrains models without weights and grows others whole."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lextune.config import RunConfig
from lextune.evidence.canonical import canonical
from lextune.files import disk_problems, sha256, sync_folder, write_atomic
from lextune.listener import Listener
from lextune.models.loading import LoadedModel
from lextune.models.selection import SelectedModel
from lextune.records import FileDigest, Measurement, TrainedModel
from lextune.tasks.base import Grows, Pretrains, model_info
from lextune.tasks.tensors import distinct_tensors
from lextune.temperature import SCALING, TEMPERATURE, Fit, fit_temperature
from lextune.training.callbacks import TrainerLog
from lextune.training.loop import Rows, Trainer
from lextune.training.machine import device
from lextune.training.rehearsal import Rehearsal


class Bar:
    """A callback that moves a progress bar."""

    def __init__(self, listener: Listener, label: str = "train") -> None:
        self.listener, self.label = listener, label
        self.advance: Callable[[int], None] = lambda _: None

    def on_start(self, steps: int, done: int) -> None:
        """The bar begins."""
        self.advance = self.listener.bar(self.label, steps, done)

    def on_step(self, step: int, figures: dict[str, float]) -> None:  # noqa: ARG002
        """The bar moves."""
        self.advance(1)

    def on_epoch(self, epoch: int, figures: dict[str, float]) -> None:
        """What was measured is told."""
        before = "" if self.label == "train" else f"{self.label} "
        self.listener.tell(
            f"{before}epoch {epoch}: validation loss {figures['validation_loss']:.4f}, "
            f"accuracy {figures['validation_accuracy']:.4f}"
        )


@dataclass(frozen=True)
class Pretrained:
    """What pretraining says of itself; nothing where there was none."""

    measurements: tuple[Measurement, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


def pretrain(
    config: RunConfig, selected: SelectedModel, loaded: LoadedModel, parts: tuple[Rows, Rows], folder: Path,
    identity: str, *, resume: bool, listener: Listener,
) -> Pretrained:  # fmt: skip
    """Let a model without weights learn from the training rows without their labels, in place.

    It is the training loop with checkpoints of its own, so that an interrupted run goes on where it stopped; what
    comes after draws from the seed anew, however the weights came about.

    Args:
        config: With `train.pretrain_epochs`; 0 pretrains nothing.
        selected: The model's files: one with weights is left as it is.
        loaded: The model.
        parts: Training and validation rows.
        folder: Of the run.
        identity: Of the training that follows.
        resume: Whether to go on with checkpoints that are there.
        listener: Told what goes on.
    """
    train, epochs = config.train, config.train.pretrain_epochs
    if not epochs or not isinstance(loaded.task, Pretrains):
        return Pretrained()
    torch.manual_seed(train.seed)
    made = loaded.task.masking(loaded.model, selected.files, loaded.settings, train)
    if made is None:
        return Pretrained()
    task, model = made
    changes = {
        "epochs": epochs,
        "method": "full",
        "class_weights": None,
        "label_smoothing_factor": 0.0,
        "ema_decay": None,
    }
    trainer = Trainer(
        task,
        model,
        train.model_copy(update=changes),
        folder / "pretraining",
        identity=sha256(canonical({"pretraining": identity})),
        callbacks=[TrainerLog(folder / "pretraining_log.jsonl"), Bar(listener, "pretrain")],
    )
    seen = Rows(task.validated(parts[1].encoded), parts[1].labels, parts[1].ids)
    outcome = trainer.run(parts[0], seen, 0, resume=resume)
    torch.manual_seed(train.seed)
    n = len(parts[0].ids)
    return Pretrained(
        (
            Measurement.exact("first_pretraining_loss", outcome.first_loss, n=1, unit="nats"),
            Measurement(name="pretraining_validation_loss", value=outcome.best_validation_loss, n=len(seen.ids), unit="nats"),
            Measurement.exact("pretraining_rows", n, n=n, unit="rows"),
        ),
        {
            "pretrained_in_this_run": True, "pretraining_steps": outcome.steps,
            "pretraining_best_epoch": outcome.best_epoch, "pretraining_seconds": round(outcome.seconds, 3),
        },
    )  # fmt: skip


def grow_model(
    config: RunConfig, selected: SelectedModel, loaded: LoadedModel, parts: tuple[Rows, Rows], folder: Path,
    listener: Listener,
) -> TrainedModel:  # fmt: skip
    """Grow a model whole from the training rows, and write it as a trained one is written.

    Args:
        config: Of the run; of its train section the seed is read.
        selected: The model's files, which say how it is grown.
        loaded: The model without a tree.
        parts: Training and validation rows.
        folder: Of the run.
        listener: Told what goes on.
    """
    task, (train, validation) = loaded.task, parts
    assert isinstance(task, Grows)
    listener.tell(
        f"growing {selected.ref.architecture}: of the train section it reads seed and max_length alone"
    )
    before, start = _loss(loaded, train), time.perf_counter()
    model, grown = task.grow(train.encoded, train.labels, selected.files, config.train.seed)
    seconds = time.perf_counter() - start
    finished = LoadedModel(
        task, model, loaded.classes, loaded.max_length, "fp32", loaded.encode, loaded.settings
    )
    loss = _loss(finished, validation)
    listener.tell(f"{grown['iterations']} iterations: validation loss {loss:.4f}")
    fitted, stated = fitted_temperature(config, finished, validation, listener)
    settings = {**loaded.settings, **fitted}
    info = model_info(config.task, loaded.classes, loaded.max_length, "fp32", settings)
    digests = write_model(folder / "model", task.export(model, selected.files, info))
    tensors, n = distinct_tensors(model), len(train.ids)
    return TrainedModel(
        folder="model", base=selected.ref, method="grow",
        parameters={
            **grown, **stated, "max_length": loaded.max_length, "parameters": sum(one.numel() for one in tensors.values()),
            "scikit-learn": version("scikit-learn"), "torch": torch.__version__,
        },
        seed=config.train.seed, steps=int(grown["iterations"]), epochs=1.0, files=digests, precision="fp32",
        measurements=(
            # there was no tree before: all of the arrays are new, and there is no distance from anything
            Measurement.exact("changed_weight_tensors", len(tensors), n=len(tensors), unit="tensors"),
            Measurement.exact("truncated_train_rows", train.encoded.truncated, n=n, unit="rows"),
            Measurement.exact("first_training_loss", before, n=1, unit="nats"),
            Measurement(name="best_validation_loss", value=loss, n=len(validation.ids), unit="nats"),
        ),
        cost={
            "train_seconds": round(seconds, 3),
            "train_samples_per_second": round(n * int(grown["iterations"]) / seconds, 3),
        },
    )  # fmt: skip


def try_growing(config: RunConfig, selected: SelectedModel, loaded: LoadedModel, sample: Rows) -> Rehearsal:  # fmt: skip
    """What growing takes a row, from growing on a sample; of the fixed costs all is counted, so that it is an upper bound."""
    task = loaded.task
    assert isinstance(task, Grows)
    labels = np.arange(len(sample.ids)) % len(loaded.classes)
    start = time.perf_counter()
    task.grow(sample.encoded, labels, selected.files, config.train.seed)
    grown = (time.perf_counter() - start) / len(sample.ids)
    start = time.perf_counter()
    _loss(loaded, sample)
    forward = (time.perf_counter() - start) / len(sample.ids)
    # plans multiply by the epochs of training by steps
    return Rehearsal(grown / config.train.epochs, forward, forward / config.train.epochs, 0.0)


def _loss(loaded: LoadedModel, rows: Rows) -> float:
    """The task's mean loss over the rows."""
    task, total, where = loaded.task, 0.0, device()
    loaded.model.to(where).eval()
    with torch.inference_mode():
        for some in rows.encoded.in_order(1024):
            logits = task.logits(loaded.model, task.collate(rows.encoded, some).to(where))
            taught = task.targets(rows.labels, rows.encoded, some).to(where)
            total += float(task.loss(logits, taught)) * len(some)
    return total / max(1, len(rows.ids))


def fitted_temperature(
    config: RunConfig, loaded: LoadedModel, validation: Rows, listener: Listener
) -> tuple[dict[str, str], dict[str, Any]]:
    """The temperature by the validation part: for `lextune.json`, and for the statement of training.

    Args:
        config: Says whether there is to be one, and whether answers are given at it.
        loaded: The trained model.
        validation: Scored once more.
        listener: Told where the rows determine none.
    """
    from lextune.evaluation.predict import score_rows

    asked = config.evaluation.temperature_scaling
    if asked == "none" or loaded.task.label_kind != "class":
        return {}, {}
    loaded.model.to(device()).eval()
    encoded = validation.encoded
    found = Fit(None, problem="there are no validation rows")
    if len(validation.ids):
        scores = score_rows(
            encoded.in_order(config.evaluation.batch_size), lambda rows: loaded.scores(encoded, rows),
            len(validation.ids), len(loaded.classes),
        )  # fmt: skip
        found = fit_temperature(np.asarray(validation.labels, np.int64), scores)
    if found.value is None:
        listener.tell(f"no temperature: {found.problem}")
        return {}, {TEMPERATURE: None, "temperature_problem": found.problem}
    written = f"{found.value:.6f}"
    settings = {TEMPERATURE: written, SCALING: asked}
    return settings, {TEMPERATURE: float(written)}


def write_model(target: Path, files: Mapping[str, bytes]) -> tuple[FileDigest, ...]:
    """A folder with these files, which is there whole or not at all."""
    temporary = target.with_name(f".{target.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    with disk_problems(target):
        try:
            temporary.mkdir(parents=True)
            for name, data in files.items():
                write_atomic(temporary / name, data)
            shutil.rmtree(target, ignore_errors=True)
            os.rename(temporary, target)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        sync_folder(target.parent)
    return tuple(
        FileDigest(path=name, sha256=sha256(data), size=len(data))
        for name, data in sorted(files.items())
    )
