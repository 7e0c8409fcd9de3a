"""Changes of texts leave what they must leave, change what they say they change, and are the same for the same seed."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.audits.perturbations import text as changes
from lextune.audits.perturbations.base import Perturbation, Perturbed, some

BY_NAME = {one.name: one for one in changes.PERTURBATIONS}
ENGLISH = "The Plot was thin, the acting (sadly) worse; nobody laughed at all!" * 3
CHINESE = "我己经看过这部电影，晴天的风景很美。ABC 123！他说自已不会再来。" * 3


def changed(name: str, text: str, seed: int = 0, severity: float = 1.0) -> str:
    found = BY_NAME[name].change(text, np.random.default_rng(seed), severity)
    assert isinstance(found, str)
    return found


@pytest.mark.parametrize("name", BY_NAME)
@settings(max_examples=30, deadline=None)
@given(text=st.text(max_size=60), seed=st.integers(0, 99), severity=st.sampled_from([0.5, 1, 5]))
def test_any_text_is_taken_and_the_same_seed_gives_the_same(
    name: str, text: str, seed: int, severity: float
) -> None:
    one = changed(name, text, seed, severity)
    assert changed(name, text, seed, severity) == one
    if BY_NAME[name].fits("spans"):
        assert len(one) == len(text)  # a label that names places stays right


@pytest.mark.parametrize("name", BY_NAME)
def test_a_text_without_a_fitting_place_stays(name: str) -> None:
    assert changed(name, "") == ""
    assert changed(name, "12345") == "12345"


def test_typos_are_neighbours_on_the_keyboard_or_swaps() -> None:
    keys = changes.neighbours()
    assert set(keys["s"]) == set("adwezx")
    assert set(keys["q"]) == set("wa")
    assert set(keys["p"]) == set("ol")
    assert all(one in keys[near] for one, around in keys.items() for near in around)
    once = [changed("typos", "great", seed) for seed in range(60)]
    assert all(one != "great" for one in once)
    swaps = {"rgeat", "gerat", "graet", "greta"}
    typed = {
        "great"[:at] + near + "great"[at + 1 :] for at in range(5) for near in keys["great"[at]]
    }
    assert set(once) <= swaps | typed
    assert set(once) & swaps
    assert set(once) & typed


def test_shares_are_those_that_are_stated() -> None:
    letters = "abcdefghij" * 20
    typed = sum(a != b for a, b in zip(changed("homoglyphs", letters), letters, strict=True))
    fitting = sum(one in "aceij" + "h" for one in letters)
    assert typed == round(0.1 * fitting)
    twice = sum(a != b for a, b in zip(changed("homoglyphs", letters, severity=2), letters, strict=True))  # fmt: skip
    assert twice == round(0.2 * fitting)
    assert len(some(np.random.default_rng(0), range(100), 3.0)) == 100
    assert some(np.random.default_rng(0), [], 0.5) == []
    assert len(some(np.random.default_rng(0), [7], 0.01)) == 1


def test_homoglyphs_are_other_letters_that_look_the_same() -> None:
    found = changed("homoglyphs", "aceiopsxyhjABCEHIKMOPSTXY", severity=5)
    other = [one for one in found if ord(one) > 0x7F]
    assert len(other) == 12  # half of 25 letters
    assert all(unicodedata.name(one).startswith("CYRILLIC") for one in other)


def test_case_changes_nothing_else() -> None:
    found = changed("case", ENGLISH)
    assert found != ENGLISH
    assert found.lower() == ENGLISH.lower()
    assert changed("case", "straße", severity=2) == "STRAßE"
    assert changed("case", "ÉTÉ", severity=2) == "été"
    assert changed("case", "电影") == "电影"


def test_spaces_and_marks_change_and_nothing_else() -> None:
    spaced = changed("whitespace", ENGLISH)
    assert spaced != ENGLISH
    assert "".join(spaced.split()) == "".join(ENGLISH.split())
    marked = changed("punctuation", ENGLISH)
    assert marked != ENGLISH
    kept = [one for one in marked if one.isalnum() or one == " "]
    assert "".join(kept) == "".join(one for one in ENGLISH if one.isalnum() or one == " ")


def test_chinese_signs_become_ones_of_like_shape() -> None:
    shapes = changes.shapes()
    assert set(shapes["己"]) == {"已", "巳"}
    assert all(one in shapes[near] for one, around in shapes.items() for near in around)
    assert all(one not in around for one, around in shapes.items())
    found = changed("look_alikes", CHINESE, severity=5)
    moved = [(a, b) for a, b in zip(CHINESE, found, strict=True) if a != b]
    assert moved
    assert all(b in shapes[a] for a, b in moved)
    assert changed("look_alikes", ENGLISH) == ENGLISH


def test_widths_change_in_chinese_texts_only() -> None:
    found = changed("character_width", CHINESE, severity=2)
    assert "ＡＢＣ" in found
    assert "１２３" in found
    assert "," in found
    assert unicodedata.normalize("NFKC", found) == unicodedata.normalize("NFKC", CHINESE)
    assert changed("character_width", ENGLISH) == ENGLISH


def test_a_row_gets_the_same_change_whatever_else_is_changed() -> None:
    how = BY_NAME["typos"]
    both = Perturbed([ENGLISH, ENGLISH], np.array([4, 9]), how, 1.0, 3)
    alone = Perturbed([ENGLISH], np.array([9]), how, 1.0, 3)
    assert list(both) == both[0:2] == [both[0], both[1]]
    assert both[1] == alone[0] == both[-1]
    assert both[0] != both[1]
    other: Callable[..., str] = how.change
    renamed = Perturbed([ENGLISH], np.array([9]), Perturbation("slips", other), 1.0, 3)
    assert renamed[0] != alone[0]
