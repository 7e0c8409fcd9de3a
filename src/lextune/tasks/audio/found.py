"""What a model says of a sound: its words, and when they are said; it knows no label and no figure."""

from __future__ import annotations

from typing import NamedTuple


class Segment(NamedTuple):
    """A stretch of a sound with what is said in it; seconds from the beginning of the sound."""

    start: float
    end: float
    text: str


class FoundTranscript(NamedTuple):
    """What is said in one sound.

    Attributes:
        text: All of it; empty where nothing is said.
        score: The geometric mean of the probabilities of its tokens, between 0 and 1.
        segments: The same in stretches, in order: seconds of beginning and end, and text.
    """

    text: str
    score: float
    segments: tuple[tuple[float, float, str], ...] = ()
