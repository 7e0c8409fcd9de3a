"""Tags of tokens and spans of texts, one made of the other, in the scheme IOB2; it knows no tokenizer and no model.

IOB2 (Tjong Kim Sang and Veenstra 1999, cs/9907006): the first piece of a span has B-TYPE, the others I-TYPE, all
else O.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lextune.labels import Span

#: Tags that no piece is taught: it has none.
UNTAUGHT = -100
_FORBIDDEN = -1e9
#: So many (texts, pieces, tags) are worked on at once.
_CELLS = 2**22


class ScoredSpan(NamedTuple):
    """A span that was found; its score is the mean probability of the tags of its pieces."""

    start: int
    end: int
    type: str
    score: float


def tag_names(types: Sequence[str]) -> tuple[str, ...]:
    """O, then B and I of each type."""
    return ("O", *(f"{part}-{name}" for name in types for part in "BI"))


def tags_of(
    pieces: npt.NDArray[np.int32], spans: Sequence[Span], types: Sequence[str]
) -> npt.NDArray[np.int64]:
    """The number of each piece's tag, shape (pieces,).

    A span that begins or ends inside a piece is taught with the whole piece. Where two spans touch one piece,
    the piece belongs to the first.

    Args:
        pieces: Start and end of each, in order, shape (pieces, 2).
        spans: Of the same text, sorted, none overlapping another.
        types: Their types, in the order of `tag_names`.
    """
    tags = np.zeros(len(pieces), np.int64)
    number = {name: index for index, name in enumerate(types)}
    first = np.searchsorted(pieces[:, 1], [span.start for span in spans], "right")
    stop = np.searchsorted(pieces[:, 0], [span.end for span in spans], "left")
    taken = 0
    for span, begin, end in zip(spans, first.tolist(), stop.tolist(), strict=True):
        own = max(begin, taken)
        if own < end:
            tag = 1 + 2 * number[span.type]
            tags[own], tags[own + 1 : end] = tag, tag + 1
            taken = end
    return tags


def spans_of(
    pieces: npt.NDArray[np.int32],
    tags: npt.NDArray[np.int64],
    scores: npt.NDArray[np.floating],
    types: Sequence[str],
) -> tuple[ScoredSpan, ...]:
    """The spans that tags say, for tags that `best_tags` found.

    Args:
        pieces: Shape (pieces, 2).
        tags: Shape (pieces,).
        scores: Probability of each piece's tag, shape (pieces,).
        types: In the order of `tag_names`.
    """
    begins = np.flatnonzero(tags % 2 == 1)
    outside = np.append(np.flatnonzero(tags % 2 == 1), np.flatnonzero(tags == 0))
    breaks = np.append(np.sort(outside), len(tags))
    ends = breaks[np.searchsorted(breaks, begins, "right")]
    return tuple(
        ScoredSpan(
            int(pieces[begin, 0]), int(pieces[end - 1, 1]), types[(int(tags[begin]) - 1) // 2],
            float(scores[begin:end].mean()),
        )
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)
    )  # fmt: skip


def best_tags(
    probabilities: npt.NDArray[np.float32], ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The likeliest tags of several texts in which no I stands without a B or I of its type before it.

    Viterbi (Forney 1973, Proceedings of the IEEE 61) with every allowed step equally likely.

    Args:
        probabilities: Of the tags of all pieces, text after text, shape (pieces, tags).
        ends: Where each text ends among the pieces, shape (texts,).

    Returns:
        Shape (pieces,). Pieces whose probabilities are not finite have an arbitrary tag.
    """
    tags = np.zeros(len(probabilities), np.int64)
    lengths = np.diff(ends, prepend=0)
    order = np.argsort(-lengths, kind="stable")
    width = probabilities.shape[1]
    at = 0
    while at < len(order) and lengths[order[at]]:
        most = max(1, _CELLS // int(lengths[order[at]] * width))
        texts = order[at : at + most]
        at += most
        texts = texts[lengths[texts] > 0]
        _tag_block(probabilities, ends[texts] - lengths[texts], lengths[texts], tags)
    return tags


def _tag_block(
    probabilities: npt.NDArray[np.float32],
    starts: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    tags: npt.NDArray[np.int64],
) -> None:
    """Tag texts of falling lengths, all at once, one piece of each at a time."""
    width = probabilities.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        allowed = _allowed(width)
        steps = np.zeros((int(lengths[0]), len(starts), width), np.int16)
        best = np.where(allowed[0], 0.0, _FORBIDDEN) + np.log(probabilities[starts] + 1e-12)
        for place in range(1, int(lengths[0])):
            live = int(np.searchsorted(-lengths, -place, "left"))
            before = best[:live, :, None] + np.where(allowed, 0.0, _FORBIDDEN)
            steps[place, :live] = before.argmax(axis=1)
            gained = np.log(probabilities[starts[:live] + place] + 1e-12)
            best[:live] = before.max(axis=1) + gained
    rows = np.arange(len(starts))
    tag = np.nan_to_num(best, nan=_FORBIDDEN).argmax(axis=1)
    for place in range(int(lengths[0]) - 1, -1, -1):
        inside = lengths > place
        tags[starts[inside] + place] = tag[inside]
        if place:
            tag[inside] = steps[place, rows[inside], tag[inside]]


def _allowed(width: int) -> npt.NDArray[np.bool_]:
    """Which tag may follow which, shape (before, after); what may follow O may begin a text."""
    tag = np.arange(width)
    inside = (tag > 0) & (tag % 2 == 0)
    same = (tag[:, None] + 1) // 2 == (tag[None, :] + 1) // 2
    return np.asarray(~inside[None, :] | (same & (tag[:, None] > 0)))
