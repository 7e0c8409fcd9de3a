"""Turns texts into windows of tokens that overlap, and says for which piece of its text each token answers; it knows no tag.

A text longer than the limit makes several rows. Each piece of the text is answered for by one token of one row:
its first token, in the window in which that token lies farther from the edge.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from lextune.labels import Span
from lextune.tasks.base import Encoded, Files
from lextune.tasks.text.scripts import UNSPACED
from lextune.tasks.text.tokenizing import (
    filler_of,
    padding_of,
    pads_left,
    positions,
    read_tokenizer,
)

if TYPE_CHECKING:
    from tokenizers import Encoding

#: `space`: pieces end at white space alone. `word`: words and signs, and single tokens where no spaces are set.
Unit = Literal["space", "word"]
#: This share of the training spans must begin and end at white space for `space`.
_AT_SPACES = 0.99
#: Windows share this part of their tokens.
_OVERLAP = 4
_SPACED = re.compile(r"\S+")
#: Letters and digits of scripts that set spaces hold together; of others the tokens say what belongs together.
_WORD = re.compile(rf"[^\W_{UNSPACED}]+")


def choose_unit(texts: Iterable[str], spans: Iterable[Sequence[Span]]) -> Unit:
    """`space` where the spans keep to white space, as in text that was joined from words; else `word`."""
    kept = total = 0
    for text, found in zip(texts, spans, strict=True):
        for span in found:
            total += 1
            before = span.start == 0 or text[span.start - 1].isspace()
            kept += before and (span.end >= len(text) or text[span.end].isspace())
    return "space" if total and kept >= _AT_SPACES * total else "word"


def make_window_encoder(
    files: Files, max_length: int, unit: Unit
) -> Callable[[Sequence[str]], Encoded]:
    """Texts to windows of at most `max_length` tokens, special ones included; no row is empty.

    Raises:
        ModelError: The tokenizer's files are damaged, or belong to another model.
    """
    tokenizer, limit = read_tokenizer(files), positions(files)
    length = max_length if limit is None else min(max_length, limit)
    overlap = max(0, length - tokenizer.num_special_tokens_to_add(is_pair=False)) // _OVERLAP
    tokenizer.enable_truncation(length, stride=overlap)
    tokenizer.no_padding()
    pad_id, pad_left = padding_of(files, tokenizer), pads_left(files)
    filler = filler_of(files, tokenizer)

    def encode(texts: Sequence[str]) -> Encoded:
        ids: list[list[int]] = []
        spans: list[npt.NDArray[np.int32]] = [np.zeros((0, 2), np.int32)]
        numbers: list[int] = []
        for number, found in enumerate(tokenizer.encode_batch(list(texts))):
            windows = [found, *found.overflowing]
            spans += _answered(texts[number], windows, overlap, unit)
            ids += [window.ids or [filler] for window in windows]
            numbers += [number] * len(windows)
        return Encoded(
            np.fromiter(itertools.chain.from_iterable(ids), np.int32),
            np.cumsum([0, *map(len, ids)]).astype(np.int64),
            pad_id, 0, limit, pad_left, np.array(numbers, np.int64), np.concatenate(spans),
        )  # fmt: skip

    return encode


def _answered(
    text: str, windows: Sequence[Encoding], overlap: int, unit: Unit
) -> list[npt.NDArray[np.int32]]:
    """For each window the piece that each of its tokens answers for, shape (tokens, 2); (0, 0) is none."""
    answers = [np.zeros((max(len(window.ids), 1), 2), np.int32) for window in windows]
    begins, ends, places = [], [], []
    for number, window in enumerate(windows):
        content = np.flatnonzero(np.array(window.special_tokens_mask, np.int64) == 0)
        # of the tokens that two windows share, each keeps those that are nearer to its middle
        first = overlap - overlap // 2 if number else 0
        stop = len(content) - (overlap // 2 if number + 1 < len(windows) else 0)
        kept = content[first:stop]
        offsets = np.array(window.offsets, np.int64).reshape(-1, 2)[kept]
        begins.append(offsets[:, 0])
        ends.append(offsets[:, 1])
        places.append(np.column_stack([np.full(len(kept), number), kept]))
    begin, end, place = np.concatenate(begins), np.concatenate(ends), np.concatenate(places)
    # in some tokenizers the white space before a word belongs to its token
    begin = np.fromiter(
        (
            at + len(text[at:to]) - len(text[at:to].lstrip())
            for at, to in zip(begin, end, strict=True)
        ),
        np.int64,
        len(begin),
    )
    real = begin < end
    begin, end, place = begin[real], end[real], place[real]
    if len(begin):
        started = _boundaries(text, unit)[begin]
        firsts = np.flatnonzero(np.diff(started, prepend=-1) > 0)
        pieces = np.column_stack([begin[firsts], np.maximum.reduceat(end, firsts)])
        for (number, token), piece in zip(place[firsts].tolist(), pieces, strict=True):
            answers[number][token] = piece
    return answers


def _boundaries(text: str, unit: Unit) -> npt.NDArray[np.int64]:
    """How many pieces have begun at each character of a text."""
    begins = np.ones(len(text), np.int64)
    for match in (_SPACED if unit == "space" else _WORD).finditer(text):
        begins[match.start() + 1 : match.end()] = 0
    return np.cumsum(begins)
