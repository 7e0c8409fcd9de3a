"""A run from recordings to what is said in them, beside the untouched model; a long row refuses it before training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml

import tiny_speech
from lextune.cli import main

pytestmark = pytest.mark.slow


def config_of(root: Path, model: Path, **train: Any) -> Path:
    config = {
        "task": "speech_to_text",
        "model": {"source": str(model)},
        "data": {
            "train": [str(root / "train" / "metadata.csv")],
            "columns": {"audio": "file_name", "label": "transcription", "speaker": "speaker"},
            "licence": "CC-BY-4.0",
            "lawful_basis": "legitimate_interests",
            "language": ["en"],
        },
        "train": {
            "epochs": 1, "batch_size": 8, "learning_rate": 0.01, "precision": "fp32", **train,
        },
        "evaluation": {"bootstrap_samples": 200, "batch_size": 8},
        "use": {"purpose": "tests", "commercial": False, "places": ["EU"]},
        "policy": {"packs": ["house"]},
        "release": {"name": "tones", "version": "1.0.0"},
    }  # fmt: skip
    path = root / "run.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.mark.parametrize("kind", ["whisper", "ctc"])
def test_words_are_measured_beside_the_untouched_model(
    kind: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write = {"whisper": tiny_speech.write_tiny_whisper, "ctc": tiny_speech.write_tiny_ctc}[kind]
    tiny_speech.write_spoken(tmp_path / "train", 36)
    test = tiny_speech.write_spoken(tmp_path / "test", 20, seed=100)
    config = config_of(tmp_path, write(tmp_path / "model"))
    given = ["--out", str(tmp_path / "run"), "--json", "--set", f"data.test={test}"]
    code = main(["run", str(config), *given])
    answer = json.loads(capsys.readouterr().out)
    assert code in (0, 3, 4), answer["verdict"]  # what a tiny model writes is worth nothing
    assert {"wer", "cer"} <= set(answer["metrics"])
    assert answer["metrics"]["wer"]["n"] == 20
    assert set(answer["baselines"]) == {"zero_shot"}


def test_a_row_longer_than_whisper_hears_refuses_the_run_by_name(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tiny_speech.write_spoken(tmp_path / "train", 24)
    long = np.resize(tiny_speech.spoken("low mid"), 31 * tiny_speech.RATE)
    for place in (7, 11):
        soundfile.write(
            tmp_path / "train" / f"{place}.wav", long * (1 + place / 100), tiny_speech.RATE
        )
    assert table.is_file()
    config = config_of(tmp_path, tiny_speech.write_tiny_whisper(tmp_path / "model"))
    # both long rows are taught, for validation has its own recordings
    parts = [
        f"data.{name}={tiny_speech.write_spoken(tmp_path / name, 20, seed=100 * place)}"
        for place, name in enumerate(("validation", "test"), 1)
    ]
    given = [word for one in parts for word in ("--set", one)]
    assert main(["run", str(config), "--out", str(tmp_path / "run"), *given]) == 2
    told = "".join(capsys.readouterr().err.split())
    assert "7.wav" in told
    assert "11.wav" in told
    assert "31.0s" in told
    assert not list((tmp_path / "run").glob("model"))
