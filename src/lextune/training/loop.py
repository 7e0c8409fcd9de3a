"""The training loop, readable from top to bottom; it knows neither files of data nor metrics nor policy.

It minimises the mean loss over the rows of a step with AdamW, a rising and falling learning rate and
clipped gradients, and keeps the weights of the epoch with the lowest validation loss. A step may have
several batches: their gradients are summed so that it is the step of one batch with all their rows.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load, save
from transformers import get_scheduler

from lextune.config_training import TrainConfig
from lextune.errors import DataError, Problem
from lextune.files import sha256, write_atomic
from lextune.tasks.base import EncodedRows, Task
from lextune.tasks.tensors import distinct_tensors, load_distinct
from lextune.training.averaging import Average
from lextune.training.callbacks import Callback
from lextune.training.checkpoints import Checkpoints, Progress
from lextune.training.health import Health
from lextune.training.machine import Precision, autocast, choose_precision, device, tokens_at_once
from lextune.training.methods.base import methods
from lextune.training.objective import Objective
from lextune.training.recomputing import recompute_layers

#: The rows of one optimiser step, in parts that are small enough for one pass.
Step = list[npt.NDArray[np.int64]]


@dataclass(frozen=True)
class Rows:
    """Encoded rows with what they are to be taught.

    Attributes:
        ids: Row ids, for messages; shape (rows,).
        labels: As `Task.numbers` gives them.
    """

    encoded: EncodedRows
    labels: Any
    ids: Sequence[str]


@dataclass(frozen=True)
class Outcome:
    """What a finished training says of itself; the model holds the best weights."""

    steps: int
    epochs: int
    best_epoch: int
    best_validation_loss: float
    first_loss: float
    precision: Precision
    seconds: float
    samples_per_second: float
    threads: int
    trained_parameters: int


class Trainer:
    """Trains one model. `run` is the loop; the other methods are its steps.

    Args:
        task: Gives batches, logits and loss.
        model: Trained in place.
        config: The config's train section.
        folder: For checkpoints and the best weights.
        identity: Digest of everything that decides the outcome; a checkpoint of another one is refused.
        class_weights: Of the training loss, shape (classes,); None weighs all rows alike.
        callbacks: Told of each step and epoch.
    """

    def __init__(
        self, task: Task, model: torch.nn.Module, config: TrainConfig, folder: Path, *,
        identity: str, class_weights: torch.Tensor | None = None, callbacks: Sequence[Callback] = (),
    ) -> None:  # fmt: skip
        self.task, self.config, self.callbacks = task, config, callbacks
        self.device = device()
        self.model = model.to(self.device)
        weights = None if class_weights is None else class_weights.to(self.device)
        self.objective = Objective(task, config.label_smoothing_factor, weights)
        self.checkpoints = Checkpoints(folder)
        self.best = folder / "best.safetensors"
        self.progress = Progress(identity, choose_precision(config.precision))
        if config.gradient_checkpointing:
            recompute_layers(self.model)
        self.method = methods.get(config.method)(config)
        self.optimizer = torch.optim.AdamW(
            self.method.prepare(self.model),  # type: ignore[arg-type]
            lr=config.learning_rate,
            fused=True,
        )
        decay = config.ema_decay
        self.average = None if decay is None else Average(self.model, decay)

    def run(self, train: Rows, validation: Rows, outputs: int, *, resume: bool) -> Outcome:
        """Train to the end or to the early stop, and leave the best weights in the model.

        Raises:
            TrainingError: The loss is NaN, infinite or exploding.
            KeyboardInterrupt: Ctrl-C or a termination signal; the state was saved after the running step.
        """
        config = self.config
        per_epoch = math.ceil(len(train.ids) / config.batch_size)
        total = math.ceil(per_epoch / config.gradient_accumulation_steps) * config.epochs
        self.method.begin(len(train.ids), total)
        if resume:
            restored = self.checkpoints.restore(
                self.model,
                self.optimizer,
                self.progress.identity,
                self.average,
                self.method.restore,
            )
            self.progress = restored or self.progress
        state = self.progress
        schedule = self._schedule(total)
        health = Health(self.model, self.optimizer, state, self.task.blind_loss(outputs))
        for callback in self.callbacks:
            callback.on_start(total, state.step)
        with _signals() as stop:
            while state.epoch < config.epochs and state.waiting < config.early_stopping_patience:
                seen = self._seen(train)
                for batches in self._plan(train)[state.step_of_epoch :]:
                    self._step(seen, batches, schedule, health)
                    if stop.is_set() or state.step % config.save_steps == 0:
                        self.save()
                    if stop.is_set():
                        raise KeyboardInterrupt
                self._end_of_epoch(validation, health)
                if stop.is_set():  # asked for while validating: all is saved
                    raise KeyboardInterrupt
        if self.method.forget():
            self.save(keep=1)
        load_distinct(self.model, load(self._read_best()))
        self.method.finish(self.model)
        return Outcome(
            steps=state.step,
            epochs=state.epoch,
            best_epoch=state.best_epoch,
            best_validation_loss=float(
                state.best_loss if state.best_loss is not None else math.nan
            ),
            first_loss=float(state.first_loss if state.first_loss is not None else math.nan),
            precision=state.precision,  # type: ignore[arg-type]
            seconds=state.seconds,
            # of all steps, whichever process did them; an epoch is every row once
            samples_per_second=state.epoch * len(train.ids) / state.seconds,
            threads=torch.get_num_threads(),
            trained_parameters=sum(
                one.numel() for group in self.optimizer.param_groups for one in group["params"]
            ),
        )

    def save(self, keep: int = 2) -> None:
        """Write a checkpoint of the state after the last step, and keep the newest ones."""
        self.checkpoints.save(
            self.model, self.optimizer, self.progress, self.average, self.method.tensors(), keep
        )

    def _read_best(self) -> bytes:
        data = self.best.read_bytes() if self.best.is_file() else b""
        if sha256(data) != self.progress.best_sha256:
            raise DataError(
                Problem(
                    f"{self.best} is damaged or gone",
                    f"remove the folder {self.checkpoints.folder}, then run with --resume: it trains anew",
                    f"it held the weights of epoch {self.progress.best_epoch}, the best one",
                )
            )
        return data

    def _schedule(self, total: int) -> Callable[[int], float]:
        """Learning rate as a function of the step alone, so that no schedule state needs saving."""
        scheduler = get_scheduler(
            self.config.lr_scheduler_type,
            self.optimizer,
            num_warmup_steps=math.ceil(self.config.warmup_ratio * total),
            num_training_steps=total,
        )
        factor = scheduler.lr_lambdas[0]
        return lambda step: self.config.learning_rate * float(factor(step))

    def _plan(self, train: Rows) -> list[Step]:
        """The steps of the running epoch, each in parts that are small enough for one pass."""
        steps = self.method.steps(train.encoded.lengths, self.progress.epoch)
        return [self._cut(train, batches) for batches in steps]

    def _seen(self, train: Rows) -> Rows:
        """The training rows as they are seen in the running epoch."""
        encoded = self.task.epoch(train.encoded, self.config, self.progress.epoch)
        return dataclasses.replace(train, encoded=encoded)

    def _cut(self, train: Rows, batches: Sequence[npt.NDArray[np.int64]]) -> Step:
        most = tokens_at_once(self.device)
        return [part for batch in batches for part in train.encoded.cut(batch, most)]

    def try_step(self, train: Rows, rows: npt.NDArray[np.int64], outputs: int) -> float:
        """Seconds of a step on these rows with a learning rate of 0, for a rehearsal of the training."""
        blind = self.task.blind_loss(outputs)
        health = Health(self.model, self.optimizer, self.progress, blind)
        before = self.progress.seconds
        seen = self._seen(train)
        self.method.begin(len(train.ids), 0)
        self._step(seen, self._cut(train, [rows]), lambda _: 0.0, health)
        return self.progress.seconds - before

    def _step(
        self,
        train: Rows,
        batches: Step,
        schedule: Callable[[int], float],
        health: Health,
    ) -> None:
        start = time.perf_counter()
        state = self.progress
        loss = self._gradient(train, batches, health)
        norm = self.method.clip(self.model, state.step)
        health.check_step(loss, norm, [train.ids[row] for rows in batches for row in rows])
        rate = schedule(state.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["lr_scale"]
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        state.step += 1
        state.step_of_epoch += 1
        if self.average is not None:
            self.average.update(state.step)
        state.seconds += time.perf_counter() - start
        figures = {
            "epoch": state.epoch + 1,
            "loss": loss,
            "learning_rate": rate,
            "grad_norm": norm,
        }
        for callback in self.callbacks:
            callback.on_step(state.step, figures)

    def _gradient(self, train: Rows, batches: Step, health: Health) -> float:
        """Leave the gradient of the mean loss over the rows of all batches in the model; give the loss."""
        self.model.train()
        total = 0.0
        taught = [
            self.task.targets(train.labels, train.encoded, rows).to(self.device) for rows in batches
        ]
        shares = self.method.shares(self.objective, taught)
        with self.method.phase(self.model, self.progress.epoch):
            for rows, labels, share in zip(batches, taught, shares, strict=True):
                loss = self.objective(self._logits(train, rows), labels) * share
                value = float(loss.detach())
                health.check_loss(value, [train.ids[row] for row in rows])
                self.method.backward(loss)
                total += value
        return total

    def _logits(self, rows: Rows, numbers: npt.NDArray[np.int64]) -> Any:
        with autocast(self.device, self.progress.precision):  # type: ignore[arg-type]
            return self.method.logits(self.task, self.model, rows.encoded, numbers)

    def _end_of_epoch(self, validation: Rows, health: Health) -> None:
        state = self.progress
        with contextlib.nullcontext() if self.average is None else self.average.in_model():
            loss, accuracy = self.validate(validation)
            state.epoch, state.step_of_epoch = state.epoch + 1, 0
            health.check_validation(loss)
            if state.best_loss is None or loss < state.best_loss:
                self._keep_best(loss)
            else:
                state.waiting += 1
        figures = {
            "step": float(state.step),
            "training_loss": float(np.mean(state.recent)),
            "validation_loss": loss,
            "validation_accuracy": accuracy,
        }
        state.history.append(figures)
        # Told before it is saved: a process killed in between tells it again, but never not at all.
        for callback in self.callbacks:
            callback.on_epoch(state.epoch, figures)
        self.save()

    def _keep_best(self, loss: float) -> None:
        """The weights as they were validated; frozen ones are those of the base model."""
        state = self.progress
        tensors = distinct_tensors(self.model, frozen=False)
        data = save({name: one.cpu().contiguous() for name, one in tensors.items()})
        write_atomic(self.best, data)
        state.best_sha256 = sha256(data)
        state.best_loss, state.best_epoch, state.waiting = loss, state.epoch, 0

    @torch.inference_mode()
    def validate(self, validation: Rows) -> tuple[float, float]:
        """The task's mean loss over the items (rows or tokens), and the share of them that are right."""
        self.model.eval()
        total, size, right, count = 0.0, 0.0, 0, 0
        for rows in validation.encoded.in_order(self.config.batch_size * 2):
            labels = self.task.targets(validation.labels, validation.encoded, rows).to(self.device)
            logits = self._logits(validation, rows)
            weight = self.task.size(labels, None)
            total += float(self.task.loss(logits, labels)) * weight
            size += weight
            answered = self.task.right(logits, labels)
            right, count = right + answered[0], count + answered[1]
        return total / size if size else math.nan, right / count if count else math.nan


@contextlib.contextmanager
def _signals() -> Iterator[threading.Event]:
    """Ctrl-C and SIGTERM set an event instead of breaking a step; a second Ctrl-C breaks at once."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
