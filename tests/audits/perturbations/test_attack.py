"""The search for other words finds what turns a model, stays within its budget, and takes words that mean alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.audits.perturbations.attack import Attempt, Budget, attack
from lextune.audits.perturbations.substitutes import (
    UNITS,
    misspelt,
    neighbouring,
    units,
    word_vectors,
    written_like,
)

#: What a made-up model thinks of words: above 0 speaks for class 1.
WEIGHTS = {"superb": 3.0, "fine": 0.4, "lovely": 2.0, "nice": -1.0, "dull": -2.0}


def scores(texts: Sequence[str]) -> np.ndarray:  # type: ignore[type-arg]
    total = np.array([sum(WEIGHTS.get(word, 0) for word in units(text)) for text in texts])
    one = 1 / (1 + np.exp(-total))
    return np.column_stack([1 - one, one])


def alike(asked: Sequence[str]) -> list[list[str]]:
    table = {"superb": ["fine", "grand"], "lovely": ["nice"], "film": ["movie"]}
    return [table.get(word, []) for word in asked]


def tried(text: str, queries: int = 50, share: float = 1.0, read: int | None = None) -> Attempt:
    start = scores([text])
    label = start.argmax(axis=1)
    found = attack(
        [(text, len(text) if read is None else read)],
        label,
        start,
        scores,
        alike,
        Budget(queries, share),
    )
    assert len(found) == 1
    return found[0]


def test_the_word_that_matters_most_is_changed_first() -> None:
    one = tried("A Superb film, lovely at times")
    assert one.turned
    assert one.changed == 2
    # without superb the score falls most; "grand" says nothing; then lovely
    assert "".join(one.pieces) == "A Grand film, nice at times"
    assert one.queries == 3 + 2 + 1
    assert one.score == pytest.approx(1 / (1 + np.e))


def test_a_budget_ends_the_search() -> None:
    shares = tried("A Superb film, lovely at times", share=0.2)
    assert (shares.changed, shares.turned) == (1, False)
    questions = tried("A Superb film, lovely at times", queries=4)
    assert questions.queries <= 4
    assert not questions.turned


def test_what_the_model_does_not_read_stays() -> None:
    text = "A superb film, lovely at times"
    one = tried(text, read=text.index("lovely"))
    assert "".join(one.pieces) == "A grand film, lovely at times"
    assert (one.words, one.turned) == (3, False)


def test_what_does_not_help_is_left_as_it_is() -> None:
    one = tried("lovely superb film")
    assert "film" in one.pieces
    assert tried("nothing here").found == {}
    assert not tried("nothing here").turned


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from([*WEIGHTS, "film", "the", "， "]), max_size=30),
    st.integers(2, 20),
    st.floats(0.05, 1),
)
def test_no_attack_takes_more_than_it_may(words: list[str], queries: int, share: float) -> None:
    text = " ".join(words)
    one = tried(text, queries, share)
    assert one.queries <= queries
    before, after = UNITS.split(text), one.pieces
    differing = sum(a != b for a, b in zip(before, after, strict=True))
    assert differing == one.changed <= max(int(share * (len(before) // 2)), 1)
    again = scores(["".join(after)])[0]
    assert one.turned == (int(again.argmax()) != one.label)


def test_units_are_words_with_apostrophes_and_single_chinese_signs() -> None:
    assert units("Don't stop—it’s 3 o'clock_x") == ["don't", "stop", "it’s", "o'clock", "x"]
    assert units("我爱film节") == ["我", "爱", "film", "节"]
    assert "".join(UNITS.split("a, 电影 b!")) == "a, 电影 b!"


def test_words_are_written_as_the_ones_before() -> None:
    assert [written_like("film", one) for one in ("Movie", "MOVIE", "movie", "I", "电")] == [
        "Film", "FILM", "film", "Film", "film",
    ]  # fmt: skip


#: Directions of made-up words; the last two stand near all the rest.
VECTORS = {
    "superb": (1, 0.1, 0), "grand": (1, 0.2, 0), "awful": (1, 0.15, 0), "never": (1, 0.12, 0),
    "film": (0, 1, 0), "movie": (0, 1, 0.1), "plain": (-1, -1, -1), "grey": (-1, -1, -0.9),
}  # fmt: skip


def vectors(words: Sequence[str]) -> np.ndarray:  # type: ignore[type-arg]
    return np.array([VECTORS.get(one, (0, 0, 0)) for one in words], np.float32).reshape(-1, 3)


def test_near_words_stand_in_unless_they_stand_with_other_classes() -> None:
    good, bad = ["superb film plain", "grand movie grey"], ["awful film grey", "awful movie plain"]
    texts, labels = (good + bad) * 20, np.array([1, 1, 0, 0] * 20)
    find = neighbouring([*texts, "never", "never"], np.append(labels, [0, 1]), vectors, alike=0.5, most=5)  # fmt: skip
    assert find(["superb"]) == [["grand"]]
    assert find(["film", "awful", "unheard", "never"]) == [["movie"], [], [], []]
    assert find([]) == []


def test_words_of_most_texts_and_words_that_deny_stay() -> None:
    fillers = [f"{a}{b}" for a in "bcdfg" for b in "aeio"]
    texts = [f"the {word}" for word in fillers for _ in range(2)]
    texts = [
        f"{text} superb grand never" if n % 2 else f"{text} the" for n, text in enumerate(texts)
    ]
    near = {"the": (1, 0.11, 0), "bibo": (-1, -1, -1), **VECTORS}

    def known(words: Sequence[str]) -> np.ndarray:  # type: ignore[type-arg]
        return np.array([near.get(one, (0, 0, 0)) for one in words], np.float32)

    find = neighbouring(texts, np.arange(40) % 2, known, alike=0.1, most=50)
    # of 24 words the two of most texts stay: the, and one of three that are as frequent
    common = [word for word in ("grand", "never", "superb", "the") if not find([word])[0]]
    assert {"the", "never"} <= set(common)
    assert not [one for one in ("grand", "superb") if {"the", "never"} & set(find([one])[0])]


def test_without_texts_nothing_stands_in() -> None:
    assert neighbouring([], np.zeros(0, np.int64), vectors, alike=0.5, most=5)(["superb"]) == [[]]


def test_misspelt_words_are_near_and_the_same_each_time() -> None:
    find = misspelt(seed=3, most=5)
    found = find(["terrible", "of", "己"])
    assert found == find(["terrible", "of", "己"])
    assert found[1] == []
    assert set(found[2]) == {"已", "巳"}
    assert 3 <= len(found[0]) <= 5
    assert all(abs(len(one) - 8) <= 1 and one != "terrible" for one in found[0])


def test_a_model_without_a_word_table_has_no_vectors() -> None:
    class Loaded:
        model = object()

    assert word_vectors(Loaded()) is None
    assert word_vectors(None) is None
