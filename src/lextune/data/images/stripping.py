"""Writes image files again without what they carry beside their pixels, upright; it knows no folder and no row.

JPEG, PNG, GIF and WebP that are upright already are not encoded again: their parts are copied, all but metadata,
thumbnails, comments and what lies behind the image's end. So the pixels stay what they are to the bit. A JPEG that
is turned has to be encoded again, which is done with the quantisation tables of the file itself, so that little more
is lost than by rounding. All other formats are written again without loss. Colour profiles stay: without them the
colours would mean something else.

JPEG: ITU-T T.81, B.1; PNG: W3C PNG 3rd edition, 5.3; GIF: GIF89a, 23-26; WebP: RFC 9649.
"""

from __future__ import annotations

import dataclasses
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lextune import images
from lextune.data.images.probe import Probe, probe
from lextune.extras import need

if TYPE_CHECKING:
    from PIL.Image import Image

#: Chunks of PNG that pixels and colours depend on; animation among them.
_PNG_KEPT = frozenset(
    {
        b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT",
        b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT",
    }
)  # fmt: skip
_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ANIM", b"ANMF", b"ALPH", b"ICCP"})
#: The flags of EXIF and XMP in the first byte of VP8X.
_WEBP_FLAGS = 0x08 | 0x04
_GIF_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


@dataclass(frozen=True)
class Stripped:
    """An image file without metadata.

    Attributes:
        data: Of the new file.
        before: What the old one was.
        changed: Whether any byte is another.
        turned: Whether its pixels were turned upright.
        lossy: Whether a JPEG was encoded again.
        first_only: Whether further pages or frames were left out.
    """

    data: bytes
    before: Probe
    changed: bool = False
    turned: bool = False
    lossy: bool = False
    first_only: bool = False


class LeftoverError(RuntimeError):
    """Metadata is still in what was to be written, which is a fault of this module: nothing may be written."""


def strip(data: bytes) -> Stripped:
    """The file again, in its format, without metadata and upright.

    Raises:
        UnfitImageError: It is no image that is read.
        LeftoverError: Some metadata would stay.
    """
    before = probe(data)
    made = _rewritten(data, before)
    after = probe(made.data)
    if after.metadata or after.orientation != 1 or after.size != before.size:
        raise LeftoverError(", ".join(after.metadata) or "orientation")
    return dataclasses.replace(made, changed=made.data != data)


def _rewritten(data: bytes, before: Probe) -> Stripped:
    copiers = {"JPEG": _jpeg, "PNG": _png, "GIF": _gif, "WEBP": _webp}
    if before.orientation == 1 and before.format in copiers:
        try:
            return Stripped(b"".join(copiers[before.format](data)), before)
        except (struct.error, IndexError) as error:
            raise images.damaged() from error
    opened = images.open_image(data)
    several = getattr(opened, "n_frames", 1) > 1 and opened.format != "MPO"
    deep = before.format == "PNG" and data[24] == 16 and before.mode == "RGB"  # Pillow keeps 8 bits
    keep: dict[str, Any] = {}
    if before.format == "JPEG":
        keep = _tables(opened, before.orientation)
    bare = _bare(images.load_upright(opened))
    stream = io.BytesIO()
    if before.format == "WEBP":
        keep = {"lossless": True, "exact": True}
    elif before.format == "TIFF":
        keep = {"compression": "tiff_adobe_deflate"}
    elif before.format == "PNG" and bare.mode == "I;16" and "transparency" in bare.info:
        keep = {"transparency": bare.info["transparency"]}
    if "icc_profile" in bare.info:
        keep["icc_profile"] = bare.info["icc_profile"]
    bare.save(stream, before.format, **keep)
    lossy = before.format == "JPEG" or deep
    turned = before.orientation != 1
    return Stripped(stream.getvalue(), before, turned=turned, lossy=lossy, first_only=several)


def _bare(image: Image) -> Image:
    """The loaded image with its pixels, palette, transparency and colour profile alone."""
    found = image.copy()
    found.info = {
        key: value for key, value in image.info.items() if key in ("transparency", "icc_profile")
    }
    found.getexif().clear()
    return found


def _tables(image: Image, turn: int) -> dict[str, Any]:
    """What a JPEG is to be encoded with again: its own tables, which lie on their side where the image is turned so."""
    plugin = need("vision", "PIL.JpegImagePlugin")
    image_tables: dict[int, list[int]] = image.quantization
    tables = {
        number: _transposed(table) if turn > 4 else list(table)
        for number, table in image_tables.items()
    }
    sampling = plugin.get_sampling(image) if image.mode in ("RGB", "YCbCr") else -1
    if (
        turn > 4 and sampling == 1
    ):  # halved across would be halved down, which Pillow does not write
        sampling = 0
    found: dict[str, Any] = {"qtables": tables, "optimize": True}
    return found if sampling < 0 else {**found, "subsampling": sampling}


def _transposed(table: list[int]) -> list[int]:
    """A table of 64 in rows of 8, mirrored at its diagonal."""
    return [table[8 * column + row] for row in range(8) for column in range(8)]


def _jpeg(data: bytes) -> Iterator[bytes]:
    """The segments up to the first end of image, all but comments and what applications left."""
    yield data[:2]
    at = 2
    while True:
        while data[at] == 0xFF and data[at + 1] == 0xFF:  # fill bytes
            at += 1
        if data[at] != 0xFF:  # junk between segments, which readers pass over
            at += 1
            continue
        marker = data[at + 1]
        if marker == 0xD9:
            yield b"\xff\xd9"
            return
        (length,) = struct.unpack_from(">H", data, at + 2)
        segment, payload = data[at : at + 2 + length], data[at + 4 : at + 2 + length]
        at += 2 + length
        yield _jpeg_kept(marker, segment, payload)
        if marker == 0xDA:
            start, at = at, _scan_end(data, at)
            yield data[start:at]
            if at >= len(data):
                yield b"\xff\xd9"  # the end was cut off, and every reader puts it there
                return


def _jpeg_kept(marker: int, segment: bytes, payload: bytes) -> bytes:
    if marker == 0xE0:  # the second one of JFIF is a thumbnail, as may be the end of the first
        whole = payload.startswith(b"JFIF\0") and len(payload) >= 14
        return b"\xff\xe0\0\x10" + payload[:12] + b"\0\0" if whole else b""
    if marker == 0xE2:
        return segment if payload.startswith(b"ICC_PROFILE\0") else b""
    if marker == 0xEE:
        return segment if payload.startswith(b"Adobe") else b""
    return b"" if 0xE0 <= marker <= 0xEF or marker == 0xFE else segment


def _scan_end(data: bytes, at: int) -> int:
    """Where the next marker is that ends a scan; bytes of 255 inside are followed by 0 or a restart number."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            return len(data)
        if data[at + 1] not in (0, 0xFF) and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 1 if data[at + 1] == 0xFF else 2


def _png(data: bytes) -> Iterator[bytes]:
    yield data[:8]
    at = 8
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        if kind in _PNG_KEPT:
            yield data[at : at + 12 + length]
        at += 12 + length
        if kind == b"IEND":
            return


def _webp(data: bytes) -> Iterator[bytes]:
    chunks: list[bytes] = []
    (size,) = struct.unpack_from("<I", data, 4)
    at, end = 12, min(8 + size, len(data))
    while at + 8 <= end:
        kind = data[at : at + 4]
        (length,) = struct.unpack_from("<I", data, at + 4)
        chunk = bytearray(data[at : at + 8 + length + length % 2])
        at += len(chunk)
        if kind == b"VP8X":
            chunk[8] &= ~_WEBP_FLAGS & 0xFF
        if kind in _WEBP_KEPT:
            chunks.append(bytes(chunk))
    body = b"".join(chunks)
    yield b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _gif(data: bytes) -> Iterator[bytes]:
    at = 13 + _gif_table(data[10])
    yield data[:at]
    while at < len(data):
        start = at
        if data[at] == 0x3B:
            break
        if data[at] == 0x2C:
            at = _gif_blocks(data, at + 11 + _gif_table(data[at + 9]))
            yield data[start:at]
        elif data[at] == 0x21:
            kind = data[at + 1]
            at = _gif_blocks(data, at + 2)
            loops = kind == 0xFF and data[start + 3 : start + 14] in _GIF_LOOPS
            if kind == 0xF9 or loops:  # how a frame is shown, and how often all are
                yield data[start:at]
        else:
            at += 1
    yield b"\x3b"


def _gif_table(flags: int) -> int:
    """Bytes of the table of colours that follows."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_blocks(data: bytes, at: int) -> int:
    """Behind the blocks that begin there, each with its length before it, up to the empty one."""
    while at < len(data) and data[at]:
        at += data[at] + 1
    return at + 1
