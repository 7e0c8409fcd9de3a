"""Runs on rows of features: released and verified, interrupted and resumed, the trees through the same gate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lextune.cli import main
from visits import draw_visits, write_csv, write_jsonl


def arguments(data: Path, out: Path, *settings: str) -> list[str]:
    found = ["run", "examples/behaviour_prediction.yaml", "--out", str(out), "--json"]
    for one in (
        f"data.train={data}", "data.columns.label=bought", "data.licence=CC0-1.0", "train.hidden_size=16",
        "train.num_hidden_layers=1", "train.pretrain_epochs=2", "train.epochs=8", "train.learning_rate=1e-2",
        "train.batch_size=64", "train.precision=fp32", "evaluation.bootstrap_samples=200", *settings,
    ):  # fmt: skip
        found += ["--set", one]
    return found


@pytest.mark.slow
def test_visits_with_events_are_released_verified_and_measured_again(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(Path(__file__).resolve().parents[2])
    data = write_jsonl(tmp_path / "visits.jsonl", draw_visits(1200, events=True))
    code = main(arguments(data, tmp_path / "run"))
    answer = json.loads(capsys.readouterr().out)
    assert answer["metrics"]["average_precision"]["low"] > 0.8
    assert set(answer["baselines"]) == {"majority", "hist_gradient_boosting"}
    difference = answer["metrics"]["average_precision_minus_hist_gradient_boosting"]
    assert difference["low"] <= difference["value"] <= difference["high"]
    assert code == (0 if answer["release"] else 3)
    model = tmp_path / "run" / "model"
    assert sorted(path.name for path in model.iterdir()) == ["config.json", "lextune.json", "model.safetensors"]  # fmt: skip


@pytest.mark.slow
def test_trees_pass_the_same_gate(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(Path(__file__).resolve().parents[2])
    data = write_csv(tmp_path / "visits.csv", draw_visits(1200))
    trees = "model.source=init:hist-gradient-boosting"
    code = main(arguments(data, tmp_path / "run", trees))
    answer = json.loads(capsys.readouterr().out)
    assert code == 0, answer["verdict"]
    difference = answer["metrics"]["average_precision_minus_hist_gradient_boosting"]
    assert difference["value"] == pytest.approx(0, abs=0.05)
    release = Path(answer["release"])
    assert main(["verify", str(release), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verified"]
    assert main(["evaluate", str(release), "--data", str(data), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 1200
    config = json.loads((release / "config.json").read_text(encoding="utf-8"))
    assert config["arrays"]["trees"] > 10


@pytest.mark.slow
def test_an_interrupted_pretraining_ends_in_the_same_weights(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lextune.training.loop import Trainer

    monkeypatch.chdir(Path(__file__).resolve().parents[2])
    step = Trainer._step
    data = write_csv(tmp_path / "visits.csv", draw_visits(1200))
    main(arguments(data, tmp_path / "whole", "train.epochs=2"))
    for folder, last in (("pretraining", 6), ("checkpoints", 6)):
        out = tmp_path / folder
        with monkeypatch.context() as patch:

            def stopping(
                self: Trainer, *given: object, folder: str = folder, last: int = last
            ) -> None:
                if self.checkpoints.folder.name == folder and self.progress.step == last:
                    self.save()
                    raise KeyboardInterrupt
                step(self, *given)  # type: ignore[arg-type]

            patch.setattr(Trainer, "_step", stopping)
            assert main(arguments(data, out, "train.epochs=2")) == 130
        main([*arguments(data, out, "train.epochs=2"), "--resume"])
        for name in ("model.safetensors", "lextune.json"):
            same = (tmp_path / "whole" / "model" / name).read_bytes()
            assert (out / "model" / name).read_bytes() == same, (folder, name)
    capsys.readouterr()
