"""`head` runs the encoder once a row, trains the head alone, and comes to where a frozen encoder would."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from architectures import KINDS, built, of_kind
from bench import Bench, same, weights
from lextune.config_training import TrainConfig
from lextune.errors import ModelError
from lextune.tasks.text_classification import TextClassification
from lextune.training.methods.base import Method, ParameterGroup, decayed_groups, methods
from lextune.training.methods.head import Head

HEADS = {
    "bert": {"bert.pooler.dense", "classifier"},
    "roberta": {"classifier.dense", "classifier.out_proj"},
    "electra": {"classifier.dense", "classifier.out_proj"},
    "distilbert": {"pre_classifier", "classifier"},
    "deberta-v2": {"pooler.dense", "classifier"},
    "mpnet": {"classifier.dense", "classifier.out_proj"},
    "albert": {"albert.pooler", "classifier"},
    "modernbert": {"head.dense", "head.norm", "classifier"},
}
SETTINGS = {"method": "head", "learning_rate": 2e-2, "dropout": 0.0, "epochs": 4}


class Counting(TextClassification):
    """Notes the rows that pass through the encoder."""

    def __init__(self) -> None:
        super().__init__("sentiment")
        self.encoded: list[int] = []

    def features(self, model: torch.nn.Module, batch: Any) -> torch.Tensor:
        self.encoded += batch.rows.tolist()
        assert not model.training
        return super().features(model, batch)

    def logits(self, model: torch.nn.Module, batch: Any) -> torch.Tensor:
        raise AssertionError("the whole model ran")


class Frozen(Method):
    """The same parameters, through the whole model at each step."""

    def prepare(self, model: torch.nn.Module) -> list[ParameterGroup]:
        Head(self.config).prepare(model)
        return decayed_groups(model.parameters(), self.config.weight_decay)


@pytest.mark.parametrize("kind", KINDS)
def test_the_head_of_every_architecture_is_what_is_trained(bench: Bench, kind: str) -> None:
    model = built(of_kind(bench, kind))
    Head(TrainConfig(method="head")).prepare(model)
    needing = {
        name.rpartition(".")[0] for name, one in model.named_parameters() if one.requires_grad
    }
    assert needing == HEADS[kind]


def test_each_row_passes_through_the_encoder_once(bench: Bench, tmp_path: Path) -> None:
    bench.task, bench.settings = Counting(), {**SETTINGS, "dropout": 0.1}
    trainer = bench.trainer(tmp_path / "c")
    before = weights(trainer)
    outcome = bench.run(trainer)
    assert outcome.epochs == 4
    train, validation = len(bench.train), len(bench.rows) - len(bench.train)
    assert bench.task.encoded[:train] != list(range(train))  # the longest first
    assert sorted(bench.task.encoded[:train]) == list(range(train))
    assert sorted(bench.task.encoded[train:]) == list(range(validation))
    changed = {name for name, one in weights(trainer).items() if not torch.equal(one, before[name])}
    assert {name.rpartition(".")[0] for name in changed} == HEADS["bert"]


@pytest.mark.parametrize("kind", ["bert", "roberta", "deberta-v2"])
def test_it_comes_to_where_a_frozen_encoder_comes_at_every_step(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setitem(methods._items, "frozen", Frozen)
    bench, found = of_kind(bench, kind), []
    for method in ("head", "frozen"):
        bench = dataclasses.replace(bench, settings={**SETTINGS, "method": method})
        trainer = bench.trainer(tmp_path / method)
        bench.run(trainer)
        found.append((trainer.progress.history, weights(trainer)))
    (one, head), (two, frozen) = found
    assert len(one) == 4
    for mine, other in zip(one, two, strict=True):
        assert mine["validation_loss"] == pytest.approx(other["validation_loss"], rel=1e-3)
    for name, tensor in head.items():
        torch.testing.assert_close(tensor, frozen[name], rtol=0.02, atol=2e-3)
    assert not same(head, built(bench).state_dict())


def test_where_the_head_is_not_known_the_remedy_is_another_method(
    bench: Bench, tmp_path: Path
) -> None:
    bench = of_kind(bench, "xlnet", d_model=32, n_layer=1, n_head=2, d_inner=64)
    bench = dataclasses.replace(bench, settings=SETTINGS)
    with pytest.raises(ModelError, match="what the head of XLNetForSequenceClassification"):
        bench.run(bench.trainer(tmp_path / "c"))
