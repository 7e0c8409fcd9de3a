"""`predict --explain`: JSON, CSV, another class, and releases whose answers are not explained."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from lextune.cli import main


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "the plot was awful"}\n{"text": " "}\n{"text": "a superb film"}\n')
    return path


def test_each_answer_says_what_moved_it(release: Path, rows: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    assert main(["predict", str(release), str(rows), "-o", str(target), "--explain"]) == 2
    found = [json.loads(line) for line in target.read_text().splitlines()]
    assert found[0]["explanation"]["label"] == found[0]["label"] == "negative"
    assert found[0]["explanation"]["reasons"][0].startswith("“awful” moved the answer towards")
    assert "explanation" not in found[1]
    assert found[2]["explanation"]["answered"] is True


def test_a_table_has_one_column_of_them(release: Path, rows: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    arguments = ["predict", str(release), str(rows), "-o", str(target)]
    assert main([*arguments, "--explain-class", "positive"]) == 2
    with target.open(newline="", encoding="utf-8") as stream:
        found = list(csv.DictReader(stream))
    assert [json.loads(one["explanation"] or "{}").get("label") for one in found] == ["positive", None, "positive"]  # fmt: skip
    assert main(arguments) == 2
    assert "explanation" not in target.read_text(encoding="utf-8").splitlines()[0]


def test_a_class_that_the_release_does_not_know_is_refused_first(
    release: Path, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.jsonl"
    assert main(["predict", str(release), str(rows), "-o", str(target), "--explain-class", "x"]) == 2  # fmt: skip
    assert "negative, positive" in capsys.readouterr().err
    assert not target.exists()
