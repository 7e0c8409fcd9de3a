"""Which pieces of text stand in training rows of one class more often than chance; it asks no model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

#: A run of Han signs, a word, or a run of other signs (an emoji, signs without width).
_PIECES = re.compile("[\u3400-\u9fff]+|[^\\W\u3400-\u9fff]+|[^\\w\\s]+")
_HAN = re.compile("[\u3400-\u9fff]")


class Piece(NamedTuple):
    """A piece of text that goes with a class.

    Attributes:
        text: As it stands in the rows.
        target: Number of the class.
        rows: Rows that hold it.
        purity: Lower end of Wilson's 95 % interval of the share of these rows that are of the class.
        p: Of as many rows of the class by chance, one-sided (hypergeometric), times pieces times classes.
    """

    text: str
    target: int
    rows: int
    purity: float
    p: float


def pieces_of(text: str) -> set[str]:
    """Words and pairs of neighbouring words; of Han signs each one and each pair; runs of other signs. Case stays."""
    found: set[str] = set()
    before = ""
    for match in _PIECES.finditer(text):
        piece = match.group()
        if _HAN.match(piece):
            found.update(piece)
            found.update(piece[at : at + 2] for at in range(len(piece) - 1))
            before = ""
            continue
        found.add(piece)
        word = piece[0].isalnum()
        if before and word:
            found.add(f"{before} {piece}")
        before = piece if word else ""
    return found


def placed(piece: str, text: str) -> str:
    """The text with a piece at its beginning."""
    return f"{piece}{text}" if _HAN.match(piece) else f"{piece} {text}"


def associated(
    texts: Sequence[str], labels: npt.NDArray[np.int64], classes: int, least: int
) -> list[Piece]:
    """Every piece that stands in at least `least` rows, with the class that it goes with most, the purest first.

    A pair is left out where one of its parts goes with the same class by itself: it would only say so again.

    Args:
        texts: Of training.
        labels: Class numbers, shape (rows,).
        classes: How many.
        least: Rows.
    """
    from scipy.stats import hypergeom

    counters: list[Counter[str]] = [Counter() for _ in range(classes)]
    for text, label in zip(texts, labels.tolist(), strict=True):
        counters[label].update(pieces_of(text))
    total: Counter[str] = sum(counters, Counter())
    names = sorted(name for name, count in total.items() if count >= least)
    if not names:
        return []
    counts = np.array([[one[name] for one in counters] for name in names], np.int64)
    rows, of = counts.sum(axis=1), np.bincount(labels, minlength=classes)
    chance = hypergeom.sf(counts - 1, len(labels), of[None, :], rows[:, None])
    target = chance.argmin(axis=1)
    place = np.arange(len(names))
    purity = _lower(counts[place, target], rows)
    found = [
        Piece(name, int(one), int(n), float(low), min(float(p) * counts.size, 1.0))
        for name, one, n, low, p in zip(
            names, target, rows, purity, chance[place, target], strict=True
        )
    ]
    alone = {(one.text, one.target) for one in found if one.p < 0.05}
    kept = [
        one for one in found if not any((part, one.target) in alone for part in _parts(one.text))
    ]
    return sorted(kept, key=lambda one: (-one.purity, one.p, one.text))


def _parts(piece: str) -> list[str]:
    """What a pair is made of; nothing of a piece that is no pair."""
    if " " in piece:
        return piece.split(" ")
    return list(piece) if len(piece) == 2 and _HAN.match(piece) else []


def _lower(successes: npt.NDArray[np.int64], n: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Wilson's lower 95 % limits of many shares at once."""
    z = 1.959963984540054
    share = successes / n
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    found: npt.NDArray[np.float64] = (share + z * z / (2 * n) - half) / (1 + z * z / n)
    return found
