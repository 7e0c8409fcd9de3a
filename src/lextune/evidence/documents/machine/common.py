"""Identifiers, times, measurements and gaps of a dossier as documents for programs write them; it knows no format.

All of it is a function of the dossier: the same statements give the same bytes, and no clock is read.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from lextune.errors import InsufficientError, Problem
from lextune.evidence.documents.base import DossierView
from lextune.evidence.documents.parts.reading import counts
from lextune.evidence.markdown import one_line
from lextune.evidence.statements import room_of

#: The namespace of lextune's own properties, in formats that have such.
PREFIX = "lextune"

_IDENTIFIERS = uuid.uuid5(uuid.NAMESPACE_URL, "urn:lextune:documents:v1")
#: Suffixes of single files of data that lextune reads.
_FILES = frozenset(
    {
        ".bio", ".conll", ".csv", ".dat", ".gz", ".inter", ".iob", ".json", ".jsonl", ".parquet", ".tar",
        ".tsv", ".txt", ".xml", ".xz", ".zip", ".zst",
    }
)  # fmt: skip
_ROOMS = ("config", "select", "prepare", "train", "evaluate")
Object = Mapping[str, Any]


def as_object(value: Any) -> Object:
    """The mapping, or an empty one where it is none."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: Any) -> Sequence[Any]:
    """The list, or an empty one where it is none."""
    return value if isinstance(value, list | tuple) else ()


def said(value: Any) -> str | None:
    """A stated text on one line; None where nothing was stated."""
    if not isinstance(value, str):
        return None
    return one_line(value) or None


def shown(value: Any) -> str:
    """A stated value as text: words as they are, everything else as JSON."""
    found = said(value)
    return found if found is not None else json.dumps(value, ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True)
class Measured:
    """A measurement with the statement that it stands in.

    Attributes:
        dump: As `records.Measurement` is written.
        evidence: SHA-256 of the envelope.
        room: Of the statement; what a person attests was measured by somebody else.
    """

    dump: Object
    evidence: str
    room: str

    @property
    def name(self) -> str:
        """Its standard name."""
        return shown(self.dump.get("name"))

    @property
    def value(self) -> int | float | None:
        """The point estimate; None where it was not measured."""
        value = self.dump.get("value")
        known = isinstance(value, int | float) and not isinstance(value, bool)
        return value if known else None

    @property
    def problem(self) -> str:
        """Why there is no value."""
        return said(self.dump.get("problem")) or "not measured"

    def basis(self) -> str:
        """What the figure stands on: `n=300, unit=proportion, level=0.95, method=Wilson score`."""
        interval = as_object(self.dump.get("interval"))
        parts = {
            "n": self.dump.get("n"),
            "unit": self.dump.get("unit"),
            "level": interval.get("level"),
            "method": interval.get("method"),
        }
        attested = ["attested by a person"] if self.room == "attestation" else []
        stated = [f"{key}={shown(one)}" for key, one in parts.items() if one is not None]
        return ", ".join([*stated, *attested])

    def sentence(self) -> str:
        """`duplicate_rows is 0 (n=1200, unit=rows)`."""
        interval = as_object(self.dump.get("interval"))
        ends = ""
        if interval and interval.get("low") != interval.get("high"):
            ends = f", interval {shown(interval.get('low'))} to {shown(interval.get('high'))}"
        return f"{self.name} is {shown(self.value)}{ends} ({self.basis()})"


@dataclass
class Summary:
    """The records of a dossier by room, the statements that they stand in, and what none of them says.

    Attributes:
        records: Of the last complete statement of each room; empty where there is none.
        evidence: SHA-256 of those statements by room.
        gaps: What the document should say and no statement supports, in the order in which it was missed.
    """

    view: DossierView
    records: dict[str, Object]
    evidence: dict[str, str]
    gaps: list[str] = field(default_factory=list)

    @property
    def release(self) -> Object:
        """`release` of the config statement."""
        return as_object(self.records["config"].get("release"))

    @property
    def name(self) -> str | None:
        """What the release is called."""
        return said(self.release.get("name"))

    @property
    def purpose(self) -> str | None:
        """What the model is used for, as declared."""
        use = as_object(self.records["config"].get("use"))
        facts = self.view.verdict.facts if self.view.verdict is not None else use
        return said(facts.get("purpose"))

    def stated(self, value: Any, gap: str) -> str | None:
        """The text, or None with the gap noted."""
        found = said(value)
        if found is None:
            self.gaps.append(gap)
        return found

    @property
    def sources(self) -> list[str]:
        """What the data was read from."""
        stated = as_list(self.records["prepare"].get("sources"))
        return [place(shown(source)) for source in stated]

    def measured(self, *rooms: str) -> Iterator[Measured]:
        """The measurements of the complete statements of these rooms; incomplete ones are gaps."""
        for digest, predicate in self.view.every(rooms):
            record = as_object(predicate.get("record"))
            kept = record.get("status", "complete")
            if predicate.get("status") != "complete" or kept not in ("complete", "not_applicable"):
                what = said(record.get("audit")) or f"the room {shown(predicate.get('room'))}"
                self.gaps.append(f"{what} did not complete: it proves nothing")
                continue
            attested = [
                one for one in as_list(record.get("attestations")) if isinstance(one, Mapping)
            ]
            ended = [one for one in attested if not counts(self.view, one)]
            if ended:
                self.gaps.append(
                    f"the attestation {shown(ended[0].get('name'))} does not count any more"
                )
                continue
            for dump in as_list(predicate.get("measurements")):
                if isinstance(dump, Mapping):
                    yield Measured(dump, digest, str(predicate.get("room")))


def summarise(view: DossierView, *rooms: str) -> Summary:
    """Collect the records of a dossier.

    Args:
        view: The dossier.
        rooms: Those without which the document is not whole; a missing one is a gap.

    Raises:
        InsufficientError: There is no statement at all.
    """
    if not view.statements:
        raise InsufficientError(
            Problem(
                "the dossier holds no statement",
                "run it first: `lextune run CONFIG`",
                "a document is made of statements alone",
            )
        )
    found = {room: view.record(room) for room in _ROOMS}
    records: dict[str, Object] = {room: one[1] if one else {} for room, one in found.items()}
    evidence = {room: one[0] for room, one in found.items() if one}
    missing = [room for room in rooms if room not in evidence]
    gaps = [f"there is no complete statement of the room {room}" for room in missing]
    return Summary(view, records, evidence, gaps)


def created(view: DossierView) -> str:
    """When the last statement was signed: a document is as old as what it stands on."""
    return max(str(one.predicate.get("created")) for _, one in view.statements)


def tool_version(view: DossierView) -> str:
    """The version of lextune that made the last statement."""
    tool = as_object(view.statements[-1][1].predicate.get("tool"))
    return said(tool.get("version")) or "unknown"


def run_of(view: DossierView) -> str | None:
    """The run that the statements belong to."""
    return said(view.statements[-1][1].predicate.get("run"))


def identifier(view: DossierView, *parts: str) -> str:
    """A UUID (version 5, RFC 9562) of this dossier and these words, the same whenever it is made."""
    decided = view.verdict.model_dump_json() if view.verdict is not None else ""
    basis = [*(digest for digest, _ in view.statements), decided, *parts]
    return str(uuid.uuid5(_IDENTIFIERS, json.dumps(basis)))


def statement_urn(digest: str) -> str:
    """How a document names a signed statement: by the SHA-256 of its envelope."""
    return f"urn:lextune:statement:sha256:{digest}"


def statement_names(view: DossierView) -> dict[str, str]:
    """What each statement is called in a text, by digest: `statement 3 (prepare)`."""
    return {
        digest: f"statement {number} ({room_of(statement)})"
        for number, (digest, statement) in enumerate(view.statements, start=1)
    }


def file_digests(record: Object) -> list[tuple[str, str, Any]]:
    """(place, SHA-256, size in bytes) of everything that a record lists, each path once."""
    listed = {
        str(one["path"]): (place(str(one["path"])), str(one["sha256"]), one.get("size"))
        for one in as_list(record.get("files"))
        if isinstance(one, Mapping) and "path" in one and "sha256" in one
    }
    return list(listed.values())


def place(path: str) -> str:
    """A path or source without the folders of the machine, which say more of its owner than of the data."""
    absolute = PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()
    return (PureWindowsPath(path).name or path) if absolute or path.startswith("~") else path


def is_file(path: str) -> bool:
    """Whether a digest of data is surely that of one file; of a folder it is that of a listing of its files."""
    return PurePosixPath(path).suffix.lower() in _FILES


def to_json(content: Any) -> bytes:
    """The bytes of the file: JSON in UTF-8, indented, without NaN."""
    text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
    return f"{text}\n".encode()
