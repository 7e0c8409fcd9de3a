"""Shingles are the pieces that a plain loop finds, and Jaccard is that of sets."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lextune.data.fingerprint import normalise
from lextune.data.quality.shingles import WIDTH, jaccard, mixed, shingle, shingle_sets

TEXTS = st.lists(st.text(st.sampled_from("ab ｂ中文é\n\ud800"), max_size=20), max_size=6)


def plainly(text: str) -> list[int]:
    data = normalise(text).encode("utf-8", "surrogatepass").ljust(WIDTH, b"\0")
    return [int.from_bytes(data[i : i + WIDTH], "little") for i in range(len(data) - WIDTH + 1)]


@given(TEXTS)
def test_shingles_are_those_of_a_plain_loop(texts):
    found, offsets = shingle(texts)
    assert [found[a:b].tolist() for a, b in itertools.pairwise(offsets)] == [
        plainly(text) for text in texts
    ]
    assert [one.tolist() for one in shingle_sets(texts)] == [
        sorted(set(plainly(text))) for text in texts
    ]


@given(st.text(max_size=30), st.text(max_size=30))
def test_jaccard_is_that_of_sets_either_way(one, other):
    first, second = shingle_sets([one, other])
    left, right = set(plainly(one)), set(plainly(other))
    assert jaccard(first, second) == jaccard(second, first) == len(left & right) / len(left | right)


def test_width_case_and_spaces_make_no_difference():
    one, other = shingle_sets(["ＨＥＬＬＯ　 World １２３", "hello world 123"])
    assert jaccard(one, other) == 1.0


def test_mixing_keeps_shingles_apart_and_leaves_them_as_they_were():
    plain = np.arange(10_000, dtype=np.uint64)
    assert len(np.unique(mixed(plain))) == 10_000
    assert plain[:3].tolist() == [0, 1, 2]
