"""Texts are compared in a declared form, and what is counted is what jiwer counts."""

from __future__ import annotations

import jiwer
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.evaluation.words import differences, form_for, former, unspaced

WORDS = st.lists(st.sampled_from(["a", "bb", "ccc", "é"]), max_size=6).map(" ".join)


@pytest.mark.parametrize(
    ("form", "text", "formed"),
    [
        ("none", " Mr.  Brown's\n2nd ", "Mr. Brown's 2nd"),
        ("basic", "Mr. Brown's 2nd [noise] café!", "mr brown s 2nd café"),
        ("basic", "你好，世界！", "你好 世界"),
        ("english", "Mr. Brown's won't; twenty-one um dollars, café", "mister brown is will not $21 cafe"),
    ],
)  # fmt: skip
def test_a_form_writes_texts_one_way(form: str, text: str, formed: str) -> None:
    assert former(form)(text) == formed  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "languages", "english_only", "form"),
    [
        ("auto", ["en-GB"], False, "english"),
        ("auto", [], True, "english"),
        ("auto", [], False, "basic"),
        ("auto", ["de"], True, "basic"),
        ("auto", ["en", "zh"], False, "basic"),
        ("none", ["en"], True, "none"),
        ("english", ["de"], False, "english"),
    ],
)
def test_the_form_is_chosen_by_what_is_declared(wanted, languages, english_only, form) -> None:
    assert form_for(wanted, languages, english_only=english_only) == form


def test_an_unknown_form_is_none() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        form_for("gaelic", [], english_only=False)


def test_scripts_without_spaces_are_told() -> None:
    assert unspaced(["今天天气很好", "OK"])
    assert unspaced(["ありがとう"])
    assert not unspaced(["fine weather", "天"])
    assert not unspaced(["안녕하세요 여러분"])
    assert not unspaced(["", "42!"])


def test_an_empty_reference_is_insertions() -> None:
    found = differences(["", "go on", ""], ["uh yes", "go on", ""], characters=False)
    assert found.tolist() == [[0, 0, 2, 0], [0, 0, 0, 2], [0, 0, 0, 0]]


@settings(max_examples=60, deadline=None)
@given(pairs=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=5))
def test_the_sums_are_jiwers(pairs: list[tuple[str, str]]) -> None:
    said, heard = [list(some) for some in zip(*pairs, strict=True)]
    found = differences(said, heard, characters=False)
    pooled = jiwer.process_words(said, heard)
    assert found[:, :3].sum() == pooled.substitutions + pooled.deletions + pooled.insertions
    assert found[:, 3].tolist() == [len(one.split()) for one in said]
    np.testing.assert_array_equal(
        differences(said, said, characters=True)[:, :3], np.zeros((len(said), 3))
    )
