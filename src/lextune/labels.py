"""What one label cell means: one class, several classes, or spans of the row's text; it knows no file and no model.

Every room holds labels as text. A class is its name as it stands. Several classes are a JSON array of names,
sorted, each once; none is `[]`. Spans are a JSON array of `[start, end, "TYPE"]`, sorted by place; `start` and
`end` count code points of the row's text, and `end` is not inside.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

LabelKind = Literal["class", "classes", "spans"]


class Span(NamedTuple):
    """A piece of a text with its type; code points `start` to `end`, the latter not inside."""

    start: int
    end: int
    type: str


def write_classes(names: Iterable[str]) -> str:
    """Several classes as one cell."""
    return _written(sorted(set(names)))


def read_classes(label: str) -> tuple[str, ...]:
    """The inverse of `write_classes`.

    Raises:
        ValueError: It is no cell of that kind.
    """
    found = _array(label)
    if not all(isinstance(name, str) and name for name in found):
        raise ValueError("a class is no name")
    return tuple(found)


def write_spans(spans: Iterable[tuple[int, int, str]]) -> str:
    """Spans as one cell."""
    return _written(sorted({(int(start), int(end), str(kind)) for start, end, kind in spans}))


def read_spans(label: str) -> tuple[Span, ...]:
    """The inverse of `write_spans`.

    Raises:
        ValueError: It is no cell of that kind.
    """
    spans = []
    for one in _array(label):
        if not isinstance(one, list) or [type(part) for part in one] != [int, int, str]:
            raise ValueError("a span is not [start, end, type]")
        spans.append(Span(*one))
    if not all(0 <= one.start < one.end and one.type for one in spans):
        raise ValueError("a span is empty or has no type")
    return tuple(spans)


def classes_in(kind: LabelKind, label: str) -> tuple[str, ...]:
    """The names of classes or types that a cell holds, each once, sorted.

    Raises:
        ValueError: It is no cell of that kind.
    """
    if kind == "spans":
        return tuple(sorted({span.type for span in read_spans(label)}))
    return read_classes(label) if kind == "classes" else (label,)


def _array(label: str) -> list[Any]:
    found = json.loads(label)
    if not isinstance(found, list):
        raise ValueError("it is no JSON array")
    return found


def _written(value: list[Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
