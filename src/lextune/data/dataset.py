"""Holds rows as columns, and builds them from what readers yield; it knows no file format and no split."""

from __future__ import annotations

import math
import unicodedata
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from lextune.config import DataConfig
from lextune.data.columns import Ints, Keys, NameList, Names, Spool, Texts
from lextune.data.fingerprint import fingerprint, normal_digest, row_digest, row_ids
from lextune.data.formats import RawRow, ReadContext, ReadOptions
from lextune.data.opening import find_sources, read_source
from lextune.extras import need
from lextune.labels import LabelKind
from lextune.records import Split

if TYPE_CHECKING:
    import pyarrow as pa

Progress = Callable[[str], None]
_REPORT_EVERY = 50_000


@dataclass(frozen=True)
class Rows:
    """Rows of one part, column by column; all columns have the same length, and no text is in memory.

    Attributes:
        texts: An empty cell is the empty text.
        labels: Class names; empty only where an error was reported.
        groups: Group column to values.
        bonds: Columns whose equal values bind rows to one part.
        places: Where each row stands.
        digests: See `fingerprint.row_digest`; 32 bytes a row.
        normal: What rows of equal text share, see `fingerprint.normal_digest`; 16 bytes a row.
        lengths: Characters of each text, shape (2, rows): all, and without white space at its ends.
        ids: Content-based, see `fingerprint.row_ids`; unique in one part as it was read.
        kind: What one of the labels means.
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

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def empty(self) -> npt.NDArray[np.bool_]:
        """Where a text is nothing but white space."""
        found: npt.NDArray[np.bool_] = self.lengths[1] == 0
        return found

    def take(self, rows: Ints) -> Rows:
        """Those rows, in that order."""
        return Rows(
            self.texts.take(rows), self.labels.take(rows),
            {name: column.take(rows) for name, column in self.groups.items()},
            {name: column.take(rows) for name, column in self.bonds.items()},
            self.places.take(rows), self.digests[rows], self.normal[rows], self.lengths[:, rows], self.ids[rows],
            self.kind,
        )  # fmt: skip

    def split(self) -> Split:
        """The record of these rows."""
        return Split(
            rows=len(self), classes=self.labels.counts(), fingerprint=fingerprint(self.digests)
        )

    def table(self, scratch: Path | None = None) -> pa.Table:
        """Columns id, text, label, group.NAME ..., where; sorted by id, so that a file's order is no matter.

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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.texts.__exit__(*error)
        self.places.__exit__(*error)

    def __len__(self) -> int:
        return len(self.lengths[0])

    def add(self, raw: RawRow) -> None:
        """One more; what is wrong with its label goes to the context's findings."""
        config, values = self.config, raw.values
        label = values.get(config.columns.label) or ""
        if label in config.labels:
            self.context.renamed.add(label)
            label = config.labels[label]
        _check_label(label, raw.where, config, self.context)
        text = values.get(config.columns.text) or ""
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
        self.lengths[1].append(len(text.strip()))

    def rows(self) -> Rows:
        """All of them."""
        digests = np.frombuffer(self.digests, "S32")
        return Rows(
            self.texts.column(), self.labels.column(),
            {name: column.column() for name, column in self.groups.items()},
            {name: column.column() for name, column in self.bonds.items()},
            self.places.column(), digests, np.frombuffer(self.normal, "S16"),
            np.array(self.lengths, np.int32), row_ids(digests),
        )  # fmt: skip


def read_options(config: DataConfig) -> ReadOptions:
    """What a config asks of readers."""
    columns = config.columns
    options = dict.fromkeys(config.where, "data.where")
    for key, name in (("subject", columns.subject), ("split_group", columns.split_group)):
        if name is not None:
            options[name] = f"data.columns.{key}"
    options |= dict.fromkeys(columns.group, "data.columns.group")
    return ReadOptions(
        options=options,
        text=columns.text,
        label=columns.label,
        others=tuple(dict.fromkeys((*columns.group, *columns.bonds, *config.where))),
        format=config.format,
        encoding=config.encoding,
        delimiter=config.delimiter,
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
    with _Reading(config, context) as reading:
        seen = 0
        for source in find_sources(given, context):
            before = len(reading)
            for raw in read_source(source, context):
                seen += 1
                if all(raw.values.get(name) == value for name, value in config.where.items()):
                    reading.add(raw)
                if progress is not None and seen % _REPORT_EVERY == 0:
                    progress(f"read {seen:,} rows")
            if progress is not None:
                progress(f"read {len(reading) - before:,} rows of {source.name}")
        rows = reading.rows()
    if not len(rows) and not context.findings.has_errors():
        kept = " that data.where keeps" if config.where else ""
        context.findings.add(
            "no_rows", "error", f"there are no rows{kept}", "check the file, and data.where if it is set",
            ", ".join(given), unit="sources",
        )  # fmt: skip
    return rows


def _check_label(label: str, where: str, config: DataConfig, context: ReadContext) -> None:
    if not label.strip():
        context.findings.add(
            "missing_label", "error", f"rows without a label in column {config.columns.label!r}",
            "write the label there, or remove the row", where,
        )  # fmt: skip
    elif _is_not_finite(label) and label not in config.labels.values():
        context.findings.add(
            "invalid_label", "error", "rows whose label is NaN or infinite",
            "write the label there, or remove the row; if it is the name of a class, give it another in data.labels",
            where,
        )  # fmt: skip


def _is_not_finite(label: str) -> bool:
    """NaN and infinity as Python, spreadsheets and C write them, full width or not."""
    plain = unicodedata.normalize("NFKC", label).strip().casefold().lstrip("+-")
    if plain == "∞" or plain.startswith("1.#"):
        return True
    try:
        return not math.isfinite(float(plain))
    except ValueError:
        return False
