"""A plan walks the first rooms, tries a few steps, says what a run would take, and leaves nothing behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lextune import pipeline, pipeline_evaluation, pipeline_plan, pipeline_training
from lextune.cli import main
from lextune.errors import ConfigError
from lextune.training.rehearsal import Rehearsal
from workshop import Workshop


def test_a_plan_says_what_the_run_then_does(workshop: Workshop, home: Path, tmp_path: Path) -> None:
    config = workshop.config(train={"epochs": 2})
    made = pipeline_plan.plan(config)
    assert made.code == 0
    assert made.blocked == ()
    ran = pipeline.run(config, out=tmp_path / "run")
    assert ran.trained is not None
    assert made.steps == ran.trained.steps
    assert made.precision == ran.trained.precision
    assert made.model == ran.trained.base
    assert [(one.pack, one.control) for one in made.verdict.controls] == [
        (one.pack, one.control) for one in ran.verdict.controls
    ]
    assert all(one >= 0 for one in made.seconds.values())
    assert made.seconds["train"] > 0
    assert made.total_seconds == sum(made.seconds.values())
    assert made.peak_memory_bytes is not None
    assert 1e8 < made.peak_memory_bytes < 1e11


def test_more_epochs_take_more_training_and_as_much_preparing(workshop: Workshop) -> None:
    once, often = (
        pipeline_plan.plan(workshop.config(train={"epochs": epochs})) for epochs in (1, 40)
    )
    assert once.steps is not None
    assert often.steps == 40 * once.steps
    assert often.seconds["train"] > 10 * once.seconds["train"]
    assert often.seconds["tokenise"] < 10 * once.seconds["tokenise"]


def test_what_was_measured_is_multiplied_by_the_rows(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsal = Rehearsal(0.1, 0.01, 0.001, 3.0)
    tried = pipeline_training.Tried(rehearsal, "fp32", 2.0, 0.5, False)
    monkeypatch.setattr(pipeline_training, "try_training", lambda *_: tried)
    measured = []

    def try_measuring(config: object, prepared: object, train: int, test: int, *_: object) -> float:
        measured.append(train)
        return 1.0 + 0.2 * train + 5.0 * (len(measured) == 1)  # the first call loads what it needs

    monkeypatch.setattr(pipeline_evaluation, "try_measuring", try_measuring)
    made = pipeline_plan.plan(
        workshop.config(train={"epochs": 3, "batch_size": 8, "gradient_accumulation_steps": 2})
    )
    train, validation, test = (made.rows[name] for name in ("train", "validation", "test"))
    assert made.steps == 3 * -(-train // 16)
    assert made.seconds["train"] == pytest.approx(3 * train * 0.1)
    assert made.seconds["validate"] == pytest.approx(3 * validation * 0.001)
    assert made.seconds["predict"] == pytest.approx(test * 0.01)
    assert made.seconds["tokenise"] == pytest.approx((train + validation + test) * 0.5)
    assert made.seconds["load"] == 2.0
    assert made.seconds["save"] == pytest.approx(
        3.0 * (made.steps // made.config.train.save_steps + 6)
    )
    assert made.seconds["measure"] == pytest.approx(5.0 + 1.0 + 0.2 * train)


def test_a_method_that_encodes_once_pays_for_it_once(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = pipeline_training.Tried(Rehearsal(0.1, 0.01, 0.0, 0.0), "fp32", 0.0, 0.0, True)
    monkeypatch.setattr(pipeline_training, "try_training", lambda *_: tried)
    made = pipeline_plan.plan(workshop.config(train={"epochs": 3}))
    train, validation = made.rows["train"], made.rows["validation"]
    assert made.seconds["train"] == pytest.approx(0.3 * train + 0.01 * (train + validation))


def test_nothing_is_left_behind(
    workshop: Workshop, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    before = set(tmp_path.rglob("*"))
    pipeline_plan.plan(workshop.config())
    assert set(tmp_path.rglob("*")) - before <= {home}
    assert not home.exists() or not any(home.iterdir())


@pytest.mark.parametrize(
    ("use", "code", "word"),
    [
        ({"commercial": True}, 3, "data_commercial"),
        ({"commercial": None}, 4, "commercial"),
    ],
)
def test_a_run_that_would_be_refused_is_not_tried(
    workshop: Workshop, use: dict[str, Any], code: int, word: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], home: Path,
) -> None:  # fmt: skip
    path = tmp_path / "config.json"
    path.write_text(json.dumps(workshop.config(use=use, data={"licence": "CC-BY-NC-4.0"})))
    assert main(["plan", str(path), "--json"]) == code
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert any(word in name for name in document["blocked"])
    assert document["total_seconds"] is None
    assert document["peak_memory_bytes"] is None
    assert document["audits_not_in_total"] == ["calibration", "group_fairness"]
    assert "refused before training" in err
    assert "Remedy" in err


def test_what_a_plan_prints(
    workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(workshop.config()))
    assert main(["plan", str(path)]) == 0
    out, _ = capsys.readouterr()
    for word in (
        "Model: ",
        "not measured yet",
        "Time",
        "peak memory",
        "steps in",
        "audits come on top",
    ):
        assert word in out, word
    assert max(map(len, out.splitlines()[:3])) <= 80


def test_a_wrong_config_is_told_as_a_run_would(workshop: Workshop) -> None:
    with pytest.raises(ConfigError, match="epoch"):
        pipeline_plan.plan(workshop.config(train={"epochs": 0}))


@pytest.mark.parametrize("method", ["head", "lora", "layerwise"])
def test_every_method_can_be_planned(workshop: Workshop, method: str) -> None:
    made = pipeline_plan.plan(workshop.config(train={"method": method}))
    assert made.total_seconds is not None
