"""Canaries: texts that nobody wrote, and fair coins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.canaries import WORDS, coins, drawn, made_up, vocabulary


def test_words_are_runs_of_letters_and_signs_of_chinese() -> None:
    assert vocabulary(["It's 9 o'clock, ÉTÉ_7!", "很好 good"]) == sorted(
        ["It", "s", "o", "clock", "ÉTÉ", "很", "好", "good"]
    )


@given(st.integers(0, 2**32 - 1))
def test_texts_are_all_different_and_of_the_vocabulary(seed: int) -> None:
    words = ["alpha", "beta", "gamma", "delta"]
    texts = made_up(words, 20, seed)
    assert texts == made_up(words, 20, seed)
    assert len(set(texts)) == 20
    assert all(len(text.split()) == WORDS and set(text.split()) <= set(words) for text in texts)


def test_chinese_signs_stand_side_by_side() -> None:
    (text,) = made_up(["好", "书"], 1, 0)
    assert len(text) == WORDS
    assert set(text) == {"好", "书"}


@pytest.mark.parametrize("words", [[], ["one"]])
def test_too_few_words_are_refused(words: list[str]) -> None:
    with pytest.raises(ValueError, match="too few"):
        made_up(words, 2, 0)


def test_coins_are_fair_and_do_not_follow_the_labels() -> None:
    tosses, labels = coins(10_000, 3), drawn(["a", "b"], 10_000, 3)
    assert abs(sum(tosses) - 5000) < 200
    first = [toss for toss, label in zip(tosses, labels, strict=True) if label == "a"]
    assert abs(len(first) - 5000) < 200
    assert abs(sum(first) / len(first) - 0.5) < 0.03
    assert coins(10_000, 4) != tosses
