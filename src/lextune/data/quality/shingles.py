"""Turns texts into sets of short pieces that can be compared; it knows no label and no part.

A shingle is six bytes of the UTF-8 of the normalised text: six Latin letters or two Chinese characters, so that one
width does for both. Six bytes fit into a 64-bit number, so equal numbers are equal pieces and a Jaccard similarity
of two sets is exact (Broder 1997, "On the resemblance and containment of documents").
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lextune.data.columns import Ints
from lextune.data.fingerprint import normalise

Shingles = npt.NDArray[np.uint64]

WIDTH = 6
_SIX_BYTES = np.uint64((1 << 8 * WIDTH) - 1)


def shingle(texts: Sequence[str]) -> tuple[Shingles, Ints]:
    """The shingles of some texts, one text after the other, repeated ones too.

    Returns:
        (shingles, offsets): those of text i are `shingles[offsets[i]:offsets[i + 1]]`; at least one, since a
        shorter text is filled up.
    """
    data = [normalise(text).encode("utf-8", "surrogatepass").ljust(WIDTH, b"\0") for text in texts]
    lengths = np.fromiter(map(len, data), np.int64, len(data))
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths - WIDTH + 1)])
    if not data:
        return np.zeros(0, np.uint64), offsets
    places = int(lengths.sum()) - WIDTH + 1
    # eight bytes are read from every place, and the two that are too many cut off
    windows: Shingles = np.ndarray(places, "<u8", b"".join([*data, b"\0\0"]), strides=(1,))
    packed = windows & _SIX_BYTES
    inside = np.ones(places, bool)
    ends = np.cumsum(lengths)[:-1]
    for back in range(1, WIDTH):
        inside[ends - back] = False
    return packed[inside], offsets


def shingle_sets(texts: Sequence[str]) -> list[Shingles]:
    """The set of shingles of each text, sorted."""
    found, offsets = shingle(texts)
    sets = []
    for start, end in itertools.pairwise(offsets.tolist()):
        one = np.sort(found[start:end])  # a third of the time that np.unique takes
        sets.append(one[np.concatenate([[True], one[1:] != one[:-1]])])
    return sets


def jaccard(one: Shingles, other: Shingles) -> float:
    """Shared shingles over all shingles of two sets."""
    small, large = (one, other) if len(one) <= len(other) else (other, one)
    at = np.searchsorted(large, small)
    at[at == len(large)] = 0
    shared = int(np.count_nonzero(large[at] == small))
    return shared / (len(one) + len(other) - shared)


def mixed(shingles: Shingles) -> Shingles:
    """The shingles spread over all 64 bits (the finaliser of SplitMix64, Steele et al. 2014), as MinHash wants them."""
    found = shingles.copy()
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        found ^= found >> np.uint64(shift)
        found *= np.uint64(factor)
    found ^= found >> np.uint64(31)
    return found
