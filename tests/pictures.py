"""Small image files of our own, in any format and with any metadata."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image


def encoded(image, kind="PNG", **options):
    """An image as the bytes of a file; `exif` may be a dict of tags, with `gps` and `photo` for its folders."""
    if "exif" in options:
        options["exif"] = exif(options["exif"])
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def exif(tags):
    """EXIF of a dict of tags; `gps` and `photo` hold the tags of those folders."""
    made = Image.Exif()
    for tag, value in tags.items():
        if tag == "gps":
            made.get_ifd(0x8825).update(value)
        elif tag == "photo":
            made.get_ifd(0x8769).update(value)
        else:
            made[tag] = value
    return made


#: A camera's words: artist, description, serial number, time, place.
PERSONAL = {
    0x010E: "the garden", 0x013B: "Ada Example", "gps": {1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 20.0, 0.0)},
    "photo": {0x9003: "2026:01:02 03:04:05", 0xA431: "SN-42"},
}  # fmt: skip


def photo(seed=0, size=(64, 48), spots=12):
    """A picture with a pattern of its own: soft spots of colour, the same for the same seed."""
    draw = np.random.default_rng(seed)
    width, height = size
    y, x = np.mgrid[:height, :width]
    pixels = np.zeros((height, width, 3))
    for _ in range(spots):
        at = draw.random(2) * (width, height)
        near = np.exp(-(((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * (min(size) / 5) ** 2)))
        pixels += near[..., None] * draw.random(3) * 160
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def png(width, height, depth, colour, rows, *chunks):
    """A PNG written chunk by chunk; `rows` are the unfiltered bytes with a 0 before each row."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", head), *chunks, chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        ]
    )  # fmt: skip


def chunk(kind, data):
    """One chunk of a PNG."""
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)
