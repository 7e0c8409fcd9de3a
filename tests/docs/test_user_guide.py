"""The user guide names every config key with its right default, every exit code and every variable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from lextune import cli, strict_yaml
from lextune.config import ALIASES, RunConfig, load_config
from lextune.errors import ExitCode

REPOSITORY = Path(__file__).resolve().parents[2]
GUIDE = (REPOSITORY / "docs" / "user-guide.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([a-z0-9_.]+)` \| (`[^`]+`|required) \| (.+) \|$", re.MULTILINE)
TABLE = {key: default.strip("`") for key, default, _ in ROW.findall(GUIDE)}
REQUIRED = object()


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key and default of every field that is not itself a section."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from fields(inner, f"{prefix}{name}.")
        elif field.default_factory is not None:
            yield prefix + name, field.default_factory()  # type: ignore[call-arg]
        else:
            default = REQUIRED if field.default is PydanticUndefined else field.default
            yield prefix + name, list(default) if isinstance(default, tuple) else default


KEYS = dict(fields(RunConfig))


def test_the_table_has_the_keys_of_the_config() -> None:
    assert set(TABLE) == set(KEYS)


@pytest.mark.parametrize("key", sorted(KEYS))
def test_the_default_is_right(key: str) -> None:
    shown = TABLE[key]
    if KEYS[key] is REQUIRED:
        assert shown == "required"
    else:
        assert strict_yaml.load(shown, key).data == KEYS[key]


def test_no_key_is_meant_by_an_alias() -> None:
    """What the guide calls a name from another tool is one."""
    sentence = re.search(r"Names from other tools are accepted.*?\n\n", GUIDE, re.DOTALL)
    assert sentence is not None
    named = re.findall(r"`([a-z_.]+)`", sentence[0])
    assert named
    assert not set(named) - {".".join(old) for old in ALIASES}


def test_every_exit_code_is_explained() -> None:
    section = GUIDE.partition("## Exit codes")[2].partition("\n## ")[0]
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)}
    assert codes == {*map(int, ExitCode), cli._INTERRUPTED, cli._READER_GONE}


def test_every_environment_variable_is_explained() -> None:
    used = set()
    for path in (REPOSITORY / "src").rglob("*.py"):
        used |= set(re.findall(r"\bLEXTUNE_[A-Z]+\b", path.read_text(encoding="utf-8")))
    assert {"LEXTUNE_HOME", "LEXTUNE_DEBUG"} <= used
    section = GUIDE.partition("## Environment variables")[2]
    assert not {name for name in used if f"| `{name}` |" not in section}


@pytest.mark.parametrize("page", ["docs/user-guide.md", "README.md", "README.zh-CN.md"])
def test_the_quickstart_is_described_as_it_is(page: str) -> None:
    config = load_config(REPOSITORY / "src" / "lextune" / "cli" / "quickstart.yaml")
    assert config.data.sample is not None
    test = round(config.data.sample * config.data.split.test)
    validation = round((config.data.sample - test) * config.data.split.validation)
    train = config.data.sample - test - validation
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    for number in (config.data.sample, test, validation, train, config.train.max_length):
        assert re.search(rf"(?<![\d,]){number:,}(?![\d,])", text), number
    assert config.train.epochs == 1
    assert "one epoch" in text or "训练一轮" in text


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_config_of_the_readme_is_right(page: str, tmp_path: Path) -> None:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    path = tmp_path / "config.yaml"
    path.write_text(block, encoding="utf-8")
    assert load_config(path).release.name == "letters"
