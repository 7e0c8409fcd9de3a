"""Operations, energy and shares by hand; what nobody stated is undefined; latency has limits that hold."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from audited import MadeUpBench
from lextune.audits.base import AuditInput, Part
from lextune.audits.cost import Parameters, cost
from lextune.evaluation.predict import Scored
from lextune.records import AuditResult, Measurement

ROWS = 64


class _Task:
    """Texts, of which a linear layer reads their length."""

    name, input_kind, label_kind = "a task", "text", "class"

    def collate(self, encoded: Any, rows: Any) -> torch.Tensor:
        return torch.tensor([[len(encoded[i])] * 8 for i in rows], dtype=torch.float32)

    def logits(self, model: torch.nn.Module, batch: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = model(batch)
        return found


def given(parameters: Any = None, pretraining: Any = None, **trained: Any) -> AuditInput:
    inputs = ["x" * (i % 7) for i in range(ROWS)]
    scores = np.tile([0.4, 0.6], (ROWS, 1))
    answers = Scored(tuple(map(str, range(ROWS))), np.zeros(ROWS, np.int64), scores, ("a", "b"), {})
    spent = {
        "method": "full", "parameters": {"batch_size": 16, "threads": 2},
        "cost": {"train_seconds": 100.0, "train_samples_per_second": 30.0},
        "files": [SimpleNamespace(size=1000), SimpleNamespace(size=24)], **trained,
    }  # fmt: skip
    bench = MadeUpBench(
        lambda _: [0.4, 0.6], inputs, {"train": Part(answers, inputs, np.arange(ROWS))},
        task=_Task(), trained=SimpleNamespace(**spent), pretraining=pretraining,
        loaded=SimpleNamespace(task=_Task(), model=torch.nn.Linear(8, 2), encode=list, classes=("a", "b")),
    )  # fmt: skip
    stated = Parameters(**{"latency_rows": 60, **(parameters or {})})
    return AuditInput(answers, 200, 0, stated, bench)  # type: ignore[arg-type]


def named(found: AuditResult, name: str) -> Measurement:
    return next(one for one in found.measurements if one.name == name)


def test_operations_are_counted_for_all_rows_seen() -> None:
    found = cost(given())
    # 2 * 8 * 2 forwards and as many to the weights, for 3,000 rows
    assert named(found, "training_flops_per_row").value == 64
    total = named(found, "training_flops")
    assert total.value == pytest.approx(64 * 3000)
    assert total.interval is not None
    assert total.interval.low == total.interval.high == pytest.approx(64 * 3000)
    assert named(found, "answer_flops").value == 32
    assert named(found, "model_bytes").value == 1024
    assert named(found, "training_seconds").value == 100.0


def test_rounding_of_seconds_and_rate_is_not_counted() -> None:
    rounded = {"train_seconds": 133.169, "train_samples_per_second": 23.654}
    assert named(cost(given(cost=rounded)), "training_flops").value == 64 * 3150


def test_a_head_alone_goes_forwards_and_recomputing_counts_twice() -> None:
    assert named(cost(given(method="head")), "training_flops").value == pytest.approx(32 * 3000)
    again = {"batch_size": 16, "gradient_checkpointing": True, "threads": 2}
    more = given()
    more.bench.trained.parameters = again  # type: ignore[union-attr]
    assert named(cost(more), "training_flops").value == pytest.approx(64 * 4000)


def test_energy_is_estimated_by_what_is_assumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lextune.audits.cost._gigabytes", lambda: 16.0)
    monkeypatch.setattr("lextune.audits.cost._device", lambda: "cpu")
    found = cost(given({"grams_per_kwh": 500.0}))
    kwh = 100 * (2 * 12 + 16 * 0.3725) * 1.67 / 3.6e6
    assert named(found, "training_energy").value == pytest.approx(kwh)
    assert named(found, "training_emissions").value == pytest.approx(kwh * 500)
    stated = cost(given({"watts": 100.0, "power_usage_effectiveness": 1.0}))
    assert named(stated, "training_energy").value == pytest.approx(100 * 100 / 3.6e6)
    assert "grams_per_kwh" in (named(stated, "training_emissions").problem or "")


def test_an_accelerator_s_power_is_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lextune.audits.cost._device", lambda: "cuda")
    found = cost(given({"grams_per_kwh": 500.0}))
    for name in ("training_energy", "training_emissions"):
        assert named(found, name).value is None
        assert "watts" in (named(found, name).problem or "")


def test_the_share_of_pretraining_needs_somebody_who_says_what_it_took() -> None:
    name = "training_share_of_pretraining"
    unknown = named(cost(given()), name)
    assert unknown.value is None
    assert "pretraining_flops" in (unknown.problem or "")
    known = named(cost(given(pretraining=(1e6, "a paper"))), name)
    assert known.value == pytest.approx(64 * 3000 / 1e6)
    assert known.interval is not None
    stated = given({"pretraining_flops": 2e6, "pretraining_source": "us"}, pretraining=(1e6, "x"))
    assert named(cost(stated), name).value == pytest.approx(64 * 3000 / 2e6)
    with pytest.raises(ValidationError, match="belong together"):
        Parameters(pretraining_flops=1e6)


def test_a_model_that_multiplies_no_matrices_is_told() -> None:
    trees = given(pretraining=(1e6, "x"))
    trees.bench.loaded.model = torch.nn.Softmax(-1)  # type: ignore[union-attr]
    trees.bench.loaded.model.anything = torch.nn.Parameter(torch.zeros(1))  # type: ignore[union-attr]
    found = cost(trees)
    for name in ("training_flops", "answer_flops", "training_share_of_pretraining"):
        assert named(found, name).value is None
        assert "matrices" in (named(found, name).problem or "")


def test_single_answers_are_timed_and_few_have_no_limit_at_the_95th() -> None:
    found = cost(given())
    median, slow = named(found, "latency_median"), named(found, "latency_p95")
    assert median.n == slow.n == 60
    assert median.value is not None
    assert slow.value is not None
    assert slow.value >= median.value > 0
    assert median.interval is not None
    assert slow.interval is None
    few = cost(given({"latency_rows": 100, "latency_seconds": 1e-9}))
    assert named(few, "latency_median").n == 10
