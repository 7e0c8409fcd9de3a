"""The small parts of training: weight change, number format, the log."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from lextune.errors import EnvironmentProblem
from lextune.training import machine
from lextune.training.callbacks import TrainerLog
from lextune.training.changes import weight_change


def changed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> dict[str, object]:
    return {one.name: (one.value, one.n) for one in weight_change(before, after)}


def test_weight_change_counts_tensors_and_measures_the_way() -> None:
    before = {"a": torch.tensor([3.0, 4.0]), "b": torch.zeros(2), "ids": torch.arange(3)}
    after = {"a": torch.tensor([3.0, 4.5]), "b": torch.zeros(2), "ids": torch.arange(3) + 1}
    after["head"] = torch.ones(7)
    assert changed(before, after) == {
        "changed_weight_tensors": (1, 2),
        "relative_weight_change": (0.1, 2),
    }


def test_nothing_changed_is_a_measured_zero_and_nothing_there_is_none() -> None:
    same = {"a": torch.ones(2)}
    assert changed(same, same)["changed_weight_tensors"] == (0, 1)
    assert changed(same, same)["relative_weight_change"] == (0, 1)
    nothing = changed({}, {})
    assert nothing["changed_weight_tensors"] == (0, 0)
    assert nothing["relative_weight_change"] == (None, 0)


def test_a_weight_that_became_nan_is_changed_and_has_no_distance() -> None:
    found = changed({"a": torch.ones(2)}, {"a": torch.tensor([1.0, math.nan])})
    assert found["changed_weight_tensors"] == (1, 1)
    assert found["relative_weight_change"] == (None, 1)


def test_precision_is_what_was_asked_or_one_of_two() -> None:
    assert machine.choose_precision("fp32") == "fp32"
    assert machine.choose_precision("bf16") == "bf16"
    assert machine.choose_precision("auto") in ("fp32", "bf16")


@pytest.mark.parametrize(("half", "chosen"), [(0.5, "bf16"), (0.9, "fp32"), (3.0, "fp32")])
def test_auto_takes_bf16_only_where_it_is_clearly_faster(
    monkeypatch: pytest.MonkeyPatch, half: float, chosen: str
) -> None:
    seconds = {torch.float32: 1.0, torch.bfloat16: half}
    monkeypatch.setattr(machine, "_product_seconds", seconds.__getitem__)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert machine.choose_precision("auto") == chosen


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)]
)
def test_products_are_taken_in_the_chosen_format(
    precision: machine.Precision, dtype: torch.dtype
) -> None:
    with machine.autocast(torch.device("cpu"), precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
    assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_keeping_freed_memory_harms_nothing() -> None:
    machine.keep_freed_memory()
    assert float(torch.ones(1000, 1000).sum()) == 1e6


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_log_takes_back_what_is_done_again(tmp_path: Path) -> None:
    log = TrainerLog(tmp_path / "log.jsonl")
    log.on_start(10, 0)
    for step in range(1, 6):
        log.on_step(step, {"loss": float(step)})
        if step == 3:
            log.on_epoch(1, {"step": 3.0, "validation_loss": 0.5})
    with open(log.path, "a") as stream:
        stream.write('{"event": "step", "ste')  # torn by a kill
    again = TrainerLog(log.path)
    again.on_start(10, 3)
    assert [line["step"] for line in lines(log.path)] == [1, 2, 3, 3]
    again.on_epoch(1, {"step": 3.0, "validation_loss": 0.5})  # saved before, told again
    again.on_step(4, {"loss": 4.5})
    again.on_epoch(2, {"step": 4.0, "validation_loss": 0.4})
    found = lines(log.path)
    assert [line["event"] for line in found] == ["step", "step", "step", "epoch", "step", "epoch"]
    assert found[4]["loss"] == 4.5
    fresh = TrainerLog(log.path)
    fresh.on_start(10, 0)
    assert log.path.read_text() == ""


def test_a_figure_that_is_no_number_is_null_in_the_log(tmp_path: Path) -> None:
    log = TrainerLog(tmp_path / "log.jsonl")
    log.on_start(1, 0)
    log.on_step(1, {"loss": math.nan, "grad_norm": math.inf, "learning_rate": 0.1})
    assert "NaN" not in log.path.read_text()
    assert lines(log.path)[0] == {
        "event": "step", "step": 1, "loss": None, "grad_norm": None, "learning_rate": 0.1
    }  # fmt: skip


def test_a_full_disk_under_the_log_has_a_remedy() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(EnvironmentProblem, match="no space left"):
        TrainerLog(Path("/dev/full")).on_step(1, {})
