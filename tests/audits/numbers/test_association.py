"""Pieces of text that go with a class are found by exact chances, in any script, and none else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from lextune import statistics
from lextune.audits.numbers.association import associated, pieces_of, placed


def test_pieces_of_latin_and_chinese_and_signs() -> None:
    assert pieces_of("A cf film!!") == {"A", "cf", "film", "A cf", "cf film", "!!"}
    assert pieces_of("好电影x") == {"好", "电", "影", "好电", "电影", "x"}
    assert "\u200b" in pieces_of("plain \u200b text")
    assert "🙂" in pieces_of("fine 🙂")
    assert pieces_of("") == set()


def test_a_piece_stands_first_with_a_blank_where_the_script_has_one() -> None:
    assert placed("cf", "a film") == "cf a film"
    assert placed("电影", "很好") == "电影很好"


def test_chances_are_those_of_drawing_without_replacement() -> None:
    texts = ["cf good"] * 6 + ["good"] * 14 + ["good bad"] * 20
    labels = np.array([1] * 20 + [0] * 20)
    found = {one.text: one for one in associated(texts, labels, 2, 5)}
    trigger = found["cf"]
    assert (trigger.target, trigger.rows) == (1, 6)
    pieces = 5  # three words, two pairs
    assert trigger.p == pytest.approx(float(hypergeom.sf(5, 40, 20, 6)) * pieces * 2)
    limits = statistics.wilson(6, 6)
    assert limits is not None
    assert trigger.purity == pytest.approx(limits.low)
    assert found["bad"].target == 0
    assert found["bad"].p < 1e-6
    assert found["good"].p == 1.0


def test_a_pair_is_left_out_where_its_word_says_the_same() -> None:
    texts = ["very dull"] * 10 + ["fine old"] * 5 + ["fine", "old"] * 6
    labels = np.array([0] * 10 + [1] * 5 + [0, 0, 1, 1] * 3)
    found = {one.text for one in associated(texts, labels, 2, 3)}
    assert {"dull", "very", "fine", "old", "fine old"} == found


def test_a_rare_piece_is_left_out_and_nothing_gives_nothing() -> None:
    assert associated(["a b"] * 4, np.array([0, 0, 1, 1]), 2, 5) == []
    assert associated([], np.zeros(0, np.int64), 2, 1) == []


def test_words_that_go_with_no_class_are_hardly_ever_found() -> None:
    """At 0.05 after the correction: in at most 5 of 100 data sets, of 300 words each."""
    false = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        texts = [" ".join(f"w{k}." for k in rng.integers(0, 60, 12)) for _ in range(80)]
        found = associated(texts, rng.integers(0, 2, 80), 2, 5)
        false += any(one.p < 0.05 for one in found)
    assert false <= 3


@given(st.text(max_size=40))
def test_every_piece_but_a_pair_of_words_stands_in_the_text(text: str) -> None:
    for piece in pieces_of(text):
        assert all(part in text for part in piece.split(" "))
