"""What a model hears in one sound; it knows no model and no file."""

from __future__ import annotations

from typing import NamedTuple


class FoundTranscript(NamedTuple):
    """The text of one sound.

    Attributes:
        text: What is said.
        score: The exponential of the mean log probability of its tokens, 0 to 1.
        segments: Its pieces in their order, each with the seconds at which it starts and ends.
    """

    text: str
    score: float
    segments: tuple[tuple[float, float, str], ...] = ()
