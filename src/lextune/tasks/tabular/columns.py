"""Decides from training rows what each feature is, and reads its cells; it knows no model."""

from __future__ import annotations

import datetime
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np

from lextune.errors import DataError, Problem
from lextune.features import read_features

ColumnKind = Literal["number", "category", "date", "events"]

#: Quantiles of the training rows between which a number is placed.
BINS = 48
#: Categories of a column at most; scikit-learn's trees take 255, of which two say "missing" and "other".
MOST_VALUES = 253
#: A category that fewer training rows have is `other`, where there are so many rows.
RARE, MANY_ROWS = 3, 1000
#: Words for a cell that is not known, where all other cells of its column are numbers or dates.
MISSING_WORDS = frozenset({"na", "n/a", "nan", "null", "none", "nil", "?", "-", "<na>", "#n/a"})
#: Codes of a category.
MISSING, OTHER, FIRST = 0, 1, 2

#: Infinity is written as a number, and refused as one.
_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?)", re.IGNORECASE)
#: `007` is a name, not seven; `0.5` and `0` are numbers.
_LEADING_ZEROS = re.compile(r"[+-]?0\d")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?")
#: What an event is called that is a word and no object.
_WORD = "event"
#: A field of an event by one of these names, or any date, says when it was.
_TIMES = ("time", "timestamp", "at")


class UnfitFeatureError(DataError):
    """A row whose features are not those that the model was taught."""


@dataclass(frozen=True)
class Column:
    """One feature.

    Attributes:
        name: As the data has it.
        kind: What its cells are.
        edges: Of numbers and dates (in days since 1970): quantiles of the training rows, rising.
        values: Of categories: those with a code of their own, the most frequent first.
        fields: Of events: what each event says.
        usual: The median cell of numbers and dates, the most frequent one of categories; None where there is none.
    """

    name: str
    kind: ColumnKind
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()
    fields: tuple[Column, ...] = ()
    usual: str | None = None

    @property
    def codes(self) -> int:
        """How many codes a category has."""
        return len(self.values) + FIRST


def write_columns(columns: Sequence[Column]) -> str:
    """Columns as one text, for `lextune.json`."""
    return json.dumps([asdict(one) for one in columns], ensure_ascii=False, separators=(",", ":"))


def read_columns(text: str) -> tuple[Column, ...]:
    """The inverse of `write_columns`.

    Raises:
        ValueError: It is no such text.
    """
    try:
        return tuple(_column(one) for one in json.loads(text))
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("these are no columns") from error


def _column(found: Mapping[str, Any]) -> Column:
    kind, edges = found["kind"], tuple(float(one) for one in found["edges"])
    if kind not in get_args(ColumnKind) or not all(map(math.isfinite, edges)):
        raise ValueError("these are no columns")
    fields = tuple(_column(one) for one in found["fields"])
    usual = found.get("usual")  # models of before do not say
    if not isinstance(usual, str | None):
        raise ValueError("these are no columns")
    return Column(str(found["name"]), kind, edges, tuple(map(str, found["values"])), fields, usual)


def decide_columns(rows: Iterable[str]) -> tuple[Column, ...]:
    """What the features of the training rows are, in the order of their names.

    A column is of numbers, dates (ISO 8601) or events (a JSON list) where every cell that is not missing is one, and
    else of categories; numbers with leading zeros are names, and so categories.

    Args:
        rows: As `features.write_features` writes them.

    Raises:
        UnfitFeatureError: Rows have other features than the first, or none; a number is infinite.
    """
    cells: dict[str, list[str | None]] = {}
    for number, text in enumerate(rows):
        row = read_features(text)
        if not number:
            cells = {name: [] for name in sorted(row)}
        check_names(row, tuple(cells))
        for name, values in cells.items():
            values.append(row[name])
    if not cells:
        raise UnfitFeatureError(
            Problem("the rows have no features", "name columns in data.columns.features")
        )
    return tuple(_decide(name, values) for name, values in cells.items())


def check_names(row: Mapping[str, Any], names: Sequence[str]) -> None:
    """Refuse a row with other features.

    Raises:
        UnfitFeatureError: Some are missing or unknown; all of them are named.
    """
    lacking, unknown = sorted(set(names) - set(row)), sorted(set(row) - set(names))
    told = [f"lacks the features {_listed(lacking)}"] if lacking else []
    told += [f"has unknown features {_listed(unknown)}"] if unknown else []
    if told:
        raise UnfitFeatureError(
            Problem(
                f"a row {' and '.join(told)}",
                "give each row the same features, null where one is not known; data.columns.features names them",
            )
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(map(repr, names[:10])) + more


def _decide(name: str, cells: Sequence[str | None]) -> Column:
    there = [cell.strip() for cell in cells if cell is not None]
    plain = [cell for cell in there if cell.casefold() not in MISSING_WORDS]
    if plain and all(map(_is_number, plain)):
        numbers = read_numbers(name, plain)
        return Column(name, "number", _edges(numbers), usual=json.dumps(_median(numbers)))
    if plain and all(_days(cell) is not None for cell in plain):
        days = read_dates(name, plain)
        return Column(name, "date", _edges(days), usual=_iso(_median(days)))
    if there and all(_events(cell) is not None for cell in there):
        return _decide_events(name, there)
    counts = Counter(map(_category, there))
    least = RARE if len(cells) >= MANY_ROWS else 1
    kept = sorted(
        (value for value, n in counts.items() if n >= least), key=lambda one: (-counts[one], one)
    )
    return Column(name, "category", values=tuple(kept[:MOST_VALUES]), usual=kept[0] if kept else None)  # fmt: skip


def _decide_events(name: str, cells: Sequence[str]) -> Column:
    events = [event for cell in cells for event in read_events(name, cell)]
    names = sorted({field for event in events for field in event})
    if not names:
        return Column(name, "events")
    fields = (_decide(field, [event.get(field) for event in events]) for field in names)
    flat = [one for one in fields if one.kind != "events"]
    time = time_field(flat)
    if time is not None:
        numbers = flat[time]
        read = read_dates if numbers.kind == "date" else read_numbers
        gaps = [
            gap
            for cell in cells
            for gap in gaps_of(read(name, [one.get(numbers.name) for one in read_events(name, cell)]), numbers.kind)
        ]  # fmt: skip
        flat.append(Column(GAP, "number", _edges(np.array(gaps))))
    return Column(name, "events", fields=tuple(flat))


#: The time since the event before, as a field of its own: log(1 + seconds), or of the unit of a number.
GAP = "\x00gap"


def time_field(fields: Sequence[Column]) -> int | None:
    """Which field says when an event was: the first date, else a number called so; None where none does."""
    dates = [i for i, one in enumerate(fields) if one.kind == "date"]
    named = [i for i, one in enumerate(fields) if one.kind == "number" and one.name.casefold() in _TIMES]  # fmt: skip
    return next(iter(dates + named), None)


def gaps_of(times: np.ndarray[Any, np.dtype[np.float64]], kind: ColumnKind) -> np.ndarray[Any, np.dtype[np.float64]]:  # fmt: skip
    """How long after the one before each event was, shape (events,): not known of the first."""
    seconds = times * 86400 if kind == "date" else times
    return np.concatenate([[np.nan] * min(1, len(times)), np.log1p(np.maximum(np.diff(seconds), 0))])  # fmt: skip


def _edges(values: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[float, ...]:
    known = values[np.isfinite(values)]
    if not len(known):
        return (0.0, 1.0)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)))
    return tuple(edges.tolist()) if len(edges) > 1 else (float(edges[0]), float(edges[0]) + 1)


def _median(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """One of the values, so that it is written as they are."""
    return float(np.quantile(values, 0.5, method="lower"))


def _iso(days: float) -> str:
    moment = str(np.datetime64("1970-01-01", "s") + np.timedelta64(round(days * 86400), "s"))
    return moment.removesuffix("T00:00:00")


def read_numbers(name: str, cells: Sequence[str | None]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Cells of a column of numbers, NaN where missing, shape (cells,).

    Raises:
        UnfitFeatureError: A cell is no finite number.
    """
    found = np.full(len(cells), np.nan)
    for index, cell in enumerate(cells):
        word = "" if cell is None else cell.strip()
        if not word or word.casefold() in MISSING_WORDS:
            continue
        if not _is_number(word) or not math.isfinite(float(word)):
            raise _unfit(name, "finite number")
        found[index] = float(word)
    return found


def read_dates(name: str, cells: Sequence[str | None]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Cells of a column of dates as days since 1970 (UTC where no zone is named), NaN where missing.

    Raises:
        UnfitFeatureError: A cell is no date of ISO 8601.
    """
    found = np.full(len(cells), np.nan)
    for index, cell in enumerate(cells):
        word = "" if cell is None else cell.strip()
        if not word or word.casefold() in MISSING_WORDS:
            continue
        days = _days(word)
        if days is None:
            raise _unfit(name, "date of ISO 8601")
        found[index] = days
    return found


def read_codes(column: Column, cells: Sequence[str | None]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Cells of a column of categories as codes: 0 where missing, 1 for one that the model was not taught."""
    codes = {value: code for code, value in enumerate(column.values, FIRST)}
    return np.fromiter(
        (MISSING if cell is None or not cell.strip() else codes.get(_category(cell), OTHER) for cell in cells),
        np.int64, len(cells),
    )  # fmt: skip


def read_events(name: str, cell: str | None) -> list[dict[str, str | None]]:
    """The events of a cell, oldest first as they stand; a word is an event of one field.

    Raises:
        UnfitFeatureError: It is no list of words or objects.
    """
    if cell is None:
        return []
    found = _events(cell)
    if found is None:
        raise _unfit(name, "list of events")
    return found


def _events(cell: str) -> list[dict[str, str | None]] | None:
    if not cell.startswith("["):
        return None
    try:
        found = json.loads(cell, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(one, str | dict) for one in found):
        return None
    return [{_WORD: one} if isinstance(one, str) else _texts(one) for one in found]


def _texts(event: Mapping[str, Any]) -> dict[str, str | None]:
    return {
        name: value
        if isinstance(value, str) or value is None
        else json.dumps(value, ensure_ascii=False)
        for name, value in event.items()
    }


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None and _LEADING_ZEROS.match(cell) is None


def _category(cell: str) -> str:
    """Truth values are one word however they are written: CSV files say TRUE, JSON true."""
    word = cell.strip()
    return word.casefold() if word.casefold() in ("true", "false") else word


_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def _days(cell: str) -> float | None:
    if not _DATE.fullmatch(cell):
        return None
    try:
        found = datetime.datetime.fromisoformat(cell)
    except ValueError:
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=datetime.UTC)
    return (found - _EPOCH).total_seconds() / 86400


def _unfit(name: str, what: str) -> UnfitFeatureError:
    return UnfitFeatureError(
        Problem(
            f"a cell of the feature {name!r} is no {what}",
            "write one there, or leave it empty where it is not known",
            "the training rows had nothing else in this column",
        )
    )


def is_number_or_date(cell: str) -> bool:
    """Whether a cell, on its own, would be a number or a date."""
    word = cell.strip()
    return _NUMBER.fullmatch(word) is not None or _days(word) is not None
