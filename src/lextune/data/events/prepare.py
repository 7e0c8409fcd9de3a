"""Turns event logs into checked histories, in parts or to ask a finished model about; it knows no model."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lextune.config import ColumnsConfig, DataConfig
from lextune.data.admission import Gate
from lextune.data.binding import check_against_report
from lextune.data.checks import ORDER, given_parts, tell_unused
from lextune.data.columns import Ints
from lextune.data.dataset import Progress, Rows, read_options
from lextune.data.events import checks
from lextune.data.events.beside import read_groups, read_items
from lextune.data.events.counted import UserDataCount
from lextune.data.events.parts import TEST, TRAIN, VALIDATION, Marked, mark
from lextune.data.events.reading import EventColumns, EventReading, Log, events_of
from lextune.data.events.users import UserRows, known_rows, part_rows
from lextune.data.findings import DataReport, Findings
from lextune.data.fingerprint import fingerprint
from lextune.data.formats import RawRow, ReadContext, ReadOptions
from lextune.data.prepare import LabelledRows, Prepared, SubjectRows, make_reference
from lextune.errors import DataError, Problem
from lextune.histories import Event, write_history
from lextune.records import Measurement

if TYPE_CHECKING:
    import pyarrow as pa

_REPORT_EVERY = 100_000
#: Keys of what a part's table says of all items, in its schema.
ITEMS, COUNTS = b"items", b"item_counts"


def prepare_events(
    config: DataConfig, progress: Progress | None, scratch: Path | None, gate: Gate | None
) -> Prepared:
    """As `prepare.prepare`, for logs of events: a row is a user.

    Raises:
        DataError: Every error that the checks found, or the events are too few to part.
        ConfigError: The config asks for what events do not have.
    """
    gate = gate or Gate(config)
    context = _context(config, scratch, gate)
    log, duplicates = _read(config, context, progress)
    words = read_items(config, context)
    context.settle()
    context.findings.raise_errors()
    if config.sample is not None:
        log = _sampled(log, config.sample, config.split.seed)
    (progress or (lambda _: None))("splitting")
    marked = _without_leaks(log, mark(log, config), config)
    items = checks.catalogue_of(log, marked, words)
    rows = _parts(log, marked, config.columns.user, scratch)
    _require_rows(rows)
    checked = check_against_report(config, {name: one.rows for name, one in rows.items()})
    checks.tell(log, marked, items, rows, context.findings)
    personal = checks.count_people(len(log.users), config, context.findings)
    context.findings.raise_errors()
    events = checks.count_events(log, marked, items, rows["test"])
    report = _report(rows, context, config).model_copy(
        update={"personal_data": personal, "events": events, "checked_report": checked}
    )
    used = {name: rows[name].rows for name in ORDER}
    return Prepared(
        ref=make_reference(config, used, context, gate, items.items),
        parts={name: _table(one, items, scratch) for name, one in used.items()},
        report=report,
        measurements=(
            *checks.measure_events(log, marked, items, rows, events),
            Measurement.exact("duplicate_rows", duplicates, n=len(log) + duplicates, unit="events"),
            *_personal(personal),
            _unreadable(context, len(log)),
            *gate.measurements(),
        ),
        leaked_ids=_leaked(log, marked, rows["test"]),
        subjects=tuple(
            SubjectRows(name, one.bonds[config.columns.user], one.ids, one.places)
            for name, one in used.items()
        ),
        known=_table(known_rows(log, marked, config.columns.user, scratch).rows, items, scratch),
    )


def check_events(config: DataConfig, progress: Progress | None, gate: Gate | None) -> DataReport:
    """As `checks.check_path`, for logs of events; errors are in the report, not raised."""
    context = _context(config, None, gate or Gate(config))
    log, _ = _read(config, context, progress)
    words = read_items(config, context)
    context.settle()
    rows: dict[str, UserRows] = {}
    found = {"quality": checks.no_quality(config)}
    if not context.findings.has_errors():
        try:
            marked = mark(log, config)
            items = checks.catalogue_of(log, marked, words)
            rows = _parts(log, marked, config.columns.user, None)
            _require_rows(rows)
        except DataError as error:
            for one in error.problems:
                context.findings.add("too_few", "error", one.fact, one.remedy, unit="parts")
        else:
            checks.tell(log, marked, items, rows, context.findings)
            found["events"] = checks.count_events(log, marked, items, rows["test"])  # type: ignore[assignment]
    found["personal_data"] = checks.count_people(len(log.users), config, context.findings)  # type: ignore[assignment]
    return _report(rows, context, config).model_copy(update=found)


def load_events(
    sources: tuple[str, ...],
    config: DataConfig,
    classes: tuple[str, ...],
    progress: Progress | None = None,
) -> LabelledRows:
    """As `prepare.load_labelled`: a log is parted as in `data.split`, and its test part is what is asked.

    An item that the model does not know is a miss wherever it is asked for, and no part of a history.
    """
    alone = config.model_copy(
        update={"train": sources, "validation": None, "test": None, "report": None}
    )
    context = _context(alone, None, None)
    log, _ = _read(alone, context, progress)
    context.settle()
    context.findings.raise_errors()
    marked = mark(log, alone)
    test = part_rows(log, marked, TEST, config.columns.user, None)
    _require_rows({"test": test})
    unknown = set(log.items) - set(classes) if classes else set()
    if unknown:
        context.findings.add(
            "unknown_items", "warning", "items of the events that the model does not know: where one is asked for, "
            "every answer is wrong", "none is needed; a model that is to know them must be trained again",
            count=len(unknown), unit="items",
        )  # fmt: skip
    report = _report({"test": test}, context, config)
    return LabelledRows(
        test.rows.table(), report, tuple(context.files), fingerprint(test.rows.digests)
    )


def stream_histories(
    sources: tuple[str, ...], options: ReadOptions, context: ReadContext
) -> Iterator[RawRow]:
    """One row of each user of a log, in the order in which they are met: all that is known of them.

    The log is read to its end first. The history is under `options.text`, and the user under the user's column.

    Raises:
        DataError: An event cannot be read.
    """
    columns = EventColumns(*(options.events or ("user", "item", "time", None)))
    named = ColumnsConfig(user=columns.user, item=columns.item, time=columns.time, rating=columns.rating)  # fmt: skip
    reading = EventReading(DataConfig(train=sources, columns=named), context)
    for raw in events_of(sources, columns, context):
        reading.add(raw)
    log = reading.log()
    order = np.lexsort((np.arange(len(log)), log.time, log.user))
    starts = np.searchsorted(log.user[order], np.arange(len(log.users) + 1))
    for user, name in enumerate(log.users):
        places = order[starts[user] : starts[user + 1]]
        events = (
            Event(log.items[log.item[one]], float(log.time[one]), None if np.isnan(log.rating[one]) else float(log.rating[one]))
            for one in places.tolist()
        )  # fmt: skip
        yield RawRow({options.text: write_history(events), columns.user: name}, log.places[user])


def _context(config: DataConfig, scratch: Path | None, gate: Gate | None) -> ReadContext:
    options = read_options(config, "items", "history")
    if gate is not None:
        gate.require_in_time()
        gate.about(config.columns.user)
    return ReadContext(options, Findings(), scratch=scratch, gate=gate)


def _read(config: DataConfig, context: ReadContext, progress: Progress | None) -> tuple[Log, int]:
    """The events of all parts that are given, and how many repeat another."""
    reading, gate = EventReading(config, context), context.gate
    beside = read_groups(config, context)
    for name, given in given_parts(config).items():
        before, left_out = len(reading), context.unreadable
        for raw in events_of(given, reading.columns, context, tuple(beside)):
            if any(raw.values.get(key) != value for key, value in config.where.items()):
                continue
            if gate is not None and not gate.admits(raw, context.findings):
                continue
            if beside:
                user = raw.values.get(config.columns.user) or ""
                known = {column: cells.get(user) for column, cells in beside.items()}
                raw = raw._replace(values={**raw.values, **known})  # noqa: PLW2901
            reading.add(raw, ORDER.index(name))
            if progress is not None and len(reading) % _REPORT_EVERY == 0:
                progress(f"read {len(reading):,} events")
        _tell_none(config, context, given, len(reading) - before, context.unreadable - left_out)
    if gate is not None:
        gate.finish(context.findings)
    tell_unused(config, context)
    if progress is not None:
        progress(f"read {len(reading):,} events of {len(reading.users):,} users")
    return _checked(reading.log(), config, context)


def _tell_none(
    config: DataConfig, context: ReadContext, given: tuple[str, ...], events: int, left_out: int
) -> None:
    context.too_many |= left_out > config.unreadable * (events + left_out)
    if events or context.findings.has_errors():
        return
    left = " that data.where keeps" if config.where else ""
    gate = context.gate
    left += " that may be used" if gate is not None and gate.refused else ""
    context.findings.add(
        "no_rows", "error", f"there are no events{left}", "check the file, and data.where if it is set",
        ", ".join(given), unit="sources",
    )  # fmt: skip


def _checked(log: Log, config: DataConfig, context: ReadContext) -> tuple[Log, int]:
    again = checks.repeats(log)
    if len(again):
        context.findings.add(
            "duplicate", "warning", "events of the same user, item and time as another",
            "set data.duplicates: drop, or remove all but one of each", count=len(again), unit="events",
        )  # fmt: skip
        if config.duplicates == "drop":
            log = _take(log, np.delete(np.arange(len(log)), again))
    for name, cells in log.groups.items():
        without = sum(one is None for one in cells)
        if without:
            context.findings.add(
                "missing_group", "warning", f"users without a value in {name!r}",
                "fill it in; such users are counted, and are in no group", count=without, unit="users",
            )  # fmt: skip
    return log, len(again)


def _take(log: Log, events: Ints) -> Log:
    """Those events, with the same users and items."""
    return dataclasses.replace(
        log, user=log.user[events], item=log.item[events], time=log.time[events],
        rating=log.rating[events], part=log.part[events],
    )  # fmt: skip


def _sampled(log: Log, users: int, seed: int) -> Log:
    """The events of so many users, drawn with the seed whatever order they come in."""
    if users >= len(log.users):
        return log
    by_id = np.argsort(np.array(log.users, dtype=object))
    drawn = np.sort(np.random.default_rng(seed).permutation(by_id)[:users])
    number = np.full(len(log.users), -1)
    number[drawn] = np.arange(users)
    kept = _take(log, np.flatnonzero(number[log.user] >= 0))
    chosen = drawn.tolist()
    return dataclasses.replace(
        kept, user=number[kept.user], users=[log.users[i] for i in chosen], places=[log.places[i] for i in chosen],
        groups={name: [cells[i] for i in chosen] for name, cells in log.groups.items()},
    )  # fmt: skip


def _without_leaks(log: Log, marked: Marked, config: DataConfig) -> Marked:
    """Where the config says so, without training events of a pair of user and item that test asks for."""
    if config.leakage != "drop_from_train":
        return marked
    pairs = (log.user * len(log.items) + log.item)[marked.order]
    part = marked.part.copy()
    seen = (part == TRAIN) | (part == VALIDATION)
    part[seen & np.isin(pairs, pairs[part == TEST])] = -1
    return dataclasses.replace(marked, part=part)


def _parts(log: Log, marked: Marked, subject: str, scratch: Path | None) -> dict[str, UserRows]:
    return {
        name: part_rows(log, marked, number, subject, scratch) for number, name in enumerate(ORDER)
    }


def _require_rows(rows: Mapping[str, UserRows]) -> None:
    problems = [
        Problem(f"no user is left for {name}", "give more events, or a larger data.sample")
        for name, one in rows.items()
        if not len(one.rows)
    ]
    if problems:
        raise DataError(problems)


def _leaked(log: Log, marked: Marked, test: UserRows) -> tuple[str, ...]:
    rows = checks.leaked_rows(log, marked, test)
    return tuple(np.sort(test.rows.ids[rows]).astype(str).tolist())


def _personal(counted: UserDataCount | None) -> tuple[Measurement, ...]:
    if counted is None:
        return ()
    return (Measurement.exact("personal_data_rows", counted.found, n=counted.rows, unit="rows"),)


def _unreadable(context: ReadContext, events: int) -> Measurement:
    left_out = context.unreadable
    return Measurement.exact("unreadable_rows", left_out, n=events + left_out, unit="events")


def _report(rows: Mapping[str, UserRows], context: ReadContext, config: DataConfig) -> DataReport:
    return DataReport(
        rows=sum(len(one.rows) for one in rows.values()),
        parts={name: len(one.rows) for name, one in rows.items()},
        classes={name: {} for name in rows},
        problems=context.findings.problems(),
        encodings=context.encodings,
        unreadable=context.unreadable,
        fingerprints={name: fingerprint(one.rows.digests) for name, one in rows.items()},
        files=tuple({file.path: file for file in context.files}.values()),
        columns=config.columns.model_dump(mode="json"),
        quality=checks.no_quality(config),
    )


def _table(rows: Rows, items: checks.Catalogue, scratch: Path | None) -> pa.Table:
    """The rows, with what is known of all items in the schema."""
    words = {name: items.words.get(name, "") for name in items.items}
    return rows.table(scratch).replace_schema_metadata(
        {ITEMS: _json(words), COUNTS: _json(dict(sorted(items.counts.items())))}
    )


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
