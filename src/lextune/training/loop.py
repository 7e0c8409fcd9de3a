"""The training loop, readable from top to bottom; it knows neither files of data nor metrics nor policy.

It minimises the mean cross entropy over the rows of a batch with AdamW, a rising and falling learning
rate and clipped gradients, and keeps the weights of the epoch with the lowest validation loss.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load, save
from transformers import get_scheduler

from lextune.config import TrainConfig
from lextune.errors import DataError, Problem, TrainingError
from lextune.files import sha256, write_atomic
from lextune.tasks.base import Encoded, Task
from lextune.tasks.tensors import distinct_tensors, load_distinct
from lextune.training.batching import plan_epoch
from lextune.training.callbacks import Callback
from lextune.training.checkpoints import Checkpoints, Progress
from lextune.training.machine import Precision, autocast, choose_precision, device
from lextune.training.methods.base import methods

#: The mean loss of so many steps is compared with a blind guess's to see an explosion.
_RECENT = 10
_EXPLODED = 10.0


@dataclass(frozen=True)
class Rows:
    """Encoded rows with what they are to be taught.

    Attributes:
        ids: Row ids, for messages; shape (rows,).
        labels: Class numbers, shape (rows,), int64.
    """

    encoded: Encoded
    labels: npt.NDArray[np.int64]
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


class Trainer:
    """Trains one model. `run` is the loop; the other methods are its steps.

    Args:
        task: Gives batches, logits and loss.
        model: Trained in place.
        config: The config's train section.
        folder: For checkpoints and the best weights.
        identity: Digest of everything that decides the outcome; a checkpoint of another one is refused.
        callbacks: Told of each step and epoch.
    """

    def __init__(
        self, task: Task, model: torch.nn.Module, config: TrainConfig, folder: Path, *,
        identity: str, callbacks: Sequence[Callback] = (),
    ) -> None:  # fmt: skip
        self.task, self.config, self.callbacks = task, config, callbacks
        self.device = device()
        self.model = model.to(self.device)
        self.checkpoints = Checkpoints(folder)
        self.best = folder / "best.safetensors"
        self.progress = Progress(identity, choose_precision(config.precision))
        self.method = methods.get(config.method)(config)
        self.optimizer = torch.optim.AdamW(
            self.method.prepare(self.model),  # type: ignore[arg-type]
            lr=config.learning_rate,
            fused=True,
        )

    def run(self, train: Rows, validation: Rows, classes: int, *, resume: bool) -> Outcome:
        """Train to the end or to the early stop, and leave the best weights in the model.

        Raises:
            TrainingError: The loss is NaN, infinite or exploding.
            KeyboardInterrupt: Ctrl-C or a termination signal; the state was saved after the running step.
        """
        config = self.config
        steps_per_epoch = math.ceil(len(train.ids) / config.batch_size)
        total = steps_per_epoch * config.epochs
        if resume:
            restored = self.checkpoints.restore(self.model, self.optimizer, self.progress.identity)
            self.progress = restored or self.progress
        state = self.progress
        schedule = self._schedule(total)
        for callback in self.callbacks:
            callback.on_start(total, state.step)
        with _signals() as stop:
            while state.epoch < config.epochs and state.waiting < config.early_stopping_patience:
                batches = plan_epoch(
                    train.encoded.lengths, config.batch_size, config.seed, state.epoch
                )
                for rows in batches[state.batch :]:
                    self._step(train, rows, schedule, classes)
                    if stop.is_set() or state.step % config.save_steps == 0:
                        self.checkpoints.save(self.model, self.optimizer, state)
                    if stop.is_set():
                        raise KeyboardInterrupt
                self._end_of_epoch(validation)
                if stop.is_set():  # asked for while validating: all is saved
                    raise KeyboardInterrupt
        load_distinct(self.model, load(self._read_best()))
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

    def _step(
        self,
        train: Rows,
        rows: npt.NDArray[np.int64],
        schedule: Callable[[int], float],
        classes: int,
    ) -> None:
        start = time.perf_counter()
        state = self.progress
        self.model.train()
        batch = self.task.collate(train.encoded, rows).to(self.device)
        labels = torch.from_numpy(train.labels[rows]).to(self.device)
        with autocast(self.device, state.precision):  # type: ignore[arg-type]
            logits = self.task.logits(self.model, batch)
        loss = self.task.loss(logits, labels)
        value = float(loss.detach())
        self._check_loss(value, [train.ids[row] for row in rows], classes)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = float(
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.max_grad_norm)
        )
        self._check_norm(norm, [train.ids[row] for row in rows])
        rate = schedule(state.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["lr_scale"]
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        state.step += 1
        state.batch += 1
        state.seconds += time.perf_counter() - start
        figures = {
            "epoch": state.epoch + 1,
            "loss": value,
            "learning_rate": rate,
            "grad_norm": norm,
        }
        for callback in self.callbacks:
            callback.on_step(state.step, figures)

    def _end_of_epoch(self, validation: Rows) -> None:
        state = self.progress
        loss, accuracy = self._validate(validation)
        state.epoch, state.batch = state.epoch + 1, 0
        if not math.isfinite(loss):
            raise TrainingError(
                Problem(
                    f"the validation loss after epoch {state.epoch} is {loss}",
                    "lower train.learning_rate, or set train.precision: fp32",
                    "weights that give no number are broken, and the epochs after them too",
                )
            )
        if state.best_loss is None or loss < state.best_loss:
            tensors = distinct_tensors(self.model)
            weights = {name: one.cpu().contiguous() for name, one in tensors.items()}
            data = save(weights)
            write_atomic(self.best, data)
            state.best_sha256 = sha256(data)
            state.best_loss, state.best_epoch, state.waiting = loss, state.epoch, 0
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
        self.checkpoints.save(self.model, self.optimizer, state)

    @torch.inference_mode()
    def _validate(self, validation: Rows) -> tuple[float, float]:
        self.model.eval()
        total, right = 0.0, 0
        for rows in validation.encoded.in_order(self.config.batch_size * 2):
            batch = self.task.collate(validation.encoded, rows).to(self.device)
            labels = torch.from_numpy(validation.labels[rows]).to(self.device)
            with autocast(self.device, self.progress.precision):  # type: ignore[arg-type]
                logits = self.task.logits(self.model, batch)
            total += float(self.task.loss(logits, labels)) * len(rows)
            right += int((logits.argmax(-1) == labels).sum())
        return total / len(validation.ids), right / len(validation.ids)

    def _check_loss(self, value: float, ids: list[str], classes: int) -> None:
        state = self.progress
        if state.first_loss is None:
            state.first_loss = value
        state.recent = [*state.recent, value][-_RECENT:]
        if math.isfinite(value):
            limit = _EXPLODED * math.log(max(classes, 2))
            if len(state.recent) == _RECENT and float(np.mean(state.recent)) > limit:
                self._stop(f"the loss exploded to {np.mean(state.recent):.3g}", ids)
            return
        self._stop(f"the loss is {'not a number' if math.isnan(value) else 'infinite'}", ids)

    def _check_norm(self, norm: float, ids: list[str]) -> None:
        if not math.isfinite(norm):
            self._stop("the gradient is not finite", ids)

    def _stop(self, fact: str, ids: list[str]) -> None:
        """Raise with the cause: weights that had already left the numbers, or this batch."""
        broken = [
            name
            for name, parameter in self.model.named_parameters()
            if not bool(torch.isfinite(parameter).all())
        ]
        cause = (
            f"{len(broken)} weight tensors were no longer finite before this step, first {broken[0]}"
            if broken
            else f"all weights were finite before this step; the batch was rows {', '.join(ids[:4])}"
            + (f" and {len(ids) - 4} more" if len(ids) > 4 else "")
        )
        rate = self.optimizer.param_groups[0]["lr"]
        raise TrainingError(
            Problem(
                f"training stopped at step {self.progress.step + 1}, epoch "
                f"{self.progress.epoch + 1}: {fact} (learning rate {rate:.3g}, "
                f"{self.progress.precision})",
                "lower train.learning_rate, raise train.warmup_ratio, or set train.precision: fp32",
                cause,
            )
        )


@contextmanager
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
