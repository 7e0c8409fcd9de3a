"""Collects what is wrong or odd in data, by kind, with places and counts; it never holds a row's text."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from lextune.data.events.counted import EventCount, UserDataCount
from lextune.data.personal.counted import ImageDataCount, PersonalDataCount, SoundDataCount
from lextune.data.quality.results import QualityResult
from lextune.errors import DataError, Problem
from lextune.records import FileDigest, Record

Level = Literal["error", "warning", "info"]

#: How many places a finding names; the count is always whole.
PLACES = 20


class ReportProblem(Record):
    """One kind of finding.

    Attributes:
        kind: A fixed word (`conflicting_labels`).
        severity: `error` stops a run, `warning` wants a look, `info` is told.
        fact: What is the case; class names and column names may occur, texts never.
        count: How many `unit`s there are.
        unit: `rows`, `files`, `classes`, ...
        rows: The first places, `file:line (record N)` or the file.
        remedy: What to do.
    """

    kind: str
    severity: Level
    fact: str
    count: int
    unit: str
    rows: tuple[str, ...]
    remedy: str

    def __str__(self) -> str:
        unit = (
            self.unit.removesuffix("s") if self.count == 1 and self.unit != "classes" else self.unit
        )
        unit = "class" if self.count == 1 and unit == "classes" else unit
        return f"{self.fact} ({self.count:,} {unit})"

    def problem(self) -> Problem:
        """The same as an error's problem."""
        more = self.count - len(self.rows)
        where = ", ".join(self.rows) + (f" and {more:,} more" if self.rows and more > 0 else "")
        return Problem(str(self), self.remedy, where=where)


class DataReport(Record):
    """What a look at the data found.

    Attributes:
        rows: Rows read (after `data.where`).
        parts: Rows by part, as read.
        classes: Rows by part and class.
        problems: Errors first, then warnings, then information.
        encodings: The text encoding of each file.
        unreadable: Rows that cannot be read, none of which is among the rows; each is in the problems.
        personal_data: Rows with personal data; null where nobody looked.
        fingerprints: Of the rows of each part, as read; training on others can be refused (`data.report`).
        files: What was read.
        columns: Which columns meant what.
        events: Of event logs: what they hold, and how they were parted; null of other data.
        quality: What each quality check measured; empty where none ran.
        checked_report: The file and SHA-256 of the report that the data were held to, if any.
    """

    rows: int
    parts: dict[str, int]
    classes: dict[str, dict[str, int]]
    problems: tuple[ReportProblem, ...]
    encodings: dict[str, str]
    unreadable: int = 0
    personal_data: PersonalDataCount | ImageDataCount | SoundDataCount | UserDataCount | None = None
    events: EventCount | None = None
    fingerprints: dict[str, str] = Field(default_factory=dict)
    files: tuple[FileDigest, ...] = ()
    columns: dict[str, Any] = Field(default_factory=dict)
    quality: tuple[QualityResult, ...] = ()
    checked_report: dict[str, str] = Field(default_factory=dict)

    def errors(self) -> tuple[ReportProblem, ...]:
        """The problems that stop a run."""
        return tuple(item for item in self.problems if item.severity == "error")

    def document(self) -> dict[str, Any]:
        """The JSON of `lextune data check --json`."""
        return self.model_dump(mode="json")


class Findings:
    """A growing list of findings; equal kind and fact are counted together.

    Args:
        stop_at_error: Raise at the first error. For streams, which are used before their end is seen.
    """

    def __init__(self, *, stop_at_error: bool = False) -> None:
        self.stop_at_error = stop_at_error
        self._items: dict[tuple[str, str], dict[str, Any]] = {}
        self._skipped: set[tuple[str, str]] = set()

    def skipped(self, kind: str, fact: str) -> None:
        """Note that what is found so are rows that were left out: an error that can be excused."""
        self._skipped.add((kind, fact))

    def add(
        self,
        kind: str,
        severity: Level,
        fact: str,
        remedy: str,
        place: str = "",
        *,
        count: int = 1,
        unit: str = "rows",
    ) -> None:
        """Count one more.

        Raises:
            DataError: It is an error and this collector stops at errors.
        """
        item = self._items.setdefault(
            (kind, fact),
            {"severity": severity, "remedy": remedy, "count": 0, "unit": unit, "rows": []},
        )
        item["count"] += count
        if place and len(item["rows"]) < PLACES:
            item["rows"].append(place)
        if self.stop_at_error and severity == "error":
            self.raise_errors()

    def excuse(self) -> None:
        """Make warnings of the errors of skipped rows."""
        for key in self._skipped:
            self._items[key]["severity"] = "warning"

    def problems(self) -> tuple[ReportProblem, ...]:
        """All of them, errors first, in the order of finding."""
        order = {"error": 0, "warning": 1, "info": 2}
        found = [
            ReportProblem(kind=kind, fact=fact, **{**item, "rows": tuple(item["rows"])})
            for (kind, fact), item in self._items.items()
        ]
        return tuple(sorted(found, key=lambda item: order[item.severity]))

    def error_kinds(self) -> set[str]:
        """The kinds of errors found."""
        return {kind for (kind, _), item in self._items.items() if item["severity"] == "error"}

    def has_errors(self) -> bool:
        """Whether anything stops a run."""
        return bool(self.error_kinds())

    def raise_errors(self) -> None:
        """Raise all errors at once, if there are any.

        Raises:
            DataError: With one problem per kind of error, each with its places and remedy.
        """
        errors = [item.problem() for item in self.problems() if item.severity == "error"]
        if errors:
            raise DataError(errors)


def shown(name: str, limit: int = 40) -> str:
    """A column or class name for a message; a long one may be somebody's text, so only its length is told."""
    if len(name) <= limit and name.isprintable():
        return repr(name)
    return f"(a name of {len(name)} characters)"
