"""A tiny encoder, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

import tiny


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture
def files(bert: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in bert.iterdir()}
