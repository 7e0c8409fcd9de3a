"""Holds rows as columns, and builds them from what readers yield; it knows no file format and no split."""

from __future__ import annotations

import functools
import math
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from lextune.config import DataConfig
from lextune.data.fingerprint import fingerprint, normal_digest, row_digest, row_ids
from lextune.data.formats import RawRow, ReadContext, ReadOptions
from lextune.data.opening import find_sources, read_source
from lextune.extras import need
from lextune.records import Split

if TYPE_CHECKING:
    import pyarrow as pa

Progress = Callable[[str], None]
T = TypeVar("T")
_REPORT_EVERY = 50_000


@dataclass(frozen=True)
class Rows:
    """Rows of one part, column by column; all columns have the same length.

    Attributes:
        texts: Never None: an empty cell is the empty text.
        labels: Class names; empty only where an error was reported.
        groups: Group column to values, None where the cell is empty.
        bonds: Columns whose equal values bind rows to one part, None where the cell is empty.
        places: Where each row stands.
        ids: Content-based, see `fingerprint.row_ids`; unique in one part as it was read.
    """

    texts: list[str]
    labels: list[str]
    groups: dict[str, list[str | None]]
    bonds: dict[str, list[str | None]]
    places: list[str]
    digests: list[str]
    ids: list[str]

    def __len__(self) -> int:
        return len(self.texts)

    @functools.cached_property
    def normal(self) -> list[bytes]:
        """What rows of equal text share, see `fingerprint.normal_digest`."""
        return [normal_digest(text) for text in self.texts]

    def take(self, indices: Sequence[int]) -> Rows:
        """Those rows, in that order."""

        def pick(values: list[T]) -> list[T]:
            return [values[index] for index in indices]

        taken = Rows(
            pick(self.texts), pick(self.labels), {name: pick(column) for name, column in self.groups.items()},
            {name: pick(column) for name, column in self.bonds.items()}, pick(self.places), pick(self.digests), pick(self.ids),
        )  # fmt: skip
        if "normal" in self.__dict__:
            taken.__dict__["normal"] = pick(self.normal)
        return taken

    def classes(self) -> dict[str, int]:
        """Rows per class, by name."""
        return dict(sorted(Counter(self.labels).items()))

    def split(self) -> Split:
        """The record of these rows."""
        return Split(rows=len(self), classes=self.classes(), fingerprint=fingerprint(self.digests))

    def table(self) -> pa.Table:
        """Columns id, text, label, group.NAME ..., where; sorted by id, so that a file's order is no matter."""
        arrow = need("data", "pyarrow")
        rows = self.take(sorted(range(len(self)), key=self.ids.__getitem__))
        columns: dict[str, list[str] | list[str | None]] = {
            "id": rows.ids,
            "text": rows.texts,
            "label": rows.labels,
            **{f"group.{name}": column for name, column in rows.groups.items()},
            "where": rows.places,
        }
        return arrow.table(
            {name: arrow.array(column, arrow.string()) for name, column in columns.items()}
        )


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
    columns = config.columns
    groups: dict[str, list[str | None]] = {name: [] for name in columns.group}
    bonds: dict[str, list[str | None]] = {name: [] for name in columns.bonds}
    rows = Rows([], [], groups, bonds, [], [], [])
    seen = 0
    for source in find_sources(given, context):
        before = len(rows)
        for raw in read_source(source, context):
            seen += 1
            if all(raw.values.get(name) == value for name, value in config.where.items()):
                _append(rows, raw, config, context)
            if progress is not None and seen % _REPORT_EVERY == 0:
                progress(f"read {seen:,} rows")
        if progress is not None:
            progress(f"read {len(rows) - before:,} rows of {source.name}")
    rows.ids.extend(row_ids(rows.digests))
    if not rows.ids and not context.findings.has_errors():
        kept = " that data.where keeps" if config.where else ""
        context.findings.add(
            "no_rows", "error", f"there are no rows{kept}", "check the file, and data.where if it is set",
            ", ".join(given), unit="sources",
        )  # fmt: skip
    return rows


def _append(rows: Rows, raw: RawRow, config: DataConfig, context: ReadContext) -> None:
    columns, values = config.columns, raw.values
    label = values.get(columns.label) or ""
    if label in config.labels:
        context.renamed.add(label)
        label = config.labels[label]
    _check_label(label, raw.where, config, context)
    text = values.get(columns.text) or ""
    groups = {name: values.get(name) or None for name in columns.group}
    rows.texts.append(text)
    rows.labels.append(label)
    for name, value in groups.items():
        rows.groups[name].append(value)
    for name, column in rows.bonds.items():
        column.append(values.get(name) or None)
    rows.places.append(raw.where)
    rows.digests.append(row_digest(text, label, groups))


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
