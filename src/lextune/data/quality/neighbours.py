"""Finds texts that are nearly the same: candidates by MinHash and banding, confirmed by exact Jaccard; it knows no label.

MinHash is rensa's. Two texts of similarity s agree in all r values of one of b bands with probability
1 - (1 - s^r)^b (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3). Memory grows by 4 b bytes
a text, less than 0.2 kB; only a block of texts is held at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lextune.data.columns import Ints, Texts
from lextune.data.quality.shingles import Shingles, jaccard, mixed, shingle, shingle_sets
from lextune.extras import need

#: Values of a sketch, and the least probability with which a pair at the threshold becomes a candidate.
PERMUTATIONS, SURE = 128, 0.99
_PAIRS = 256
#: A longer text is compared up to there.
MOST_CHARACTERS = 20_000
_AT_ONCE = 1 << 19
#: Candidates of a kind that are compared for one text.
_TRIES = 8


@dataclass(frozen=True)
class Pairs:
    """Confirmed pairs of texts by number, the later one first; at most one of each kind for a later text.

    Attributes:
        later: Shape (pairs,).
        earlier: Shape (pairs,); always less than `later`.
        similarity: Exact Jaccard, shape (pairs,).
        candidates: How many pairs were compared.
    """

    later: Ints
    earlier: Ints
    similarity: npt.NDArray[np.float64]
    candidates: int


def rows_per_band(threshold: float) -> int:
    """The longest band with which a pair at the threshold is still found with probability `SURE`."""
    return max(
        rows
        for rows in range(1, PERMUTATIONS + 1)
        if rows == 1 or 1 - (1 - threshold**rows) ** (PERMUTATIONS // rows) >= SURE
    )


def find_pairs(texts: Texts, part: Ints, same: Ints, threshold: float, seed: int) -> Pairs:
    """For each text the pairs with earlier texts, one in its own part and one in an earlier part, if there are any.

    Args:
        texts: In the order of parts.
        part: The part of each text, ascending, shape (texts,).
        same: Equal numbers for texts that are equal after normalising; such pairs are not looked for.
        threshold: Least Jaccard similarity.
        seed: Of MinHash.
    """
    keys = _band_keys(texts, rows_per_band(threshold), seed)
    later, earlier = _candidates(keys, part)
    differ = same[later] != same[earlier]
    later, earlier = later[differ], earlier[differ]
    kind = part[later] == part[earlier]
    return _confirmed(texts, later, earlier, kind, threshold)


def _band_keys(texts: Texts, rows: int, seed: int) -> npt.NDArray[np.uint32]:
    """One number a band and text, equal where all values of the band are, shape (bands, texts)."""
    sketch = need("data", "rensa").RMinHash.digest_matrix_from_flat_token_hashes
    bands = PERMUTATIONS // rows
    keys = np.empty((bands, len(texts)), np.uint32)
    factors = np.random.default_rng(seed).integers(1, 2**63, rows, np.uint64) * 2 + 1
    done = 0
    for block in _blocks(texts):
        flat, offsets = shingle(block)
        values = np.array(sketch(mixed(flat), offsets, bands * rows, seed).to_rows(), np.uint64)
        folded = (values.reshape(len(block), bands, rows) * factors).sum(axis=2, dtype=np.uint64)
        keys[:, done : done + len(block)] = (
            (mixed(folded.ravel()) >> np.uint64(32)).reshape(len(block), bands).T
        )
        done += len(block)
    return keys


def _blocks(texts: Texts) -> Iterator[list[str]]:
    """All texts in order, each up to `MOST_CHARACTERS`, few enough at a time for eight bytes a character."""
    waiting: list[str] = []
    size = 0
    for text in texts:
        waiting.append(text[:MOST_CHARACTERS])
        size += len(waiting[-1])
        if size > _AT_ONCE:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting


def _candidates(keys: npt.NDArray[np.uint32], part: Ints) -> tuple[Ints, Ints]:
    """Pairs that share a band: each text with the first one and the one before it there, and with the last one
    of the parts before its own. So their number grows with that of texts, however many are alike."""
    count = keys.shape[1]
    found = np.zeros(0, np.int64)
    index = np.arange(count)
    for band in keys:
        order = np.argsort(band, kind="stable")
        again, new_part = np.zeros(count, bool), np.ones(count, bool)
        again[1:] = band[order[1:]] == band[order[:-1]]
        new_part[1:] = (part[order[1:]] != part[order[:-1]]) | ~again[1:]
        first = np.maximum.accumulate(np.where(again, 0, index))
        ahead = np.maximum.accumulate(np.where(new_part, index, 0)) - 1
        later = order[again]
        pairs = [later * count + order[first[again]], later * count + order[index[again] - 1]]
        crossing = again & (ahead >= first)
        pairs.append(order[crossing] * count + order[ahead[crossing]])
        found = np.unique(np.concatenate([found, *pairs]))
    return found // max(count, 1), found % max(count, 1)


def _confirmed(
    texts: Texts, later: Ints, earlier: Ints, kind: npt.NDArray[np.bool_], threshold: float
) -> Pairs:
    """Candidates in turn, one of each kind for every text, until it has a pair of that kind or several failed."""
    order = np.lexsort((earlier, kind, later))
    later, earlier, kind = later[order], earlier[order], kind[order]
    group = later * 2 + kind
    new = np.concatenate([[True], group[1:] != group[:-1]]) if len(group) else np.zeros(0, bool)
    at = np.flatnonzero(new)
    ends = np.concatenate([at[1:], [len(group)]]) if len(at) else at
    kept: list[Ints] = []
    similar: list[Any] = []
    compared = 0
    for _ in range(_TRIES):
        values = _similarities(texts, later[at], earlier[at])
        compared += len(at)
        near = values >= threshold
        kept.append(at[near])
        similar.append(values[near])
        going = ~near & (at + 1 < ends)
        at, ends = at[going] + 1, ends[going]
    rows = np.concatenate([np.zeros(0, np.int64), *kept])
    values = np.concatenate([np.zeros(0), *similar])
    order = np.argsort(rows)
    return Pairs(later[rows[order]], earlier[rows[order]], values[order], compared)


def _similarities(texts: Texts, later: Ints, earlier: Ints) -> npt.NDArray[np.float64]:
    """Exact Jaccard of pairs, those of one earlier text together, shape (pairs,)."""
    found = np.empty(len(later))
    order = np.argsort(earlier, kind="stable")
    for start in range(0, len(order), _PAIRS):
        pairs = order[start : start + _PAIRS]
        wanted = np.unique(np.concatenate([later[pairs], earlier[pairs]]))
        sets: dict[int, Shingles] = {}
        done = 0
        for block in _blocks(texts.take(wanted)):
            for one in shingle_sets(block):
                sets[int(wanted[done])] = one
                done += 1
        for pair in pairs.tolist():
            found[pair] = jaccard(sets[int(later[pair])], sets[int(earlier[pair])])
    return found
