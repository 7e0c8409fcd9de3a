"""Holds sounds decoded once, as 16-bit samples in one array that may lie in a mapped file; it knows no model and no label."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lextune.audio import AudioInput, UnfitAudioError, read_audio
from lextune.tasks.base import TOKENS_AT_ONCE
from lextune.tasks.checked import checked_bytes, unreadable
from lextune.tasks.mapped import Arrays

if TYPE_CHECKING:
    from lextune.tasks.audio.augment import AudioView
    from lextune.tasks.audio.front import Front

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
#: Samples a second of every sound that is kept.
RATE = 16_000
#: Samples of a position of the model: 20 ms, for Whisper and for wav2vec2 alike.
POSITION = 320
_FULL = 32_767


@dataclass(frozen=True)
class Waves:
    """Mono sounds at 16 kHz one after the other.

    Attributes:
        data: Of all sounds, each at full scale, int16, shape (samples,).
        counts: Samples of each sound, int64, shape (sounds,).
        scales: What a sample of each sound is multiplied with to be as loud as in its file, float32, shape (sounds,).
        front: How samples become the model's input.
        view: How training hears the sounds in one epoch; None is as prediction hears them.
    """

    data: npt.NDArray[np.int16]
    counts: Ints
    scales: Floats
    front: Front
    view: AudioView | None = None

    def __post_init__(self) -> None:
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.counts)])
        object.__setattr__(self, "_starts", starts)

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def truncated(self) -> int:
        """None: a sound is read in windows, not cut."""
        return 0

    @property
    def lengths(self) -> Ints:
        """Positions of the model (20 ms) that a sound takes, at least 1; shape (sounds,)."""
        return self.front.positions(self.counts)

    def wave(self, row: int) -> Floats:
        """The samples of one sound, about within -1 and 1, shape (samples,)."""
        starts: Ints = self._starts  # type: ignore[attr-defined]
        part = self.data[int(starts[row]) : int(starts[row + 1])]
        return np.asarray(part.astype(np.float32) * self.scales[row])

    def in_order(self, batch_size: int) -> list[Ints]:
        """Batches of similar length, longest first, for prediction: every sound once."""
        order = np.argsort(-self.lengths, kind="stable")
        batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        return [part for batch in batches for part in self.cut(batch)]

    def cut(self, rows: Ints, tokens: int = TOKENS_AT_ONCE) -> list[Ints]:
        """The rows, longest first, in parts of at most so many positions when padded to the longest.

        A longer row is a part of its own.
        """
        rows = rows[np.argsort(-self.lengths[rows], kind="stable")]
        parts = []
        while len(rows):
            longest = int(self.lengths[rows[0]])
            taken = max(1, tokens // longest)
            parts.append(rows[:taken])
            rows = rows[taken:]
        return parts

    def seen(self, view: AudioView) -> Waves:
        """The same sounds as training hears them in an epoch."""
        return dataclasses.replace(self, view=view)

    def arrays(self) -> Arrays:
        """The samples, counts and scales, for a file."""
        return {"data": self.data, "counts": self.counts, "scales": self.scales}

    def with_arrays(self, arrays: Arrays) -> Waves:
        """Other sounds that are heard alike."""
        return dataclasses.replace(self, **arrays)


def encode_sounds(inputs: Sequence[AudioInput], front: Front) -> Waves:
    """Decode sounds to 16 kHz mono and keep them as 16-bit samples at full scale.

    Raises:
        VerificationError: A file is not the one that was looked at.
        DataError: A file cannot be read any more, or is no sound, or is longer than the model takes.
    """
    waves, counts = [], np.zeros(len(inputs), np.int64)
    scales = np.ones(len(inputs), np.float32)
    for row, given in enumerate(inputs):
        wave = decoded(given)
        front.check(len(wave) / RATE, given.file)
        peak = float(np.abs(wave).max())
        scales[row] = peak / _FULL if peak > 0 else 1.0
        waves.append(np.round(wave / scales[row]).astype(np.int16))
        counts[row] = len(wave)
    data = np.concatenate(waves) if waves else np.zeros(0, np.int16)
    return Waves(data, counts, scales, front)


def decoded(given: AudioInput) -> Floats:
    """The samples of a sound at 16 kHz, shape (samples,).

    Raises:
        VerificationError: A file is not the one that was looked at.
        DataError: A file cannot be read any more, or is no sound.
    """
    try:
        wave = read_audio(checked_bytes(given), given.start, given.stop, RATE)
    except UnfitAudioError as error:
        raise unreadable(given, error.fact) from error
    if not len(wave) or not np.isfinite(wave).all():
        raise unreadable(given, "it holds no sample, or one that is no number")
    return wave
