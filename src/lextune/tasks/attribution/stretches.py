"""A sound as stretches that can be made silent; it knows no model."""

from __future__ import annotations

import io
import itertools

import numpy as np

from lextune.audio import RATE, AudioInput, read_input
from lextune.extras import need
from lextune.tasks.attribution.parts import Bools, Part

#: Stretches of a sound where nobody says.
USUAL = 20


class Stretches:
    """A sound in stretches of equal length.

    Args:
        sound: Or a piece of one.
        most: Stretches; None is 20.

    Raises:
        UnfitAudioError: It cannot be read.
    """

    def __init__(self, sound: AudioInput, most: int | None = None) -> None:
        self._samples = read_input(sound)
        count = min(USUAL if most is None else max(most, 1), len(self._samples))
        self._edges = np.linspace(0, len(self._samples), count + 1).round().astype(int).tolist()
        self._sound = sound
        self.parts = tuple(
            Part(
                f"{sound.start + start / RATE:.2f}-{sound.start + end / RATE:.2f} s",
                (("start", sound.start + start / RATE), ("end", sound.start + end / RATE)),
            )
            for start, end in itertools.pairwise(self._edges)
        )
        self.whole = self._written(self._samples)

    def without(self, gone: Bools) -> AudioInput:
        """The sound with silence in some stretches."""
        samples = self._samples.copy()
        for (start, end), silent in zip(itertools.pairwise(self._edges), gone, strict=True):
            if silent:
                samples[start:end] = 0
        return self._written(samples)

    def _written(self, samples: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> AudioInput:
        sink = io.BytesIO()
        need("audio", "soundfile").write(sink, samples, RATE, format="WAV", subtype="FLOAT")
        return self._sound._replace(data=sink.getvalue(), start=0.0, stop=None)
