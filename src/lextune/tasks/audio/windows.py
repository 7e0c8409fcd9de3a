"""Holds what is heard of a long sound while its windows are gone through; it knows no model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lextune.tasks.audio.found import FoundTranscript, Segment
from lextune.tasks.audio.front import Front
from lextune.tasks.audio.waves import Waves

Floats = npt.NDArray[np.float32]


class Part(NamedTuple):
    """Some segments with the log probabilities of their tokens.

    Attributes:
        segments: In order.
        total: Sum of the log probabilities.
        tokens: How many those are.
    """

    segments: tuple[Segment, ...]
    total: float
    tokens: int


def joined(parts: list[Part]) -> FoundTranscript | None:
    """All of a sound; None where a number is not finite."""
    total, count = sum(one.total for one in parts), sum(one.tokens for one in parts)
    if not math.isfinite(total):
        return None
    segments = tuple(segment for one in parts for segment in one.segments)
    return FoundTranscript(
        " ".join(one.text for one in segments), math.exp(total / count) if count else 0.0, segments
    )


class Buffer:
    """The samples that are not done with yet.

    Args:
        blocks: Where more come from.
    """

    def __init__(self, blocks: Iterator[Floats]) -> None:
        self._blocks = blocks
        self.samples: Floats = np.zeros(0, np.float32)
        self.place, self.ended = 0, False

    def fill(self, size: int) -> None:
        """Hold so many samples and one more, or all that there are."""
        waiting, held = [self.samples], len(self.samples)
        while held <= size and not self.ended:
            block = next(self._blocks, None)
            if block is None:
                self.ended = True
            else:
                waiting.append(np.asarray(block, np.float32))
                held += len(block)
        self.samples = np.concatenate(waiting)

    def drop(self, count: int) -> None:
        """Be done with so many samples."""
        self.samples = self.samples[count:].copy()
        self.place += count


def wave_of(front: Front, wave: Floats) -> Waves:
    """One sound as the encoder would keep it."""
    peak = float(np.abs(wave).max(initial=0.0))
    scale = peak / 32_767 if peak > 0 else 1.0
    data = np.round(wave / scale).astype(np.int16)
    return Waves(data, np.array([len(wave)]), np.array([scale], np.float32), front)
