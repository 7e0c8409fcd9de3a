"""`lora` trains low-rank updates and the head, and merges them into a model that is as plain as the one that came."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import lextune
import tiny
from architectures import KINDS, built, of_kind
from bench import Bench, same, weights
from lextune.config_training import TrainConfig
from lextune.errors import MissingExtraError, ModelError
from lextune.training.methods.lora import Lora

LAYERS = ("attention.self.query", "attention.self.key", "attention.self.value",
          "attention.output.dense", "intermediate.dense", "output.dense")  # fmt: skip


def prepared(bench: Bench, **settings: Any) -> tuple[torch.nn.Module, Lora, list[Any]]:
    model = built(bench)
    method = Lora(TrainConfig(method="lora", **settings))
    return model, method, method.prepare(model)


def draw_updates(model: torch.nn.Module) -> None:
    """As if trained: B begins at zero, where an update changes nothing."""
    with torch.no_grad():
        for name, one in model.named_parameters():
            if "lora_B" in name:
                one.normal_()


def logits(bench: Bench, model: torch.nn.Module) -> torch.Tensor:
    batch = bench.task.collate(bench.part(bench.rows[:9]).encoded, np.arange(9))
    with torch.no_grad():
        return bench.task.logits(model.eval(), batch)


def test_updates_and_head_are_all_that_is_trained(bench: Bench) -> None:
    model, _, groups = prepared(bench, lora_r=4)
    needing = {name for name, one in model.named_parameters() if one.requires_grad}
    layers = [f"bert.encoder.layer.{number}.{name}" for number in (0, 1) for name in LAYERS]
    updates = {f"{name}.lora_{side}.default.weight" for name in layers for side in "AB"}
    head = {f"{name}.{kind}" for name in ("bert.pooler.dense", "classifier")
            for kind in ("weight", "bias")}  # fmt: skip
    assert needing == updates | head
    # four maps of 32 to 32, one to 64 and one from 64 in each layer; 32 by 32 and 32 by 2 in the head
    count = 2 * 4 * (4 * (32 + 32) + 2 * (32 + 64)) + (32 * 32 + 32) + (32 * 2 + 2)
    assert sum(one.numel() for group in groups for one in group["params"]) == count


@pytest.mark.parametrize("kind", KINDS)
def test_before_the_first_step_nothing_has_changed_in_any_architecture(
    bench: Bench, kind: str
) -> None:
    bench = of_kind(bench, kind)
    plain = built(bench)
    model, method, groups = prepared(bench)
    assert groups
    assert torch.equal(logits(bench, model), logits(bench, plain))
    method.finish(model)
    assert same(model.state_dict(), plain.state_dict())


@pytest.mark.parametrize("kind", KINDS)
def test_merged_the_answers_are_those_of_the_updates(bench: Bench, kind: str) -> None:
    bench = of_kind(bench, kind)
    plain = logits(bench, built(bench))
    model, method, _ = prepared(bench, lora_r=3, lora_alpha=5)
    draw_updates(model)
    before = logits(bench, model)
    assert not torch.allclose(before, plain, rtol=0, atol=1e-4)
    method.finish(model)
    torch.testing.assert_close(logits(bench, model), before, rtol=1e-3, atol=1e-5)
    assert list(model.state_dict()) == list(built(bench).state_dict())


def test_a_merged_weight_is_the_old_one_and_the_scaled_product(bench: Bench) -> None:
    model, method, _ = prepared(bench, lora_r=3, lora_alpha=5)
    draw_updates(model)
    name = "bert.encoder.layer.1.attention.self.value"
    layer: Any = model.get_submodule(name)
    up, down = layer.lora_B["default"].weight, layer.lora_A["default"].weight
    expected = layer.base_layer.weight + 5 / 3 * up @ down
    watched = method.watched(model)
    before = watched[f"{name}.weight"].clone()
    method.finish(model)
    after: Any = model.get_submodule(name)
    torch.testing.assert_close(after.weight, expected)
    assert not torch.equal(after.weight, before)
    assert set(watched) <= set(model.state_dict())
    assert len(watched) == 2 * len(LAYERS) + 4


def test_checkpoints_hold_what_is_trained_alone(bench: Bench, tmp_path: Path) -> None:
    bench.settings = {"method": "lora", "epochs": 1}
    trainer = bench.trainer(tmp_path / "c")
    needing = {name for name, one in trainer.model.named_parameters() if one.requires_grad}
    before = weights(trainer)
    bench.run(trainer)
    newest = trainer.checkpoints.newest()
    assert newest is not None
    assert set(load_file(newest / "model.safetensors")) == needing
    assert set(load_file(tmp_path / "c" / "best.safetensors")) == needing
    states = load_file(newest / "optimizer.safetensors")
    assert {name.partition("|")[0] for name in states} == needing
    frozen = {name.replace(".base_layer", ""): one for name, one in before.items()
              if name not in needing}  # fmt: skip
    after = weights(trainer)
    moved = {
        name for name, one in frozen.items() if name in after and not torch.equal(after[name], one)
    }
    layers = [f"bert.encoder.layer.{number}.{name}.weight" for number in (0, 1) for name in LAYERS]
    assert moved == set(
        layers
    )  # the updates were merged into these; embeddings, norms, biases stay


def test_chosen_maps_are_adapted_and_no_others(bench: Bench) -> None:
    model, _, _ = prepared(bench, lora_target_modules=("query", "attention.output.dense"))
    adapted = {name.partition(".lora_A")[0] for name, _ in model.named_parameters()
               if "lora_A" in name}  # fmt: skip
    assert adapted == {
        f"bert.encoder.layer.{number}.attention.{name}"
        for number in (0, 1) for name in ("self.query", "output.dense")
    }  # fmt: skip


def test_maps_that_are_not_there_are_told_with_those_that_are(bench: Bench) -> None:
    with pytest.raises(ModelError, match="has no linear maps q_proj, classifier") as caught:
        prepared(bench, lora_target_modules=("query", "q_proj", "classifier"))
    assert "some of dense, key, query, value" in caught.value.problems[0].remedy


def test_updates_that_are_not_finite_are_not_merged(bench: Bench) -> None:
    model, method, _ = prepared(bench)
    with torch.no_grad():
        dict(model.named_parameters())[
            "bert.encoder.layer.0.output.dense.lora_B.default.weight"
        ].fill_(float("inf"))
    with pytest.raises(ModelError, match="cannot be merged"):
        method.finish(model)


@pytest.fixture
def config(bert: Path, tmp_path: Path) -> dict[str, Any]:
    data = tiny.write_reviews(tmp_path / "reviews.csv")
    config = tiny.tiny_config(bert, data)
    config["train"] |= {"method": "lora", "lora_r": 4, "learning_rate": 4e-3, "epochs": 1}
    return config


def test_without_peft_the_extra_is_named_before_any_work(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "peft" else name)
    with pytest.raises(MissingExtraError, match="peft is not installed") as caught:
        lextune.run(config, out=tmp_path / "run")
    assert "[lora]" in caught.value.problems[0].remedy
    assert not (tmp_path / "run").exists()


def test_the_run_leaves_a_plain_model_and_says_how_it_was_trained(
    config: dict[str, Any], tmp_path: Path
) -> None:
    from transformers import AutoModelForSequenceClassification

    config["train"] |= {"class_weights": {"positive": 1.1}}
    run = lextune.run(config, out=tmp_path / "run")
    assert run.trained is not None
    assert run.trained.method == "lora"
    parameters = run.trained.parameters
    assert (parameters["lora_r"], parameters["lora_target_modules"]) == (4, ["all-linear"])
    assert parameters["trained_parameters"] < 10_000
    assert "layer_decay" not in parameters
    measured = {one.name: one for one in run.trained.measurements}
    changed = measured["changed_weight_tensors"]
    assert changed.n == 2 * len(LAYERS) + 2  # the maps of the layers, and the pretrained pooler
    assert changed.value == changed.n
    status = {one.control: one.status for one in run.verdict.controls}
    assert status["weights_changed"] == "pass"
    model = tmp_path / "run" / "model"
    _, report = AutoModelForSequenceClassification.from_pretrained(model, output_loading_info=True)
    assert not any(report.values())
    told = json.loads((model / "config.json").read_text())
    assert not any("lora" in key or "peft" in key for key in told)


def test_peft_is_imported_for_this_method_alone() -> None:
    import subprocess

    code = (
        "import sys; from lextune.training.methods.base import methods; methods.names(); "
        "sys.exit('peft' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
