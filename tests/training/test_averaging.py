"""The average is the one that was asked for, is what is validated and kept, and leaves the training as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench import Bench, StopAt, same, weights
from lextune.training.averaging import Average


def model() -> torch.nn.Module:
    made = torch.nn.Linear(1, 1)
    torch.nn.init.constant_(made.weight, 0.0)
    made.bias.requires_grad_(False)
    return made


def test_the_average_is_the_one_by_hand() -> None:
    one = model()
    average, expected = Average(one, 0.25), 0.0
    for step, (value, decay) in enumerate([(1.0, 2 / 11), (3.0, 0.25), (-2.0, 0.25)], 1):
        torch.nn.init.constant_(one.weight, value)
        average.update(step)
        expected = decay * expected + (1 - decay) * value
        assert float(average.tensors["weight"]) == pytest.approx(expected)
    assert list(average.tensors) == ["weight"]


def test_the_model_holds_the_average_inside_and_its_own_weights_after() -> None:
    one = model()
    average = Average(one, 0.5)
    torch.nn.init.constant_(one.weight, 4.0)
    with pytest.raises(KeyboardInterrupt), average.in_model():  # noqa: PT012
        assert one.weight.item() == 0.0
        raise KeyboardInterrupt
    assert one.weight.item() == 4.0
    assert one.weight.requires_grad


def test_the_average_is_validated_and_kept_and_changes_no_step(
    bench: Bench, tmp_path: Path
) -> None:
    plain = bench.trainer(tmp_path / "plain")
    bench.run(plain)
    bench.settings = {"ema_decay": 0.9}
    averaged = bench.trainer(tmp_path / "averaged")
    outcome = bench.run(averaged)
    assert not same(weights(plain), weights(averaged))
    validation = bench.part(bench.rows[len(bench.train) :])
    assert averaged.validate(validation)[0] == outcome.best_validation_loss
    one, two = (trainer.progress.history for trainer in (plain, averaged))
    assert [each["training_loss"] for each in one] == [each["training_loss"] for each in two]
    assert [each["validation_loss"] for each in one] != [each["validation_loss"] for each in two]


@pytest.mark.parametrize("at", [3, 8, 9])
def test_everything_at_once_goes_on_to_the_same_bits(bench: Bench, tmp_path: Path, at: int) -> None:
    """76 rows in batches of 8 are 10 batches and 4 steps an epoch; each second step is saved."""
    bench.settings = {
        "ema_decay": 0.8, "gradient_accumulation_steps": 3, "class_weights": {"positive": 3.0},
        "label_smoothing_factor": 0.1, "gradient_checkpointing": True, "method": "layerwise",
        "save_steps": 2,
    }  # fmt: skip
    whole = bench.trainer(tmp_path / "whole")
    first = bench.run(whole)
    assert first.steps == 12
    with pytest.raises(KeyboardInterrupt):
        bench.run(bench.trainer(tmp_path / "part", [StopAt(at)]))
    again = bench.trainer(tmp_path / "part")
    outcome = bench.run(again, resume=True)
    assert same(weights(whole), weights(again))
    assert outcome.best_validation_loss == first.best_validation_loss
