"""Killed at any moment, stopped, or out of space, training goes on to the very weights of the unbroken run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("kind", ["random", "files", "full", "stop"])
def test_a_disturbed_training_ends_with_the_same_weights(tmp_path: Path, kind: str) -> None:
    paths = [str(TESTS), str(TESTS.parent / "src"), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, str(TESTS / "training" / "killing.py"), str(tmp_path), kind],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    disturbed, unbroken = found["disturbed"], found["unbroken"]
    ends = disturbed.pop("ends")
    assert unbroken.pop("ends") == ["done"]
    assert ends[-1] == "done"
    expected = {"random": "killed", "files": "killed", "full": "full", "stop": "interrupted"}
    assert ends.count(expected[kind]) >= {"random": 2, "files": 6, "full": 1, "stop": 1}[kind], ends
    assert disturbed == unbroken
    assert disturbed["steps"] == list(range(1, 31))
    assert disturbed["epochs"] == [1, 2, 3]
