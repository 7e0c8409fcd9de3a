"""Turns a sound file into one channel of samples at one rate, the same for training and serving; it knows no model and no label.

What a file holds is decided here once:

- WAV (with RF64 and W64), FLAC, OGG (Vorbis, Opus, FLAC) and MP3 are read, by content and never by name, in whatever
  coding of samples libsndfile reads: 8, 16, 24 and 32 bits, float, A-law and u-law among them.
- Whole numbers are divided by their greatest, so that full scale is 1. Float samples stand as they are, and are refused
  where they are no number or so large that nothing says what full scale is.
- Several channels are heard as their mean.
- Another rate is changed by soxr's filter of 20 bits (its quality "HQ"), which passes what is below 0.91 of the lower
  of the two half rates and stops what is above it: nothing aliases.
- A file that ends before its header says, is refused: nobody knows what was said then. An MP3 says its length only
  where it begins with a Xing frame; without one, a cut is not seen.
"""

from __future__ import annotations

import contextlib
import io
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from lextune.extras import need
from lextune.unfit import UnfitFileError, refuse_no_file

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples = npt.NDArray[np.float32]

#: Samples a second that speech models take.
RATE = 16_000
#: Rates that are read: below, speech is lost; above is no sound.
LEAST_RATE, MOST_RATE = 8_000, 192_000
#: What `read_audio` makes in memory at most: two hours are 460 MB at 16 kHz.
MOST_SECONDS = 7_200.0
#: Formats that are read, in libsndfile's words, each with the suffixes that its files have.
FORMATS = {
    "WAV": (".wav", ".wave"),
    "WAVEX": (".wav", ".wave"),
    "RF64": (".wav", ".rf64"),
    "W64": (".w64",),
    "FLAC": (".flac",),
    "OGG": (".ogg", ".oga", ".opus"),
    "MP3": (".mp3",),
}
#: All of their suffixes, lower case.
SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)
#: Float samples beyond are taken for whole numbers that nobody divided.
_FULL_SCALES = 8.0
#: Samples, of all channels together, that are decoded at a time.
_BLOCK = 1 << 18
#: A RIFF chunk of this size or more is a stream whose writer could not go back to say its length.
_UNKNOWN_SIZE = 0x7FFFEFFF
_LAST_FRAME = 1 << 40


class AudioInput(NamedTuple):
    """A sound, or a piece of one.

    Attributes:
        file: Its path.
        sha256: Of the file, hex.
        label: The cell of its label, where there is one.
        start: Where the piece begins, in seconds.
        stop: Where it ends; None is the end of the file.
        data: The bytes of the file, where they are in memory already; then `file` and `sha256` are not looked at.
    """

    file: str
    sha256: str
    label: str | None = None
    start: float = 0.0
    stop: float | None = None
    data: bytes | None = None


class SoundInfo(NamedTuple):
    """What the header of a sound file says.

    Attributes:
        format: One of `FORMATS`, by content.
        coding: Libsndfile's word for the samples (`PCM_16`, `FLOAT`, `VORBIS`).
        rate: Samples a second of each channel.
        channels: How many there are.
        frames: Samples of each channel; None where the file does not say.
    """

    format: str
    coding: str
    rate: int
    channels: int
    frames: int | None

    @property
    def seconds(self) -> float | None:
        """How long it lasts; None where the file does not say."""
        return None if self.frames is None else self.frames / self.rate


class UnfitAudioError(UnfitFileError):
    """A file that cannot be read as a sound."""


def sound_info(source: bytes | str | Path) -> SoundInfo:
    """What a sound file is, by its header and the places where it says that it ends; no sample is decoded.

    Raises:
        OSError: It cannot be opened.
        UnfitAudioError: It is no sound of `FORMATS`, has no samples, or is cut short.
    """
    with _opened(source) as (_, info):
        return info


def read_audio(
    source: bytes | str | Path, start: float = 0.0, stop: float | None = None, rate: int = RATE
) -> Samples:
    """The samples of a sound, or of a piece of it: one channel, float32, shape (samples,), full scale is 1.

    Args:
        source: The bytes of the file, or its path.
        start: Where the piece begins, in seconds.
        stop: Where it ends; None is the end of the file.
        rate: Samples a second of the result.

    Raises:
        OSError: It cannot be opened.
        UnfitAudioError: It cannot be read as the module says, is longer than `MOST_SECONDS`, or the piece lies
            outside it.
    """
    import numpy as np

    blocks, held = [], 0
    for block in stream_audio(source, rate, 60.0, start=start, stop=stop):
        held += len(block)
        if held > MOST_SECONDS * rate:
            raise UnfitAudioError(
                "sound_too_long", f"sounds of more than {MOST_SECONDS / 3600:g} hours in one row",
                "cut them into pieces, or name pieces in the columns start and stop",
            )  # fmt: skip
        blocks.append(block)
    return np.concatenate(blocks)


def read_input(sound: AudioInput, rate: int = RATE) -> Samples:
    """`read_audio` of what a row or a request holds."""
    source = Path(sound.file) if sound.data is None else sound.data
    return read_audio(source, sound.start, sound.stop, rate)


def stream_audio(
    source: bytes | str | Path, rate: int = RATE, seconds: float = 30.0, *,
    start: float = 0.0, stop: float | None = None,
) -> Iterator[Samples]:  # fmt: skip
    """A sound of any length, a block at a time, in the memory of one block; together they are what `read_audio` gives.

    Args:
        source: The bytes of the file, or its path.
        rate: Samples a second of the result.
        seconds: Of each block; the last is shorter.
        start: Where to begin, in seconds.
        stop: Where to end; None is the end of the file.

    Raises:
        OSError: It cannot be opened.
        UnfitAudioError: As `read_audio`, but of any length; what is found late comes after the blocks before it.
    """
    import numpy as np

    size = round(seconds * rate)
    waiting: list[Samples] = []
    held = 0
    for piece in _resampled(source, start, stop, rate):
        waiting.append(piece)
        held += len(piece)
        while held >= size:
            whole = np.concatenate(waiting)
            yield whole[:size]
            waiting, held = [whole[size:]], held - size
    if held:
        yield np.concatenate(waiting)


def _resampled(
    source: bytes | str | Path, start: float, stop: float | None, rate: int
) -> Iterator[Samples]:
    with _opened(source) as (file, info):
        blocks = _mono(file, info, *_piece(info, start, stop))
        if info.rate == rate:
            yield from blocks
            return
        stream = need("audio", "soxr").ResampleStream(
            info.rate, rate, 1, dtype="float32", quality="HQ"
        )
        before: Samples | None = None
        for block in blocks:
            if before is not None:
                yield stream.resample_chunk(before)
            before = block
        if before is not None:
            yield stream.resample_chunk(before, last=True)


def _mono(file: Any, info: SoundInfo, first: int, frames: int | None) -> Iterator[Samples]:
    """One channel of a piece of an opened file, in blocks.

    Raises:
        UnfitAudioError: It ends too early, is damaged, or holds what is no number.
    """
    import numpy as np

    step = max(_BLOCK // info.channels, 1)
    left = _LAST_FRAME if frames is None else frames
    done = 0
    try:
        if first:
            file.seek(first)
        while left > 0:
            wanted = min(step, left)
            block: Samples = file.read(wanted, dtype="float32", always_2d=True)
            if len(block) < wanted and frames is not None:
                raise damaged()
            if len(block):
                peak = float(np.maximum(block.max(), -block.min()))
                if not peak <= _FULL_SCALES:  # also of what is no number
                    raise _not_in_range(peak)
                yield _heard(block)
            done, left = done + len(block), left - wanted
            if len(block) < wanted:
                break
    except need("audio", "soundfile").SoundFileError as error:
        raise damaged() from error
    if not done:
        raise _silent_header()


def _heard(block: Samples) -> Samples:
    """The mean of the channels, shape (frames, channels) to (frames,); column by column it is four times as fast."""
    total: Samples = block[:, 0].copy()
    for channel in range(1, block.shape[1]):
        total += block[:, channel]
    return total / total.dtype.type(block.shape[1]) if block.shape[1] > 1 else total


def _piece(info: SoundInfo, start: float, stop: float | None) -> tuple[int, int | None]:
    """The first frame of a piece and how many there are; None is as many as come."""
    first = round(start * info.rate)
    if stop is None and first == 0:
        return 0, info.frames
    end = info.frames if stop is None else round(stop * info.rate)
    # times are written with two or three digits: a piece may end a little after its file
    slack = round(0.05 * info.rate)
    if info.frames is not None and end is not None and info.frames < end <= info.frames + slack:
        end = info.frames
    if first < 0 or (end is not None and not first < end) or end is None:
        raise _outside()
    if info.frames is not None and end > info.frames:
        raise _outside()
    return first, end - first


@contextlib.contextmanager
def _opened(source: bytes | str | Path) -> Iterator[tuple[Any, SoundInfo]]:
    """The file as soundfile has it, and what it is.

    Raises:
        UnfitAudioError: It is no sound that is read.
    """
    soundfile = need("audio", "soundfile")
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(_nameless(source))
        head = stream.read(64)
        refuse_no_file(head, "sound", UnfitAudioError)
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        try:
            file = stack.enter_context(soundfile.SoundFile(stream))
        except MemoryError:
            raise
        except Exception as error:  # of a hostile file any
            # OGG says where it begins long before what is in it
            raise (damaged() if head.startswith((b"OggS", b"fLaC")) else _no_sound()) from error
        info = _info(file)
        if info.frames == 0 and not _ends_early(stream, size, info):
            raise _silent_header()
        place = stream.tell()
        if _ends_early(stream, size, info):
            raise damaged()
        stream.seek(place)
        yield file, info


def _nameless(source: bytes | str | Path) -> BinaryIO:
    """What is read, without the name that soundfile would go by."""
    if isinstance(source, bytes):
        return io.BytesIO(source)
    raw: Any = io.FileIO(source)
    raw.name = ""
    return io.BufferedReader(raw)


def _info(file: Any) -> SoundInfo:
    if file.format not in FORMATS:
        raise _no_sound()
    if not LEAST_RATE <= file.samplerate <= MOST_RATE:
        raise UnfitAudioError(
            "sound_rate", f"sounds whose rate is not from {LEAST_RATE:,} to {MOST_RATE:,} samples a second",
            "take them from where they were recorded at 8,000 samples a second or more",
        )  # fmt: skip
    frames = file.frames if 0 <= file.frames < _LAST_FRAME else None
    return SoundInfo(file.format, file.subtype, file.samplerate, file.channels, frames)


def _ends_early(stream: BinaryIO, size: int, info: SoundInfo) -> bool:
    """Whether a file holds less than it says; libsndfile reads such files without a word."""
    if info.format in ("WAV", "WAVEX", "RF64"):
        return _riff_end(stream) > size
    if info.format == "OGG":
        return not _ogg_ends(stream, size)
    return info.format == "MP3" and _xing_end(stream) > size


def _riff_end(stream: BinaryIO) -> int:
    """Where the samples of a WAV end as its chunks say; 0 where they do not.

    RIFF: https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html; RF64: EBU Tech 3306.
    """
    stream.seek(0)
    order = ">" if stream.read(4) == b"RIFX" else "<"
    at, long = 12, None
    while True:
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8:
            return 0
        size: int = struct.unpack(f"{order}4xI", head)[0]
        if head[:4] == b"ds64":
            long = int.from_bytes(stream.read(16)[8:], "little")
        if head[:4] == b"data":
            if size >= _UNKNOWN_SIZE:
                return at + 8 + long if long is not None and size == 0xFFFFFFFF else 0
            return at + 8 + size
        at += 8 + size + size % 2


def _ogg_ends(stream: BinaryIO, size: int) -> bool:
    """Whether the last page is whole and says that it is the last (RFC 3533, section 6)."""
    stream.seek(max(size - (1 << 17), 0))
    tail = stream.read()
    at = tail.rfind(b"OggS\0")
    if at < 0 or len(tail) < at + 27:
        return False
    segments = tail[at + 27 : at + 27 + tail[at + 26]]
    whole = len(segments) == tail[at + 26] and at + 27 + len(segments) + sum(segments) <= len(tail)
    return whole and bool(tail[at + 5] & 4)


def _xing_end(stream: BinaryIO) -> int:
    """Where an MP3 ends as the Xing frame says that many begin with; 0 where there is none.

    http://gabriel.mp3-tech.org/mp3infotag.html
    """
    stream.seek(0)
    head = stream.read(10)
    start = 0
    if head.startswith(b"ID3") and len(head) == 10:
        a, b, c, d = head[6:]
        start = 10 + (a << 21 | b << 14 | c << 7 | d)
    stream.seek(start)
    frame = stream.read(256)
    places = [at for word in (b"Xing", b"Info") if 0 <= (at := frame.find(word)) < 64]
    if not places:
        return 0
    at = places[0]
    flags = int.from_bytes(frame[at + 4 : at + 8])
    if not flags & 2:
        return 0
    at += 8 + (4 if flags & 1 else 0)
    return start + int.from_bytes(frame[at : at + 4])


def damaged() -> UnfitAudioError:
    """The error of a file that begins as a sound and does not end as one."""
    return UnfitAudioError(
        "damaged_sound", "sounds that are cut short or damaged", "copy the file again, or remove the row"
    )  # fmt: skip


def _no_sound() -> UnfitAudioError:
    return UnfitAudioError(
        "not_a_sound", "files that are no sound in WAV, FLAC, OGG or MP3",
        "save them as WAV or FLAC, or remove the rows",
    )  # fmt: skip


def _silent_header() -> UnfitAudioError:
    return UnfitAudioError(
        "no_frames", "sound files with a header and no sound behind it",
        "copy the file again, or remove the row",
    )  # fmt: skip


def _outside() -> UnfitAudioError:
    return UnfitAudioError(
        "piece_outside", "pieces that do not lie inside their sound",
        "write start and stop in seconds from the beginning of the file",
    )  # fmt: skip


def _not_in_range(peak: float) -> UnfitAudioError:
    if peak > _FULL_SCALES and peak != float("inf"):
        return UnfitAudioError(
            "unknown_range", f"sounds in float samples beyond {_FULL_SCALES:g}: nothing says what full scale is",
            "divide them so that they are from -1 to 1, or save them as 16-bit PCM",
        )  # fmt: skip
    return UnfitAudioError(
        "not_finite", "sounds with samples that are NaN or infinite",
        "make the file again, or remove the row",
    )  # fmt: skip
