"""The folded text is as long as what is seen, and leads back to the very signs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lextune.data.personal.folding import Folded


@given(st.text(max_size=60))
def test_small_letters_and_folds_keep_the_length(text: str) -> None:
    folded = Folded(text)
    assert len(folded.lower) == len(folded.text) <= len(text)
    if folded.text:
        assert folded.place(0, len(folded.text))[1] <= len(text)


@given(st.text("ab12张", min_size=1, max_size=8), st.lists(st.integers(0, 8), max_size=4))
def test_unseen_signs_are_stepped_over(text: str, places: list[int]) -> None:
    hidden = text
    for place in sorted(places, reverse=True):
        hidden = hidden[:place] + "\u200b" + hidden[place:]
    folded = Folded(hidden)
    assert folded.text == text
    start, end = folded.place(0, len(text))
    assert hidden[start:end].replace("\u200b", "") == text
    assert hidden[start] != "\u200b"
    assert hidden[end - 1] != "\u200b"


def test_one_sign_becomes_one_sign() -> None:
    assert Folded("１２３Ａｂ－（）：，").text == "123Ab-():,"
    assert Folded("٣۴𝟗Ⅷ㎏ﬁ").text == "349Ⅷ㎏ﬁ"
    assert Folded("İstanbul").lower == "istanbul"


def test_kinds_say_what_stands_in_it() -> None:
    assert Folded("").kinds == frozenset()
    assert Folded("。！").kinds == frozenset()
    assert {"han", "letter", "at", "digit"} <= Folded("张a@1").kinds
    assert "run12" in Folded("4111 1111 1111").kinds
    assert "run12" not in Folded("4111, 1111, 1111").kinds
