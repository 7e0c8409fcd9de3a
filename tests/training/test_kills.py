"""Killed at any moment, stopped, or out of space, training goes on to the very weights of the unbroken run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lextune.training.methods.base import methods

TESTS = Path(__file__).resolve().parents[1]


#: All that a step can have beside its method: 10 batches are 5 steps an epoch.
ALL = {
    "gradient_accumulation_steps": 2, "ema_decay": 0.8, "class_weights": {"positive": 2.0},
    "label_smoothing_factor": 0.1, "gradient_checkpointing": True,
}  # fmt: skip


def disturbed_and_unbroken(
    folder: Path, kind: str, settings: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    paths = [str(TESTS), str(TESTS.parent / "src"), os.environ.get("PYTHONPATH", "")]
    script = str(TESTS / "training" / "killing.py")
    done = subprocess.run(
        [sys.executable, script, str(folder), kind, json.dumps(settings)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    return found["disturbed"], found["unbroken"]


pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["random", "files", "full", "stop"])
def test_a_disturbed_training_ends_with_the_same_weights(tmp_path: Path, kind: str) -> None:
    disturbed, unbroken = disturbed_and_unbroken(tmp_path, kind, {})
    ends = disturbed.pop("ends")
    assert unbroken.pop("ends") == ["done"]
    assert ends[-1] == "done"
    expected = {"random": "killed", "files": "killed", "full": "full", "stop": "interrupted"}
    assert ends.count(expected[kind]) >= {"random": 2, "files": 6, "full": 1, "stop": 1}[kind], ends
    assert disturbed == unbroken
    assert disturbed["steps"] == list(range(1, 31))
    assert disturbed["epochs"] == [1, 2, 3]


@pytest.mark.parametrize("kind", ["random", "files"])
@pytest.mark.parametrize("method", [one for one in methods.names() if one != "full"])
def test_every_method_with_all_that_a_step_can_have_survives(
    tmp_path: Path, method: str, kind: str
) -> None:
    disturbed, unbroken = disturbed_and_unbroken(tmp_path, kind, {"method": method, **ALL})
    ends = disturbed.pop("ends")
    assert unbroken.pop("ends") == ["done"]
    assert ends[-1] == "done"
    assert ends.count("killed") >= 2, ends
    assert disturbed == unbroken
    assert disturbed["steps"] == list(range(1, 16))
    assert disturbed["epochs"] == [1, 2, 3]
