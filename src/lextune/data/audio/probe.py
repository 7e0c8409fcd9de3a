"""Looks once at a sound file, or at a piece of one: digest, length, level, kinds of metadata; it knows no row."""

from __future__ import annotations

import functools
import hashlib
import math
import os
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np

from lextune.audio import FORMATS, SoundInfo, sound_info, stream_audio
from lextune.data.audio.metadata import metadata_kinds

#: A sample this near to full scale counts as clipped: 16-bit PCM ends at 0.99997, and lossy formats a little before.
CLIPPED_FROM = 0.999
#: Decoded at a time.
_BLOCK_SECONDS = 20.0


@dataclass(frozen=True)
class SoundProbe:
    """What a sound is as it is heard, all channels as their mean; nothing of its samples can be had from it.

    Attributes:
        sha256: Of the whole file, hex.
        start: Where the piece begins, in seconds; 0 of a whole file.
        stop: Where it ends; None is the end of the file.
        seconds: How long it lasts.
        rate: Samples a second, as the file has them.
        channels: Of the file.
        format: One of `audio.FORMATS`, by content.
        coding: Libsndfile's word for the samples.
        peak: The largest sample, of full scale 1.
        rms: The root of the mean square, of full scale 1.
        clipped: Share of the samples at full scale.
        metadata: Kinds of `metadata.metadata_kinds`, sorted.
    """

    sha256: str
    start: float
    stop: float | None
    seconds: float
    rate: int
    channels: int
    format: str
    coding: str
    peak: float
    rms: float
    clipped: float
    metadata: tuple[str, ...]

    @property
    def silent(self) -> bool:
        """Whether every sample is zero."""
        return self.peak == 0.0

    @property
    def text(self) -> str:
        """What the row is known by: the digest of the file, and which piece of it."""
        piece = f"#{seconds_text(self.start)}-{seconds_text(self.stop)}"
        return f"sha256:{self.sha256}{'' if piece == '#0-' else piece}"

    def fits(self, name: str) -> bool:
        """Whether the suffix of a file's name is one of its format; a name without one says nothing false."""
        suffix = PurePath(name).suffix.lower()
        return not suffix or suffix in FORMATS[self.format]


@dataclass(frozen=True)
class _File:
    sha256: str
    info: SoundInfo
    metadata: tuple[str, ...]


def probe(path: Path, start: float = 0.0, stop: float | None = None) -> SoundProbe:
    """All of that, by decoding the piece once, a block in memory at a time.

    Raises:
        OSError: The file cannot be opened.
        UnfitAudioError: It is no sound that `audio.read_audio` reads.
    """
    known = os.stat(path)
    file = _file(path, known.st_size, known.st_mtime_ns)
    samples, peak, clipped, squares = 0, 0.0, 0, 0.0
    blocks = stream_audio(path, file.info.rate, _BLOCK_SECONDS, start=start, stop=stop)
    for block in blocks:
        loud = np.abs(block)
        samples += len(block)
        peak = max(peak, float(loud.max()))
        clipped += int(np.count_nonzero(loud >= CLIPPED_FROM))
        squares += float(np.dot(loud, loud))
    return SoundProbe(
        file.sha256, start, stop, samples / file.info.rate, file.info.rate, file.info.channels,
        file.info.format, file.info.coding, peak, math.sqrt(squares / samples), clipped / samples, file.metadata,
    )  # fmt: skip


@functools.lru_cache(maxsize=64)
def _file(path: Path, size: int, changed: int) -> _File:  # noqa: ARG001 — part of the cache's key
    """What all pieces of one file share: many rows may be pieces of one hour."""
    info = sound_info(path)
    with open(path, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        stream.seek(0)
        return _File(digest, info, metadata_kinds(stream, info.format))


def seconds_text(seconds: float | None) -> str:
    """Seconds as a cell has them; empty for none."""
    if seconds is None:
        return ""
    return str(int(seconds)) if float(seconds).is_integer() else repr(float(seconds))
