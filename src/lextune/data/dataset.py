"""Holds rows as columns, and builds them from what readers yield; it knows no file format and no split."""

from __future__ import annotations

import functools
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from lextune.config import DataConfig
from lextune.data.admission import consent_columns
from lextune.data.audio.looking import START, STOP, SoundColumns, SoundReading
from lextune.data.audio.speakers import SPEAKERS, SpeakerReading, speaker_column
from lextune.data.columns import Ints, Keys, Members, NameList, Names, Spool, Texts
from lextune.data.fingerprint import fingerprint, normal_digest, row_digest, row_ids
from lextune.data.formats import RawRow, ReadContext, ReadOptions, Source
from lextune.data.images.looking import ImageColumns, ImageReading
from lextune.data.labelling import UnfitLabelError, is_not_finite, read_label
from lextune.data.looking import look_at
from lextune.data.opening import read_source
from lextune.data.records import feature_cells
from lextune.data.redaction.rows import make_redaction
from lextune.data.sources import find_sources
from lextune.errors import ConfigError, Problem
from lextune.extras import need
from lextune.features import write_features
from lextune.labels import InputKind, LabelKind, classes_in
from lextune.records import Split

if TYPE_CHECKING:
    import pyarrow as pa

    from lextune.data.images.probe import Probe

Progress = Callable[[str], None]
#: Rows that data.redact does not reach, and what to do instead.
_UNREDACTED: Mapping[str, str] = {
    "image": "leave it out, and write the images again without their metadata: lextune data redact",
    "record": "leave it out, and name the columns without personal data in data.columns.features",
    "audio": "leave it out, and remove the rows or cut the sounds: what is taken out of a transcript is still heard",
}
_NOUNS: Mapping[str, str] = {"image": "images", "audio": "sounds", "record": "named features"}
_REPORT_EVERY = 50_000


@dataclass(frozen=True)
class Rows:
    """Rows of one part, column by column; all columns have the same length, and no text is in memory.

    Attributes:
        texts: An empty cell is the empty text.
        labels: Class names, or cells of several classes or of spans; empty only where an error was reported.
        groups: Group column to values.
        bonds: Columns whose equal values bind rows to one part.
        places: Where each row stands.
        digests: See `fingerprint.row_digest`; 32 bytes a row.
        normal: What rows of equal text share, see `fingerprint.normal_digest`; 16 bytes a row.
        lengths: Characters of each text, shape (2, rows): all, and without white space at its ends.
        ids: Content-based, see `fingerprint.row_ids`; unique in one part as it was read.
        kind: What one of the labels means.
        images: What is known of the rows' images; None where rows are none. The text of an image is the digest
            of its file.
        sounds: The same of sounds; a piece of a file has its times behind the digest.
        records: Whether a text is a row of named features, see `lextune.features`.
    """

    texts: Texts
    labels: Names
    groups: dict[str, Names]
    bonds: dict[str, Names]
    places: Texts
    digests: Keys
    normal: Keys
    lengths: npt.NDArray[np.int32]
    ids: Keys
    kind: LabelKind = "class"
    images: ImageColumns | None = None
    sounds: SoundColumns | None = None
    records: bool = False

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def noun(self) -> str:
        """What a row is, for messages."""
        if self.sounds is not None or self.records:
            return "record" if self.records else "sound"
        return "text" if self.images is None else "image"

    @property
    def empty(self) -> npt.NDArray[np.bool_]:
        """Where a text is nothing but white space."""
        found: npt.NDArray[np.bool_] = self.lengths[1] == 0
        return found

    @functools.cached_property
    def classes(self) -> Members:
        """The classes or types of each row."""
        if self.kind == "class":
            return Members.of_names(self.labels)
        return Members.of_cells(
            self.labels, lambda cell: classes_in(self.kind, cell) if cell else ()
        )

    @property
    def strata(self) -> Names:
        """What parts are cut and samples are drawn by: the class, or the rarest of the row's."""
        return self.labels if self.kind == "class" else self.classes.rarest()

    def take(self, rows: Ints) -> Rows:
        """Those rows, in that order."""
        return Rows(
            self.texts.take(rows), self.labels.take(rows),
            {name: column.take(rows) for name, column in self.groups.items()},
            {name: column.take(rows) for name, column in self.bonds.items()},
            self.places.take(rows), self.digests[rows], self.normal[rows], self.lengths[:, rows], self.ids[rows],
            self.kind, None if self.images is None else self.images.take(rows),
            None if self.sounds is None else self.sounds.take(rows), self.records,
        )  # fmt: skip

    def split(self) -> Split:
        """The record of these rows."""
        return Split(
            rows=len(self), classes=self.classes.counts(), fingerprint=fingerprint(self.digests)
        )

    def table(self, scratch: Path | None = None) -> pa.Table:
        """Columns id, text, label, group.NAME ..., where; sorted by id, so that a file's order is no matter.

        Rows of images have the paths `image` and `mask` and the upright `width` and `height` in pixels, too; those
        of sounds `audio` (the path), `sha256`, `start` and `stop` (seconds as text; the end of the file is empty) and
        `seconds`.

        The wide ones are mapped from files without a name on the disk of `scratch`.
        """
        arrow = need("data", "pyarrow")
        rows = self.take(np.argsort(self.ids))
        return arrow.table(
            {
                "id": arrow.array(rows.ids).cast(arrow.string()),
                "text": _in_order(rows.texts, scratch),
                "label": rows.labels.array(),
                **{f"group.{name}": column.array() for name, column in rows.groups.items()},
                "where": _in_order(rows.places, scratch),
                **({} if rows.images is None else rows.images.table_columns()),
                **({} if rows.sounds is None else rows.sounds.table_columns()),
            }
        )


def _in_order(texts: Texts, scratch: Path | None) -> pa.LargeStringArray:
    with Spool(scratch) as spool:
        spool.extend(texts)
        return spool.column().column


class _Reading:
    """Rows of one part as they are read."""

    def __init__(self, config: DataConfig, context: ReadContext) -> None:
        self.config, self.context = config, context
        columns = config.columns
        self.texts, self.places = Spool(context.scratch), Spool(context.scratch)
        self.labels = NameList()
        self.groups = {name: NameList() for name in columns.group}
        self.bonds = {name: NameList() for name in columns.bonds}
        self.digests, self.normal = bytearray(), bytearray()
        self.lengths = array("i"), array("i")
        kind = context.options.input_kind
        self.records = kind == "record"
        self.images = ImageReading(config, context) if kind == "image" else None
        self.sounds = SoundReading(context) if kind == "audio" else None
        self.speakers = SpeakerReading(columns.speaker) if kind == "audio" else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.texts.__exit__(*error)
        self.places.__exit__(*error)
        for files in (self.images, self.sounds):
            if files is not None:
                files.close()

    def __len__(self) -> int:
        return len(self.lengths[0])

    def add(self, raw: RawRow, looked: Any = None) -> None:
        """One more; what is wrong with its label or file goes to the context's findings.

        Args:
            raw: As a reader yields it.
            looked: What `looking.look_at` saw in its file.
        """
        config, values = self.config, raw.values
        cell = values.get(config.columns.label) or ""
        before = self.context.unreadable
        mask, empty = "", False
        if self.images is not None:
            probe = self.images.accept(looked, raw)
            if probe is None:
                return
            text = f"sha256:{probe.sha256}"
            label, mask = self._image_label(cell, probe, raw.where)
        elif self.sounds is not None:
            sound = self.sounds.accept(looked, raw)
            if sound is None:
                return
            text = sound.text
            label = self._label(cell, text, raw.where)
        elif self.records:
            features = feature_cells(values, config.columns)
            text = write_features(features)
            empty = not any(one and one.strip() for one in features.values())
            label = self._label(cell, text, raw.where)
        else:
            text = values.get(config.columns.text) or ""
            label = self._label(cell, text, raw.where)
        if config.unreadable and self.context.unreadable > before:
            return
        if self.images is not None:
            self.images.add(values[self.context.options.text] or "", mask)
        if self.sounds is not None and self.speakers is not None:
            self.sounds.add(values[self.context.options.text] or "")
            self.speakers.add(values)
        groups = {name: values.get(name) or None for name in self.groups}
        self.texts.add(text)
        self.labels.add(label)
        for name, value in groups.items():
            self.groups[name].add(value)
        for name, column in self.bonds.items():
            column.add(values.get(name) or None)
        self.places.add(raw.where)
        self.digests += row_digest(text, label, groups)
        self.normal += normal_digest(text)
        self.lengths[0].append(len(text))
        self.lengths[1].append(0 if empty else len(text.strip()))

    def _label(self, cell: str, text: str, where: str) -> str:
        config, kind = self.config, self.context.options.label_kind
        if (
            kind == "transcript"
        ):  # whatever is said is no name: neither renamed nor taken for a number
            if not cell.strip():
                _tell_missing_label(where, config, self.context)
            return cell
        if kind == "class" or not cell.strip():
            label = self._renamed(cell)
            _check_label(label, where, config, self.context)
            return label
        try:
            label, names = read_label(
                cell, kind, text, rename=self._renamed, separator=config.label_separator
            )
        except UnfitLabelError as error:
            self.context.skip(error.kind, error.fact, error.remedy, where)
            return ""
        for name in names:
            _check_label(name, where, config, self.context)
        return label

    def _image_label(self, cell: str, probe: Probe, where: str) -> tuple[str, str]:
        """The label of an image in its one form, and the path of its mask, where it has one."""
        kind = self.context.options.label_kind
        assert self.images is not None
        if kind not in ("boxes", "mask") or not cell.strip():
            return self._label(cell, "", where), ""
        try:
            label, names, mask = self.images.read_label(cell, kind, probe, self._renamed)
        except UnfitLabelError as error:
            self.context.skip(error.kind, error.fact, error.remedy, where)
            return "", ""
        for name in names:
            _check_label(name, where, self.config, self.context)
        return label, mask

    def _renamed(self, name: str) -> str:
        if name in self.config.labels:
            self.context.renamed.add(name)
            return self.config.labels[name]
        return name

    def _sound_columns(self) -> SoundColumns | None:
        if self.sounds is None or self.speakers is None:
            return None
        return self.sounds.columns(self.speakers.name)

    def rows(self) -> Rows:
        """All of them."""
        digests = np.frombuffer(self.digests, "S32")
        return Rows(
            self.texts.column(), self.labels.column(),
            {name: column.column() for name, column in self.groups.items()},
            {name: column.column() for name, column in self.bonds.items()}
            | ({} if self.speakers is None else self.speakers.columns()),
            self.places.column(), digests, np.frombuffer(self.normal, "S16"),
            np.array(self.lengths, np.int32), row_ids(digests), self.context.options.label_kind,
            None if self.images is None else self.images.columns(),
            self._sound_columns(), self.records,
        )  # fmt: skip


def read_options(
    config: DataConfig, kind: LabelKind = "class", inputs: InputKind = "text"
) -> ReadOptions:
    """What a config asks of readers, for a task with labels and rows of these kinds.

    Raises:
        ConfigError: It asks to redact texts, and rows are images or sounds.
    """
    columns = config.columns
    if inputs in _UNREDACTED and config.redact is not None:
        raise ConfigError(
            Problem(
                f"data.redact takes personal data out of texts, and rows are {_NOUNS[inputs]}",
                _UNREDACTED[inputs],
            )
        )
    options = dict.fromkeys(config.where, "data.where")
    for key, name in (("subject", columns.subject), ("split_group", columns.split_group)):
        if name is not None:
            options[name] = f"data.columns.{key}"
    if inputs == "audio":
        options |= speaker_column(columns)
    if inputs == "history":
        from lextune.data.events.reading import EventColumns, event_options

        options = event_options(config, options)
        kind = "items"
    if inputs == "record":
        options |= dict.fromkeys(columns.features, "data.columns.features")
    options |= dict.fromkeys(columns.group, "data.columns.group")
    options |= dict.fromkeys(columns.sensitive, "data.columns.sensitive") | consent_columns(config)
    return ReadOptions(
        options=options,
        text={"image": columns.image, "audio": columns.audio, "record": ""}.get(
            inputs, columns.text
        ),
        everything=inputs == "record" and not columns.features,
        label=None if inputs == "history" else columns.label,
        events=EventColumns.of(columns) if inputs == "history" else None,
        label_kind=kind,
        input_kind=inputs,
        images=config.images,
        audio=config.audio,
        optional=(START, STOP, *SPEAKERS) if inputs == "audio" else (),
        others=tuple(options),
        format=config.format,
        encoding=config.encoding,
        delimiter=config.delimiter,
        tag_scheme=config.tag_scheme,
        token_suffix=config.token_suffix,
        token_joiner=config.token_joiner,
        unreadable=config.unreadable,
        pins=config.sha256,
    )


def load_rows(
    given: tuple[str, ...],
    config: DataConfig,
    context: ReadContext,
    progress: Progress | None = None,
) -> Rows:
    """Every row of some sources that `data.where` keeps; what is wrong goes to the context's findings.

    Raises:
        MissingExtraError: A distribution or an extra is not installed.
        VerificationError: A file is not the pinned one.
    """
    left_out = context.unreadable
    with _Reading(config, context) as reading:
        for source in find_sources(given, context):
            before = len(reading)
            for raw, looked in look_at(_kept(source, config, context), context):
                reading.add(raw, looked)
                if progress is not None and len(reading) % _REPORT_EVERY == 0:
                    progress(f"read {len(reading):,} rows")
            if progress is not None:
                progress(f"read {len(reading) - before:,} rows of {source.name}")
        rows = reading.rows()
    left_out = context.unreadable - left_out
    context.too_many |= left_out > config.unreadable * (len(rows) + left_out)
    if not len(rows) and not context.findings.has_errors():
        left = " that data.where keeps" if config.where else ""
        gate = context.gate
        left += " that may be used" if gate is not None and gate.refused else ""
        context.findings.add(
            "no_rows", "error", f"there are no rows{left}", "check the file, and data.where if it is set",
            ", ".join(given), unit="sources",
        )  # fmt: skip
    return rows


def _kept(source: Source, config: DataConfig, context: ReadContext) -> Iterator[RawRow]:
    """The rows that `data.where` keeps and that may be used, redacted where the config says so."""
    gate = context.gate
    rows = (
        raw
        for raw in read_source(source, context)
        if all(raw.values.get(name) == value for name, value in config.where.items())
        and (gate is None or gate.admits(raw, context.findings))
    )
    if config.redact is None:
        return rows
    context.redaction = context.redaction or make_redaction(config)
    assert context.redaction is not None
    columns = config.columns
    return context.redaction.redacted(rows, columns.text, columns.label, context.findings)


def _tell_missing_label(where: str, config: DataConfig, context: ReadContext) -> None:
    context.skip(
        "missing_label", f"rows without a label in column {config.columns.label!r}",
        "write the label there, or remove the row", where,
    )  # fmt: skip


def _check_label(label: str, where: str, config: DataConfig, context: ReadContext) -> None:
    if not label.strip():
        _tell_missing_label(where, config, context)
    elif is_not_finite(label) and label not in config.labels.values():
        context.skip(
            "invalid_label", "rows whose label is NaN or infinite",
            "write the label there, or remove the row; if it is the name of a class, give it another in data.labels",
            where,
        )  # fmt: skip
