"""Opens, decompresses, hashes and decodes the sources of a config; it knows no record format."""

from __future__ import annotations

import bz2
import contextlib
import dataclasses
import gzip
import hashlib
import io
import lzma
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from lextune.data.encodings import DETECT, Sampler, choose_encoding, not_decodable, tell_undecoded
from lextune.data.findings import Findings
from lextune.data.formats import (
    FILED,
    RawRow,
    ReadContext,
    Reader,
    ReadOptions,
    Source,
    Undecoded,
    formats,
)
from lextune.data.paths import located
from lextune.data.tagging import Census, Layout, TaggedRow, untagged
from lextune.errors import Problem, VerificationError
from lextune.extras import need
from lextune.labels import InputKind
from lextune.records import FileDigest

_CHUNK = 1 << 20
_MAGIC = (
    (b"\x1f\x8b", ".gz"),
    (b"BZh", ".bz2"),
    (b"\xfd7zXZ\x00", ".xz"),
    (b"\x28\xb5\x2f\xfd", ".zst"),
)
_COMPRESSED = tuple(suffix for _, suffix in _MAGIC)


def read_source(source: Source, context: ReadContext) -> Iterator[RawRow]:
    """The rows of one source in its order; what is wrong goes to the context's findings."""
    name = context.options.format or format_name(source, context.findings, context.options)
    if name is None:
        return
    read = formats.get(name).read
    # a table names files from the folder that it lies in; other readers know where theirs are
    names_files = formats.get(name).recognise is None and context.options.input_kind in FILED
    wanted = context.options.wanted
    context.line = 0
    layout: Layout | None = None
    with told(source, context):
        for found in read(source, context):
            if isinstance(found, TaggedRow):
                layout = layout or _find_layout(read, source, context)
                row = untagged(found, layout, context) if layout else None
                if row is None:
                    continue
            else:
                row = found
            if names_files:
                row = row._replace(values=located(row.values, source, context.options))
            if any("\0" in (row.values.get(column) or "") for column in wanted):
                context.skip(
                    "nul", "records with NUL bytes",
                    "remove them at their source; if the file is UTF-16 without a mark, set data.encoding",
                    row.where,
                )  # fmt: skip
                if context.options.unreadable:
                    continue
            yield row
        tell_undecoded(context)


def _find_layout(read: Reader, source: Source, context: ReadContext) -> Layout | None:
    """How the sentences of a source are read, by all of them: it is read once for that alone."""
    options = context.options
    if source.stream is not None:
        context.findings.add(
            "tagged_stream", "error", "tokens cannot be read from standard input", "give a file, or texts",
            source.name, unit="files",
        )  # fmt: skip
        return None
    quiet = ReadContext(dataclasses.replace(options, pins={}), Findings())
    census = Census()
    with told(source, quiet):
        for row in read(source, quiet):
            if isinstance(row, TaggedRow):
                census.add(row)
    layout = census.layout(options.tag_scheme, options.token_suffix, options.token_joiner)
    encoding = context.encodings.get(source.name)
    context.encodings[source.name] = ", ".join(filter(None, [encoding, layout.told]))
    if layout.positions and options.token_suffix is None:
        context.findings.add(
            "token_suffix", "warning", "each token ends in its place in its word, which was taken off",
            "set data.token_suffix: position if that is so, or none if the numbers belong to the text",
            source.name, unit="files",
        )  # fmt: skip
    return layout


def format_name(
    source: Source, findings: Findings, options: ReadOptions | None = None
) -> str | None:
    """The reader that a source's name or layout asks for; None after telling the findings why there is none."""
    if source.stream is not None:
        return "jsonl"
    if options is not None and options.input_kind in FILED and source.path is not None:
        by_layout = _by_layout(source.path, options)
        if by_layout is not None:
            return by_layout
        if os.path.isdir(source.path):
            _tell_unknown_layout(source, findings, options.input_kind)
            return None
    if source.path is not None and os.path.isdir(source.path):
        return "folder"
    suffixes = [suffix.lower() for suffix in Path(source.name).suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    for name, known in formats:
        if suffix in known.suffixes:
            return name
    if source.path is not None and not os.path.exists(source.path):
        findings.add(
            "no_source", "error", "there is no such file or folder", "check the path", source.name,
            unit="sources",
        )  # fmt: skip
        return None
    remedy = f"set data.format to one of {', '.join(formats.names())}"
    if suffix in (".zip", ".tar", ".tgz", ".7z"):
        remedy = "unpack it and give the path of what was inside"
    findings.add(
        "unknown_format",
        "error",
        f"no reader knows the suffix {suffix!r}",
        remedy,
        source.name,
        unit="files",
    )
    return None


def _by_layout(path: Path, options: ReadOptions) -> str | None:
    """The reader that knows how a path of images or sounds is laid out."""
    for name, known in formats:
        if known.recognise is None or known.inputs != options.input_kind:
            continue
        with contextlib.suppress(OSError):  # whoever reads it tells why it cannot be read
            if known.recognise(path, options):
                return name
    return None


def _tell_unknown_layout(source: Source, findings: Findings, kind: InputKind) -> None:
    known = [name for name, one in formats if one.recognise is not None and one.inputs == kind]
    table = (
        "the file or the list of the annotations"
        if kind == "image"
        else "a table of paths and labels"
    )
    findings.add(
        "unknown_layout", "error", f"no reader knows how the folder of {FILED[kind]}s is laid out",
        f"set data.format to one of {', '.join(known)}, or give {table}", source.name, unit="folders",
    )  # fmt: skip


class _Hashing(io.RawIOBase):
    """Hashes what passes through, so that a file is read once and what was hashed is what was used."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.state, self.size = stream, hashlib.sha256(), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # read1 hands over what a pipe holds already; read would wait until the buffer is full.
        data = getattr(self.stream, "read1", self.stream.read)(len(buffer))
        buffer[: len(data)] = data
        self.state.update(data)
        self.size += len(data)
        return len(data)


@contextlib.contextmanager
def open_bytes(source: Source, context: ReadContext) -> Iterator[BinaryIO]:
    """The decompressed bytes of a source as a stream; its digest (of the file as stored) is recorded at the end."""
    with contextlib.ExitStack() as stack:
        if source.path is not None:
            raw: BinaryIO = stack.enter_context(open(source.path, "rb"))
        else:
            raw = source.stream or io.BytesIO(source.data or b"")
        hashing = _Hashing(raw)
        buffered = io.BufferedReader(hashing, _CHUNK)
        yield _decompressed(source, buffered, context)
        while buffered.read(_CHUNK):
            pass
        record_digest(source, hashing.state.hexdigest(), hashing.size, context)


def record_digest(source: Source, digest: str, size: int, context: ReadContext) -> None:
    """Remember what was read, and compare it with its pin.

    Raises:
        VerificationError: The file is not the pinned one.
    """
    pin = context.options.pins.get(source.name)
    if pin is not None and pin != digest:
        raise VerificationError(
            Problem(
                f"{source.name} has SHA-256 {digest}, but {pin} is pinned",
                "bring back the file that was meant, or review this one and pin it in data.sha256",
            )
        )
    if source.stream is None:
        context.files.append(FileDigest(path=source.name, sha256=digest, size=size))


def compression(source: Source) -> str:
    """The suffix of a compressed source; empty where it is none."""
    suffix = Path(source.name).suffix.lower()
    return suffix if suffix in _COMPRESSED else ""


def _decompressed(source: Source, stream: io.BufferedReader[Any], context: ReadContext) -> BinaryIO:
    suffix = compression(source)
    if suffix == ".gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=stream))
    if suffix == ".bz2":
        return cast(BinaryIO, bz2.BZ2File(stream))
    if suffix == ".xz":
        return cast(BinaryIO, lzma.LZMAFile(stream))
    if suffix == ".zst":
        pa = need("data", "pyarrow")
        opened = pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd")
        return io.BufferedReader(opened, _CHUNK)
    head = stream.peek(8)
    for magic, usual in _MAGIC:
        if head.startswith(magic):
            context.findings.add(
                "compressed", "error", f"the file is compressed, but its name does not end in {usual}",
                f"rename it to end in {usual}", source.name, unit="files",
            )  # fmt: skip
            return io.BytesIO()
    return stream


@contextlib.contextmanager
def open_text(source: Source, context: ReadContext) -> Iterator[io.TextIOWrapper]:
    """The text of a source; line ends are kept and only CR, LF and CRLF end a line.

    A byte that is none in the encoding becomes a lone surrogate, which `lines` finds: whoever reads the text
    leaves such records out (`ReadContext.undecoded`).
    """
    with open_bytes(source, context) as stream:
        buffered = io.BufferedReader(cast(io.RawIOBase, stream), _CHUNK)
        known = _whole(source, context)
        encoding, told = choose_encoding(buffered.peek(4096)[:4096], source.name, context, known)
        context.encodings[source.name] = told
        # UTF-16 and UTF-32 cannot go on after a fault: nobody knows where the next sign begins.
        errors = "strict" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
        context.undecoded = Undecoded(encoding, source.name)
        text = io.TextIOWrapper(buffered, encoding, errors, newline="")
        yield text
        text.detach()  # closing it here would close what open_bytes has yet to hash to its end


def _whole(source: Source, context: ReadContext) -> Sampler:
    """What all of a source's bytes say of its encoding; of standard input nothing, as it can be read only once."""
    known = Sampler()
    if context.options.encoding == DETECT and source.stream is None:
        quiet = ReadContext(dataclasses.replace(context.options, pins={}), Findings())
        with open_bytes(source, quiet) as stream:
            while data := stream.read(_CHUNK):
                known.feed(data)
        known.feed(b"", last=True)
    return known


def lines(stream: Iterable[str], context: ReadContext, start: int = 1) -> Iterator[str]:
    """The lines of a text with their ends, counted in the context; what cannot be decoded is noted there."""
    for number, line in enumerate(stream, start):
        context.line = number
        context.undecoded.look(line, number)
        if context.undecoded.count and context.findings.stop_at_error:
            tell_undecoded(context)
        yield line


@contextlib.contextmanager
def told(source: Source, context: ReadContext) -> Iterator[None]:
    """Turn errors of the disk, of compression and of decoding into findings; the source ends there."""
    try:
        yield
    except UnicodeDecodeError as error:
        place = f"{source.name} (after line {context.line})" if context.line else source.name
        not_decodable(place, error, context)
    except UnicodeError:
        context.findings.add(
            "encoding", "error", "the file is not whole text in its encoding",
            "save the file as UTF-8, or set data.encoding", source.name, unit="files",
        )  # fmt: skip
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        _damaged(source, context, str(error))
    except FileNotFoundError:
        context.findings.add(
            "no_source", "error", "there is no such file or folder", "check the path", source.name,
            unit="sources",
        )  # fmt: skip
    except OSError as error:
        if error.errno is None:
            _damaged(source, context, str(error))
            return
        context.findings.add(
            "unreadable", "error", f"the file cannot be read: {error.strerror}",
            "mend the path or its permissions", source.name, unit="files",
        )  # fmt: skip


def _damaged(source: Source, context: ReadContext, why: str) -> None:
    context.findings.add(
        "damaged", "error", f"the compressed file is damaged or cut short: {why}",
        "copy or download it again", source.name, unit="files",
    )  # fmt: skip
