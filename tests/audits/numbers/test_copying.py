"""Stretches of training texts in generated ones."""

from __future__ import annotations

import numpy as np

from lextune.audits.numbers.copying import copied, nearest, runs, words_of


def test_words_have_neither_case_nor_punctuation_and_signs_stand_alone() -> None:
    assert words_of("Call me, ISHMAEL 42! 你好") == ["call", "me", "ishmael", "42", "你", "好"]
    assert runs("a b c", 2) == {("a", "b"), ("b", "c")}
    assert runs("a", 2) == set()


def test_what_was_really_said_is_not_copied() -> None:
    training = ["the quick brown fox jumps", "nothing else"]
    generated = ["see the quick brown fox", "see the quick brown fox", "the quick red fox", ""]
    true = ["see a cat", "The quick, brown fox!", "x", "x"]
    assert copied(generated, true, training, 4).tolist() == [True, False, False, False]
    assert copied(generated, true, training, 2).tolist() == [True, False, True, False]


def test_the_nearest_text_is_the_same_one() -> None:
    found = nearest(["brown fox", "zzz", "Nothing else."], ["a brown fox", "nothing else"])
    assert found[2] == np.float64(1).round() or abs(found[2] - 1) < 1e-9
    assert 0.5 < found[0] < 1
    assert found[1] == 0
    assert nearest(["a"], [""]).tolist() == [0]
