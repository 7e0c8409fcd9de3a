"""A text as words that can be left out; it knows no model."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from lextune.tasks.attribution.parts import Bools, Part
from lextune.tasks.text.scripts import UNSPACED

Ints = npt.NDArray[np.int64]
#: Letters and digits of scripts that set spaces hold together; of others, and of all signs, each stands alone.
_UNIT = re.compile(rf"[^\W_{UNSPACED}]+(?:['’][^\W_{UNSPACED}]+)*|\S")


class Words:
    """A text as words.

    Args:
        text: Any.
        pieces: From a text to the characters of each of its tokens, (start, end), shape (tokens, 2): what one token
            reads is not cut in two. None where that is not known.
        most: More words are joined with their neighbours; None joins none.
    """

    def __init__(
        self, text: str, pieces: Callable[[str], Ints] | None = None, most: int | None = None
    ) -> None:
        self.whole = text
        tokens = np.zeros((0, 2), np.int64) if pieces is None else pieces(text)
        self.spans = _joined(_units(text, tokens), most)
        self.parts = tuple(
            Part(f"“{text[start:end]}”", (("start", start), ("end", end)))
            for start, end in self.spans
        )

    def without(self, gone: Bools) -> str:
        """The text without some words; what stood between them stays."""
        kept, at = [], 0
        for (start, end), left_out in zip(self.spans, gone, strict=True):
            if left_out:
                kept.append(self.whole[at:start])
                at = end
        return "".join([*kept, self.whole[at:]])

    def owners(self, tokens: Ints) -> Ints:
        """The word of each token that is of one, shape (such tokens,)."""
        starts = np.array([start for start, _ in self.spans], np.int64)
        content = tokens[tokens[:, 1] > 0]
        # the white space before a word belongs to its token in some tokenizers: its last character decides
        return np.maximum(np.searchsorted(starts, content[:, 1] - 1, "right") - 1, 0)


def _units(text: str, tokens: Ints) -> list[tuple[int, int]]:
    """Words and single signs, joined where a token reads several of them."""
    found = [match.span() for match in _UNIT.finditer(text)]
    joined: list[tuple[int, int]] = []
    reach = _reach(text, tokens)
    until = 0
    for start, end in found:
        if joined and start < until:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
        until = max(until, int(reach[start:end].max(initial=0)))
    return joined


def _reach(text: str, tokens: Ints) -> Ints:
    """For each character how far the token goes that reads it."""
    reach = np.zeros(len(text), np.int64)
    for start, end in tokens.tolist():
        reach[start:end] = end
    return reach


def _joined(spans: list[tuple[int, int]], most: int | None) -> list[tuple[int, int]]:
    if most is None or len(spans) <= most:
        return spans
    return [
        (spans[group[0]][0], spans[group[-1]][1])
        for group in np.array_split(np.arange(len(spans)), most)
    ]
