from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

import tiny
from bench import Bench, same, weights
from lextune.config_training import TrainConfig
from lextune.errors import ConfigError, ModelError
from lextune.tasks.base import tasks
from lextune.training.loop import Trainer
from lextune.training.methods.base import methods
from lextune.training.methods.dp_sgd import DpSgd

SENTIMENT = tasks.get("sentiment")


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench.make(tmp_path_factory.mktemp("reviews"))


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """With a pooler that was trained: its file holds a weight that is not diagonal."""
    made = Bench.make(tmp_path_factory.mktemp("pooled"))
    tensors = load(made.files["model.safetensors"])
    shape = tensors["classifier.weight"].shape[1] if "classifier.weight" in tensors else 32
    draw = torch.Generator().manual_seed(1)
    tensors["bert.pooler.dense.weight"] = 0.2 * torch.randn(shape, shape, generator=draw)
    tensors["bert.pooler.dense.bias"] = 0.1 * torch.randn(shape, generator=draw)
    made.files["model.safetensors"] = save(tensors)  # type: ignore[index]
    return made


def private(bench: Bench, folder: Path, **settings: Any) -> Trainer:
    bench.settings = {"method": "dp_sgd", "epochs": 1, "noise_multiplier": 1.0} | settings
    return bench.trainer(folder)


def grads(trainer: Trainer) -> dict[str, torch.Tensor]:
    """Of the step that the trainer is about to take, copied before the optimiser takes it."""
    found: dict[str, torch.Tensor] = {}

    def look(*arguments: Any) -> None:
        for name, one in trainer.model.named_parameters():
            if one.grad is not None and name not in found:
                found[name] = one.grad.detach().clone()

    trainer.optimizer.register_step_pre_hook(look)
    return found


@pytest.mark.parametrize("scope", ["full", "lora", "head"])
@pytest.mark.parametrize("trained_pooler", [False, True])
def test_the_step_is_the_noised_sum_of_clipped_rows(
    reviews: Bench, pooled: Bench, tmp_path: Path, scope: str, trained_pooler: bool
) -> None:
    """A loop over single rows, clipped by hand, and the noise made again from the secret give the gradient."""
    reviews = pooled if trained_pooler else reviews
    trainer = private(
        reviews, tmp_path, dp_scope=scope, dropout=0.0, max_grad_norm=0.5, freeze_embeddings=False
    )
    method, train = trainer.method, reviews.part(reviews.train)
    assert isinstance(method, DpSgd)
    method.begin(len(train.ids), 10)
    (rows,) = method.steps(train.encoded.lengths, 0)[0]
    named = {name: one for name, one in trainer.model.named_parameters() if one.requires_grad}
    sums = {name: torch.zeros_like(one) for name, one in named.items()}
    for row in rows:
        batch = trainer.task.collate(train.encoded, np.array([row]))
        logits = trainer.task.logits(trainer.model, batch)
        torch.nn.functional.cross_entropy(logits, torch.tensor(train.labels[[row]])).backward()
        norm = torch.stack(
            [one.grad.norm() for one in named.values() if one.grad is not None]
        ).norm()
        for name, one in named.items():
            sums[name] += one.grad * (0.5 / norm).clamp(max=1)  # type: ignore[operator]
        trainer.model.zero_grad()
    assert method._secret is not None
    method._secret.add_noise(list(sums.values()), 0.5, 0)
    found = grads(trainer)
    reviews.run(trainer)
    for name, wanted in sums.items():
        torch.testing.assert_close(found[name], wanted / 8, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scope", ["full", "lora", "head"])
def test_a_pooler_that_no_file_held_stays_and_gets_no_noise(
    reviews: Bench, pooled: Bench, tmp_path: Path, scope: str
) -> None:
    """It passes on what the encoder says; noise on all its weights would drown what the others learn."""
    for bench, trained in ((reviews, False), (pooled, True)):
        trainer = private(bench, tmp_path / str(trained), dp_scope=scope)
        named = [one for one, _ in trainer.model.named_parameters() if "pooler" in one]
        before = {
            one: dict(trainer.model.named_parameters())[one].detach().clone() for one in named
        }
        bench.run(trainer)
        after = dict(trainer.model.named_parameters())
        moved = [one for one in before if one in after and not torch.equal(before[one], after[one])]
        assert bool(moved) == trained


def test_two_runs_of_one_config_have_different_noise_and_samples(
    reviews: Bench, tmp_path: Path
) -> None:
    one, two = (private(reviews, tmp_path / name) for name in ("one", "two"))
    lengths = reviews.part(reviews.train).encoded.lengths
    for trainer in (one, two):
        trainer.method.begin(len(lengths), 10)
    assert [len(rows) for batches in one.method.steps(lengths, 0) for rows in batches] != [
        len(rows) for batches in two.method.steps(lengths, 0) for rows in batches
    ] or not np.array_equal(one.method.steps(lengths, 0)[0][0], two.method.steps(lengths, 0)[0][0])
    reviews.run(one)
    reviews.run(two)
    assert not same(weights(one), weights(two))


def test_a_step_that_no_row_is_in_is_noise_alone(
    reviews: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = private(reviews, tmp_path)
    monkeypatch.setattr(
        "lextune.training.privacy.secret.Secret.sample",
        lambda self, rows, rate, number: np.zeros(0, np.int64),
    )
    found = grads(trainer)
    outcome = reviews.run(trainer)
    assert outcome.steps == 10
    values = torch.cat([one.flatten() for one in found.values()])
    assert float(values.std()) == pytest.approx(1 / 8, rel=0.05)


def test_what_was_spent_is_charged_for_every_step_that_was_taken(
    reviews: Bench, tmp_path: Path
) -> None:
    trainer = private(reviews, tmp_path, epochs=2, noise_multiplier=1.0, max_grad_norm=0.7)
    outcome = reviews.run(trainer)
    found = trainer.method.privacy(outcome.steps, outcome.epochs)
    assert found is not None
    assert found["steps"] == outcome.steps == 20
    assert found["sampling_rate"] == 8 / 76
    assert found["delta"] == pytest.approx(0.1 / 76)
    assert (found["noise_multiplier"], found["max_grad_norm"]) == (1.0, 0.7)
    assert found["sampling"] == "poisson"
    assert found["epsilon"] >= found["second_epsilon"] > 0.9 * found["epsilon"]
    assert {found["accountant"], found["second_accountant"]} == {
        "opacus PRVAccountant", "dp-accounting PLDAccountant",
    }  # fmt: skip
    steps, spent = zip(*found["curve"], strict=True)
    assert steps == (10, 20)
    assert list(spent) == sorted(spent)
    assert spent[-1] == found["epsilon"]


def test_the_secret_lies_in_checkpoints_alone_and_not_in_those_of_a_finished_run(
    reviews: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = b"thirty-two bytes that are secret"
    monkeypatch.setattr("lextune.training.privacy.secret.fresh", lambda: secret)
    trainer = private(reviews, tmp_path)
    trainer.save()
    kept = [
        path.name for path in tmp_path.rglob("*") if path.is_file() and secret in path.read_bytes()
    ]
    assert kept == ["method.safetensors"]
    outcome = reviews.run(trainer)
    assert not [
        path for path in tmp_path.rglob("*") if path.is_file() and secret in path.read_bytes()
    ]
    again = private(reviews, tmp_path)
    assert reviews.run(again, resume=True).steps == outcome.steps
    assert same(weights(trainer), weights(again))


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"target_epsilon": 3.0, "noise_multiplier": 1.0}, "train.noise_multiplier"),
        ({"target_delta": 0.01}, "train.target_delta"),
        ({"class_weights": "balanced"}, "train.class_weights"),
    ],
)
def test_what_would_void_the_claim_is_refused_before_training(
    settings: dict[str, Any], key: str
) -> None:
    config = TrainConfig(method="dp_sgd", **settings)
    with pytest.raises(ConfigError, match=key):
        DpSgd.check(config, SENTIMENT, 100)


@pytest.mark.parametrize("name", ["ner", "image_classification", "behaviour_prediction"])
def test_tasks_whose_rows_are_not_clipped_whole_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="dp_sgd"):
        DpSgd.check(TrainConfig(method="dp_sgd"), tasks.get(name), 100)


def test_a_delta_is_refused_from_one_over_the_rows_upwards() -> None:
    fine = TrainConfig(method="dp_sgd", target_delta=0.0099)
    DpSgd.check(fine, SENTIMENT, 100)
    with pytest.raises(ConfigError, match=r"0\.01"):
        DpSgd.check(TrainConfig(method="dp_sgd", target_delta=0.01), SENTIMENT, 100)


def test_other_methods_claim_nothing(reviews: Bench, tmp_path: Path) -> None:
    reviews.settings = {}
    assert reviews.trainer(tmp_path).method.privacy(10, 1) is None
    assert [name for name, one in methods if one.guarded] == ["dp_sgd"]


def test_weights_of_classes_that_are_declared_reach_each_row_alone(
    reviews: Bench, tmp_path: Path
) -> None:
    """The weight of a row must not depend on which other rows are in its step."""
    found = []
    for rows in ([0, 1, 2], [0]):
        trainer = private(
            reviews, tmp_path / str(len(rows)), class_weights={"positive": 5.0}, dropout=0.0,
            max_grad_norm=1e6,
        )  # fmt: skip
        train, method = reviews.part(reviews.train), trainer.method
        assert isinstance(method, DpSgd)
        method.begin(len(train.ids), 10)
        norms: list[torch.Tensor] = []
        close = method._book.close
        method._book.close = lambda close=close, norms=norms: norms.append(close())  # type: ignore
        health: Any = type("H", (), {"check_loss": lambda *arguments: None})()
        trainer._gradient(train, [np.array(rows)], health)
        found.append(float(norms[0][0]))
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert math.isfinite(found[0])


def test_a_model_whose_rows_cannot_be_told_apart_is_refused_but_for_its_head(
    reviews: Bench, tmp_path: Path
) -> None:
    folder = tiny.write_tiny_model(tmp_path / "mpnet", "mpnet")
    files = {one.name: one.read_bytes() for one in folder.iterdir()}
    bench = Bench(files, reviews.rows, tmp_path)
    train, some = bench.part(bench.rows[:8]), np.arange(8)
    for scope in ("full", "head"):
        trainer = private(bench, tmp_path / scope, dp_scope=scope)
        trainer.method.begin(8, 1)
        if scope == "full":
            with pytest.raises(ModelError, match="dp_scope"):
                trainer.method.logits(trainer.task, trainer.model, train.encoded, some)
            continue
        logits = trainer.method.logits(trainer.task, trainer.model, train.encoded, some)
        trainer.method.backward(logits.float().square().mean())
        named = trainer.model.named_parameters()
        assert all((one.grad is not None) == one.requires_grad for _, one in named)
