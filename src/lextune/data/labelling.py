"""Reads the label cells that several classes and spans are written in, in any usual layout, into one form; it knows no file."""

from __future__ import annotations

import itertools
import json
import math
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lextune.labels import LabelKind, write_classes, write_spans
from lextune.unfit import UnfitError

#: How others call the parts of a span: spaCy, Hugging Face pipelines, doccano, Label Studio, Presidio.
STARTS = ("start", "start_offset", "start_position", "start_char", "begin")
ENDS = ("end", "end_offset", "end_position", "end_char")
_TYPES = ("label", "type", "entity_group", "entity_type", "tag", "entity", "labels")
SURFACES = ("text", "word", "entity_value", "surface")
#: Keys under which an object holds its list of spans.
LISTS = ("entities", "spans", "label", "labels")
#: Which task has labels of a kind, for remedies.
TASKS: dict[LabelKind, str] = {
    "class": "text_classification",
    "classes": "multi_label_classification",
    "spans": "ner",
    "boxes": "object_detection",
    "mask": "semantic_segmentation",
}


class UnfitLabelError(UnfitError):
    """A label cell that cannot be read."""


def read_label(
    cell: str,
    kind: LabelKind,
    text: str,
    *,
    rename: Callable[[str], str] = str,
    separator: str | None = None,
) -> tuple[str, tuple[str, ...]]:
    """A cell in its one form, with the names of classes or types in it.

    Args:
        cell: As it stands in the data; an array of a nested column is written as JSON.
        kind: `classes` or `spans`.
        text: Of the row; spans count its code points.
        rename: Gives the name that a class is to have.
        separator: Of classes; None means that they are a JSON array.

    Raises:
        UnfitLabelError: It cannot be read.
    """
    if kind == "spans":
        spans = [(start, end, rename(name)) for start, end, name in _spans(cell, text)]
        _check_apart(spans)
        return write_spans(spans), tuple(sorted({name for _, _, name in spans}))
    names = sorted({rename(name) for name in _classes(cell, separator)})
    return write_classes(names), tuple(names)


def nested_remedy(value: Any) -> str:
    """What to do about a list or an object in the label column where one class is wanted."""
    names = isinstance(value, list) and all(isinstance(one, str) for one in value)
    kind: LabelKind = "classes" if names else "spans"
    what = "several classes" if names else "spans"
    return f"write a text there, or if it means {what} of a row, set task: {TASKS[kind]}"


def is_not_finite(label: str) -> bool:
    """NaN and infinity as Python, spreadsheets and C write them, full width or not."""
    plain = unicodedata.normalize("NFKC", label).strip().casefold().lstrip("+-")
    if plain == "∞" or plain.startswith("1.#"):
        return True
    try:
        return not math.isfinite(float(plain))
    except ValueError:
        return False


def _classes(cell: str, separator: str | None) -> list[str]:
    found = _json(cell)
    if not isinstance(found, list):
        if separator is None:
            raise UnfitLabelError(
                "bad_label", "rows whose label is no list of classes",
                'write a JSON array such as ["a", "b"] (none is []), or set data.label_separator to what '
                "stands between the classes",
            )  # fmt: skip
        found = [name.strip() for name in cell.split(separator)]
    names = [str(name) if is_integer(name) else name for name in found]
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise UnfitLabelError(
            "bad_label", "rows whose list of classes holds something that is no name",
            "write each class as a text that is not empty",
        )  # fmt: skip
    return names


def _spans(cell: str, text: str) -> Iterable[tuple[int, int, str]]:
    found = _json(cell)
    if isinstance(found, dict):
        key = next((name for name in LISTS if isinstance(found.get(name), list)), None)
        found = found[key] if key else found
    if not isinstance(found, list):
        raise _no_spans()
    for one in found:
        start, end, name, surface = _parts(one)
        _check_place(start, end, text, surface)
        yield start, end, name


def _parts(span: Any) -> tuple[int, int, str, str | None]:
    """Start, end, type and, where the span says it, the piece of text that it means."""
    surface: Any = None
    if isinstance(span, dict):
        inner = span.get("value")
        known = {**span, **inner} if isinstance(inner, dict) else span
        values = [_first(known, names) for names in (STARTS, ENDS, _TYPES)]
        surface = _first(known, SURFACES)
    else:
        values = list(span) if isinstance(span, list) else []
    if len(values) != 3:
        raise _no_spans()
    start, end, name = values
    if isinstance(name, list) and len(name) == 1:
        name = name[0]  # Label Studio allows several types for one span
    if not (is_integer(start) and is_integer(end) and isinstance(name, str) and name.strip()):
        raise _no_spans()
    return int(start), int(end), name, surface if isinstance(surface, str) else None


def _check_place(start: int, end: int, text: str, surface: str | None) -> None:
    if start == end:
        raise UnfitLabelError(
            "bad_span", "rows with an empty span", "remove it, or write where it begins and ends"
        )
    inside = 0 <= start < end <= len(text)
    if inside and (surface is None or surface == text[start:end]):
        return
    units = text.encode("utf-16-le", "surrogatepass")
    if (
        len(units) > 2 * len(text)
        and 0 <= start < end <= len(units) // 2
        and (not inside if surface is None else _cut(units, start, end) == surface)
    ):
        raise UnfitLabelError(
            "bad_span", "rows whose spans count UTF-16 units, in which signs beyond U+FFFF count twice",
            "count code points (Python's len), in which each sign counts once",
        )  # fmt: skip
    if surface is not None and 0 <= start < len(text) and text[start : end + 1] == surface:
        raise UnfitLabelError(
            "bad_span", "rows whose spans end at their last sign",
            "write as end the place after the last sign, as Python's slices have it",
        )  # fmt: skip
    if surface is not None and inside:
        raise UnfitLabelError(
            "bad_span", "rows with a span that does not hold the text that it says",
            "count start and end in code points of the row's text as it stands in the file, from 0",
        )  # fmt: skip
    raise UnfitLabelError(
        "bad_span", "rows with a span that does not lie inside the text",
        "count start and end in code points from 0, end not inside, and check data.columns.text",
    )  # fmt: skip


def _cut(units: bytes, start: int, end: int) -> str:
    return units[2 * start : 2 * end].decode("utf-16-le", "replace")


def _check_apart(spans: Sequence[tuple[int, int, str]]) -> None:
    ordered = sorted(set(spans))
    if any(after[0] < before[1] for before, after in itertools.pairwise(ordered)):
        raise UnfitLabelError(
            "overlapping_spans", "rows whose spans overlap or lie in each other",
            "keep one of them: a token has one type",
        )  # fmt: skip


def _no_spans() -> UnfitLabelError:
    return UnfitLabelError(
        "bad_label", "rows whose label is no list of spans",
        'write [[start, end, "TYPE"], ...] or [{"start": 0, "end": 3, "label": "TYPE"}, ...]; none is []',
    )  # fmt: skip


def _first(found: dict[str, Any], names: Sequence[str]) -> Any:
    return next((found[name] for name in names if name in found), None)


def is_integer(value: Any) -> bool:
    """A whole number, or its digits: some readers keep numbers as they are written."""
    if isinstance(value, str):
        return value.removeprefix("-").isdigit() and value.isascii()
    return isinstance(value, int) and not isinstance(value, bool)


def _json(cell: str) -> Any:
    if not cell.lstrip().startswith(("[", "{")):
        return None
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return None
