"""Says which kinds of data about people and devices a sound file carries beside its samples; it keeps no value of them.

Chunks of WAV: LIST INFO and `id3 ` as most programs write them, `bext` of EBU Tech 3285 (originator, description),
`iXML` and `aXML`. Vorbis comments (https://xiph.org/vorbis/doc/v-comment.html) of FLAC and OGG, and FLAC's pictures.
ID3 (https://id3.org/id3v2.4.0-frames) of MP3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

#: Kinds that are data about a person, or tell where, when and by whom a sound was made.
PERSONAL = frozenset(
    {"artist", "comment", "copyright", "location", "originator", "picture", "title", "unreadable_metadata"}
)  # fmt: skip
#: Of each file no more than this is looked through for tags.
_MOST = 1 << 20
_INFO = {
    b"IART": "artist", b"ICMT": "comment", b"ICOP": "copyright", b"INAM": "title", b"ISFT": "software",
    b"ICRD": "date", b"IENG": "originator", b"ITCH": "originator", b"ICMS": "originator", b"ISBJ": "comment",
    b"IARL": "location", b"ILOC": "location",
}  # fmt: skip
_COMMENTS = {
    "artist": "artist", "performer": "artist", "albumartist": "artist", "composer": "artist", "title": "title",
    "album": "title", "copyright": "copyright", "license": "copyright", "contact": "originator",
    "organization": "originator", "location": "location", "date": "date", "encoder": "software",
    "metadata_block_picture": "picture", "coverart": "picture", "genre": "genre", "tracknumber": "genre",
}  # fmt: skip
_FRAMES = {
    b"TPE1": "artist", b"TPE2": "artist", b"TPE3": "artist", b"TCOM": "artist", b"TEXT": "artist",
    b"TIT2": "title", b"TALB": "title", b"COMM": "comment", b"TXXX": "comment", b"USLT": "comment",
    b"TCOP": "copyright", b"TOWN": "originator", b"TPUB": "originator", b"TENC": "originator", b"APIC": "picture",
    b"TSSE": "software", b"TDRC": "date", b"TYER": "date", b"TDAT": "date", b"TCON": "genre", b"GEOB": "comment",
}  # fmt: skip


def metadata_kinds(stream: BinaryIO, kind: str) -> tuple[str, ...]:
    """The kinds found in a file, sorted, each once; what cannot be read is `unreadable_metadata`.

    Args:
        stream: Of the file.
        kind: Its format, one of `audio.FORMATS`.
    """
    look = {"FLAC": _of_flac, "OGG": _of_ogg, "MP3": _of_mp3}.get(kind, _of_riff)
    found: set[str] = set()
    try:
        found.update(look(stream))
    except (struct.error, ValueError, IndexError, UnicodeError):
        found.add("unreadable_metadata")
    return tuple(sorted(found))


def _of_riff(stream: BinaryIO) -> Iterator[str]:
    order = ">" if stream.read(4) == b"RIFX" else "<"
    at = 12
    while True:
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8:
            return
        name, (size,) = head[:4], struct.unpack(f"{order}I", head[4:])
        if name == b"LIST" and stream.read(4) == b"INFO":
            yield from _of_info(stream.read(min(size - 4, _MOST)), order)
        elif name == b"bext":
            yield from _of_bext(stream.read(min(size, 346)))
        elif name in (b"iXML", b"aXML", b"_PMX"):
            yield "comment"
        elif name in (b"id3 ", b"ID3 "):
            yield from _of_id3(stream.read(min(size, _MOST)))
        at += 8 + size + size % 2


def _of_info(data: bytes, order: str) -> Iterator[str]:
    at = 0
    while at + 8 <= len(data):
        name, (size,) = data[at : at + 4], struct.unpack(f"{order}I", data[at + 4 : at + 8])
        if data[at + 8 : at + 8 + size].strip(b"\0 "):
            yield _INFO.get(name, "comment")
        at += 8 + size + size % 2


def _of_bext(data: bytes) -> Iterator[str]:
    description, originator, reference, when = (
        data[:256], data[256:288], data[288:320], data[320:338]
    )  # fmt: skip
    fields = (
        ("comment", description), ("originator", originator), ("originator", reference), ("date", when)
    )  # fmt: skip
    for kind, field in fields:
        if field.strip(b"\0 "):
            yield kind


def _of_flac(stream: BinaryIO) -> Iterator[str]:
    stream.seek(4)
    last = False
    while not last:
        head = stream.read(4)
        last, kind = bool(head[0] & 0x80), head[0] & 0x7F
        size = int.from_bytes(head[1:])
        if kind == 4:
            yield from _of_comments(stream.read(min(size, _MOST)))
            stream.seek(max(size - _MOST, 0), 1)
            continue
        if kind == 6:
            yield "picture"
        elif kind == 2:
            yield "comment"
        stream.seek(size, 1)


def _of_ogg(stream: BinaryIO) -> Iterator[str]:
    """The comments are the second packet, which may be cut over pages."""
    data = stream.read(_MOST)
    for mark in (b"\x03vorbis", b"OpusTags"):
        at = data.find(mark)
        if at >= 0:
            yield from _of_comments(_payload(data, at + len(mark)))
            return
    if b"\x7fFLAC" not in data[:64]:
        yield "unreadable_metadata"


def _payload(data: bytes, start: int) -> bytes:
    """What follows in the pages, without their headers."""
    found = bytearray()
    while True:
        page = data.find(b"OggS\0", start)
        found += data[start : page if page >= 0 else len(data)]
        if page < 0:
            return bytes(found)
        start = page + 27 + data[page + 26]


def _of_comments(data: bytes) -> Iterator[str]:
    (size,) = struct.unpack_from("<I", data)
    at = 4 + size
    (count,) = struct.unpack_from("<I", data, at)
    at += 4
    for _ in range(count):
        (size,) = struct.unpack_from("<I", data, at)
        name, _, value = data[at + 4 : at + 4 + min(size, 4096)].partition(b"=")
        if value.strip():
            yield _COMMENTS.get(name.decode("ascii", "replace").lower(), "comment")
        at += 4 + size


def _of_mp3(stream: BinaryIO) -> Iterator[str]:
    head = stream.read(_MOST)
    if head.startswith(b"ID3"):
        yield from _of_id3(head)
    stream.seek(0, 2)
    size = stream.tell()
    stream.seek(max(size - 128, 0))
    tail = stream.read()
    if tail.startswith(b"TAG"):
        fields = (("title", tail[3:33]), ("artist", tail[33:63]), ("title", tail[63:93]), ("date", tail[93:97]),
                  ("comment", tail[97:125]))  # fmt: skip
        for kind, field in fields:
            if field.strip(b"\0 "):
                yield kind


def _of_id3(data: bytes) -> Iterator[str]:
    if not data.startswith(b"ID3"):
        yield "unreadable_metadata"
        return
    version, flags = data[3], data[5]
    if (
        version not in (3, 4) or flags & 0x80
    ):  # of older ones, and where bytes are stuffed, nobody looked
        yield "unreadable_metadata"
        return
    end = 10 + _syncsafe(data[6:10])
    at = 10
    if flags & 0x40:
        at += _syncsafe(data[10:14]) if version == 4 else 4 + int.from_bytes(data[10:14])
    while at + 10 <= min(end, len(data)) and data[at] != 0:
        name, raw = data[at : at + 4], data[at + 4 : at + 8]
        size = _syncsafe(raw) if version == 4 else int.from_bytes(raw)
        if data[at + 10 : at + 10 + size].strip(b"\0\1\2\3 \xff\xfe"):
            yield _FRAMES.get(name, "comment")
        at += 10 + size


def _syncsafe(data: bytes) -> int:
    a, b, c, d = data
    return a << 21 | b << 14 | c << 7 | d
