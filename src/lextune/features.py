"""Rows of named features as one text each, and back; it knows neither files of data nor models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def write_features(values: Mapping[str, Any]) -> str:
    """A row of features as canonical JSON: sorted names, each with its cell as text, or null where it is empty.

    Args:
        values: Name to cell: a text as it stands in a file; of JSON also a number, a truth value, or a list of events.
    """
    cells = {name: _cell(value) for name, value in values.items()}
    return json.dumps(cells, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def read_features(text: str) -> dict[str, str | None]:
    """The inverse of `write_features`.

    Raises:
        ValueError: It is no row of that kind.
    """
    found = json.loads(text)
    if not isinstance(found, dict) or not all(
        cell is None or isinstance(cell, str) for cell in found.values()
    ):
        raise ValueError("it is no row of features")
    return found


def _cell(value: Any) -> str | None:
    if isinstance(value, str):
        return value if value.strip() else None
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
