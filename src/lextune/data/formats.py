"""What a data format is and what its reader gets and yields; it knows no particular format."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple

from lextune.config import TagScheme
from lextune.data.findings import PLACES, Findings, shown
from lextune.data.kept import keep
from lextune.labels import InputKind, LabelKind
from lextune.records import FileDigest
from lextune.registry import Registry

if TYPE_CHECKING:
    from lextune.data.admission import Gate
    from lextune.data.redaction.rows import Redaction


#: Rows that lie in files of their own, which tables name, with the word for one.
FILED: Mapping[InputKind, str] = {"image": "image", "audio": "sound"}


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
        text: The column of the text, or of the path of the image or sound.
        label: The column of the class; None when rows need no class.
        label_kind: What one label cell means; a nested value of another kind is written as JSON.
        input_kind: What a row is.
        events: Of histories: the columns of the user, the item, the time and, where it is read, the rating.
        images: The folder of the images that annotations name; None looks beside them.
        audio: The folder of the sounds that a table names; None looks beside the table.
        others: Further columns that must be there.
        optional: Columns that are read where they are there.
        options: Which option of the user named each of them.
        format: Name of the reader; None goes by the suffix.
        encoding: Text encoding; None honours a byte order mark, else strict UTF-8.
        delimiter: Of delimited files; None finds it.
        tag_scheme: Of tagged tokens; None finds it.
        token_suffix: What is stuck to tokens; None finds it.
        token_joiner: What tokens are joined by; None finds it.
        unreadable: The share of rows that may be left out because they cannot be read.
        pins: Source to SHA-256 (hex) of the bytes on disk.
        everything: Whether every column is read, because all of them say something of a row.
    """

    text: str = "text"
    label: str | None = "label"
    label_kind: LabelKind = "class"
    input_kind: InputKind = "text"
    events: tuple[str, str, str, str | None] | None = None
    images: str | None = None
    audio: str | None = None
    optional: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    tag_scheme: TagScheme | None = None
    token_suffix: Literal["none", "position"] | None = None
    token_joiner: str | None = None
    unreadable: float = 0.0
    pins: Mapping[str, str] = field(default_factory=dict)
    everything: bool = False

    @property
    def wanted(self) -> tuple[str, ...]:
        """The columns that every row must have, each once."""
        label = () if self.label is None else (self.label,)
        text = () if self.input_kind == "record" else (self.text,)
        return tuple(dict.fromkeys((*text, *label, *self.others)))


@dataclass
class Undecoded:
    """Lines that are not text in their file's encoding: where, how many, and of which bytes.

    Attributes:
        encoding: That they are not in.
        name: Of the file.
        lines: Numbers of the first.
        sample: Their bytes, so far as a guess needs them.
        fresh: Whether there was one since `take`.
    """

    encoding: str = "utf-8"
    name: str = ""
    count: int = 0
    lines: list[int] = field(default_factory=list)
    sample: bytearray = field(default_factory=bytearray)
    fresh: bool = False

    def look(self, text: str, line: int) -> None:
        """Note a text that holds bytes which were kept as lone surrogates; it begins on that line."""
        if text.isascii():
            return
        try:
            text.encode()
        except UnicodeEncodeError:
            self.count, self.fresh = self.count + 1, True
            if len(self.lines) < PLACES:
                self.lines.append(line)
            if len(self.sample) < 1 << 16:
                self.sample += text.encode(self.encoding, "surrogateescape")

    def take(self) -> bool:
        """Whether a line since the last call was not text."""
        fresh, self.fresh = self.fresh, False
        return fresh


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
        undecoded: Lines of the present file that are not in its encoding.
        unreadable: How many rows were left out because they cannot be read.
        too_many: Whether some part had more of them than its share.
        gate: Which rows may be used; None where all may.
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
    gate: Gate | None = None
    redaction: Redaction | None = None
    undecoded: Undecoded = field(default_factory=Undecoded)
    unreadable: int = 0
    too_many: bool = False
    _left_out: str = field(default="", init=False)

    def skip(self, kind: str, fact: str, remedy: str, where: str, row: str = "") -> None:
        """Report a row that cannot be read; it is an error unless the config allows a share of such rows.

        Args:
            kind: As `Findings.add` has it, like `fact` and `remedy`.
            where: Where the fault is.
            row: Where the row is, if that is elsewhere: several faults of one row are one row.
        """
        self.leave_out(row or where)
        self.findings.skipped(kind, fact)
        self.findings.add(kind, "error", fact, remedy, where)

    def keep(self, data: bytes, suffix: str) -> str:
        """The path of a file with these bytes, for what is not a file of its own; it is made where it is new."""
        return keep(data, suffix, self.scratch)

    def settle(self) -> None:
        """Make warnings of the errors of rows that cannot be read, where no part has more than the allowed share."""
        if self.unreadable and not self.too_many:
            self.findings.excuse()

    def leave_out(self, row: str) -> None:
        """Count a row that cannot be read, once; the fault itself is reported elsewhere."""
        self.unreadable += row != self._left_out
        self._left_out = row

    def not_text(self, row: str) -> bool:
        """Whether a line read since the last call is not in the file's encoding; then the row is counted as left out."""
        if not self.undecoded.take():
            return False
        self.leave_out(row)
        return True


@dataclass(frozen=True)
class Source:
    """One file or folder to read.

    Attributes:
        name: As the user wrote it, for messages and records.
        path: On disk; None for bytes of a distribution and for standard input.
        data: Checked bytes of an installed distribution.
        stream: Standard input.
        class_names: Column to the names that its numbers stand for, where the file itself does not say them.
    """

    name: str
    path: Path | None = None
    data: bytes | None = None
    stream: BinaryIO | None = None
    class_names: Mapping[str, list[str]] = field(default_factory=dict)


#: A reader yields rows, or sentences of tokens (`tagging.TaggedRow`) where that is what a file holds.
Reader = Callable[[Source, ReadContext], Iterator[Any]]


#: Whether a path is laid out as a reader knows it.
Recognise = Callable[[Path, ReadOptions], bool]


@dataclass(frozen=True)
class Format:
    """A reader and what chooses it.

    Attributes:
        read: Yields rows.
        suffixes: Lower case, without `.gz` and the like.
        recognise: Of readers of images or sounds: whether a path is theirs.
        inputs: What the rows of a reader that recognises its paths are.
    """

    read: Reader
    suffixes: tuple[str, ...]
    recognise: Recognise | None = None
    inputs: InputKind = "image"


formats: Registry[Format] = Registry("format", "lextune.data.reading")


def data_format(
    name: str, *suffixes: str, recognise: Recognise | None = None, inputs: InputKind = "image"
) -> Callable[[Reader], Reader]:
    """Decorator: register a reader; `recognise` is asked before suffixes where rows are `inputs`.

    A reader is a generator of rows in the order of the file. It holds one record (or one block) at a
    time, reports bad records to `context.findings` and goes on where it can, and leaves errors of the
    disk, of compression and of decoding to its caller.
    """

    def add(read: Reader) -> Reader:
        formats.register(name)(Format(read, suffixes, recognise, inputs))
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


#: What names a column that a finished model reads, where no option of the user does.
FEATURES = "the release's features"


def column_remedy(name: str, names: list[str], options: ReadOptions) -> str:
    """Which option to set, and to what, when a column is not there."""
    kind = options.input_kind if options.input_kind in FILED else "text"
    first = options.options.get(options.text, f"data.columns.{kind}")
    option = {options.text: first, options.label: "data.columns.label"}.get(
        name, options.options.get(name, "the option that names it")
    )
    folded = {other.casefold().strip(): other for other in names}
    near = difflib.get_close_matches(name.casefold(), folded, n=1)
    if option == FEATURES:
        there = f", perhaps {shown(folded[near[0]])}" if near else ""
        return f"give the file that column, which the model learnt from: rename the one that it is{there}"
    hint = f", perhaps to {shown(folded[near[0]])}" if near else ""
    leave = ", or set data.columns.group: []" if option == "data.columns.group" else ""
    return f"set {option} to the name of a column of the file{hint}{leave}"


def _listed(names: list[str], limit: int = 12) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return (", ".join(shown(name) for name in names[:limit]) or "none") + more
