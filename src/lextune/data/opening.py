"""Finds, opens, decompresses, hashes and decodes the sources of a config; it knows no record format."""

from __future__ import annotations

import bz2
import codecs
import contextlib
import glob
import gzip
import hashlib
import io
import lzma
import os
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from lextune import distributions
from lextune.data.catalogue import pinned_digest
from lextune.data.findings import Findings
from lextune.data.formats import RawRow, ReadContext, Source, formats
from lextune.errors import Problem, VerificationError
from lextune.extras import need
from lextune.records import FileDigest

_CHUNK = 1 << 20
#: UTF-32 before UTF-16: the mark of the one begins with the mark of the other.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8 with mark"),
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32-le with mark"),
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32-be with mark"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16-le with mark"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16-be with mark"),
)
_MAGIC = (
    (b"\x1f\x8b", ".gz"),
    (b"BZh", ".bz2"),
    (b"\xfd7zXZ\x00", ".xz"),
    (b"\x28\xb5\x2f\xfd", ".zst"),
)
_COMPRESSED = tuple(suffix for _, suffix in _MAGIC)


def find_sources(given: tuple[str, ...], context: ReadContext) -> list[Source]:
    """The files and folders that a config's words mean: paths, globs, `pypi:PACKAGE/PATH`, `-` for stdin.

    Raises:
        MissingExtraError: A distribution is not installed.
        VerificationError: A distribution's file is not the recorded or pinned one.
    """
    found: list[Source] = []
    for word in given:
        if not word:
            context.findings.add(
                "no_source", "error", "the path is empty", "write the path of a file or folder", unit="sources"
            )  # fmt: skip
        elif word == "-":
            found.append(Source("standard input", stream=sys.stdin.buffer))
        elif word.startswith("pypi:"):
            found.append(_from_distribution(word, context))
        elif word.startswith("hub:"):
            context.findings.add(
                "no_source", "error", f"{word!r} names a data set of a hub, which is not read",
                "download its files and give their paths", word, unit="sources",
            )  # fmt: skip
        elif os.path.exists(word) or not glob.has_magic(word):
            found.append(Source(word, path=Path(word)))
        else:
            found += _from_glob(word, context.findings)
    return found


def _from_distribution(word: str, context: ReadContext) -> Source:
    package, path = distributions.split_source(word)
    pin = context.options.pins.get(word) or context.options.pins.get(path) or pinned_digest(word)
    return Source(word, data=distributions.read_file(package, path, pin))


def _from_glob(word: str, findings: Findings) -> list[Source]:
    paths = sorted(glob.glob(word, recursive=True))
    if not paths:
        findings.add(
            "no_source", "error", f"no file matches {word!r}", "check the pattern and the folder you are in",
            word, unit="sources",
        )  # fmt: skip
    return [Source(path, path=Path(path)) for path in paths]


def read_source(source: Source, context: ReadContext) -> Iterator[RawRow]:
    """The rows of one source in its order; what is wrong goes to the context's findings."""
    name = context.options.format or format_name(source, context.findings)
    if name is None:
        return
    read = formats.get(name).read
    wanted = context.options.wanted
    context.line = 0
    with told(source, context):
        for row in read(source, context):
            if any("\0" in (row.values.get(column) or "") for column in wanted):
                context.findings.add(
                    "nul", "error", "records with NUL bytes",
                    "remove them at their source; if the file is UTF-16 without a mark, set data.encoding",
                    row.where,
                )  # fmt: skip
            yield row


def format_name(source: Source, findings: Findings) -> str | None:
    """The reader that a source's name asks for; None after telling the findings why there is none."""
    if source.stream is not None:
        return "jsonl"
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


def _decompressed(source: Source, stream: io.BufferedReader[Any], context: ReadContext) -> BinaryIO:
    suffix = Path(source.name).suffix.lower()
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
    """The text of a source, strictly decoded; line ends are kept and only CR, LF and CRLF end a line."""
    with open_bytes(source, context) as stream:
        buffered = io.BufferedReader(cast(io.RawIOBase, stream), _CHUNK)
        encoding, told = choose_encoding(buffered.peek(4096)[:4096], source.name, context)
        context.encodings[source.name] = told
        text = io.TextIOWrapper(buffered, encoding, errors="strict", newline="")
        yield text
        text.detach()  # closing it here would close what open_bytes has yet to hash to its end


def choose_encoding(head: bytes, name: str, context: ReadContext) -> tuple[str, str]:
    """The codec for a file that begins with `head`, and what to call it in records."""
    for mark, codec, told in _MARKS:
        if head.startswith(mark):
            return codec, told
    chosen = context.options.encoding
    if chosen is not None:
        try:
            "".encode(chosen)
            return chosen, f"{codecs.lookup(chosen).name} as configured"
        except (LookupError, ValueError):
            context.findings.add(
                "encoding", "error", f"there is no text encoding {chosen!r}",
                "set data.encoding to a name such as utf-8, gb18030, cp1252 or utf-16-le", name, unit="files",
            )  # fmt: skip
            return "latin-1", "unknown"
    if head.count(0) * 5 > len(head) + 5:
        likely = "utf-16-be" if head[:1] == b"\0" else "utf-16-le"
        context.findings.add(
            "encoding", "error", f"the file has no byte order mark and looks like {likely} (a guess)",
            f"set data.encoding: {likely} after checking, or save the file as UTF-8", name, unit="files",
        )  # fmt: skip
        return (
            likely,
            f"{likely} (a guess)",
        )  # the error stands; reading on so finds the real ones only
    return "utf-8", "utf-8"


def not_decodable(
    name: str, error: UnicodeDecodeError, context: ReadContext, place: str = ""
) -> None:
    """Report a file that is not in its encoding, with the encodings that its bytes look like."""
    likely = guess_encodings(bytes(error.object), error.encoding)
    hint = f"it may be {', '.join(likely)} (a guess)" if likely else "no likely encoding was found"
    context.findings.add(
        "encoding",
        "error",
        f"the file is not {error.encoding} text; {hint}",
        f"set data.encoding{f' to {likely[0]}' if likely else ''} after checking, or save the file as UTF-8",
        place or name,
        unit="files",
    )


def guess_encodings(data: bytes, tried: str, limit: int = 3) -> list[str]:
    """Names of the encodings that bytes look like, likeliest first: a guess, never used to read."""
    detector = need("data", "charset_normalizer")
    names = [
        str(match.encoding).replace("_", "-") for match in detector.from_bytes(data[: 1 << 16])
    ]
    usual = [name for name in ("gb18030", "cp1252") if name not in names and _decodes(data, name)]
    return [name for name in [*names[: limit - 1], *usual, *names[limit - 1 :]] if name != tried][
        :limit
    ]


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        return error.end >= len(data) - 4  # the sample may end inside a character
    return True


def lines(stream: io.TextIOWrapper, context: ReadContext) -> Iterator[str]:
    """The lines of a text with their ends, counted in the context."""
    for number, line in enumerate(stream, 1):
        context.line = number
        yield line


@contextlib.contextmanager
def told(source: Source, context: ReadContext) -> Iterator[None]:
    """Turn errors of the disk, of compression and of decoding into findings; the source ends there."""
    try:
        yield
    except UnicodeDecodeError as error:
        place = f"{source.name} (after line {context.line})" if context.line else source.name
        not_decodable(source.name, error, context, place)
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
