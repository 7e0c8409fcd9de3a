"""The example of recommendation on made-up people of two tastes, from the log to answers of the release."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tiny
import tiny_events
from lextune.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_example_runs_on_other_events_and_its_release_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(REPOSITORY)
    model = tiny.write_tiny_bert(tmp_path / "model")
    log = tiny_events.write_events(tmp_path / "log", 300)
    arguments = ["run", "examples/recommendation.yaml", "--out", str(tmp_path / "run"), "--json"]
    for value in (f"data.train={log}", f"data.items={log.parent / 'items.csv'}", f"model.source={model}",
                  "train.learning_rate=5e-3", "train.epochs=12", "evaluation.bootstrap_samples=200"):  # fmt: skip
        arguments += ["--set", value]
    assert main(arguments) == 0
    answer = json.loads(capsys.readouterr().out)
    found = answer["metrics"]
    assert found["hit_rate_10"]["n"] == 300
    assert (
        found["ndcg_10_minus_popularity"]["low"] > 0
    )  # who knows the taste, knows half of the items
    assert found["hit_rate_10_minus_without_personal_features"]["low"] > 0
    release = Path(answer["release"])
    assert not [one for one in release.rglob("*") if one.suffix in (".pt", ".bin", ".pkl")]
    assert main(["verify", str(release)]) == 0
    capsys.readouterr()
    asked = tmp_path / "asked.jsonl"
    events = [["good03", 0], ["good07", 60], ["good11", 120]]
    asked.write_text(
        json.dumps({"events": events, "k": 5}) + "\n" + json.dumps({"events": [], "k": 5}) + "\n"
    )
    assert main(["predict", str(release), str(asked), "-o", str(tmp_path / "out.jsonl")]) == 0
    told = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(told) == 2
    assert told[0].count('"good') >= 5
    assert '"good03"' not in told[0]
