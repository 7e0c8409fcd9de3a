"""What a data format is and what its reader gets and yields; it knows no particular format."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from lextune.data.findings import Findings, shown
from lextune.records import FileDigest
from lextune.registry import Registry

if TYPE_CHECKING:
    from lextune.data.redaction.rows import Redaction


class RawRow(NamedTuple):
    """One record as it stands in a file.

    Attributes:
        values: Column name to text; None where the cell is empty or null.
        where: `file:line (record N)`, the file of a folder, or `file: row N` where there are no lines.
    """

    values: Mapping[str, str | None]
    where: str


@dataclass(frozen=True)
class ReadOptions:
    """What to look for and how to read.

    Attributes:
        text: The column of the text.
        label: The column of the class; None when rows need no class.
        others: Further columns that must be there.
        options: Which option of the user named each of them.
        format: Name of the reader; None goes by the suffix.
        encoding: Text encoding; None honours a byte order mark, else strict UTF-8.
        delimiter: Of delimited files; None finds it.
        pins: Source to SHA-256 (hex) of the bytes on disk.
    """

    text: str = "text"
    label: str | None = "label"
    others: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    pins: Mapping[str, str] = field(default_factory=dict)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The columns that every row must have, each once."""
        label = () if self.label is None else (self.label,)
        return tuple(dict.fromkeys((self.text, *label, *self.others)))


@dataclass
class ReadContext:
    """Where a reader reports to, and what it was asked for.

    Attributes:
        files: Digests of what was read: one for a file, one for a whole folder.
        encodings: File or folder to the encoding that it was read in.
        layouts: Names of known folder layouts that were met (`aclImdb`).
        renamed: Names of classes that were met and that `data.labels` renames.
        line: Last line handed to the reader, for errors that know no place.
        scratch: On whose disk texts lie meanwhile; None is the system's folder of temporary files.
        redaction: What replaces personal data in rows before anything else is done with them.
    """

    options: ReadOptions
    findings: Findings
    files: list[FileDigest] = field(default_factory=list)
    encodings: dict[str, str] = field(default_factory=dict)
    layouts: set[str] = field(default_factory=set)
    renamed: set[str] = field(default_factory=set)
    line: int = 0
    scratch: Path | None = None
    redaction: Redaction | None = None


@dataclass(frozen=True)
class Source:
    """One file or folder to read.

    Attributes:
        name: As the user wrote it, for messages and records.
        path: On disk; None for bytes of a distribution and for standard input.
        data: Checked bytes of an installed distribution.
        stream: Standard input.
    """

    name: str
    path: Path | None = None
    data: bytes | None = None
    stream: BinaryIO | None = None


Reader = Callable[[Source, ReadContext], Iterator[RawRow]]


@dataclass(frozen=True)
class Format:
    """A reader and the suffixes (lower case, without `.gz` and the like) that choose it."""

    read: Reader
    suffixes: tuple[str, ...]


formats: Registry[Format] = Registry("format", "lextune.data.reading")


def data_format(name: str, *suffixes: str) -> Callable[[Reader], Reader]:
    """Decorator: register a reader.

    A reader is a generator of rows in the order of the file. It holds one record (or one block) at a
    time, reports bad records to `context.findings` and goes on where it can, and leaves errors of the
    disk, of compression and of decoding to its caller.
    """

    def add(read: Reader) -> Reader:
        formats.register(name)(Format(read, suffixes))
        return read

    return add


def missing_columns(found: Iterable[str], source: Source, context: ReadContext) -> bool:
    """Report every wanted column that the file does not have; True when one is missing."""
    names = [name for name in found if name]
    missing = [name for name in context.options.wanted if name not in names]
    for name in missing:
        context.findings.add(
            "missing_column",
            "error",
            f"there is no column {name!r}; the columns are {_listed(names)}",
            column_remedy(name, names, context.options),
            source.name,
            unit="files",
        )
    return bool(missing)


def repeated_columns(names: Sequence[str], where: str, context: ReadContext) -> bool:
    """Report every column that stands twice; True when one does."""
    twice = sorted({name for name in names if names.count(name) > 1})
    for name in twice:
        context.findings.add(
            "repeated_column", "error", f"the column {shown(name)} stands twice in the header",
            "rename one of them", where, unit="files",
        )  # fmt: skip
    return bool(twice)


def column_remedy(name: str, names: list[str], options: ReadOptions) -> str:
    """Which option to set, and to what, when a column is not there."""
    option = {options.text: "data.columns.text", options.label: "data.columns.label"}.get(
        name, options.options.get(name, "the option that names it")
    )
    folded = {other.casefold().strip(): other for other in names}
    near = difflib.get_close_matches(name.casefold(), folded, n=1)
    hint = f", perhaps to {shown(folded[near[0]])}" if near else ""
    leave = ", or set data.columns.group: []" if option == "data.columns.group" else ""
    return f"set {option} to the name of a column of the file{hint}{leave}"


def _listed(names: list[str], limit: int = 12) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return (", ".join(shown(name) for name in names[:limit]) or "none") + more
