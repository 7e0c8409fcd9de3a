"""Turns rows of features into arrays of numbers, codes and events, as the columns of the training rows say; it knows no model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lextune.errors import Problem
from lextune.features import read_features
from lextune.tasks.base import TOKENS_AT_ONCE
from lextune.tasks.tabular.columns import (
    FIRST,
    GAP,
    MISSING,
    Column,
    UnfitFeatureError,
    check_names,
    gaps_of,
    read_codes,
    read_dates,
    read_events,
    read_numbers,
    time_field,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: What a date is a category of besides the days that it counts, each with how many there are.
_PARTS = (("weekday", 7), ("month", 12), ("hour", 24))


@dataclass(frozen=True)
class Layout:
    """How the cells of a row become numbers and codes.

    Attributes:
        numbers: Quantiles of each number.
        codes: How many codes each category has.
    """

    numbers: tuple[tuple[float, ...], ...]
    codes: tuple[int, ...]


def layout_of(columns: Sequence[Column]) -> Layout:
    """Of columns that are no events: a date is a number of days, and a weekday, a month and an hour."""
    numbers = tuple(one.edges for one in columns if one.kind in ("number", "date"))
    codes: list[int] = []
    for one in columns:
        codes += [one.codes] if one.kind == "category" else []
        codes += [size + FIRST for _, size in _PARTS] if one.kind == "date" else []
    return Layout(numbers, tuple(codes))


@dataclass(frozen=True)
class Cells:
    """Numbers and codes of rows or of events.

    Attributes:
        numbers: NaN where missing, shape (rows, numbers).
        codes: 0 where missing, 1 for what was not taught, shape (rows, categories).
    """

    numbers: Floats
    codes: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: Ints) -> Cells:
        """Those rows, in that order."""
        return Cells(self.numbers[rows], self.codes[rows])


@dataclass(frozen=True)
class Events:
    """The events of one column of all rows, one row's after the other's.

    Attributes:
        cells: Of each event.
        offsets: Row i has the events offsets[i] to offsets[i + 1], shape (rows + 1,).
    """

    cells: Cells
    offsets: Ints

    @property
    def counts(self) -> Ints:
        """Events per row, shape (rows,)."""
        return self.offsets[1:] - self.offsets[:-1]


@dataclass(frozen=True)
class View:
    """Which cells are hidden: a pure function of seed, epoch and row."""

    seed: int
    epoch: int
    share: float


@dataclass(frozen=True)
class Records:
    """Encoded rows of features.

    Attributes:
        cells: Of each row.
        events: Of each column of events.
        truncated: How many rows had more events than are read; the last ones are.
        view: Which cells are hidden from a model that is to guess them; None hides none.
    """

    cells: Cells
    events: tuple[Events, ...]
    truncated: int = 0
    view: View | None = None

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def lengths(self) -> Ints:
        """Tokens per row: one a cell and event, and the one that is answered from; shape (rows,)."""
        fixed = 1 + self.cells.numbers.shape[1] + self.cells.codes.shape[1]
        return np.full(len(self), fixed, np.int64) + sum(one.counts for one in self.events)

    def in_order(self, batch_size: int) -> list[Ints]:
        """Batches of similar length, longest first: every row once."""
        order = np.argsort(-self.lengths, kind="stable")
        return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]

    def cut(self, rows: Ints, tokens: int = TOKENS_AT_ONCE) -> list[Ints]:
        """The rows, longest first, in parts whose tokens, padding included, are as many at most; at least one row each."""
        lengths = self.lengths
        rows = rows[np.argsort(-lengths[rows], kind="stable")]
        parts, start = [], 0
        while start < len(rows):
            size = max(1, tokens // int(lengths[rows[start]]))
            parts.append(rows[start : start + size])
            start += size
        return parts

    def seen(self, view: View) -> Records:
        """The same rows with some cells hidden."""
        return dataclasses.replace(self, view=view)


def joined(parts: Sequence[Records]) -> Records:
    """Blocks of rows as one."""
    if len(parts) == 1:
        return parts[0]
    events = tuple(
        Events(_stacked([one.cells for one in blocks]), np.cumsum([0, *np.concatenate([one.counts for one in blocks])]))
        for blocks in zip(*(one.events for one in parts), strict=True)
    )  # fmt: skip
    cells = _stacked([one.cells for one in parts])
    return Records(cells, events, sum(one.truncated for one in parts))


def _stacked(parts: Sequence[Cells]) -> Cells:
    return Cells(
        np.concatenate([one.numbers for one in parts]), np.concatenate([one.codes for one in parts])
    )


def encode(rows: Sequence[str], columns: Sequence[Column], most_events: int) -> Records:
    """Rows as arrays.

    Args:
        rows: As `features.write_features` writes them.
        columns: Of the training rows.
        most_events: Of a column and row; the last ones are read.

    Raises:
        UnfitFeatureError: A row has other features, or a cell that is not of its column's kind.
    """
    names = tuple(one.name for one in columns)
    found: Mapping[str, list[str | None]] = {name: [] for name in names}
    for text in rows:
        try:
            row = read_features(text)
        except ValueError as error:
            raise UnfitFeatureError(
                Problem("a row is no JSON object of features", "give one: {NAME: cell, ...}")
            ) from error
        check_names(row, names)
        for name in names:
            found[name].append(row[name])
    plain = [one for one in columns if one.kind != "events"]
    cells = _cells(plain, found, len(rows))
    truncated = np.zeros(len(rows), bool)
    events = tuple(
        _sequence(one, found[one.name], most_events, truncated)
        for one in columns
        if one.kind == "events"
    )
    return Records(cells, events, int(truncated.sum()))


def encode_blocks(
    encoder: Callable[[Sequence[str]], Records], inputs: Any, advance: Callable[[int], None]
) -> Records:
    """All inputs, encoded a block at a time; none is an encoding of no rows."""
    parts: list[Records] = []
    for block in inputs.blocks():
        parts.append(encoder(block))
        advance(len(block))
    return joined(parts) if parts else encoder([])


def _cells(
    columns: Sequence[Column], found: Mapping[str, Sequence[str | None]], rows: int
) -> Cells:
    numbers: list[Floats] = []
    codes: list[Ints] = []
    for one in columns:
        cells = found[one.name]
        if one.kind == "number":
            numbers.append(read_numbers(one.name, cells))
        elif one.kind == "date":
            days = read_dates(one.name, cells)
            numbers.append(days)
            codes += _parts(days)
        else:
            codes.append(read_codes(one, cells))
    return Cells(_columns(numbers, rows), _columns(codes, rows).astype(np.int32))


def _columns(parts: Sequence[npt.NDArray[Any]], rows: int) -> npt.NDArray[Any]:
    return np.stack(parts, 1) if parts else np.zeros((rows, 0))


def _parts(days: Floats) -> list[Ints]:
    """Weekday, month and hour of days since 1970, as codes."""
    known = np.isfinite(days)
    seconds = np.where(known, np.round(days * 86400), 0).astype("timedelta64[s]")
    moments = np.datetime64("1970-01-01", "s") + seconds
    whole = moments.astype("datetime64[D]").astype(np.int64)
    month = moments.astype("datetime64[M]").astype(np.int64) % 12
    hour = (moments - moments.astype("datetime64[D]")).astype(np.int64) // 3600
    # 1970-01-01 was a Thursday, the fourth day
    return [np.where(known, one + FIRST, MISSING) for one in ((whole + 3) % 7, month, hour)]


def _sequence(
    column: Column, cells: Sequence[str | None], most: int, truncated: npt.NDArray[np.bool_]
) -> Events:
    fields = [one for one in column.fields if one.name != GAP]
    time = time_field(fields)
    lists = [read_events(column.name, cell) for cell in cells]
    flat: dict[str, list[str | None]] = {one.name: [] for one in fields}
    offsets, gaps = [0], []
    for row, events in enumerate(lists):
        _check_fields(column, events, flat)
        truncated[row] |= len(events) > most
        if time is not None:
            gaps.append(_gaps(fields[time], events)[-most:])
        for name, values in flat.items():
            values += [event.get(name) for event in events[-most:]]
        offsets.append(offsets[-1] + min(len(events), most))
    made = _cells(fields, flat, offsets[-1])
    if time is not None:
        later = np.concatenate([np.zeros(0), *gaps])[:, None]
        made = Cells(np.concatenate([made.numbers, later], 1), made.codes)
    return Events(made, np.array(offsets, np.int64))


def _gaps(time: Column, events: Iterable[Mapping[str, str | None]]) -> Floats:
    read = read_dates if time.kind == "date" else read_numbers
    return gaps_of(read(time.name, [event.get(time.name) for event in events]), time.kind)


def _check_fields(
    column: Column, events: Iterable[Mapping[str, str | None]], known: Mapping[str, Any]
) -> None:
    unknown = sorted({field for event in events for field in event} - set(known))
    unknown = [one for one in unknown if one not in {field.name for field in column.fields}]
    if unknown:
        raise UnfitFeatureError(
            Problem(
                f"events of {column.name!r} have fields that no training row had: {', '.join(map(repr, unknown[:10]))}",
                "leave them out, or train with them",
            )
        )
