"""Where predictions go, what becomes of rows without a text, and what is never destroyed on the way."""

from __future__ import annotations

import csv
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lextune.cli import main

TEXTS = ["a superb film", "", None, "   ", "an awful film"]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Five rows, three of them without a text."""
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"text": one, "number": "n"}) + "\n" for one in TEXTS))
    return path


def test_a_row_without_a_text_is_named_and_not_predicted(
    release: Path, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.jsonl"
    assert main(["predict", str(release), str(rows), "-o", str(target)]) == 2
    told = capsys.readouterr().err
    assert "3 of 5 rows have no text; the first is row 2" in told
    assert "remedy" in told
    found = [json.loads(line) for line in target.read_text().splitlines()]
    assert [one["row"] for one in found] == [1, 2, 3, 4, 5]
    assert [one["label"] for one in found] == ["positive", None, None, None, "negative"]
    assert found[1] == {
        "row": 2, "label": None, "score": None, "scores": None, "problem": "no text",
    }  # fmt: skip
    assert "problem" not in found[0]

    assert main(["predict", str(release), str(rows)]) == 2
    assert len(capsys.readouterr().out.splitlines()) == 5

    arguments = ["predict", str(release), str(rows), "-o", str(target), "--json"]
    assert main(arguments) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["rows"] == 5
    assert document["without_text"] == 3
    assert "no text" in document["problems"][0]["fact"]


def test_a_row_without_a_text_has_empty_cells(release: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "rows.csv", tmp_path / "out.csv"
    source.write_text('number,text\n1,\n2,a superb film\n3," "\n')
    arguments = ["predict", str(release), str(source), "-o", str(target), "--id-column", "number"]
    assert main(arguments) == 2
    with open(target, newline="", encoding="utf-8") as stream:
        found = list(csv.DictReader(stream))
    assert [one["id"] for one in found] == ["1", "2", "3"]
    assert [one["label"] for one in found] == ["", "positive", ""]
    assert [one["score.positive"] == "" for one in found] == [True, False, True]
    assert list(found[0]) == ["row", "id", "label", "score", "score.negative", "score.positive"]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """One row with a text."""
    path = tmp_path / "good.jsonl"
    path.write_text('{"text": "a superb film"}\n')
    return path


@pytest.mark.timeout(60)
def test_a_pipe_is_written_to_and_stays_a_pipe(release: Path, good: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    assert main(["predict", str(release), str(good), "-o", str(pipe)]) == 0
    reader.join(30)
    assert json.loads(got[0])["label"] == "positive"
    assert stat.S_ISFIFO(pipe.lstat().st_mode)


def test_a_link_stays_a_link(release: Path, good: Path, tmp_path: Path) -> None:
    real, link = tmp_path / "real.jsonl", tmp_path / "link.jsonl"
    real.write_text("old")
    link.symlink_to(real)
    assert main(["predict", str(release), str(good), "-o", str(link)]) == 0
    assert link.is_symlink()
    assert json.loads(real.read_text())["label"] == "positive"


@pytest.mark.parametrize(
    ("name", "fact"), [("gone/out.jsonl", "folder is missing"), ("folder", "is a folder")]
)
def test_a_place_that_cannot_be_written_ends_with_2(
    release: Path,
    good: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    fact: str,
) -> None:
    (tmp_path / "folder").mkdir()
    assert main(["predict", str(release), str(good), "-o", str(tmp_path / name)]) == 2
    told = capsys.readouterr().err
    assert fact in told
    assert "remedy" in told


@pytest.mark.parametrize("more", [[], ["--json"]])
@pytest.mark.parametrize("verb", [["policy", "list"], ["policy", "show", "house"]])
def test_a_full_disk_behind_standard_output_ends_with_2(
    tmp_path: Path, verb: list[str], more: list[str]
) -> None:
    """A limit on the size of files stands for the full disk."""
    code = (
        "import resource, sys\nfrom lextune.cli import main\n"
        "hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))\n"
        f"sys.argv = ['lextune', *{[*verb, *more]!r}]\nmain()\n"
    )
    with open(tmp_path / "out", "wb") as stream:
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=stream,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2, done.stderr
    assert "cannot be written to standard output" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_reader_that_went_away_is_quiet_and_no_success() -> None:
    """141 is what shells call SIGPIPE: an answer that did not arrive must not look like one that did."""
    code = "import sys\nfrom lextune.cli import main\nsys.argv = ['lextune', 'policy', 'schema']\nmain()\n"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()
    assert process.returncode == 141
    assert told == b""
