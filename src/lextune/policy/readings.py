"""Finds measurements, licences and documents in statements; what is unreadable counts as missing."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from lextune.policy.schema import MeasurementRequirement
from lextune.policy.wording import joined, tr
from lextune.records import Licence, Measurement, Statement, parse_day

_THE = {"model": lambda: tr("the model"), "data": lambda: tr("the data")}
_ABSENT = {
    "document": "the document {name!r} is not in the dossier",
    "attestation": "the attestation {name!r} is not in the dossier",
}
_UNMET = {
    "document": "the document {name!r} says that it is not met",
    "attestation": "the attestation {name!r} says that it is not met",
}
_FAULTY = {
    "document": "the document {name!r} {fault}",
    "attestation": "the attestation {name!r} {fault}",
}
_LICENCE_ROOMS = {"model": "select", "data": "prepare"}


@dataclass(frozen=True)
class Reading:
    """A measurement as the statements have it: `value`, or a `problem` in a sentence."""

    value: Measurement | None
    problem: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class StatedLicence:
    """A licence as the statements have it, and what it is the licence of."""

    licence: Licence | None
    subject: str
    problem: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class StatedRelease:
    """Name and licence of the release as the config states them; the licence is None where none is declared."""

    name: str
    licence: str | None
    problem: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Listed:
    """Whether a document or attestation is in the dossier, or the `problem` in a sentence.

    Attributes:
        met: False where one says that what it is about is not met.
    """

    present: bool
    problem: str
    evidence: tuple[str, ...]
    met: bool = True


@dataclass(frozen=True)
class StatedThresholds:
    """The bounds that the user set before testing, as the config statement has them; or the `problem`."""

    thresholds: tuple[MeasurementRequirement, ...]
    problem: str
    evidence: tuple[str, ...]


#: Digest of the envelope, predicate, the measurement in it.
_Dump = tuple[str, dict[str, Any], dict[str, Any]]


class Readings:
    """An index over statements; their order does not matter.

    Args:
        statements: (SHA-256 of the signed envelope, statement). A predicate has `room`, `status`
            (`complete`, or anything else: it proves nothing), `record` and `measurements`.
    """

    def __init__(self, statements: Sequence[tuple[str, Statement]]) -> None:
        self._predicates = sorted(
            ((digest, statement.predicate) for digest, statement in statements),
            key=lambda pair: pair[0],
        )
        self._by_name: dict[str, list[_Dump]] | None = None

    def measurement(self, name: str, as_of: datetime.date) -> Reading:
        """The measurement of the whole split (no group) that is called `name`.

        One that an attestation brings counts as long as that does; after its last day it proves nothing alone, and
        still contradicts another figure of the same model.
        """
        found: list[Measurement] = []
        evidence: list[str] = []
        problem = over = ""
        alive = False
        for digest, predicate, dump in self._dumps().get(name, ()):
            evidence.append(digest)
            parsed = _parse_measurement(dump)
            if predicate.get("status") != "complete":
                problem = tr(
                    "{name} comes from {room}, which did not complete",
                    name=name,
                    room=_room(predicate),
                )
            elif parsed is None:
                problem = tr("{name} is not written as a measurement", name=name)
            else:
                found.append(parsed)
                ended = _attested_fault(predicate, as_of)
                over, alive = over or ended, alive or not ended
        if problem:
            return Reading(None, problem, _unique(evidence))
        if not found:
            return Reading(None, self._unmeasured(name), ())
        if any(other != found[0] for other in found):
            twice = tr("{name} was measured differently twice", name=name)
            return Reading(None, twice, _unique(evidence))
        if not alive:
            return Reading(None, over, _unique(evidence))
        return Reading(found[0], "", _unique(evidence))

    def task(self) -> str | None:
        """The task in the config; None where no statement says it, one did not complete, or several differ."""
        named = {
            record.get("task") if predicate.get("status") == "complete" else None
            for _, predicate in self._in_room("config")
            if isinstance(record := predicate.get("record"), dict)
        }
        found = named.pop() if len(named) == 1 else None
        return found if isinstance(found, str) else None

    def licence(self, of: Literal["model", "data"]) -> StatedLicence:
        """The licence in the record of the room that selected the model or prepared the data."""
        room = _LICENCE_ROOMS[of]
        found: list[Licence] = []
        subjects: list[str] = []
        evidence: list[str] = []
        problem = ""
        for digest, predicate in self._in_room(room):
            evidence.append(digest)
            record = predicate.get("record")
            try:
                if predicate.get("status") != "complete" or not isinstance(record, dict):
                    raise ValueError
                found.append(Licence.model_validate(record.get("licence")))
                subjects.append(_subject(record, of))
            except ValueError:
                problem = tr(
                    "the statement of the room {room} states no licence that can be read", room=room
                )
        if not found and not problem:
            problem = tr("no statement of the room {room} is there to state the licence", room=room)
        if any(other != found[0] for other in found):
            problem = tr("two statements of the room {room} state different licences", room=room)
        subject = min(subjects, default=_THE[of]())
        return StatedLicence(None if problem else found[0], subject, problem, _unique(evidence))

    def release(self) -> StatedRelease:
        """What the statement of the room config says of the release."""
        evidence: list[str] = []
        stated: list[tuple[str, str | None]] = []
        problem = ""
        for digest, predicate in self._in_room("config"):
            evidence.append(digest)
            record = predicate.get("record")
            release = record.get("release") if isinstance(record, dict) else None
            name = release.get("name") if isinstance(release, dict) else None
            licence = release.get("licence") if isinstance(release, dict) else None
            if predicate.get("status") != "complete":
                name = None
            if not isinstance(name, str) or not isinstance(licence, str | None):
                problem = tr("the statement of the room config states no release that can be read")
            else:
                stated.append((name, licence))
        if not stated and not problem:
            problem = tr("no statement of the room config is there to state the release")
        if any(one != stated[0] for one in stated):
            problem = tr("two statements of the room config state different releases")
        name, licence = stated[0] if stated and not problem else ("", None)
        return StatedRelease(name, licence, problem, _unique(evidence))

    def listed(
        self, room: Literal["document", "attestation"], name: str, as_of: datetime.date
    ) -> Listed:
        """Whether a complete statement of the room lists `name` with its digest, not expired.

        `record` holds `documents` (or `attestations`): a list of mappings with `name`, `sha256`, where it
        ends `expires`, and `met: false` where it says that what it is about is not met. One that says so
        outweighs others, an expired one included: time does not mend what a person found not met.
        """
        evidence: list[str] = []
        present: str | None = None
        problem = tr(_ABSENT[room], name=name)
        for digest, predicate in self._in_room(room):
            record = predicate.get("record")
            entries = record.get(f"{room}s") if isinstance(record, dict) else None
            for entry in entries if isinstance(entries, list) else []:
                if not isinstance(entry, dict) or entry.get("name") != name:
                    continue
                evidence.append(digest)
                fault = _entry_fault(entry, as_of)
                if predicate.get("status") != "complete":
                    fault = tr("is in a statement that is not complete")
                if entry.get("met", True) is not True:
                    unmet = tr(_UNMET[room], name=name)
                    return Listed(True, unmet, (digest,), met=False)
                if not fault:
                    present = digest if present is None else present
                else:
                    problem = tr(_FAULTY[room], name=name, fault=fault)
        if present is not None:
            return Listed(True, "", (present,))
        return Listed(False, problem, _unique(evidence))

    def thresholds(self) -> StatedThresholds:
        """`policy.thresholds` of the config statement; none at all is a problem."""
        evidence: list[str] = []
        found: list[tuple[MeasurementRequirement, ...]] = []
        for digest, predicate in self._in_room("config"):
            evidence.append(digest)
            try:
                if predicate.get("status") != "complete":
                    raise ValueError
                stated = predicate["record"]["policy"]["thresholds"]
                found.append(tuple(_threshold(one) for one in stated))
            except (KeyError, TypeError, ValueError):
                found.append(())
        if not found or not found[0]:
            problem = tr("no bound was set before testing (policy.thresholds)")
            return StatedThresholds((), problem, _unique(evidence))
        if any(one != found[0] for one in found):
            problem = tr("two statements of the room config state different thresholds")
            return StatedThresholds((), problem, _unique(evidence))
        return StatedThresholds(found[0], "", _unique(evidence))

    def incomplete(self) -> tuple[str, ...]:
        """Rooms whose statement says that they did not complete (a crash), sorted."""
        found = {
            str(predicate.get("room"))
            for _, predicate in self._predicates
            if predicate.get("status") != "complete"
        }
        return tuple(sorted(found))

    def _dumps(self) -> Mapping[str, list[_Dump]]:
        """Every measurement of a whole split, by its name."""
        if self._by_name is None:
            self._by_name = {}
            for digest, predicate in self._predicates:
                dumps = predicate.get("measurements")
                for dump in dumps if isinstance(dumps, list | tuple) else []:
                    name = dump.get("name") if isinstance(dump, dict) else None
                    if isinstance(name, str) and dump.get("group") is None:
                        self._by_name.setdefault(name, []).append((digest, predicate, dump))
        return self._by_name

    def _in_room(self, room: str) -> Iterator[tuple[str, dict[str, Any]]]:
        return (pair for pair in self._predicates if pair[1].get("room") == room)

    def _unmeasured(self, name: str) -> str:
        crashed = {_room(p) for _, p in self._predicates if p.get("status") != "complete"}
        if not crashed:
            return tr("{name} was not measured", name=name)
        rooms = joined(sorted(crashed), ", ")
        return tr("{name} was not measured ({rooms} did not complete)", name=name, rooms=rooms)


def _threshold(stated: Any) -> MeasurementRequirement:
    return MeasurementRequirement.model_validate({"bound": "interval", **stated})


def _room(predicate: Mapping[str, Any]) -> str:
    return tr("the room {room}", room=predicate.get("room", tr("without a name")))


def _unique(digests: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(digests)))


def _parse_measurement(dump: Mapping[str, Any]) -> Measurement | None:
    """The record, or None where a number is text, a boolean, NaN or infinite."""
    interval = dump.get("interval")
    numbers = [dump.get("n")]
    if dump.get("value") is not None:
        numbers.append(dump["value"])
    if isinstance(interval, dict):
        numbers += [interval.get("low"), interval.get("high"), interval.get("level", 0.95)]
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in numbers):
        return None
    try:
        return Measurement.model_validate(dump)
    except (ValidationError, OverflowError):
        return None


def _subject(record: Mapping[str, Any], of: str) -> str:
    named = record.get("id") if of == "model" else record.get("sources")
    if isinstance(named, list | tuple) and named:
        named = ", ".join(str(source) for source in named)
    the = _THE["model" if of == "model" else "data"]()
    return f"{the} ({named})" if isinstance(named, str) and named else the


def _attested_fault(predicate: Mapping[str, Any], as_of: datetime.date) -> str:
    """Why the attestation that a figure came with counts no more; empty of what the run measured itself."""
    if predicate.get("room") != "attestation":
        return ""
    record = predicate.get("record")
    entries = record.get("attestations") if isinstance(record, Mapping) else None
    entry = entries[0] if isinstance(entries, list) and len(entries) == 1 else None
    listed = entry if isinstance(entry, Mapping) else {}
    fault = _entry_fault(listed, as_of)
    return tr(_FAULTY["attestation"], name=listed.get("name"), fault=fault) if fault else ""


def _entry_fault(entry: Mapping[str, Any], as_of: datetime.date) -> str:
    digest, expires = entry.get("sha256"), entry.get("expires")
    if not isinstance(digest, str) or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        return tr("is listed without its SHA-256")
    if expires is None:
        return ""
    try:
        last = parse_day(expires)
    except ValueError:
        return tr("has no readable expiry date")
    return tr("expired on {day}", day=last) if last < as_of else ""
