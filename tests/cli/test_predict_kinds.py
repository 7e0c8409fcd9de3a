"""Sounds, histories, logs and records are predicted from files, and of what cannot be answered its row says why."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from askable import heard, predictor_of
from lextune.cli import main
from lextune.config import load_config
from lextune.evidence import keys
from lextune.serving import predictor as module

ITEMS = ("a", "b", "c")


def release(
    monkeypatch, task: str, kinds: tuple[str, str], classes: tuple[str, ...], **more
) -> None:
    """What `load_release` gives from now on."""
    config = load_config({"task": task, "model": {"source": "x"}, "data": {"train": "x.csv"}}, [])
    made = predictor_of(kinds, classes, config=config, **more)
    monkeypatch.setattr(keys, "load_trust", lambda *_: None)
    monkeypatch.setattr(module, "load_release", lambda *_: made)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def speech(monkeypatch, home) -> None:
    release(monkeypatch, "speech_to_text", ("audio", "transcript"), (), find=heard)


def liked(inputs):
    found = []
    for one in inputs:
        scores = np.array([0.3, 0.2, 0.1], np.float32)
        for event in one.events:
            scores[ITEMS.index(event.item)] = -np.inf
        found.append(SimpleNamespace(scores=scores))
    return found


@pytest.fixture
def shop(monkeypatch, home) -> None:
    release(monkeypatch, "recommendation", ("history", "items"), ITEMS, find=liked)


@pytest.fixture
def churn(monkeypatch, home) -> None:
    release(
        monkeypatch, "behaviour_prediction", ("record", "class"), ("no", "yes"),
        settings={"columns": json.dumps([{"name": "age"}, {"name": "plan"}])},
        scores=lambda encoded: np.array([[0.9, 0.1] if json.loads(one)["plan"] else [0.2, 0.8] for one in encoded]),
    )  # fmt: skip


def tone(path: Path, seconds: float = 1.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.2 * np.sin(np.arange(round(16000 * seconds)) / 10), 16000)
    return path


def test_one_sound_and_a_folder_of_sounds(speech, tmp_path, capsys) -> None:
    out = tmp_path / "out.jsonl"
    one = tone(tmp_path / "in" / "b.wav", 2)
    assert main(["predict", "r", str(one), "-o", str(out)]) == 0
    (found,) = lines(out)
    assert (found["audio"], found["text"], found["score"]) == (str(one), "2.0 seconds", 0.5)
    assert found["segments"][0]["start"] == 0
    tone(tmp_path / "in" / "a.flac")
    (tmp_path / "in" / "c.wav").write_bytes(one.read_bytes()[:900])
    assert main(["predict", "r", str(tmp_path / "in"), "-o", str(tmp_path / "out.csv")]) == 2
    with (tmp_path / "out.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [Path(row["audio"]).name for row in rows] == ["a.flac", "b.wav", "c.wav"]
    assert [row["text"] for row in rows] == ["1.0 seconds", "2.0 seconds", ""]
    assert [row["problem"] for row in rows] == ["", "", "damaged sound"]
    assert "1 of 3 sounds cannot be read; the first is row 3" in capsys.readouterr().err


def test_histories_are_json_lines(shop, tmp_path, capsys) -> None:
    given, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    asked = [
        '{"user": "u1", "events": [["a", 1]], "k": 1}', '{"user": 7, "events": []}', "not json",
        '{"user": "u3", "events": [["new", 1]]}', '{"events": [["a", 1]], "k": 1, "personalised": false}', '{"user": "u5"}',
    ]  # fmt: skip
    given.write_text("\n".join([*asked[:2], "", *asked[2:]]) + "\n")
    assert main(["predict", "r", str(given), "-o", str(out)]) == 2
    found = lines(out)
    best = [[one["item"] for one in row["items"] or []] for row in found]
    assert best == [["b"], ["a", "b", "c"], [], [], ["a"], []]
    assert [row["user"] for row in found] == ["u1", "7", None, "u3", None, "u5"]
    assert found[2]["problem"] == "is no JSON object"
    assert "does not know" in found[3]["problem"]
    assert "3 of 6 histories cannot be read; the first is row 3" in capsys.readouterr().err


def test_a_log_is_grouped_by_user_and_told_what_to_look_at(shop, tmp_path) -> None:
    log, out = tmp_path / "log.csv", tmp_path / "out.jsonl"
    log.write_text("user,item,time\nu1,b,2\nu2,c,1\nu1,a,1\n")
    assert main(["predict", "r", str(log), "-o", str(out)]) == 0
    found = {row["user"]: [one["item"] for one in row["items"]] for row in lines(out)}
    assert found == {"u1": ["c"], "u2": ["a", "b"]}
    arguments = ["--top-k", "2", "--no-personal-features"]
    assert main(["predict", "r", str(log), "-o", str(out), *arguments]) == 0
    assert [[one["item"] for one in row["items"]] for row in lines(out)] == [["a", "b"]] * 2


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_records_are_rows_of_a_table(churn, tmp_path, name) -> None:
    rows, out = tmp_path / name, tmp_path / "out.csv"
    if name.endswith(".csv"):
        rows.write_text("id,plan,age\nx,gold,3\ny,,4\n")
    else:
        rows.write_text(
            '{"id": "x", "plan": "gold", "age": 3}\n{"id": "y", "plan": null, "age": 4}\n'
        )
    assert main(["predict", "r", str(rows), "-o", str(out), "--id-column", "id"]) == 0
    with out.open() as stream:
        found = list(csv.DictReader(stream))
    assert [(row["id"], row["label"]) for row in found] == [("x", "no"), ("y", "yes")]
    assert found[0]["score.yes"] == "0.1"


def test_a_table_without_a_feature_is_refused(churn, tmp_path, capsys) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("plan\ngold\n")
    assert main(["predict", "r", str(rows)]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "there is no column 'age'" in told
    assert "give the file that column, which the model learnt from" in told


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        (["--top-k", "3"], "--top-k means nothing to a release of the task"),
        (["--no-personal-features"], "--no-personal-features means nothing"),
        (["--image-column", "x"], "--image-column means nothing"),
        (["--draw", "x"], "--draw means nothing"),
    ],
)
def test_options_of_other_kinds_are_refused(speech, tmp_path, arguments, fact, capsys) -> None:
    assert main(["predict", "r", str(tone(tmp_path / "a.wav")), *arguments]) == 2
    assert fact in capsys.readouterr().err


@pytest.mark.parametrize("k", ["0", "1001"])
def test_a_number_of_items_is_possible(shop, tmp_path, k, capsys) -> None:
    assert main(["predict", "r", str(tmp_path), "--top-k", k]) == 2
    assert "give a number of items from 1 to 1000" in capsys.readouterr().err
