"""One tiny release, made by a real run, and what serves it; nothing here knows a test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import lextune
import tiny
from lextune.evidence.keys import Trust, load_trust
from lextune.serving.app import create_app
from lextune.serving.guard import Limits
from lextune.serving.predictor import Predictor, load_release


@dataclass(frozen=True)
class Released:
    """A release that no test may change, and the home of the key that signed it."""

    folder: Path
    home: Path

    @property
    def trust(self) -> Trust:
        return load_trust(self.home / "trust.json")


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Released:
    base = tmp_path_factory.mktemp("serving")
    model, data = tiny.write_tiny_bert(base / "bert"), tiny.write_reviews(base / "reviews.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEXTUNE_HOME", str(base / "home"))
        finished = lextune.run(tiny.tiny_config(model, data), out=base / "run")
    assert finished.release is not None, finished.verdict
    return Released(finished.release, base / "home")


@pytest.fixture
def copied(released: Released, tmp_path: Path) -> Path:
    """A copy of the release, to be tampered with."""
    return Path(shutil.copytree(released.folder, tmp_path / "copy"))


@pytest.fixture(scope="session")
def predictor(released: Released) -> Predictor:
    return load_release(released.folder, released.trust)


@pytest.fixture
def small() -> Limits:
    return Limits(max_body_bytes=2000, max_rows=4, max_text_chars=200)


@pytest.fixture
def client(predictor: Predictor, small: Limits) -> Iterator[TestClient]:
    """A client of the served release; a failure inside the server is an answer, not an exception."""
    with TestClient(create_app(predictor, small), raise_server_exceptions=False) as one:
        yield one


class Stub:
    """Stands for a predictor whose `predict` is the given function."""

    name, version, classes, task = "tiny", "1.2.3", ("negative", "positive"), "sentiment"
    input_kind, label_kind = "text", "class"

    def __init__(self, predict: Callable[[list[str]], Any]) -> None:
        self.predict = predict


@pytest.fixture
def stub() -> type[Stub]:
    return Stub
