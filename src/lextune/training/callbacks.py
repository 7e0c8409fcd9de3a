"""What training tells to whoever listens, and the listeners that lextune brings; a listener changes nothing."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Protocol

from lextune.files import disk_problems


class Callback(Protocol):
    """Told of each step and epoch."""

    def on_start(self, steps: int, done: int) -> None:
        """`steps` in all, `done` of them before this process began."""

    def on_step(self, step: int, figures: dict[str, float]) -> None:
        """After an optimiser step: epoch, loss, learning_rate, grad_norm."""

    def on_epoch(self, epoch: int, figures: dict[str, float]) -> None:
        """After an epoch, from 1: training loss, validation loss and accuracy."""


class TrainerLog:
    """Appends one JSON line for each step and epoch to `trainer_log.jsonl`.

    On resume the lines after the checkpoint's step are taken back, since those steps are done again. A
    figure that is not finite is written as null, because JSON has no word for it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last_epoch = 0

    def on_start(self, steps: int, done: int) -> None:  # noqa: ARG002
        """Keep only the lines up to the step `done`."""
        kept = []
        self._last_epoch = 0
        if self.path.exists() and done:
            for line in self.path.read_text(encoding="utf-8").splitlines():
                try:
                    found = json.loads(line)
                    if found["step"] > done:
                        continue
                    self._last_epoch = max(
                        self._last_epoch, found["epoch"] if found["event"] == "epoch" else 0
                    )
                except (ValueError, KeyError, TypeError):
                    break  # a line torn by the kill
                kept.append(line + "\n")
        temporary = self.path.with_suffix(".tmp")
        with disk_problems(self.path):
            temporary.write_text("".join(kept), encoding="utf-8")
            os.replace(temporary, self.path)

    def on_step(self, step: int, figures: dict[str, float]) -> None:
        """Write the step."""
        self._write({"event": "step", "step": step, **figures})

    def on_epoch(self, epoch: int, figures: dict[str, float]) -> None:
        """Write the epoch, unless the process that was killed after it did."""
        if epoch > self._last_epoch:
            self._write({"event": "epoch", "epoch": epoch, **figures})

    def _write(self, line: dict[str, object]) -> None:
        plain = {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in line.items()
        }
        with disk_problems(self.path), open(self.path, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(plain, allow_nan=False) + "\n")
