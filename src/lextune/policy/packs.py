"""Reads policy packs and refuses any that is not wholly right; it decides nothing."""

from __future__ import annotations

import functools
import importlib.resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lextune import strict_yaml
from lextune.errors import LextuneError, PackError, Problem
from lextune.policy.pack_checks import meaning_problems
from lextune.policy.pack_problems import did_you_mean, shape_problems
from lextune.policy.schema import SCHEMA_ID, Control, Fact, LicenceRow, Pack

__all__ = [
    "SCHEMA_ID", "Control", "Fact", "LicenceRow", "Pack",
    "list_packs", "load_pack", "pack_ids", "pack_json_schema", "parse_pack",
]  # fmt: skip

_SUFFIXES = (".yaml", ".yml")


def parse_pack(text: bytes, name: str) -> Pack:
    """The pack that the bytes of a file hold.

    Args:
        text: YAML or JSON, UTF-8.
        name: What to call the file in messages.

    Raises:
        PackError: With every problem, each with its file, line and column.
    """
    try:
        return _right(text) or _parse(text, name)
    except PackError:
        raise
    except LextuneError as error:
        raise PackError(error.problems) from error
    except (RecursionError, ValueError) as error:
        raise PackError(
            Problem(
                "the file is nested too deeply, or holds a number that is too long",
                "write the pack as docs/policy-packs.md shows",
                where=name,
            )
        ) from error


@functools.lru_cache(maxsize=64)
def _right(text: bytes) -> Pack | None:
    """A pack that is wholly right, read once in a process; of any other its file's name is needed to say why."""
    try:
        return _parse(text, "")
    except (LextuneError, RecursionError, ValueError):
        return None


def _parse(text: bytes, name: str) -> Pack:
    document = strict_yaml.load(text, name)
    if not isinstance(document.data, dict):
        raise PackError(
            Problem(
                "a pack is a mapping, and this is none",
                f"start with `schema: {SCHEMA_ID}`",
                where=document.where(()),
            )
        )
    problems: list[Problem] = []
    pack: Pack | None = None
    try:
        pack = Pack.model_validate(document.data)
    except ValidationError as error:
        problems += shape_problems(document, error.errors(include_url=False))
    problems += meaning_problems(document)
    if problems or pack is None:
        raise PackError(sorted(problems, key=lambda problem: _line(problem.where)))
    pack._text = text
    return pack


def _line(where: str) -> tuple[int, int]:
    parts = where.rsplit(":", 2)
    return (int(parts[1]), int(parts[2])) if len(parts) == 3 else (0, 0)


def load_pack(source: str | Path) -> Pack:
    """A shipped pack by its id, or any pack by the path of its `.yaml` file.

    Raises:
        PackError: There is no such pack, or it is not wholly right.
    """
    if isinstance(source, str) and not source.endswith(_SUFFIXES) and "/" not in source:
        return _load_shipped(source)
    path = Path(source)
    try:
        text = path.read_bytes()
    except OSError as error:
        raise PackError(
            Problem(
                f"the pack {path} cannot be read ({error.strerror or type(error).__name__})",
                "give the path of a .yaml file, or the id of a shipped pack",
            )
        ) from error
    return parse_pack(text, str(path))


def pack_ids() -> tuple[str, ...]:
    """The ids of the shipped packs, sorted: one file in `lextune.policies` each."""
    folder = importlib.resources.files("lextune.policies")
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def list_packs() -> tuple[Pack, ...]:
    """Every shipped pack, by id.

    Raises:
        PackError: One of them does not parse.
    """
    return tuple(_load_shipped(name) for name in pack_ids())


@functools.cache
def _load_shipped(name: str) -> Pack:
    if name not in pack_ids():
        raise PackError(
            Problem(f"there is no shipped pack {name!r}", did_you_mean(name, pack_ids()))
        )
    file = importlib.resources.files("lextune.policies") / f"{name}.yaml"
    pack = parse_pack(file.read_bytes(), f"policies/{name}.yaml")
    if pack.id != name:
        raise PackError(
            Problem(
                f"policies/{name}.yaml calls itself {pack.id!r}",
                f"rename the file to {pack.id}.yaml, or mend its id",
            )
        )
    return pack


def pack_json_schema() -> dict[str, Any]:
    """The JSON schema of a pack file, for editors; `parse_pack` checks more than it can say."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, "$id": SCHEMA_ID, **Pack.model_json_schema(by_alias=True)}
