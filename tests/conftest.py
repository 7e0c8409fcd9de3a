"""Shared by all tests: a home of its own for keys and runs, no network, and the folder of shared data."""

from __future__ import annotations

import os
from pathlib import Path

# Tests run side by side on few cores: threads that spin while they wait would only slow each other down.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest

from lextune import hub

pytest_plugins = ["workshop"]

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keys, trust and the run index of one test live in its own folder."""
    folder = tmp_path / "home"
    monkeypatch.setenv("LEXTUNE_HOME", str(folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    # what a process remembers of its user's word about the network is not one test's to leave to the next
    monkeypatch.setattr(hub._Gate, "closed_by_us", False)
    return folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data; tests that ask for it are skipped where it is not."""
    folder = Path(os.environ.get("LEXTUNE_SHARED", REPOSITORY.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder} (set LEXTUNE_SHARED)")
    return folder
