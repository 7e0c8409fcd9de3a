"""Moves spans in whatever common form a cell holds them, so that they stay on the characters that they mark."""

from __future__ import annotations

import json
from typing import Any

from lextune.data.redaction.replacing import Redacted

#: Columns that hold spans in the formats of doccano, Prodigy, spaCy, GLiNER and our own.
SPAN_COLUMNS = ("label", "labels", "spans", "entities", "ner")
_KEYS = (("start", "end"), ("start_offset", "end_offset"))


def move_cell(cell: Any, redacted: Redacted, length: int) -> tuple[Any, int] | None:
    """A cell with its spans moved, and how many of them are gone; None where it holds no spans.

    Args:
        cell: `[[start, end, "TYPE"], ...]`, a list of objects with `start` and `end` (or `start_offset` and
            `end_offset`), or either as JSON text.
        redacted: What became of the text.
        length: Of the old text, in code points.

    Raises:
        ValueError: A span is empty or ends outside the text.
    """
    if isinstance(cell, str):
        if not cell.lstrip().startswith("["):
            return None
        try:
            decoded = json.loads(cell)
        except ValueError:
            return None
        found = move_cell(decoded, redacted, length) if isinstance(decoded, list) else None
        return found and (json.dumps(found[0], ensure_ascii=False, separators=(",", ":")), found[1])
    if not isinstance(cell, list) or not cell:
        return None
    keys = [_keys(one) for one in cell]
    if None in keys:
        return None
    moved = []
    for one, (first, last) in zip(cell, keys, strict=True):  # type: ignore[misc]
        if not 0 <= one[first] < one[last] <= length:
            raise ValueError("a span is empty or ends outside its text")
        place = redacted.moved(one[first], one[last])
        if place is not None:
            new = one.copy()
            new[first], new[last] = place
            moved.append(new)
    return moved, len(cell) - len(moved)


def _keys(one: Any) -> tuple[Any, Any] | None:
    """Where an item of a list of spans holds start and end; None where it is none."""
    if isinstance(one, list):
        return (0, 1) if [type(part) for part in one] == [int, int, str] else None
    if isinstance(one, dict):
        return next(
            (keys for keys in _KEYS if all(type(one.get(key)) is int for key in keys)), None
        )
    return None
