"""The frozen values that rooms hand each other; they know neither files nor torch, only their own fields."""

from __future__ import annotations

import datetime
import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Status = Literal["pass", "fail", "insufficient", "not_applicable", "waived"]
Severity = Literal["block", "warn"]
Outcome = Literal["pass", "fail", "insufficient"]

#: SPDX's own words: nobody stated a licence; nobody has looked.
NO_LICENCE = "NONE"
UNKNOWN_LICENCE = "NOASSERTION"


class Record(BaseModel):
    """A frozen value; unknown fields, NaN and infinity are refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        ser_json_inf_nan="constants",
        populate_by_name=True,
    )


class FileDigest(Record):
    """A file by its path relative to the folder it belongs to (POSIX separators), SHA-256 (hex) and size in bytes."""

    path: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)


def parse_day(value: Any) -> datetime.date:
    """A day, or text that writes one as YYYY-MM-DD and in no other way that ISO 8601 knows.

    Raises:
        ValueError: It is not written so, or there is no such day.
    """
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    try:
        day = datetime.date.fromisoformat(value)
    except (TypeError, ValueError):
        day = None
    if day is None or day.isoformat() != value:
        raise ValueError(f"{value!r} is no date. Remedy: write YYYY-MM-DD")
    return day


Day = Annotated[datetime.date, BeforeValidator(parse_day)]


class Licence(Record):
    """A licence as found.

    Attributes:
        spdx: SPDX expression, a known id outside SPDX (`llama3.2`), `NONE` (the authors state no
            licence) or `NOASSERTION` (unknown).
        found_in: Where that was read.
        packaging: What the wrapping package or mirror says of itself, where it differs.
        note: What a reviewer must know, in a sentence.
    """

    spdx: str
    found_in: str
    packaging: str | None = None
    note: str | None = None


class ModelRef(Record):
    """A pretrained model, pinned: `files` are all its files that lextune reads."""

    source: str
    id: str
    revision: str
    architecture: str
    licence: Licence
    files: tuple[FileDigest, ...]


class Split(Record):
    """One part of the data: rows, rows per class, and a fingerprint that no row order or file format changes."""

    rows: int
    classes: dict[str, int]
    fingerprint: str


class DataOrigin(Record):
    """What the data's owner states of it, as merged from the config and its manifest; null is unknown.

    Attributes:
        language: Language tags (BCP 47).
        consent: Where the basis is consent: which words mean given or refused, and which columns hold the
            days of withdrawal and of its end.
        sensitive: Columns of sensitive data.
        excluded: Rows left out before anything else was done with them, by reason.
    """

    source: str | None = None
    purpose: str | None = None
    retention_until: datetime.date | None = None
    language: tuple[str, ...] = ()
    consent: dict[str, Any] | None = None
    sensitive: tuple[str, ...] = ()
    manifest: str | None = None
    excluded: dict[str, int] = Field(default_factory=dict)


class DatasetRef(Record):
    """The data of a run after reading, checks and splitting.

    Attributes:
        origin: What its owner states of it; bundles before 2026-11-28 have none.
        redaction: How personal data was replaced as rows were read, and how much: `data.redact`; null where not.
    """

    sources: tuple[str, ...]
    files: tuple[FileDigest, ...]
    licence: Licence
    lawful_basis: str | None
    fingerprint: str
    columns: dict[str, Any]
    classes: tuple[str, ...]
    splits: dict[str, Split]
    encodings: dict[str, str]
    origin: DataOrigin | None = None
    redaction: dict[str, Any] | None = None


class Interval(Record):
    """A confidence interval. A count that was taken completely has low = high and the method `exact`."""

    low: float
    high: float
    level: float = 0.95
    method: str


class Measurement(Record):
    """A measured number.

    A value that is NaN or infinite becomes null with the problem named: it was not measured, and nothing
    may treat it as if it had been.

    Attributes:
        name: The field's standard name (`accuracy`, `expected_calibration_error`).
        value: The point estimate, or null when undefined.
        interval: The uncertainty, or null when none could be computed.
        n: The number of rows (or groups, or tensors) behind the value.
        unit: `proportion`, `nats`, `rows`, `bytes`, ...
        group: `column=value` when measured on that part only.
        problem: Why the value is null.
    """

    name: str
    value: float | None
    interval: Interval | None = None
    n: int = Field(ge=0)
    unit: str
    group: str | None = None
    problem: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _not_a_number(cls, data: Any) -> Any:
        value = data.get("value") if isinstance(data, dict) else None
        if isinstance(value, float) and not math.isfinite(value):
            shown = "not a number" if math.isnan(value) else "infinite"
            return {**data, "value": None, "interval": None, "problem": shown}
        return data

    @classmethod
    def exact(cls, name: str, value: float, *, n: int, unit: str) -> Measurement:
        """A number that has no sampling error because all of it was counted."""
        if not math.isfinite(value):
            return cls(name=name, value=value, n=n, unit=unit)
        interval = Interval(low=value, high=value, level=1.0, method="exact")
        return cls(name=name, value=value, interval=interval, n=n, unit=unit)


class TrainedModel(Record):
    """What training made. `folder` is relative to the run's folder."""

    folder: str
    base: ModelRef
    method: str
    parameters: dict[str, Any]
    seed: int
    steps: int
    epochs: float
    files: tuple[FileDigest, ...]
    precision: str
    measurements: tuple[Measurement, ...]
    cost: dict[str, float]
    privacy: dict[str, Any] | None = None


class Predictions(Record):
    """Predictions of one split on disk (Parquet): columns id, label, prediction, score.CLASS, group.COLUMN.

    Attributes:
        path: Relative to the run's folder.
        sha256: Of that file.
        split: Which part was predicted.
        rows: Rows in the file.
        classes: In the order of the model's outputs.
    """

    path: str
    sha256: str
    split: str
    rows: int
    classes: tuple[str, ...]


class Evaluation(Record):
    """Metrics of the model and of the baselines on one split.

    Attributes:
        status: `complete`, or `crashed` with `problem` saying why; a crashed evaluation proves nothing.
    """

    status: Literal["complete", "crashed"]
    split: str
    predictions: Predictions | None
    measurements: tuple[Measurement, ...]
    baselines: dict[str, tuple[Measurement, ...]]
    problem: str | None = None


class AuditResult(Record):
    """What one audit measured: never a verdict."""

    audit: str
    version: str
    status: Literal["complete", "not_applicable", "crashed"]
    parameters: dict[str, Any]
    measurements: tuple[Measurement, ...]
    findings: tuple[str, ...] = ()


class Subject(Record):
    """An artefact that a statement speaks of (in-toto ResourceDescriptor)."""

    name: str
    digest: dict[str, str]


class Statement(Record):
    """An in-toto Statement v1 (https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md)."""

    type: Literal["https://in-toto.io/Statement/v1"] = Field(
        default="https://in-toto.io/Statement/v1", alias="_type"
    )
    subject: tuple[Subject, ...]
    predicate_type: str = Field(alias="predicateType")
    predicate: dict[str, Any]


class ControlResult(Record):
    """One control of one pack, decided.

    Attributes:
        reasons: Sentences, each naming the figure or fact it stands on.
        questions: What to declare or bring where the status is `insufficient`.
        evidence: SHA-256 of the signed statements that were read for it.
    """

    pack: str
    control: str
    citation: str
    titles: dict[str, str]
    basis: str
    severity: Severity
    status: Status
    reasons: tuple[str, ...]
    questions: tuple[str, ...] = ()
    remedy: dict[str, str]
    evidence: tuple[str, ...] = ()


class Verdict(Record):
    """Every control of every chosen pack, decided on one day from the same evidence."""

    outcome: Outcome
    as_of: datetime.date
    facts: dict[str, Any]
    packs: dict[str, str]
    controls: tuple[ControlResult, ...]
