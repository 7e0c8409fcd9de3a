"""Turns a config's data section into checked, split, fingerprinted parts; it knows no model and no metric."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lextune.config import DataConfig
from lextune.data import splits
from lextune.data.admission import Gate
from lextune.data.audio.speakers import rows_of_known_speakers, settle_speakers, speakers_of
from lextune.data.binding import check_against_report
from lextune.data.catalogue import find_licence
from lextune.data.checks import (
    ORDER,
    Leaks,
    check_classes,
    check_known_classes,
    check_parts,
    check_rows,
    find_leaks,
    find_repeats,
    given_parts,
    make_report,
    read_parts,
    shared_bonds,
    tell_rows,
)
from lextune.data.columns import Keys, Names, Texts, same
from lextune.data.dataset import Progress, Rows, load_rows, read_options
from lextune.data.findings import DataReport, Findings
from lextune.data.fingerprint import fingerprint
from lextune.data.formats import RawRow, ReadContext, ReadOptions
from lextune.data.opening import read_source
from lextune.data.personal.counted import ImageDataCount, PersonalDataCount, SoundDataCount
from lextune.data.personal.counting import count_personal, measure_personal
from lextune.data.planting import measure_canaries, plant, refuse_canaries
from lextune.data.quality.base import QualityInput, run_checks
from lextune.data.redaction.rows import make_redaction
from lextune.data.sources import find_sources
from lextune.errors import DataError, Problem
from lextune.labels import CLASSLESS, InputKind, LabelKind
from lextune.records import DatasetRef, FileDigest, Measurement

if TYPE_CHECKING:
    import pyarrow as pa

    from lextune.canaries import Canaries


@dataclass(frozen=True)
class SubjectRows:
    """Whom the rows of one part are about, row by row; in memory alone, never in the evidence."""

    part: str
    subjects: Names
    ids: Keys
    places: Texts


@dataclass(frozen=True)
class Prepared:
    """Data that is ready for training.

    Attributes:
        ref: What goes into the evidence.
        parts: `train`, `validation`, `test`: tables as `dataset.Rows.table` makes them.
        report: What the checks found in the rows as read (before sampling and splitting).
        measurements: Exact counts, by standard name.
        leaked_ids: Ids of test rows whose text also stands in train or validation as they are used.
        subjects: Whom the rows of each part are about, where a column says so; empty otherwise.
        known: Of histories: one row of each user with all events of train and validation, which baselines learn from.
        canaries: What was planted into train, and what was held back; None where nothing was.
    """

    ref: DatasetRef
    parts: dict[str, pa.Table]
    report: DataReport
    measurements: tuple[Measurement, ...]
    leaked_ids: tuple[str, ...]
    subjects: tuple[SubjectRows, ...] = ()
    known: pa.Table | None = None
    canaries: Canaries | None = None


@dataclass(frozen=True)
class LabelledRows:
    """Rows with labels that are not split: test data brought to a finished model."""

    table: pa.Table
    report: DataReport
    files: tuple[FileDigest, ...]
    fingerprint: str


def prepare(
    config: DataConfig, progress: Progress | None = None, scratch: Path | None = None,
    kind: LabelKind = "class", gate: Gate | None = None, inputs: InputKind = "text",
) -> Prepared:  # fmt: skip
    """Read, check and split.

    Steps: read every given part; report all errors at once; take the sample; cut test, then validation,
    where none is given; drop what the config says to drop; count leaks; plant the canaries that the config asks
    for. All is seeded and independent of the order of rows and of the file format.

    Args:
        config: The `data` section.
        progress: Told, in a few words, what goes on.
        scratch: On whose disk the texts lie, in files without a name; None is the system's folder of temporary files.
        kind: What one label means; several classes and spans are in `label` as `lextune.labels` writes them.
        gate: Which rows may be used; None asks for consent as of today, where that is the basis.
        inputs: What a row is.

    Raises:
        DataError: Every error that the checks found, with places and remedies; too few rows; past its retention.
        MissingExtraError: A distribution or an extra is not installed.
        VerificationError: A file is not the pinned one, or the data are not those of `data.report`.
    """
    if inputs == "history":
        from lextune.data.events.prepare import prepare_events

        refuse_canaries(config.canaries)
        return prepare_events(config, progress, scratch, gate)
    tell = progress or (lambda _: None)
    gate = gate or Gate(config)
    context = ReadContext(
        read_options(config, kind, inputs), Findings(), scratch=scratch, gate=gate,
        redaction=make_redaction(config),
    )  # fmt: skip
    findings = context.findings
    parts = read_parts(config, context, progress)
    checked = {} if findings.has_errors() else check_against_report(config, parts)
    tell(f"checking {sum(len(rows) for rows in parts.values()):,} rows")
    counted = _repeats(parts, findings)
    if inputs == "text":
        counted["empty_text_rows"] = sum(int(rows.empty.sum()) for rows in parts.values())
    tell("splitting")
    used, dropped, found = _used(parts, config)
    left = find_leaks(used["test"], used["train"], used["validation"])
    in_order = {name: used[name] for name in ORDER}
    given = QualityInput(in_order, parts["train"], config.quality, scratch)
    quality = run_checks(given, findings)
    findings.raise_errors()
    personal = count_personal(parts, config, findings)
    used, canaries = plant(used, config.canaries, inputs, scratch, findings)
    report = _report(parts, used, context, personal).model_copy(
        update={
            "columns": config.columns.model_dump(mode="json"),
            "quality": quality,
            "checked_report": checked,
        }
    )
    left_out = Measurement.exact(
        "unreadable_rows", report.unreadable, n=report.rows + report.unreadable, unit="rows"
    )
    measurements = (
        *_measure(used, dropped, (found, left), counted, report.rows),
        *(one for result in quality for one in result.measurements),
        *measure_personal(personal),
        left_out,
        *gate.measurements(),
        *measure_canaries(canaries),
    )
    leaked = np.sort(used["test"].ids[left.rows()])
    return Prepared(
        ref=make_reference(config, used, context, gate, tuple(used["train"].classes.counts())),
        parts={name: used[name].table(scratch) for name in ORDER},
        report=report,
        measurements=measurements,
        leaked_ids=tuple(leaked.astype(str).tolist()),
        subjects=_subjects(used, config.columns.subject),
        canaries=canaries,
    )


def load_labelled(
    sources: tuple[str, ...],
    config: DataConfig,
    classes: tuple[str, ...] = (),
    progress: Progress | None = None,
    kind: LabelKind = "class",
    inputs: InputKind = "text",
) -> LabelledRows:
    """Read and check rows that a finished model is measured on; nothing is split or dropped.

    Args:
        sources: As in `data.test`.
        config: Columns, format, encoding, filters and renames are taken from it.
        classes: What the model knows; a row of another class is an error.
        progress: Told what goes on.
        kind: As in `prepare`, like `inputs`.

    Raises:
        DataError: Every error that the checks found.
    """
    if inputs == "history":
        from lextune.data.events.prepare import load_events

        return load_events(sources, config, classes, progress)
    context = ReadContext(read_options(config, kind, inputs), Findings())
    rows = load_rows(sources, config, context, progress)
    rows = settle_speakers({"test": rows})["test"]
    context.settle()
    check_rows("test", rows, context.findings)
    if classes:
        foreign = rows.classes.having(set(rows.classes.names) - {"", *classes})
        tell_rows(
            context.findings, "unknown_class", "error", "rows of a class that the model does not know",
            f"rename it with data.labels; the model knows {', '.join(classes[:20])}", rows, np.flatnonzero(foreign),
        )  # fmt: skip
    context.findings.raise_errors()
    report = make_report({"test": rows}, context)
    return LabelledRows(rows.table(), report, tuple(context.files), fingerprint(rows.digests))


def stream_rows(
    source: str, options: ReadOptions | None = None, context: ReadContext | None = None
) -> Iterator[RawRow]:
    """The rows of one source for prediction, in their order, one block in memory at a time.

    Args:
        source: A path, a glob, `pypi:PACKAGE/PATH`, or `-` for JSONL on standard input.
        options: Columns and encoding; `label=None` asks for no label. The default wants `text` alone.
        context: To read encodings and digests from afterwards; made where none is given.

    Raises:
        DataError: At the first record that cannot be read, after the rows before it were yielded.
    """
    context = context or ReadContext(
        options or ReadOptions(label=None), Findings(stop_at_error=True)
    )
    if context.options.input_kind == "history":
        from lextune.data.events.prepare import stream_histories

        yield from stream_histories((source,), context.options, context)
        return
    for found in find_sources((source,), context):
        yield from read_source(found, context)


def _repeats(parts: dict[str, Rows], findings: Findings) -> dict[str, int]:
    """Check every part, and count the rows that stand in it again.

    Raises:
        DataError: Every error that was found so far.
    """
    repeats = check_parts(parts, findings)
    findings.raise_errors()
    return {
        "duplicate_rows": sum(len(item.copies) for item in repeats.values()),
        "conflicting_rows": sum(len(item.conflicting) for item in repeats.values()),
    }


def _used(parts: dict[str, Rows], config: DataConfig) -> tuple[dict[str, Rows], int, Leaks]:
    """The parts as they are used; how many rows were dropped from train and validation; leaks before that."""
    seed = config.split.seed
    train = parts["train"]
    if config.sample is not None:
        train = train.take(splits.sample(train.ids, train.strata, config.sample, seed))
    used = {**parts, "train": train}
    if "test" not in used:
        used["test"], used["train"] = _cut(used["train"], config.split.test, config, "test")
    if "validation" not in used:
        used["validation"], used["train"] = _cut(
            used["train"], config.split.validation, config, "validation"
        )
    before = len(used["train"]) + len(used["validation"])
    if config.duplicates == "drop":
        rows = used["train"]
        used["train"] = rows.take(np.delete(np.arange(len(rows)), find_repeats(rows).copies))
    found = find_leaks(used["test"], used["train"], used["validation"])
    if config.leakage == "drop_from_train":
        secret = used["test"].normal[found.rows()]
        for name in ("train", "validation"):
            rows = used[name]
            used[name] = rows.take(np.flatnonzero(~np.isin(rows.normal, secret)))
    dropped = before - len(used["train"]) - len(used["validation"])
    return used, dropped, found


def _cut(rows: Rows, share: float, config: DataConfig, purpose: str) -> tuple[Rows, Rows]:
    bonds = dict(rows.bonds)
    speakers = speakers_of(rows)
    if speakers is not None and config.split.method == "random":
        bonds = {name: column for name, column in bonds.items() if column is not speakers}
    keys = splits.bind(rows.ids, *same(rows.normal), *(column.numbers for column in bonds.values()))
    if speakers is not None and len(rows) > 1 and len(np.unique(keys)) == 1:
        raise DataError(
            Problem(
                f"one speaker cannot be cut into {purpose} and the rest",
                f"give more speakers, set data.{purpose} to a file of its own, or set data.split.method: random, "
                "which measures on voices that training has heard",
                "rows of one speaker stay in one part",
            )
        )
    classes = None if rows.kind in ("class", *CLASSLESS) else rows.classes
    taken, rest = splits.cut(
        rows.ids, rows.strata, keys, share, config.split.seed, purpose, classes
    )
    if not len(taken) or not len(rest):
        raise DataError(
            Problem(
                f"{len(rows)} rows are too few to cut {purpose} from",
                f"give more rows, or set data.{purpose} to a file of its own",
            )
        )
    return rows.take(taken), rows.take(rest)


def _report(
    parts: dict[str, Rows],
    used: dict[str, Rows],
    context: ReadContext,
    personal: PersonalDataCount | ImageDataCount | SoundDataCount | None,
) -> DataReport:
    """The report on the rows as read, and what sampling, cutting and dropping left undone.

    Raises:
        DataError: A part has no rows left, or train lost a class.
    """
    after = Findings()
    for name in ORDER:
        if not len(used[name]):
            after.add(
                "no_rows", "error", f"no rows are left for {name}",
                "give more rows, or a larger data.sample; with data.leakage: drop_from_train, other test rows",
                unit="parts",
            )  # fmt: skip
    if not after.has_errors():
        check_classes("train", used["train"], after)
        check_known_classes(used, after)
    after.raise_errors()
    report = make_report(parts, context, personal)
    known = {(item.kind, item.fact) for item in report.problems}
    absent = [
        item
        for item in after.problems()
        if item.kind == "absent_class" and (item.kind, item.fact) not in known
    ]
    return report.model_copy(update={"problems": (*report.problems, *absent)})


def _measure(
    used: dict[str, Rows],
    dropped: int,
    leaks: tuple[Leaks, Leaks],
    counted: dict[str, int],
    read: int,
) -> tuple[Measurement, ...]:
    total, test = sum(len(rows) for rows in used.values()), len(used["test"])
    found, left = leaks

    def count(name: str, value: int, n: int) -> Measurement:
        return Measurement.exact(name, value, n=n, unit="rows")

    return (
        *(count(f"{name}_rows", len(used[name]), len(used[name])) for name in ORDER),
        count("leaked_test_rows", len(left.rows()), test),
        count("leaked_test_rows_found", len(found.rows()), test),
        count("leaked_test_rows_conflicting", len(left.conflicting), test),
        count("dropped_train_rows", dropped, total + dropped),
        *(count(name, value, read) for name, value in counted.items()),
        *_shared(used, test),
    )


def _shared(used: dict[str, Rows], n: int) -> tuple[Measurement, ...]:
    """Measured only where groups or subjects are known: without them nobody can say that none is shared.

    Of sounds it is asked of speakers, and is null where no column says who speaks.
    """
    found = []
    test, seen = used["test"], (used["train"], used["validation"])
    if test.bonds:
        shared = shared_bonds(test, *seen)
        found.append(Measurement.exact("shared_group_test_rows", len(shared), n=n, unit="rows"))
    if test.sounds is not None:
        again = rows_of_known_speakers(test, seen)
        name, unit = "shared_speaker_test_rows", "rows"
        found.append(
            Measurement(name=name, value=None, n=0, unit=unit, problem="no column says who speaks")
            if again is None
            else Measurement.exact(name, again, n=n, unit=unit)
        )
    return tuple(found)


def _subjects(used: dict[str, Rows], column: str | None) -> tuple[SubjectRows, ...]:
    if column is None:
        return ()
    return tuple(
        SubjectRows(name, rows.bonds[column], rows.ids, rows.places) for name, rows in used.items()
    )


def make_reference(
    config: DataConfig,
    used: dict[str, Rows],
    context: ReadContext,
    gate: Gate,
    classes: tuple[str, ...],
) -> DatasetRef:
    """What the evidence says of the parts as they are used; `classes` are the names of what may be answered."""
    words = tuple(dict.fromkeys(word for words in given_parts(config).values() for word in words))
    files = tuple({file.path: file for file in context.files}.values())
    declared_in = "the config"
    if config.manifest is not None:
        declared_in += f" or the data manifest {Path(config.manifest).name}"
    return DatasetRef(
        sources=words,
        files=files,
        licence=find_licence(config.licence, words, files, context.layouts, declared_in),
        lawful_basis=config.lawful_basis,
        fingerprint=fingerprint(np.concatenate([rows.digests for rows in used.values()])),
        columns=config.columns.model_dump(mode="json"),
        classes=classes,
        splits={name: used[name].split() for name in ORDER},
        encodings=context.encodings,
        origin=gate.origin(),
        redaction=None if context.redaction is None else context.redaction.record(),
    )
