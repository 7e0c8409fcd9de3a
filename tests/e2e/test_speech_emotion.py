"""A run on sounds from a table to a verified release, its speakers apart, and what it says of a random split."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import yaml

import tiny
import tiny_speech
from lextune.cli import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("run-on-sounds")
    tiny_speech.write_tiny_whisper(root / "model")
    tiny.write_sounds(root / "train", 90, seed=1)
    tiny.write_sounds(root / "test", 60, seed=2)
    config = {
        "task": "speech_emotion",
        "model": {"source": str(root / "model")},
        "data": {
            "train": [str(root / "train" / "labels.csv")],
            "columns": {"audio": "audio", "label": "label", "group": ["speaker"]},
            "licence": "CC-BY-4.0",
            "lawful_basis": "legitimate_interests",
        },
        "train": {"method": "head", "epochs": 15, "batch_size": 8, "learning_rate": 0.01, "precision": "fp32"},
        "evaluation": {"bootstrap_samples": 200},
        "use": {"purpose": "tests", "commercial": False, "places": ["EU"]},
        "policy": {"packs": ["house"]},
        "release": {"name": "tones", "version": "1.0.0"},
    }  # fmt: skip
    (root / "run.yaml").write_text(yaml.safe_dump(config))
    return root


@pytest.mark.slow
def test_sounds_are_released_and_verified_with_the_headline_compared(
    folder: Path, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = f"data.test={folder / 'test' / 'labels.csv'}"
    code = main(["run", str(folder / "run.yaml"), "--out", str(tmp_path / "run"), "--json", "--set", test])  # fmt: skip
    answer = json.loads(capsys.readouterr().out)
    assert code in (0, 3, 4), answer[
        "verdict"
    ]  # a tiny model may not be above a machine that hears pitch
    metrics = answer["metrics"]
    assert metrics["unweighted_average_recall"]["low"] > 0.4
    assert metrics["unweighted_average_recall"]["n"] == 60
    assert set(answer["baselines"]) == {"majority", "mfcc_svm", "linear_probe"}
    assert "unweighted_average_recall_minus_mfcc_svm" in metrics
    assert "accuracy_minus_mfcc_svm" not in metrics
    assert "accuracy[speaker=s0]" in metrics


def speakers_of_parts(run: Path, table: Path) -> dict[str, set[str]]:
    import pyarrow.parquet as pq

    with open(table, newline="", encoding="utf-8") as stream:
        known = {row["speaker"] for row in csv.DictReader(stream)}
    found = {}
    for path in (run / "dossier" / "predictions").glob("*.parquet"):
        found[path.stem] = set(pq.read_table(path)["group.speaker"].to_pylist())
        assert found[path.stem] <= known
    return found


@pytest.mark.slow
def test_speakers_stay_in_one_part_unless_the_config_scatters_them_which_is_told(
    folder: Path, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for method, apart in (("auto", True), ("random", False)):
        run = tmp_path / method
        given = ["run", str(folder / "run.yaml"), "--out", str(run)]
        for one in (f"data.split.method={method}", "train.epochs=1", "policy.packs=[licences]"):
            given += ["--set", one]
        main(given)
        told = capsys.readouterr()
        speakers = speakers_of_parts(run, folder / "train" / "labels.csv")["test"]
        assert (len(speakers) < 6) is apart, speakers
        assert ("rows of one speaker into several parts" in told.err) is not apart
