"""Looks at the sound of a row, and keeps what was heard as columns; it knows no format."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lextune.audio import UnfitAudioError
from lextune.data.columns import Ints, NameList, Names, Spool, Texts
from lextune.data.formats import RawRow, ReadContext
from lextune.extras import need

if TYPE_CHECKING:
    from lextune.data.audio.probe import SoundProbe

#: A shorter sound holds no sound of speech: the shortest vowels last 50 ms.
LEAST_SECONDS = 0.1
#: Columns that name a piece of a file, in seconds.
START, STOP = "start", "stop"


@dataclass(frozen=True)
class SoundColumns:
    """What is known of the sounds of rows, row by row.

    Attributes:
        files: Paths of the sounds.
        digests: SHA-256 of each file, hex.
        starts: Where pieces begin, in seconds, as text.
        stops: Where they end; empty is the end of the file.
        seconds: How long they last.
        rates: Samples a second of the file.
        channels: Of the file.
        rms: Level, of full scale 1.
        clipped: Share of samples at full scale.
        formats: One of `audio.FORMATS`.
        metadata: Kinds of metadata in each file, joined by commas; the empty name where there is none.
        speaker: Which of the columns that bind rows says who speaks; None where none does.
    """

    files: Texts
    digests: Names
    starts: Names
    stops: Names
    seconds: npt.NDArray[np.float64]
    rates: npt.NDArray[np.int32]
    channels: npt.NDArray[np.int32]
    rms: npt.NDArray[np.float64]
    clipped: npt.NDArray[np.float64]
    formats: Names
    metadata: Names
    speaker: str | None = None

    def take(self, rows: Ints) -> SoundColumns:
        """Those rows, in that order."""
        return SoundColumns(
            self.files.take(rows), self.digests.take(rows), self.starts.take(rows), self.stops.take(rows),
            self.seconds[rows], self.rates[rows], self.channels[rows], self.rms[rows], self.clipped[rows],
            self.formats.take(rows), self.metadata.take(rows), self.speaker,
        )  # fmt: skip

    def table_columns(self) -> dict[str, Any]:
        """What a table of rows holds of their sounds."""
        pa = need("data", "pyarrow")
        return {
            "audio": pa.array(list(self.files), pa.large_string()),
            "sha256": self.digests.array(),
            "start": self.starts.array(),
            "stop": self.stops.array(),
            "seconds": pa.array(self.seconds),
        }


class SoundReading:
    """The sounds of one part as its rows are read."""

    def __init__(self, context: ReadContext) -> None:
        self.context = context
        self.files = Spool(context.scratch)
        self.names = {
            name: NameList() for name in ("sha256", "start", "stop", "format", "metadata")
        }
        self.numbers = {
            name: array("d") for name in ("seconds", "rate", "channels", "rms", "clipped")
        }
        self._probe: SoundProbe | None = None

    def close(self) -> None:
        """Let the file without a name go; the column that was made of it stays."""
        self.files.__exit__()

    def accept(self, looked: SoundProbe | UnfitAudioError, raw: RawRow) -> SoundProbe | None:
        """What was heard; None after telling the context's findings why there is nothing to hear."""
        self._probe = None
        if not isinstance(looked, UnfitAudioError):
            looked = _too_little(looked) or looked
        if isinstance(looked, UnfitAudioError):
            self.context.skip(looked.kind, looked.fact, looked.remedy, raw.where)
            return None
        if not looked.fits(raw.values[self.context.options.text] or ""):
            self.context.findings.add(
                "sound_suffix", "info", f"sounds in {looked.format} whose names end as those of another format",
                "none is needed: they are read by what they hold", raw.where,
            )  # fmt: skip
        self._probe = looked
        return looked

    def add(self, file: str) -> None:
        """The sound that was accepted last belongs to one more row."""
        from lextune.data.audio.probe import seconds_text

        found = self._probe
        assert found is not None
        self.files.add(file)
        words = (
            found.sha256, seconds_text(found.start), seconds_text(found.stop), found.format,
            ",".join(found.metadata),
        )  # fmt: skip
        for names, word in zip(self.names.values(), words, strict=True):
            names.add(word)
        values = (found.seconds, found.rate, found.channels, found.rms, found.clipped)
        for numbers, value in zip(self.numbers.values(), values, strict=True):
            numbers.append(value)

    def columns(self, speaker: str | None) -> SoundColumns:
        """All of them; `speaker` as they have it."""
        digests, starts, stops, formats, metadata = (one.column() for one in self.names.values())
        seconds, rates, channels, rms, clipped = (np.array(one) for one in self.numbers.values())
        return SoundColumns(
            self.files.column(), digests, starts, stops, seconds, rates.astype(np.int32),
            channels.astype(np.int32), rms, clipped, formats, metadata, speaker,
        )  # fmt: skip


def look_at_sound(values: Mapping[str, str | None], column: str) -> SoundProbe | UnfitAudioError:
    """What the sound of a row with these cells is, or why it cannot be heard; its path is in that column."""
    from lextune.data.audio.probe import probe

    path = values.get(column)
    if not path:
        return UnfitAudioError(
            "missing_sound", "rows without the path of a sound", "write it there, or remove the row"
        )  # fmt: skip
    try:
        start, stop = _seconds(values.get(START)), _seconds(values.get(STOP))
        return probe(Path(path), start or 0.0, stop)
    except UnfitAudioError as error:
        return error
    except OSError as error:
        return UnfitAudioError(
            "unreadable_sound", f"sounds that cannot be read: {error.strerror}",
            "check the paths, which are taken from the folder of the file that names them, or set data.audio to "
            "the folder that they lie in",
        )  # fmt: skip


def _too_little(found: SoundProbe) -> UnfitAudioError | None:
    """Why a sound teaches nothing, where it does not."""
    if found.silent:
        return UnfitAudioError(
            "silent_sound", "sounds of which every sample is zero",
            "copy the file again, or remove the row: nothing can be heard in it",
        )  # fmt: skip
    if found.seconds < LEAST_SECONDS:
        return UnfitAudioError(
            "short_sound", f"sounds shorter than {LEAST_SECONDS:g} s", "remove the row, or join it to what comes next"
        )  # fmt: skip
    return None


def _seconds(cell: str | None) -> float | None:
    if cell is None or not cell.strip():
        return None
    try:
        found = float(cell)
    except ValueError:
        found = math.nan
    if not math.isfinite(found) or found < 0:
        raise UnfitAudioError(
            "bad_piece", "rows whose start or stop is no number of seconds",
            "write seconds from the beginning of the file, such as 12.5",
        )  # fmt: skip
    return found
