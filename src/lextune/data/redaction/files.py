"""Redacts a file or a folder into another of the same format, row by row; it prints nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from lextune.config import DataConfig, RedactionConfig
from lextune.data.dataset import read_options
from lextune.data.findings import Findings, ReportProblem, shown
from lextune.data.formats import ReadContext, ReadOptions, Source, formats
from lextune.data.opening import format_name
from lextune.data.redaction.blocks import Made, redact_items
from lextune.data.redaction.delimited import DelimitedRewriter
from lextune.data.redaction.folder import FILE_NAME, FolderRewriter
from lextune.data.redaction.jsonl import JsonRewriter
from lextune.data.redaction.methods import KEYED
from lextune.data.redaction.parquet import ParquetRewriter
from lextune.data.redaction.redactor import Redactor, make_redactor
from lextune.data.redaction.replacing import Redacted
from lextune.data.redaction.rewriting import Item, Rewriter, Wanted
from lextune.data.redaction.secret import Secret
from lextune.data.redaction.spans import move_cell
from lextune.data.sources import find_sources
from lextune.errors import ConfigError, DataError, Problem
from lextune.files import digest_file, digest_folder, disk_problems, open_output
from lextune.records import FileDigest

_REWRITERS: dict[str, Callable[[Source, ReadContext, Wanted, Path], Rewriter]] = {
    "delimited": DelimitedRewriter,
    "jsonl": JsonRewriter,
    "parquet": ParquetRewriter,
    "folder": FolderRewriter,
}
_REPORT_EVERY = 50_000
_PACKED = (".bz2", ".xz", ".zst")


@dataclass
class Counts:
    """What was done; never what was found.

    Attributes:
        rows: All rows.
        changed_rows: Rows of which a redacted column changed.
        detections: Replaced pieces by type.
        emptied_cells: Cells of which nothing but white space is left.
        dropped_spans: Spans of which nothing is left.
        other_columns: Detections by column and type in columns that were not redacted.
    """

    rows: int = 0
    changed_rows: int = 0
    detections: Counter[str] = field(default_factory=Counter)
    emptied_cells: int = 0
    dropped_spans: int = 0
    other_columns: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, made: Made) -> None:
        """One more row."""
        self.rows += 1
        self.changed_rows += any(one.edits for one in made.texts)
        for one in made.texts:
            self.detections.update(edit.type for edit in one.edits)
            self.emptied_cells += bool(one.edits) and not one.text.strip()
        for name, found in made.others.items():
            self.other_columns.setdefault(name, Counter()).update(found)


@dataclass(frozen=True)
class RedactedFile:
    """A finished redaction.

    Attributes:
        counts: What was done.
        files: Digests of what was read.
        output: Digests of what was written, in UTF-8 without a mark.
        encodings: Of what was read.
        problems: Warnings and information of the reader.
    """

    counts: Counts
    files: tuple[FileDigest, ...]
    output: tuple[FileDigest, ...]
    encodings: dict[str, str]
    problems: tuple[ReportProblem, ...]


class _Spans:
    """Moves the cells of spans and counts what is gone."""

    def __init__(self, counts: Counts, findings: Findings) -> None:
        self.counts, self.findings = counts, findings

    def __call__(self, cell: Any, item: Item, made: tuple[Redacted, ...]) -> Any:
        if not made[0].edits:
            return cell
        try:
            moved = move_cell(cell, item.texts[0], made[0])
        except ValueError as error:
            self.findings.add(
                "broken_spans", "error", f"rows with spans that cannot be moved: {error}",
                "mend the spans, or name the columns of spans with --span-column", item.where,
            )  # fmt: skip
            return cell
        if moved is None:
            return cell
        self.counts.dropped_spans += moved[1]
        return moved[0]


def redact_config(
    config: DataConfig,
    output: Path,
    wanted: Wanted,
    secret: Secret | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> RedactedFile:
    """As `redact_path`, by the `data` section of a config, with all processors of this process.

    Raises:
        ConfigError: The method needs a secret and there is none, or there is no such type.
        DataError, EnvironmentProblem: As `redact_path`.
    """
    asked = config.redact or RedactionConfig()
    if secret is not None and asked.method not in KEYED:
        raise ConfigError(
            Problem(
                f"the method {asked.method} takes no secret",
                f"leave it out, or redact with {' or '.join(KEYED)}",
            )
        )
    redactor = make_redactor(asked, secret)
    (word,) = config.train
    options = dataclasses.replace(
        read_options(config), text=wanted.columns[0], label=None, others=wanted.columns[1:],
        options=dict.fromkeys(wanted.columns[1:], "--columns"),
    )  # fmt: skip
    processes = len(os.sched_getaffinity(0))
    return redact_path(word, output, redactor, wanted, options, processes, tell)


def describe(made: RedactedFile) -> dict[str, Any]:
    """The JSON of `lextune data redact --json`: counts, digests and problems, never a value."""
    counts = made.counts
    return {
        "rows": counts.rows,
        "changed_rows": counts.changed_rows,
        "detections": dict(sorted(counts.detections.items())),
        "emptied_cells": counts.emptied_cells,
        "dropped_spans": counts.dropped_spans,
        "other_columns": {
            shown(name).strip("'"): dict(sorted(found.items()))
            for name, found in sorted(counts.other_columns.items())
        },
        "files": [one.model_dump() for one in made.files],
        "output": [one.model_dump() for one in made.output],
        "encodings": made.encodings,
        "problems": [one.model_dump(mode="json") for one in made.problems],
    }


def redact_path(
    word: str,
    output: Path,
    redactor: Redactor,
    wanted: Wanted,
    options: ReadOptions,
    processes: int = 1,
    tell: Callable[[str], None] = lambda _: None,
) -> RedactedFile:
    """Redact one source; `output` appears only when it is whole.

    Args:
        word: A path, `pypi:PACKAGE/PATH`, or `-` for JSONL on standard input.
        output: A file of the same format, or for a folder a folder that is not there yet.
        redactor: What finds and replaces.
        wanted: Which columns to redact, and which hold spans of the first.
        options: How to read; its columns must be those of `wanted`, its label None.
        processes: How many work.
        tell: Told what goes on.

    Raises:
        DataError: What cannot be read, every place; or an output that does not fit.
        EnvironmentProblem: The output cannot be written.
    """
    context = ReadContext(options, Findings())
    sources = find_sources((word,), context)
    context.findings.raise_errors()
    source = _one(sources, word)
    found = options.format or format_name(source, context.findings)
    context.findings.raise_errors()
    name = _checked(source, found, output)
    rewriter = _REWRITERS[name](source, context, wanted, output)
    counts = Counts()
    move = _Spans(counts, context.findings)
    place = new_folder(output) if name == "folder" else _new_file(output)
    with place as target:
        begun = False
        for item, made in redact_items(rewriter.items(), redactor, processes):
            if not begun:
                rewriter.begin(target)
                begun = True
            rewriter.write(item, made.texts, move)
            counts.add(made)
            if counts.rows % _REPORT_EVERY == 0:
                tell(f"redacted {counts.rows:,} rows")
        context.findings.raise_errors()
        if not begun:
            rewriter.begin(target)
        rewriter.end()
    _tell_left(counts, wanted, context.findings)
    return RedactedFile(
        counts,
        tuple(context.files),
        _written(output),
        context.encodings,
        context.findings.problems(),
    )


def _written(output: Path) -> tuple[FileDigest, ...]:
    """Digests of the output; none of a pipe, which keeps nothing."""
    if output.is_dir():
        return digest_folder(output)
    place = Path(os.path.realpath(output))
    return (digest_file(place, str(output)),) if place.is_file() else ()


def _tell_left(counts: Counts, wanted: Wanted, findings: Findings) -> None:
    for name, found in sorted(counts.other_columns.items()):
        findings.add(
            "personal_data_in_other_column", "warning",
            f"personal data in {shown(name)}, which was not redacted: {', '.join(sorted(found))}",
            "rename the files" if name == FILE_NAME else f"redact it too, with --columns {name}, or leave it out",
            count=found.total(), unit="detections",
        )  # fmt: skip
    if counts.emptied_cells:
        findings.add(
            "emptied_text", "warning", "texts of which nothing is left",
            "remove the rows, or redact with another method", count=counts.emptied_cells, unit="cells",
        )  # fmt: skip
    if counts.dropped_spans:
        findings.add(
            "dropped_span", "warning", f"spans of {shown(wanted.columns[0])} of which nothing is left",
            "redact with mask, hash or pseudonym to keep them", count=counts.dropped_spans, unit="spans",
        )  # fmt: skip


def _one(sources: list[Source], word: str) -> Source:
    if len(sources) != 1:
        raise DataError(
            Problem(
                f"{word!r} names {len(sources)} files",
                "redact them one by one",
                "there is one output",
            )
        )
    return sources[0]


def _checked(source: Source, name: str | None, output: Path) -> str:
    """The format; an output of another one, the source itself, and a folder that is there already are refused."""
    problem = None
    if name is None or name not in _REWRITERS:
        raise DataError(
            Problem(
                f"the format {name} is read, but not written",
                "convert it to CSV, JSONL or Parquet first",
            )
        )
    if source.path is not None and output.exists() and output.samefile(source.path):
        problem = Problem(
            f"{output} is the source itself", "name another output", "the original would be lost"
        )
    elif name == "folder":
        if output.exists():
            problem = Problem(f"{output} is there already", "name a folder that is not")
    elif output.suffix.lower() in _PACKED:
        problem = Problem(f"{output} would be packed", "write it plain or as .gz")
    elif not output.exists() or output.is_file():  # what is written to straight has no suffix
        bare = output.name.removesuffix(".gz")
        if format_name(Source(bare), Findings()) != name:
            problem = Problem(
                f"{output} does not have a suffix of the source's format, {name}",
                f"end its name in {' or '.join(formats.get(name).suffixes)}",
                "the format is kept",
            )
    if problem is not None:
        raise DataError(problem)
    return name


@contextlib.contextmanager
def _new_file(output: Path) -> Iterator[IO[bytes]]:
    with open_output(output) as stream, contextlib.ExitStack() as stack:
        guarded = cast(IO[bytes], _Guarded(stream, output))
        if output.suffix.lower() == ".gz":
            # Neither a time nor a name, so that equal data give equal bytes.
            guarded = cast(IO[bytes], stack.enter_context(gzip.GzipFile("", "wb", 9, guarded, 0)))
        yield guarded


class _Guarded:
    """Tells a full disk as what it is; errors in reading the source are none of the output."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream, self._path = stream, path

    closed = False

    def write(self, data: Any) -> int:
        with disk_problems(self._path):
            return self._stream.write(data)

    def tell(self) -> int:
        return self._stream.tell()

    def flush(self) -> None:
        with disk_problems(self._path):
            self._stream.flush()


@contextlib.contextmanager
def new_folder(output: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `output` when all of it is written, and is gone after an error."""
    made = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    with disk_problems(output):
        made.mkdir()
    try:
        yield made
        with disk_problems(output):
            os.rename(made, output)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
