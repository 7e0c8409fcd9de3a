"""Sets that are decided differently, and each group's distance from the rest, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from lextune.audits.numbers.alike import differing, from_the_rest


def test_a_set_counts_once_and_one_text_alone_not_at_all() -> None:
    assert differing(["a", "a", "a", "b", "b", "c"], [0, 1, 1, 0, 0, 1]) == (1, 2)
    assert differing([], []) == (0, 0)


def test_a_group_is_compared_with_the_mean_of_the_other_groups_of_its_set() -> None:
    sets = ["s", "s", "s", "s", "t", "t", "t"]
    groups = ["x", "x", "y", "z", "x", "y", None]
    scores = np.array([0.2, 0.4, 0.1, 0.5, 0.9, 0.7, 0.0])
    found = from_the_rest(sets, groups, scores)
    assert sorted(found) == ["x", "y", "z"]
    assert found["x"] == pytest.approx([0.3 - 0.3, 0.2])
    assert found["y"] == pytest.approx([0.1 - 0.4, -0.2])
    assert found["z"] == pytest.approx([0.5 - 0.2])


def test_of_two_groups_one_stands_for_both() -> None:
    found = from_the_rest(["s", "s"], ["m", "f"], np.array([0.3, 0.8]))
    assert list(found) == ["f"]
    assert found["f"] == pytest.approx([0.5])


def test_a_set_of_one_group_says_nothing() -> None:
    assert from_the_rest(["s", "s"], ["m", "m"], np.array([0.3, 0.8])) == {}
