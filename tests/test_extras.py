"""A missing extra is told with the command that installs it from where lextune came."""

from __future__ import annotations

import importlib.metadata
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from fresh import imported_by
from lextune import extras
from lextune.errors import MissingExtraError

ROOT = Path(__file__).parents[1]


class Installed:
    def __init__(self, origin: dict[str, Any] | None) -> None:
        self.origin = origin

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return json.dumps(self.origin) if self.origin is not None else None


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (None, 'pip install "lextune[text]"'),
        (
            {"url": "file:///home/a%20b/lextune", "dir_info": {"editable": True}},
            'pip install -e "/home/a b/lextune[text]"',
        ),
        ({"url": "file:///src/lextune", "dir_info": {}}, 'pip install "/src/lextune[text]"'),
        ({"url": "https://x.org/l.git", "vcs_info": {}}, 'pip install "lextune[text]"'),
        ({"url": "file:///a/lextune.whl", "archive_info": {}}, 'pip install "lextune[text]"'),
    ],
)
def test_the_command_installs_from_where_lextune_came(
    monkeypatch: pytest.MonkeyPatch, origin: dict[str, Any] | None, command: str
) -> None:
    monkeypatch.setattr(importlib.metadata, "distribution", lambda _: Installed(origin))
    assert extras.install_command("text") == command


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    extras.require("text")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else name)
    assert extras.missing("text") == ["torch"]
    with pytest.raises(MissingExtraError, match="torch is not installed") as caught:
        extras.require("text")
    assert caught.value.problems[0].remedy == extras.install_command("text")


def test_a_module_is_given_or_its_extra_named() -> None:
    assert extras.need("data", "json") is json
    with pytest.raises(MissingExtraError, match="no_such_module is not installed"):
        extras.need("data", "no_such_module.part")


def test_every_extra_is_one_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(extras.MODULES) <= set(project["optional-dependencies"])


def test_asking_imports_nothing_heavy() -> None:
    code = "from lextune import extras; extras.require('text')"
    assert imported_by(code, {"torch", "transformers"}) == set()
