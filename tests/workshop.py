"""Fixtures with a tiny model, easy reviews and one finished release; it knows no test."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import tiny
import tiny_images
from lextune.cli import main
from lextune.evidence.keys import Trust, load_trust


@dataclass(frozen=True)
class Workshop:
    """Where the inputs lie that every test may read and none may change."""

    model: Path
    data: Path
    release: Path
    home: Path

    def config(self, **changes: Any) -> dict[str, Any]:
        """A config that is released, with whole sections replaced or added to."""
        config = tiny.tiny_config(self.model, self.data)
        for section, values in changes.items():
            merged = {**config.get(section, {}), **values} if isinstance(values, dict) else values
            config[section] = merged
        return config


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Made once: model, data, and a release with the key that signed it."""
    folder = tmp_path_factory.mktemp("workshop")
    model = tiny.write_tiny_bert(folder / "model")
    data = tiny.write_reviews(folder / "reviews.csv")
    home = folder / "home"
    config = folder / "config.json"
    config.write_text(json.dumps(tiny.tiny_config(model, data)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEXTUNE_HOME", str(home))
        assert main(["run", str(config), "--out", str(folder / "run")]) == 0
    return Workshop(model, data, folder / "run" / "release" / "tiny-1.2.3", home)


@pytest.fixture
def release(workshop: Workshop, home: Path, tmp_path: Path) -> Path:
    """A copy of the release to spoil, in a home that trusts who signed it."""
    shutil.copytree(workshop.home, home)
    return Path(shutil.copytree(workshop.release, tmp_path / "release"))


@dataclass(frozen=True)
class PictureRun:
    """A finished run on pictures, which no test may change, and the home of the key that signed its release."""

    folder: Path
    home: Path

    @property
    def release(self) -> Path:
        return self.folder / "run" / "release" / "colours-1.0.0"

    @property
    def trust(self) -> Trust:
        return load_trust(self.home / "trust.json")


@pytest.fixture(scope="session")
def picture_run(tmp_path_factory: pytest.TempPathFactory) -> PictureRun:
    """Made once: pictures of two colours in `train` and `test`, and a run in `run`."""
    folder = tmp_path_factory.mktemp("pictures")
    config = folder / "config.json"
    config.write_text(json.dumps(tiny_images.config(folder)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEXTUNE_HOME", str(folder / "home"))
        assert main(["run", str(config), "--out", str(folder / "run")]) == 0
    return PictureRun(folder, folder / "home")


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny encoder, made once; no test may change it."""
    return tiny.write_tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture
def files(bert: Path) -> dict[str, bytes]:
    """The tiny encoder's files in memory."""
    return {path.name: path.read_bytes() for path in bert.iterdir()}
