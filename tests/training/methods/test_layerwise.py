"""`layerwise` moves a layer by the rate that its depth gives it, and with a decay of 1 it is `full`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import Bench, same, weights


def rates(bench: Bench, folder: Path) -> dict[str, float]:
    """The rate that each parameter had in the one step of an epoch."""
    bench.settings |= {"epochs": 1, "batch_size": 100, "warmup_ratio": 0.0}
    trainer = bench.trainer(folder)
    bench.run(trainer)
    names = {parameter: name for name, parameter in trainer.model.named_parameters()}
    groups = trainer.optimizer.param_groups
    found = {names[one]: group["lr"] for group in groups for one in group["params"]}
    assert len(found) == len(names)
    return found


def test_the_rate_falls_by_the_factor_from_the_head_down(bench: Bench, tmp_path: Path) -> None:
    bench.settings = {"method": "layerwise", "layer_decay": 0.5, "learning_rate": 8e-3}
    found = rates(bench, tmp_path / "c")
    expected = {
        "classifier.": 8e-3, "bert.pooler.": 8e-3, "bert.encoder.layer.1.": 4e-3,
        "bert.encoder.layer.0.": 2e-3, "bert.embeddings.": 1e-3,
    }  # fmt: skip
    for start, rate in expected.items():
        of_part = [found.pop(name) for name in list(found) if name.startswith(start)]
        assert of_part
        assert of_part == pytest.approx([rate] * len(of_part))
    assert not found


def test_an_adam_step_goes_as_far_as_the_rate_of_the_layer(bench: Bench, tmp_path: Path) -> None:
    bench.settings = {
        "method": "layerwise", "layer_decay": 0.1, "epochs": 1, "batch_size": 100,
        "warmup_ratio": 0.0, "weight_decay": 0.0, "learning_rate": 1e-2,
    }  # fmt: skip
    trainer = bench.trainer(tmp_path / "c")
    before = weights(trainer)
    bench.run(trainer)
    after = weights(trainer)
    # Adam's first step is the rate times the gradient's sign
    for name, rate in {
        "classifier.weight": 1e-2,
        "bert.encoder.layer.1.output.dense.weight": 1e-3,
        "bert.encoder.layer.0.output.dense.weight": 1e-4,
    }.items():
        moved = float((after[name] - before[name]).abs().median())
        assert moved == pytest.approx(rate, rel=0.05)


def test_a_decay_of_one_is_full_training(bench: Bench, tmp_path: Path) -> None:
    found = []
    for method in ("full", "layerwise"):
        bench.settings = {"method": method, "layer_decay": 1.0, "epochs": 1}
        trainer = bench.trainer(tmp_path / method)
        bench.run(trainer)
        found.append(weights(trainer))
    # the norm of the gradient sums the same parameters in the same order
    assert same(*found)
