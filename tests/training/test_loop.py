"""The loop trains, stops for a named cause, keeps the best weights, and resumes as if it had never stopped."""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench import Bench, same, weights
from lextune.errors import DataError, TrainingError
from lextune.tasks.base import Encoded
from lextune.tasks.text_classification import TextClassification
from lextune.training.callbacks import TrainerLog
from lextune.training.loop import Trainer

STEPS = 10  # of an epoch: 76 rows in batches of 8


class Watch:
    """Collects what the loop tells, and does something at a step or an epoch."""

    def __init__(
        self,
        at_step: tuple[int, Callable[[], None]] | None = None,
        at_epoch: tuple[int, Callable[[], None]] | None = None,
    ) -> None:
        self.at_step, self.at_epoch = at_step, at_epoch
        self.started: list[tuple[int, int]] = []
        self.steps: dict[int, dict[str, float]] = {}
        self.epochs: dict[int, dict[str, float]] = {}

    def on_start(self, steps: int, done: int) -> None:
        self.started.append((steps, done))

    def on_step(self, step: int, figures: dict[str, float]) -> None:
        self.steps[step] = figures
        if self.at_step and step == self.at_step[0]:
            self.at_step[1]()

    def on_epoch(self, epoch: int, figures: dict[str, float]) -> None:
        self.epochs[epoch] = figures
        if self.at_epoch and epoch == self.at_epoch[0]:
            self.at_epoch[1]()


class Recorded(TextClassification):
    """Notes the rows of every training batch in the order in which they come."""

    def __init__(self) -> None:
        super().__init__("sentiment")
        self.seen: list[list[int]] = []

    def collate(self, encoded: Encoded, rows: Any) -> dict[str, torch.Tensor]:
        if not torch.is_inference_mode_enabled():
            self.seen.append(rows.tolist())
        return super().collate(encoded, rows)


class Scripted(TextClassification):
    """The validation losses of the epochs are given; training goes on as usual."""

    def __init__(self, losses: list[float]) -> None:
        super().__init__("sentiment")
        self.losses: Iterator[float] = iter(losses)

    def loss(self, logits: torch.Tensor, labels: torch.Tensor, **how: Any) -> torch.Tensor:
        if torch.is_inference_mode_enabled():
            return torch.tensor(next(self.losses))
        return super().loss(logits, labels, **how)


@pytest.fixture(scope="module")
def unbroken(
    whole_bench: Bench, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, torch.Tensor], list[list[int]], Watch]:
    """Weights, batches and figures of a run that nobody disturbed."""
    torch.set_num_threads(1)
    task, watch = Recorded(), Watch()
    bench = Bench(whole_bench.files, whole_bench.rows, whole_bench.folder, task=task)
    trainer = bench.trainer(tmp_path_factory.mktemp("unbroken"), [watch])
    bench.run(trainer)
    return weights(trainer), task.seen, watch


def test_it_learns_and_tells_what_it_did(bench: Bench, tmp_path: Path) -> None:
    bench.settings = {"epochs": 6, "learning_rate": 3e-3}
    watch = Watch()
    trainer = bench.trainer(tmp_path / "c", [watch])
    before = weights(trainer)
    outcome = bench.run(trainer)
    assert watch.started == [(60, 0)]
    assert sorted(watch.steps) == list(range(1, outcome.steps + 1))
    assert outcome.first_loss == pytest.approx(math.log(2), abs=0.15)
    assert outcome.first_loss == watch.steps[1]["loss"]
    assert watch.epochs[outcome.best_epoch]["validation_accuracy"] > 0.8
    best = min(watch.epochs, key=lambda epoch: watch.epochs[epoch]["validation_loss"])
    assert outcome.best_epoch == best
    assert outcome.best_validation_loss == watch.epochs[best]["validation_loss"]
    assert outcome.precision == "fp32"
    assert outcome.threads == 1
    assert outcome.samples_per_second == pytest.approx(76 * outcome.epochs / outcome.seconds)
    assert not same(before, weights(trainer))


def test_the_rate_rises_and_falls_with_the_step_alone(bench: Bench, tmp_path: Path) -> None:
    bench.settings = {"warmup_ratio": 0.2, "epochs": 2}
    watch = Watch()
    bench.run(bench.trainer(tmp_path / "c", [watch]))
    rates = [watch.steps[step]["learning_rate"] for step in range(1, 21)]
    expected = [i / 4 if i < 4 else (20 - i) / 16 for i in range(20)]
    assert rates == pytest.approx([2e-3 * one for one in expected])


def test_the_same_run_twice_is_the_same_bit_for_bit(
    bench: Bench, tmp_path: Path, unbroken: tuple[Any, list[list[int]], Watch]
) -> None:
    trainer = bench.trainer(tmp_path / "c")
    torch.manual_seed(42)
    bench.run(trainer)
    again = bench.trainer(tmp_path / "d")
    bench.run(again)
    assert same(weights(again), unbroken[0])


def test_another_seed_is_another_run(bench: Bench, tmp_path: Path, unbroken: Any) -> None:
    bench.settings = {"seed": 43}
    trainer = bench.trainer(tmp_path / "c")
    bench.run(trainer)
    assert not same(weights(trainer), unbroken[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("stop", [1, STEPS - 1, STEPS, STEPS + 1, 2 * STEPS + 5, 3 * STEPS])
def test_stopped_by_a_signal_and_resumed_it_is_the_unbroken_run(
    bench: Bench,
    tmp_path: Path,
    unbroken: tuple[dict[str, torch.Tensor], list[list[int]], Watch],
    stop: int,
    number: int,
) -> None:
    bench.task = Recorded()
    folder, log = tmp_path / "c", tmp_path / "log.jsonl"
    handler = signal.getsignal(number)
    watch = Watch(at_step=(stop, lambda: os.kill(os.getpid(), number)))
    with pytest.raises(KeyboardInterrupt):
        bench.run(bench.trainer(folder, [TrainerLog(log), watch]))
    assert signal.getsignal(number) is handler
    assert max(watch.steps) == stop
    torch.rand(17)  # whatever happens in between
    goes_on = Watch()
    trainer = bench.trainer(folder, [TrainerLog(log), goes_on])
    outcome = bench.run(trainer, resume=True)
    assert outcome.samples_per_second == pytest.approx(3 * 76 / outcome.seconds)
    assert goes_on.started == [(3 * STEPS, stop)]
    weights_, seen, figures = unbroken
    assert bench.task.seen == seen
    assert {**watch.steps, **goes_on.steps} == figures.steps
    assert same(weights(trainer), weights_)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [one["step"] for one in lines if one["event"] == "step"] == list(range(1, 31))
    assert [one["epoch"] for one in lines if one["event"] == "epoch"] == [1, 2, 3]


def test_a_signal_while_validating_is_not_forgotten(
    bench: Bench, tmp_path: Path, unbroken: Any
) -> None:
    for epoch in (1, 3):
        folder = tmp_path / f"c{epoch}"
        watch = Watch(at_epoch=(epoch, lambda: os.kill(os.getpid(), signal.SIGINT)))
        with pytest.raises(KeyboardInterrupt):
            bench.run(bench.trainer(folder, [watch]))
        assert max(watch.steps) == epoch * STEPS
        trainer = bench.trainer(folder)
        bench.run(trainer, resume=True)
        assert same(weights(trainer), unbroken[0])


def test_a_second_signal_breaks_at_once(bench: Bench, tmp_path: Path) -> None:
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("the second signal did not break the step")

    with pytest.raises(KeyboardInterrupt):
        bench.run(bench.trainer(tmp_path / "c", [Watch(at_step=(2, twice))]))


def test_a_finished_run_resumed_has_nothing_left_to_do(
    bench: Bench, tmp_path: Path, unbroken: Any
) -> None:
    first = bench.run(bench.trainer(tmp_path / "c"))
    watch = Watch()
    trainer = bench.trainer(tmp_path / "c", [watch])
    again = bench.run(trainer, resume=True)
    assert watch.steps == {}
    assert (again.samples_per_second, again.seconds) == (first.samples_per_second, first.seconds)
    assert same(weights(trainer), unbroken[0])


def test_resume_without_a_checkpoint_begins_at_the_beginning(
    bench: Bench, tmp_path: Path, unbroken: Any
) -> None:
    trainer = bench.trainer(tmp_path / "c")
    bench.run(trainer, resume=True)
    assert same(weights(trainer), unbroken[0])


def test_the_checkpoint_of_another_training_is_refused(bench: Bench, tmp_path: Path) -> None:
    bench.run(bench.trainer(tmp_path / "c"))
    bench.identity = "another"
    with pytest.raises(DataError, match="another config, data or base model"):
        bench.run(bench.trainer(tmp_path / "c"), resume=True)


@pytest.mark.parametrize("gone", [True, False])
def test_best_weights_that_are_damaged_or_gone_are_not_released(
    bench: Bench, tmp_path: Path, gone: bool
) -> None:
    bench.settings = {"epochs": 1}
    bench.run(bench.trainer(tmp_path / "c"))
    best = tmp_path / "c" / "best.safetensors"
    data = bytearray(best.read_bytes())
    data[-1] ^= 1
    best.unlink() if gone else best.write_bytes(data)
    with pytest.raises(DataError, match="damaged or gone"):
        bench.run(bench.trainer(tmp_path / "c"), resume=True)


@pytest.mark.parametrize(
    ("losses", "patience", "best", "epochs"),
    [
        ([0.5, 0.4, 0.3], 2, 3, 3),
        ([0.3, 0.4, 0.5, 0.6], 2, 1, 3),
        ([0.3, 0.4, 0.2, 0.4, 0.5], 2, 3, 5),
        ([0.3, 0.3, 0.3], 2, 1, 3),
        ([0.3, 0.4], 1, 1, 2),
    ],
)
def test_the_lowest_validation_loss_is_best_and_kept(
    bench: Bench, tmp_path: Path, losses: list[float], patience: int, best: int, epochs: int
) -> None:
    bench.task = Scripted(losses)
    bench.settings = {"epochs": len(losses), "early_stopping_patience": patience, "batch_size": 19}
    kept: list[dict[str, torch.Tensor]] = []

    class Keep(Watch):
        def on_epoch(self, epoch: int, figures: dict[str, float]) -> None:
            super().on_epoch(epoch, figures)
            kept.append(weights(trainer))

    watch = Keep()
    trainer = bench.trainer(tmp_path / "c", [watch])
    outcome = bench.run(trainer)
    assert (outcome.best_epoch, outcome.epochs) == (best, epochs)
    assert outcome.best_validation_loss == pytest.approx(losses[best - 1])
    assert same(weights(trainer), kept[best - 1])
    assert not same(weights(trainer), kept[best % len(kept)])


@pytest.mark.parametrize("before", [[], [0.3], [0.3, 0.4]])
@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_validation_loss_that_is_no_number_stops_the_run_in_whichever_epoch(
    bench: Bench, tmp_path: Path, before: list[float], loss: float
) -> None:
    bench.task = Scripted([*before, loss, 0.1])
    bench.settings = {"batch_size": 19, "epochs": 4}
    epoch = len(before) + 1
    with pytest.raises(TrainingError, match=f"validation loss after epoch {epoch} is") as caught:
        bench.run(bench.trainer(tmp_path / "c"))
    assert caught.value.exit_code == 4


def stopped(bench: Bench, trainer: Trainer) -> str:
    with pytest.raises(TrainingError) as caught:
        bench.run(trainer)
    (problem,) = caught.value.problems
    assert caught.value.exit_code == 4
    assert "train.learning_rate" in problem.remedy
    return str(problem)


def test_a_learning_rate_far_too_high_stops_with_the_weights_as_cause(
    bench: Bench, tmp_path: Path
) -> None:
    bench.settings = {"learning_rate": 1e30, "warmup_ratio": 0.0}
    told = stopped(bench, bench.trainer(tmp_path / "c"))
    assert "the loss is not a number" in told or "not finite" in told or "infinite" in told
    assert "learning rate 1e+30" in told


def test_weights_that_were_nan_are_named(bench: Bench, tmp_path: Path) -> None:
    trainer = bench.trainer(tmp_path / "c")
    with torch.no_grad():
        trainer.model.bert.encoder.layer[1].output.dense.weight[0, 0] = math.nan  # type: ignore
    told = stopped(bench, trainer)
    assert "step 1, epoch 1: the loss is not a number" in told
    assert "first bert.encoder.layer.1.output.dense.weight" in told
    assert trainer.checkpoints.newest() is None


@pytest.mark.parametrize(("value", "word"), [(math.nan, "not a number"), (math.inf, "infinite")])
def test_a_batch_that_makes_the_loss_nan_is_named_by_its_rows(
    bench: Bench, tmp_path: Path, value: float, word: str
) -> None:
    class Poisoned(Recorded):
        def loss(self, logits: torch.Tensor, labels: torch.Tensor, **how: Any) -> torch.Tensor:
            bad = not torch.is_inference_mode_enabled() and 33 in self.seen[-1]
            return super().loss(logits, labels, **how) * (value if bad else 1.0)

    bench.task = task = Poisoned()
    told = stopped(bench, bench.trainer(tmp_path / "c"))
    assert f"the loss is {word}" in told
    assert "all weights were finite" in told
    assert 33 in task.seen[-1]
    shown = [f"row-{row}" for row in task.seen[-1][:4]]
    assert ", ".join(shown) in told
    assert "and 4 more" in told


def test_a_gradient_that_is_not_finite_stops_before_it_reaches_the_weights(
    bench: Bench, tmp_path: Path
) -> None:
    class Kinked(TextClassification):
        def loss(self, logits: torch.Tensor, labels: torch.Tensor, **how: Any) -> torch.Tensor:
            return super().loss(logits, labels, **how) + (logits * 0).square().sum().sqrt()

    bench.task = Kinked("sentiment")
    trainer = bench.trainer(tmp_path / "c")
    assert "the gradient is not finite" in stopped(bench, trainer)
    assert all(bool(torch.isfinite(one).all()) for one in trainer.model.parameters())


def test_an_exploding_loss_stops(bench: Bench, tmp_path: Path) -> None:
    class Loud(TextClassification):
        def loss(self, logits: torch.Tensor, labels: torch.Tensor, **how: Any) -> torch.Tensor:
            return super().loss(logits, labels, **how) * 100

    bench.task = Loud("sentiment")
    told = stopped(bench, bench.trainer(tmp_path / "c"))
    assert "step 10, epoch 1: the loss exploded" in told


def test_gradients_are_clipped(bench: Bench, tmp_path: Path) -> None:
    norms: list[float] = []
    bench.settings = {"max_grad_norm": 0.01, "epochs": 1}
    trainer = bench.trainer(tmp_path / "c")

    def look(*arguments: Any) -> None:
        grads = [one.grad for one in trainer.model.parameters() if one.grad is not None]
        norms.append(float(torch.stack([one.norm() for one in grads]).norm()))

    trainer.optimizer.register_step_pre_hook(look)
    bench.run(trainer)
    assert len(norms) == STEPS
    assert max(norms) <= 0.0101
    assert np.median(norms) > 0.0099


def test_bf16_trains_too(bench: Bench, tmp_path: Path) -> None:
    bench.settings = {"precision": "bf16", "epochs": 1}
    trainer = bench.trainer(tmp_path / "c")
    outcome = bench.run(trainer)
    assert outcome.precision == "bf16"
    assert outcome.first_loss == pytest.approx(math.log(2), abs=0.15)
    assert {one.dtype for one in trainer.model.parameters()} == {torch.float32}


def test_an_unbroken_fixture_has_three_epochs(unbroken: tuple[Any, list[list[int]], Watch]) -> None:
    _, seen, watch = unbroken
    assert len(seen) == 3 * STEPS
    per_epoch = [
        sorted(row for rows in seen[i * STEPS : (i + 1) * STEPS] for row in rows) for i in range(3)
    ]
    assert per_epoch == [list(range(76))] * 3
    assert sorted(watch.epochs) == [1, 2, 3]


def test_each_validation_row_weighs_the_same_in_a_shorter_last_batch_too(
    bench: Bench, tmp_path: Path
) -> None:
    found = []
    for batch_size in (7, 1):  # 24 rows: 14 + 10, or one by one
        bench.settings = {"epochs": 1, "batch_size": batch_size}
        trainer = bench.trainer(tmp_path / f"c{batch_size}")
        found.append(trainer.validate(bench.part(bench.rows[76:])))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    assert found[0][1] == found[1][1]
