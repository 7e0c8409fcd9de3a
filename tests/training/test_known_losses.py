"""The loss that each way to train reached when it was written: one that moves is a change to be explained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench import Bench

ALWAYS = {
    "epochs": 4, "learning_rate": 5e-3, "dropout": 0.0, "batch_size": 4, "early_stopping_patience": 9
}  # fmt: skip
#: Settings, and the validation loss after each epoch.
KNOWN: list[tuple[dict[str, Any], list[float]]] = [
    ({}, [0.6924, 0.5394, 0.3061, 0.3092]),
    ({"method": "layerwise", "layer_decay": 0.7}, [0.6928, 0.6601, 0.4281, 0.3225]),
    ({"gradient_accumulation_steps": 2, "class_weights": {"positive": 2.0}},
     [0.7506, 0.7464, 0.5413, 0.3387]),
    ({"label_smoothing_factor": 0.1}, [0.6924, 0.5424, 0.2920, 0.2898]),
    ({"method": "lora", "epochs": 8}, [0.6931, 0.6912, 0.6987, 0.7366, 0.7648, 0.7518, 0.8228, 0.8710]),
    ({"method": "head", "learning_rate": 2e-2, "epochs": 8},
     [0.6940, 0.6933, 0.6969, 0.6976, 0.6964, 0.6963, 0.6951, 0.6933]),
    ({"ema_decay": 0.9}, [0.6930, 0.6079, 0.2898, 0.3041]),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "losses"), KNOWN, ids=lambda one: str(one)[:60])
def test_the_losses_are_the_known_ones(
    bench: Bench, tmp_path: Path, settings: dict[str, Any], losses: list[float]
) -> None:
    bench.settings = ALWAYS | settings
    trainer = bench.trainer(tmp_path / "c")
    bench.run(trainer)
    found = [one["validation_loss"] for one in trainer.progress.history]
    # sums of other processors and other versions of torch differ in the last digits
    assert found == pytest.approx(losses, rel=0.05)
