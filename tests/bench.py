"""A tiny encoder on easy reviews with a Trainer around it, for tests of training; it knows no test."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

import tiny
from lextune.config_training import TrainConfig
from lextune.tasks.base import Files
from lextune.tasks.text_classification import TextClassification
from lextune.training.callbacks import Callback
from lextune.training.loop import Outcome, Rows, Trainer
from lextune.training.objective import class_weights

CLASSES = ("negative", "positive")


@dataclass(frozen=True)
class StopAt:
    """Ends a training after a step, as Ctrl-C does."""

    step: int

    def on_start(self, steps: int, done: int) -> None: ...
    def on_epoch(self, epoch: int, figures: dict[str, float]) -> None: ...
    def on_step(self, step: int, figures: dict[str, float]) -> None:
        if step == self.step:
            raise KeyboardInterrupt


@dataclass
class Bench:
    """Everything that a Trainer needs, made anew in the same way each time."""

    files: Files
    rows: list[dict[str, str]]
    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    task: TextClassification = field(default_factory=lambda: TextClassification("sentiment"))
    identity: str = "the same"

    @classmethod
    def make(cls, folder: Path, rows: int = 100) -> Bench:
        """Write model and reviews once under `folder`."""
        model = tiny.write_tiny_bert(folder / "model")
        data = tiny.write_reviews(folder / "reviews.csv", rows)
        with open(data, newline="", encoding="utf-8") as stream:
            found = list(csv.DictReader(stream))
        return cls({one.name: one.read_bytes() for one in model.iterdir()}, found, folder)

    def part(self, rows: Sequence[dict[str, str]]) -> Rows:
        encoded = self.task.encoder(self.files, 32)([row["text"] for row in rows])
        labels = np.array([CLASSES.index(row["label"]) for row in rows], np.int64)
        return Rows(encoded, labels, [f"row-{index}" for index in range(len(rows))])

    def trainer(self, folder: Path, callbacks: Sequence[Callback] = ()) -> Trainer:
        settings = {
            "epochs": 3, "batch_size": 8, "learning_rate": 2e-3, "dropout": 0.1,
            "precision": "fp32", "save_steps": 4, "early_stopping_patience": 3,
        } | self.settings  # fmt: skip
        config = TrainConfig(**settings)
        torch.manual_seed(config.seed)
        model, _ = self.task.build(self.files, CLASSES, dropout=config.dropout, new_head=True)
        counts = np.bincount(self.part(self.train).labels, minlength=len(CLASSES))
        weights = class_weights(config.class_weights, CLASSES, counts)
        return Trainer(
            self.task, model, config, folder,
            identity=self.identity, class_weights=weights, callbacks=callbacks,
        )  # fmt: skip

    @property
    def train(self) -> list[dict[str, str]]:
        """76 % of the rows; the others validate."""
        return self.rows[: len(self.rows) * 76 // 100]

    def run(self, trainer: Trainer, *, resume: bool = False) -> Outcome:
        """Train on `train`, validate on the rest."""
        train, validation = self.part(self.train), self.part(self.rows[len(self.train) :])
        return trainer.run(train, validation, len(CLASSES), resume=resume)


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    """A copy of the model's tensors."""
    return {name: one.detach().clone() for name, one in trainer.model.state_dict().items()}


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    """Bit for bit."""
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)
