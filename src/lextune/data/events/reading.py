"""Reads event logs, row by row checked, into arrays; it knows no part and no history."""

from __future__ import annotations

import dataclasses
import datetime
import math
import re
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lextune.config import ColumnsConfig, DataConfig
from lextune.data.columns import Ints
from lextune.data.formats import RawRow, ReadContext, ReadOptions, Source
from lextune.data.opening import compression, read_source
from lextune.data.reading.movielens import COLUMNS
from lextune.data.sources import find_sources
from lextune.errors import ConfigError, Problem

#: What a folder of events is looked through for, and the files of MovieLens that have no header.
LOGS = ("u.data", "ratings.dat", "ratings.csv")
_HEADLESS = re.compile(r"u\.data|u[1-5ab]\.(base|test)|ratings\.dat")
#: A time as a number; what else `float` reads (`nan`, `1_0`) is none.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class EventColumns(NamedTuple):
    """Which columns of a log mean what; no rating is read where that is None."""

    user: str
    item: str
    time: str
    rating: str | None

    @classmethod
    def of(cls, columns: ColumnsConfig) -> EventColumns:
        """Those of a config."""
        return cls(columns.user, columns.item, columns.time, columns.rating)


@dataclass(frozen=True)
class Log:
    """Events as they were read, in the order of their files.

    Attributes:
        users: Ids of users, in the order in which they were met; so are the ids of `items`.
        user: Which user, shape (events,); `item` likewise.
        time: Finite, shape (events,).
        rating: NaN where there is none, shape (events,).
        part: The place in `checks.ORDER` of the part that the file was given for, shape (events,).
        places: Where the first event of each user stands.
        groups: Group column to the value of each user; None where none was met.
    """

    users: list[str]
    items: list[str]
    user: Ints
    item: Ints
    time: npt.NDArray[np.float64]
    rating: npt.NDArray[np.float64]
    part: npt.NDArray[np.int8]
    places: list[str]
    groups: dict[str, list[str | None]]

    def __len__(self) -> int:
        return len(self.user)


class EventReading:
    """Takes the rows of logs, and reports what is wrong with them."""

    def __init__(self, config: DataConfig, context: ReadContext) -> None:
        self.columns, self.context = EventColumns.of(config.columns), context
        self.users: dict[str, int] = {}
        self.items: dict[str, int] = {}
        self.user, self.item, self.part = array("q"), array("q"), array("b")
        self.time, self.rating = array("d"), array("d")
        self.places: list[str] = []
        self.groups: dict[str, list[str | None]] = {name: [] for name in config.columns.group}
        self._dated: bool | None = None

    def __len__(self) -> int:
        return len(self.user)

    def add(self, raw: RawRow, part: int = 0) -> None:
        """One event more; one that cannot be read is left out, and reported."""
        values, columns = raw.values, self.columns
        user, item = values.get(columns.user) or "", values.get(columns.item) or ""
        for name, value in (("user", user), ("item", item)):
            if not value.strip():
                self.context.skip(
                    f"missing_{name}", f"events without {'a' if name == 'user' else 'an'} {name}",
                    f"write it there, or remove the row, and check data.columns.{name}", raw.where,
                )  # fmt: skip
                return
        time, rating = self._time(raw), self._rating(raw)
        if time is None or rating is None:
            return
        number = self.users.setdefault(user, len(self.users))
        if number == len(self.places):
            self.places.append(raw.where)
            for cells in self.groups.values():
                cells.append(None)
        for name, cells in self.groups.items():
            group = values.get(name) or None
            if group is not None and cells[number] not in (None, group):
                self.context.findings.add(
                    "changing_group", "warning", f"events whose {name!r} is another than before of their user",
                    "none is needed: a user is in the group of the first event", raw.where,
                )  # fmt: skip
            cells[number] = cells[number] or group
        self.user.append(number)
        self.item.append(self.items.setdefault(item, len(self.items)))
        self.time.append(time)
        self.rating.append(rating)
        self.part.append(part)

    def _time(self, raw: RawRow) -> float | None:
        cell = (raw.values.get(self.columns.time) or "").strip()
        if not cell:
            kind, fact = "missing_time", "events without a time"
        else:
            dated = _NUMBER.fullmatch(cell) is None
            found = _moment(cell) if dated else float(cell)
            if found is None or not math.isfinite(found):
                kind, fact = (
                    "invalid_time",
                    "events whose time is neither a finite number nor a date",
                )
            elif self._dated not in (None, dated):
                kind, fact = (
                    "mixed_times",
                    "events whose time is a date among numbers, or a number among dates",
                )
            else:
                self._dated = dated
                return found
        self.context.skip(
            kind, fact, "write seconds since 1970, or dates as ISO 8601 has them, in the whole log", raw.where
        )  # fmt: skip
        return None

    def _rating(self, raw: RawRow) -> float | None:
        """NaN where there is none; None after an error."""
        cell = (raw.values.get(self.columns.rating) or "").strip() if self.columns.rating else ""
        if not cell:
            return math.nan
        if _NUMBER.fullmatch(cell) is None or not math.isfinite(float(cell)):
            self.context.skip(
                "invalid_rating", "events whose rating is no finite number",
                "write a number, or leave data.columns.rating out", raw.where,
            )  # fmt: skip
            return None
        return float(cell)

    def log(self) -> Log:
        """All of them."""
        return Log(
            list(self.users), list(self.items),
            np.array(self.user, np.int64), np.array(self.item, np.int64), np.array(self.time), np.array(self.rating),
            np.array(self.part, np.int8), self.places, self.groups,
        )  # fmt: skip


def event_options(config: DataConfig, options: Mapping[str, str]) -> dict[str, str]:
    """The columns that events are read from, each with the option that names it, and `options`.

    Raises:
        ConfigError: The config asks for what events do not have.
    """
    columns = config.columns
    problems = [
        Problem(f"{option} is set, and rows are events of users", "leave it out", why)
        for option, given, why in (
            ("data.redact", config.redact, "it takes personal data out of texts; ids of users are pseudonyms at best"),
            ("data.columns.split_group", columns.split_group, "histories are cut by time: a user is in every part"),
            ("data.labels", config.labels or None, "it renames classes"),
            ("data.label_separator", config.label_separator, "events have no label"),
        )
        if given is not None
    ]  # fmt: skip
    if columns.subject not in (None, columns.user):
        problems.append(
            Problem(
                f"data.columns.subject is {columns.subject!r}, and events are about their user, {columns.user!r}",
                "leave it out, or name the same column",
            )
        )
    if problems:
        raise ConfigError(problems)
    found = {columns.user: "data.columns.user", columns.item: "data.columns.item", columns.time: "data.columns.time"}  # fmt: skip
    if columns.rating is not None:
        found[columns.rating] = "data.columns.rating"
    return {**options, **found}


def events_of(
    given: tuple[str, ...], config: EventColumns, context: ReadContext, known: tuple[str, ...] = ()
) -> Iterator[RawRow]:
    """The rows of logs, with their columns named as the config names them.

    MovieLens names its columns itself: `u.data`, `ratings.dat` and, where the config leaves its names at their
    defaults, `ratings.csv`.

    Args:
        given: Source words.
        config: The config's names.
        context: Its options are those of `dataset.read_options`.
        known: Columns that need not be in the log.
    """
    for source in find_sources(given, context):
        found = _inside(source, context)
        if found is None:
            continue
        theirs, name = _columns_of(found, config, context.options)
        options = context.options
        pairs = [
            (one, ours)
            for one, ours in zip(theirs, config, strict=True)
            if one is not None and ours is not None
        ]
        renamed = dict(pairs)
        others = [one for one in options.others if one not in (*config, *known)]
        context.options = dataclasses.replace(
            options,
            text=theirs.item,
            label=None,
            others=tuple(dict.fromkeys((*renamed, *others))),
            format=name,
            optional=known,
            options={
                **options.options,
                **{one: options.options.get(ours, "its option") for one, ours in pairs},
            },
        )
        try:
            if theirs == config:
                yield from read_source(found, context)
            else:
                for raw in read_source(found, context):
                    yield raw._replace(
                        values={renamed.get(key, key): value for key, value in raw.values.items()}
                    )
        finally:
            context.options = options


def _columns_of(
    source: Source, config: EventColumns, options: ReadOptions
) -> tuple[EventColumns, str | None]:
    """The names of a source's columns, and of its reader."""
    name = Path(source.name).name.removesuffix(compression(source))
    if options.format == "movielens" or (options.format is None and _HEADLESS.fullmatch(name)):
        user, item, rating, time = COLUMNS
        return EventColumns(user, item, time, rating if config.rating else None), "movielens"
    if name == "ratings.csv" and config[:3] == EventColumns.of(ColumnsConfig())[:3]:
        rating_column = "rating" if config.rating else None
        return EventColumns("userId", "movieId", "timestamp", rating_column), options.format
    return config, options.format


def _inside(source: Source, context: ReadContext) -> Source | None:
    """The log in a folder; a file is itself."""
    if source.path is None or not source.path.is_dir():
        return source
    for name in LOGS:
        if (source.path / name).is_file():
            return Source(f"{source.name.rstrip('/')}/{name}", path=source.path / name)
    context.findings.add(
        "unknown_layout", "error", f"the folder holds none of {', '.join(LOGS)}", "give the file of the events",
        source.name, unit="folders",
    )  # fmt: skip
    return None


def _moment(text: str) -> float | None:
    """Seconds since 1970 (UTC where no zone is given) of a date or a time in ISO 8601; None where it is none."""
    try:
        moment = datetime.datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
