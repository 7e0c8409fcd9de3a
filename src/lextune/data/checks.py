"""Looks for what makes a score false: missing, repeated, conflicting and leaked rows, thin classes; it changes nothing."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from lextune.config import DataConfig
from lextune.data.admission import Gate
from lextune.data.audio.checks import odd_sounds, tell_speakers
from lextune.data.audio.speakers import settle_speakers
from lextune.data.columns import Ints, same
from lextune.data.dataset import Progress, Rows, load_rows, read_options
from lextune.data.feature_checks import check_features
from lextune.data.findings import PLACES, DataReport, Findings, Level, shown
from lextune.data.fingerprint import fingerprint, normalise
from lextune.data.formats import ReadContext
from lextune.data.personal.counted import ImageDataCount, PersonalDataCount, SoundDataCount
from lextune.data.personal.counting import count_personal
from lextune.data.quality.base import QualityInput, run_checks
from lextune.data.quality.results import QualityResult
from lextune.distributions import split_source
from lextune.labels import CLASSLESS, InputKind, LabelKind

#: A class with fewer rows, or a smaller share, is named: house figures, no law sets them.
FEW_ROWS, FEW_SHARE = 10, 0.01
#: More empty texts than this share mean a wrong column rather than a slip.
EMPTY_SHARE = 0.01
#: Groups of a column of which the rates are measured apart; more leave few rows for each.
MANY_GROUPS = 50
SHORT_TEXT, LONG_TEXT = 3, 20_000
#: Errors after which all rows are still there, so that parts can be compared.
_WHOLE = {
    "missing_label", "invalid_label", "bad_label", "bad_span", "overlapping_spans", "empty_text", "one_class",
    "no_classes", "nul", "unused_pin",
}  # fmt: skip
#: The parts; each is compared with those before it.
ORDER = ("train", "validation", "test")
_LOOKS_MISSING = {"null", "none", "na", "n/a", "nil", "<na>", "#n/a"}


@dataclass(frozen=True)
class Repeats:
    """Rows of one part that repeat each other.

    Attributes:
        copies: Rows whose text and label stand in an earlier row (by id), after normalising.
        conflicting: Rows whose text stands elsewhere with another label.
    """

    copies: Ints
    conflicting: Ints


@dataclass(frozen=True)
class Leaks:
    """Test rows whose text also stands among training rows, each in one list.

    Attributes:
        exact: The same text with the same label.
        normal: The same after width, case and spaces are made one, with the same label.
        conflicting: The same text, but only with another label.
    """

    exact: Ints
    normal: Ints
    conflicting: Ints

    def rows(self) -> Ints:
        """All of them, in order."""
        return np.sort(np.concatenate([self.exact, self.normal, self.conflicting]))


def find_repeats(rows: Rows) -> Repeats:
    """Repeated and conflicting rows; empty texts are not compared."""
    places = np.flatnonzero(~rows.empty)
    places = places[np.argsort(rows.ids[places])]
    (text,), label = same(rows.normal[places]), rows.labels.numbers[places]
    order = np.lexsort((label, text))  # stable: among equal ones the least id is first
    text, label, places = text[order], label[order], places[order]
    again = text[1:] == text[:-1]
    agrees = again & (label[1:] == label[:-1])
    conflicting = np.isin(text, text[1:][again & ~agrees])
    return Repeats(np.sort(places[1:][agrees]), np.sort(places[conflicting]))


def find_leaks(test: Rows, *seen: Rows) -> Leaks:
    """Which rows of `test` also stand in the other parts; empty texts are not compared."""
    parts = (test, *seen)
    number = {name: i for i, name in enumerate(sorted({n for p in parts for n in p.labels.names}))}
    texts = same(*(part.normal for part in parts))
    pairs = [
        text * len(number) + part.labels.numbered(number)
        for text, part in zip(texts, parts, strict=True)
    ]
    met = ~test.empty & np.isin(texts[0], np.concatenate(texts[1:]))
    agrees = met & np.isin(pairs[0], np.concatenate(pairs[1:]))
    wanted = np.unique(pairs[0][agrees])
    known = {
        written
        for part, pair in zip(seen, pairs[1:], strict=True)
        for written in _as_written(part, pair, np.flatnonzero(np.isin(pair, wanted)))
    }
    places = np.flatnonzero(agrees)
    found = [written in known for written in _as_written(test, pairs[0], places)]
    exact = np.array(found, bool)
    return Leaks(places[exact], places[~exact], np.flatnonzero(met & ~agrees))


def _as_written(rows: Rows, pairs: Ints, places: Ints) -> Iterator[tuple[int, bytes]]:
    """What rows of the same pair of text and label share if the text is the same to the letter."""
    for pair, text in zip(pairs[places].tolist(), rows.texts.take(places), strict=True):
        yield pair, hashlib.sha256(text.encode()).digest()[:16]


def check_rows(name: str, rows: Rows, findings: Findings) -> Repeats:
    """Report on one part as it was read."""
    _check_texts(name, rows, findings)
    for kind, severity, fact, what_to_do, odd in odd_sounds(name, rows):
        tell_rows(findings, kind, severity, fact, what_to_do, rows, odd)
    repeats = find_repeats(rows)
    if rows.records:
        tell_alike(name, rows, repeats, findings)
        tell_missing_groups(name, rows, findings)
        return repeats
    remedy = "remove all but one of each"
    if name == "train":
        remedy = f"set data.duplicates: drop, or {remedy}"
    tell_rows(findings, "duplicate", "warning", f"rows of {name} that repeat the {rows.noun} and label of another",
          remedy, rows, repeats.copies)  # fmt: skip
    tell_rows(findings, "conflicting_labels", "warning",
          f"rows of {name} whose {rows.noun} stands there with different labels",
          "decide on one label for each, or remove them", rows, repeats.conflicting)  # fmt: skip
    tell_missing_groups(name, rows, findings)
    return repeats


def tell_alike(name: str, rows: Rows, repeats: Repeats, findings: Findings) -> None:
    """Report on rows of features that are alike: two visits may be, so that nothing need be wrong with them."""
    none = "none is needed where they are of different people or visits; else remove all but one"
    drop = ", or set data.duplicates: drop" if name == "train" else ""
    tell_rows(findings, "duplicate", "info", f"rows of {name} with the features and label of another",
          none + drop, rows, repeats.copies)  # fmt: skip
    tell_rows(findings, "conflicting_labels", "info",
          f"rows of {name} whose features stand there with different labels",
          "none is needed where what is alike ends differently; no model can tell them apart", rows,
          repeats.conflicting)  # fmt: skip


def tell_missing_groups(name: str, rows: Rows, findings: Findings) -> None:
    """Report on rows without a group, and on columns of very many groups."""
    for column, values in {**rows.groups, **rows.bonds}.items():
        missing = np.flatnonzero(values.numbers < 0)
        tell_rows(findings, "missing_group", "warning", f"rows of {name} without a value in {column!r}",
              "fill it in; such rows are counted, and are in no group", rows, missing)  # fmt: skip
    for column, values in rows.groups.items():
        names = len(values.counts())
        if names > MANY_GROUPS:
            findings.add(
                "many_groups", "warning", f"{column!r} has {names:,} groups in the {len(rows):,} rows of {name}",
                "name a column of few groups in data.columns.group; one that only keeps rows together is "
                "data.columns.split_group or subject", count=names, unit="groups",
            )  # fmt: skip


def _check_texts(name: str, rows: Rows, findings: Findings) -> None:
    length, inside = rows.lengths
    empty = np.flatnonzero(rows.empty)
    if rows.records:
        tell_rows(findings, "empty_text", "warning", f"rows of {name} without any feature",
              "fill them in or remove them, and check data.columns.features", rows, empty)  # fmt: skip
        return
    severity: Level = "error" if len(empty) > EMPTY_SHARE * len(rows) else "warning"
    tell_rows(findings, "empty_text", severity, f"rows of {name} without text",
          "write the text there or remove the row, and check data.columns.text", rows, empty)  # fmt: skip
    tell_rows(findings, "short_text", "info", f"texts of {name} of fewer than {SHORT_TEXT} characters",
          "none is needed if they are meant", rows, np.flatnonzero((inside > 0) & (inside < SHORT_TEXT)))  # fmt: skip
    tell_rows(findings, "long_text", "info", f"texts of {name} of more than {LONG_TEXT:,} characters",
          "models cut them off; split them if their ends matter", rows, np.flatnonzero(length > LONG_TEXT))  # fmt: skip


def check_classes(name: str, rows: Rows, findings: Findings) -> None:
    """Report on the classes of the part that defines them: too few, too many, thin, alike."""
    if rows.kind in CLASSLESS:
        return
    counts = rows.classes.counts()
    counts.pop("", None)
    first = {label: rows.places[row] for label, row in rows.classes.first().items()}
    if not counts:
        _check_some(name, rows, findings)
        return
    if len(counts) == 1 and _tells_nothing(rows, *counts.values()):
        findings.add(
            "one_class", "error", f"{name} has one class only: {shown(next(iter(counts)))}",
            "give rows of at least two classes, and check data.columns.label", first[next(iter(counts))],
            unit="classes",
        )  # fmt: skip
        return
    # one image alone may show dozens of classes
    if rows.kind not in ("boxes", "mask") and len(rows) >= 50 and len(counts) > len(rows) / 2:
        findings.add(
            "too_many_classes", "error", f"{name} has {len(counts):,} classes in {len(rows):,} rows",
            "set data.columns.label to the column of the class", count=len(counts), unit="classes",
        )  # fmt: skip
        return
    few = max(FEW_ROWS, FEW_SHARE * len(rows)) if rows.kind == "class" else FEW_ROWS
    share = " or 1 %" if rows.kind == "class" else ""
    thin = [label for label, n in counts.items() if n < few]
    if thin:
        told = ", ".join(f"{shown(label)} has {counts[label]}" for label in thin[:10])
        for label in thin:
            findings.add(
                "thin_class", "warning",
                f"classes of {name} with fewer than {FEW_ROWS} rows{share}: {told}",
                "collect more rows of them, or merge classes with data.labels", first[label],
                unit="classes",
            )  # fmt: skip
    _check_names(name, counts, first, findings)


def _tells_nothing(rows: Rows, having: int) -> bool:
    """Whether a lone class leaves nothing to learn: every row, or every pixel, has it.

    Where its spans or boxes lie is always to be learnt.
    """
    return rows.kind in ("class", "mask") or (rows.kind == "classes" and having == len(rows))


def _check_some(name: str, rows: Rows, findings: Findings) -> None:
    if rows.kind != "class" and not findings.error_kinds() & {"missing_label", "bad_label"}:
        what = {"spans": "span", "boxes": "box"}.get(rows.kind, "class")
        findings.add(
            "no_classes", "error", f"no row of {name} has a {what}", "check data.columns.label",
            rows.places[0] if len(rows) else "", unit="parts",
        )  # fmt: skip


def _check_names(
    name: str, counts: dict[str, int], first: dict[str, str], findings: Findings
) -> None:
    alike: dict[str, list[str]] = defaultdict(list)
    for label in counts:
        try:
            alike[repr(float(label))].append(label)
        except ValueError:
            alike[normalise(label)].append(label)
        if label.casefold() in _LOOKS_MISSING:
            findings.add(
                "label_looks_missing", "warning", f"{name} has a class called {shown(label)}",
                "nothing, if it is a class; else fill the labels in", first[label], unit="classes",
            )  # fmt: skip
    for labels in alike.values():
        if len(labels) > 1:
            findings.add(
                "alike_classes", "warning",
                f"classes of {name} that differ in writing only: {', '.join(shown(label) for label in labels)}",
                "give them one name with data.labels", first[labels[1]], count=len(labels), unit="classes",
            )  # fmt: skip


def shared_bonds(rows: Rows, *seen: Rows) -> Ints:
    """Which rows have a group or a subject that also stands in the other parts."""
    found = np.zeros(len(rows), bool)
    for name, values in rows.bonds.items():
        known = {bond: 1 for part in seen for bond in part.bonds[name].counts()}
        found |= values.numbered(known) > 0
    return np.flatnonzero(found)


def check_known_classes(parts: Mapping[str, Rows], findings: Findings) -> None:
    """Report on classes that only one side has: train, or a part that is measured."""
    known = set(parts["train"].classes.counts())
    for name, rows in parts.items():
        if name == "train":
            continue
        classes = set(rows.classes.counts())
        for label in sorted(classes - known - {""}):
            of_label = np.flatnonzero(rows.classes.having({label}))
            tell_rows(findings, "unknown_class", "error", f"rows of {name} in a class that train has not: {shown(label)}",
                  "add rows of it to train, or rename it with data.labels", rows, of_label)  # fmt: skip
        absent = sorted(known - classes - {""})
        if absent:
            findings.add(
                "absent_class", "warning",
                f"classes of train that {name} has not: {', '.join(shown(label) for label in absent[:10])}",
                f"add rows of them to {name}; without, nothing is measured for them", count=len(absent),
                unit="classes",
            )  # fmt: skip


def check_between(parts: Mapping[str, Rows], findings: Findings) -> Leaks | None:
    """Report on classes and rows across parts; the leaks are those of test, where there is a test part."""
    train = parts["train"]
    check_known_classes(parts, findings)
    for name, rows in parts.items():
        others = [other for known, other in parts.items() if known in ORDER[: ORDER.index(name)]]
        tell_rows(findings, f"shared_{name}_groups", "warning",
              f"of {len(rows):,} rows of {name}, those whose split_group, subject or speaker stands in an earlier part too",
              f"keep each group in one part, or set data.{name}: null so that it is cut by group: the score "
              "is too good", rows, shared_bonds(rows, *others))  # fmt: skip
    if "validation" in parts:
        _tell_leaks(
            "validation", parts["validation"], find_leaks(parts["validation"], train), findings
        )
    if "test" not in parts:
        return None
    seen = [rows for name, rows in parts.items() if name != "test"]
    leaks = find_leaks(parts["test"], *seen)
    _tell_leaks("test", parts["test"], leaks, findings)
    return leaks


def _tell_leaks(name: str, rows: Rows, leaks: Leaks, findings: Findings) -> None:
    where = "train" if name == "validation" else "train or validation"
    option = "data.leakage: drop_from_train" if name == "test" else f"data.{name}: null"
    remedy = f"remove them from one of the parts, or set {option}"
    total = f"of {len(rows):,} rows of {name}"
    tell_rows(findings, f"leaked_{name}_rows", "warning", f"{total}, those that stand in {where} as well",
          remedy, rows, leaks.exact)  # fmt: skip
    tell_rows(findings, f"leaked_{name}_rows_normalised", "warning",
          f"{total}, those that stand in {where} but for width, case or spaces", remedy, rows, leaks.normal)  # fmt: skip
    tell_rows(findings, f"leaked_{name}_rows_conflicting", "warning",
          f"{total}, those that stand in {where} with another label", remedy, rows, leaks.conflicting)  # fmt: skip


def tell_rows(
    findings: Findings,
    kind: str,
    severity: Level,
    fact: str,
    remedy: str,
    rows: Rows,
    at: Ints,
) -> None:
    """Add rows to the findings, with the places of as many as are shown."""
    for row in at[:PLACES].tolist():
        findings.add(kind, severity, fact, remedy, rows.places[row])
    if len(at) > PLACES:
        findings.add(kind, severity, fact, remedy, count=len(at) - PLACES)


def given_parts(config: DataConfig) -> dict[str, tuple[str, ...]]:
    """The parts that the config names sources for; train first."""
    named = {"train": config.train, "validation": config.validation, "test": config.test}
    return {name: sources for name, sources in named.items() if sources is not None}


def read_parts(
    config: DataConfig, context: ReadContext, progress: Progress | None = None
) -> dict[str, Rows]:
    """Every given part, read and checked row by row; errors are in the context's findings."""
    parts: dict[str, Rows] = {}
    if context.gate is not None:
        context.gate.require_in_time()
    for name, sources in given_parts(config).items():
        parts[name] = load_rows(sources, config, context, progress)
    context.settle()
    parts = settle_speakers(parts)
    tell_speakers(parts, config, context.findings)
    if context.gate is not None:
        context.gate.finish(context.findings)
    tell_unused(config, context)
    return parts


def tell_unused(config: DataConfig, context: ReadContext) -> None:
    """Report names of classes and pinned files of the config that were not met."""
    for old in config.labels:
        if old not in context.renamed:
            context.findings.add(
                "unused_rename", "warning", f"data.labels renames {shown(old)}, which no row has",
                "check its spelling", unit="names",
            )  # fmt: skip
    words = [word for given in given_parts(config).values() for word in given]
    inside = {split_source(word)[1] for word in words if word.startswith("pypi:")}
    for pin in config.sha256:
        if pin not in {file.path for file in context.files} | inside | set(words):
            context.findings.add(
                "unused_pin", "error", f"data.sha256 pins {pin!r}, which was not read",
                "write the path as in data.train", unit="pins",
            )  # fmt: skip


def check_path(
    config: DataConfig,
    progress: Progress | None = None,
    kind: LabelKind = "class",
    gate: Gate | None = None,
    inputs: InputKind = "text",
) -> DataReport:
    """Everything that can be said of the data of a config without a model; errors are in the report, not raised.

    Raises:
        MissingExtraError: A distribution or an extra is not installed.
        VerificationError: A file is not the pinned one.
        DataError: The data is past its retention.
    """
    if inputs == "history":
        from lextune.data.events.prepare import check_events

        return check_events(config, progress, gate)
    context = ReadContext(read_options(config, kind, inputs), Findings(), gate=gate or Gate(config))
    parts = read_parts(config, context, progress)
    check_parts(parts, context.findings)
    quality: tuple[QualityResult, ...] = ()
    if context.findings.error_kinds() <= _WHOLE:
        given = QualityInput(parts, parts["train"], config.quality)
        quality = run_checks(given, context.findings, progress)
    count = count_personal(parts, config, context.findings)
    report = make_report(parts, context, count)
    return report.model_copy(
        update={"columns": config.columns.model_dump(mode="json"), "quality": quality}
    )


def check_parts(parts: Mapping[str, Rows], findings: Findings) -> dict[str, Repeats]:
    """Report on parts as they were read, each alone and, where all were read whole, against each other."""
    repeats = {name: check_rows(name, rows, findings) for name, rows in parts.items()}
    if (
        findings.error_kinds() <= _WHOLE
    ):  # else what is missing may be in the rows that were not read
        check_classes("train", parts["train"], findings)
        if parts["train"].records:
            check_features(parts["train"], findings)
    if len(parts) > 1 and findings.error_kinds() <= _WHOLE:
        check_between(parts, findings)
    return repeats


def make_report(
    parts: Mapping[str, Rows],
    context: ReadContext,
    personal: PersonalDataCount | ImageDataCount | SoundDataCount | None = None,
) -> DataReport:
    """The report on parts as they were read."""
    if context.redaction is not None:
        context.redaction.tell(context.findings)
    return DataReport(
        rows=sum(len(rows) for rows in parts.values()),
        parts={name: len(rows) for name, rows in parts.items()},
        classes={name: _shown_classes(rows) for name, rows in parts.items()},
        problems=context.findings.problems(),
        encodings=context.encodings,
        unreadable=context.unreadable,
        personal_data=personal,
        fingerprints={name: fingerprint(rows.digests) for name, rows in parts.items()},
        files=tuple({file.path: file for file in context.files}.values()),
    )


def _shown_classes(rows: Rows) -> dict[str, int]:
    """Rows per class, without the texts that a wrong label column may hold."""
    counts = Counter[str]()
    for label, count in rows.classes.counts().items():
        counts[label if len(label) <= 40 and label.isprintable() else shown(label)] += count
    return dict(counts)
