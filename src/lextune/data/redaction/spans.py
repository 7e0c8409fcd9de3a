"""Moves spans in any layout that labels are read in, so that they stay on the characters that they mark."""

from __future__ import annotations

import json
from typing import Any

from lextune.data.labelling import ENDS, LISTS, STARTS, SURFACES, is_integer
from lextune.data.redaction.replacing import Redacted


def move_cell(cell: Any, text: str, redacted: Redacted) -> tuple[Any, int] | None:
    """A cell with its spans moved, and how many of them are gone; None where it holds no spans.

    What a span says of its own text (`word`, `surface`) becomes what stands there now.

    Args:
        cell: `[[start, end, "TYPE"], ...]`, a list of objects with a start and an end, an object with such a list
            under `entities`, `spans`, `label` or `labels`; or any of these as JSON text.
        text: The old text, whose code points the spans count.
        redacted: What became of it.

    Raises:
        ValueError: A span is empty or ends outside the text.
    """
    if isinstance(cell, str):
        if not cell.lstrip().startswith(("[", "{")):
            return None
        try:
            decoded = json.loads(cell)
        except ValueError:
            return None
        found = None if isinstance(decoded, str) else move_cell(decoded, text, redacted)
        return found and (
            json.dumps(found[0], ensure_ascii=False, separators=(",", ":")),
            found[1],
        )
    if isinstance(cell, dict):
        key = next((name for name in LISTS if isinstance(cell.get(name), list)), None)
        found = move_cell(cell[key], text, redacted) if key else None
        return found and ({**cell, key: found[0]}, found[1])
    if not isinstance(cell, list) or not cell or not all(_is_span(one) for one in cell):
        return None
    moved = [new for one in cell if (new := _moved(one, text, redacted)) is not None]
    return moved, len(cell) - len(moved)


def _keys(span: dict[str, Any]) -> tuple[str, str] | None:
    """Where an object holds a start and an end."""
    start = next((name for name in STARTS if is_integer(span.get(name))), None)
    end = next((name for name in ENDS if is_integer(span.get(name))), None)
    return (start, end) if start and end else None


def _is_span(one: Any) -> bool:
    if isinstance(one, dict):
        return _keys(one) is not None or (
            isinstance(one.get("value"), dict) and _is_span(one["value"])
        )
    return (
        isinstance(one, list) and len(one) == 3 and is_integer(one[0]) and is_integer(one[1])
        and isinstance(one[2], str)
    )  # fmt: skip


def _moved(span: Any, text: str, redacted: Redacted) -> Any:
    """The span in its own layout; None where nothing of it is left."""
    if isinstance(span, dict) and _keys(span) is None:  # Label Studio
        inner = _moved(span["value"], text, redacted)
        return inner and {**span, "value": inner}
    new = span.copy()
    first, last = (_keys(span) if isinstance(span, dict) else None) or (0, 1)
    if not 0 <= int(span[first]) < int(span[last]) <= len(text):
        raise ValueError("a span is empty or ends outside its text")
    place = redacted.moved(int(span[first]), int(span[last]))
    if place is None:
        return None
    for key, value in zip((first, last), place, strict=True):
        new[key] = type(span[key])(value)  # a reader may have kept numbers as they were written
    for key in SURFACES if isinstance(span, dict) else ():
        if isinstance(span.get(key), str):
            new[key] = redacted.text[slice(*place)]
    return new
