"""Coverage, lengths, languages and samples: what is counted, what is too short, and what is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.config import ColumnsConfig
from lextune.data.quality.sampling import drawn_order, sample

EN = "this film was a pleasure to watch from beginning to end, and I would see it again"
ZH = "这部电影从头到尾都非常好看，演员的表演也很出色，我会推荐给朋友们去看"
DE = "dieser Film war von Anfang bis Ende ein Vergnügen, und ich würde ihn gerne wieder sehen"


def grouped(write, rows, name="train.csv"):
    lines = [
        "text,label,place",
        *(f"text {n},{label},{place}" for n, (label, place) in enumerate(rows)),
    ]
    return write.bytes(name, "\n".join(lines).encode())


def test_cells_of_class_and_group_are_counted_and_missing_ones_told(look, write):
    rows = [("a", "n")] * 30 + [("b", "n")] * 10 + [("a", "s")] * 20 + [("a", "")] * 5
    path = grouped(write, rows)
    found = look("coverage", path, columns=ColumnsConfig(group=("place",)))
    table = found.result.details["groups"]["place"]
    assert (table["groups"], table["classes"]) == (["n", "s"], ["a", "b"])
    assert (table["rows"], table["without_group"]) == ([[30, 10], [20, 0]], 5)
    assert found.value("missing_cells", "column=place") == 1
    assert found.value("smallest_cell_rows") == 0
    assert found.value("class_imbalance_ratio") == 5.5
    assert found.findings["missing_cell"].rows == ("place=s, class b",)


def test_without_groups_only_the_imbalance_is_measured(look):
    found = look("coverage", [("x y", "a"), ("y z", "b"), ("z x", "b")])
    assert {key: one.value for key, one in found.values.items()} == {
        ("class_imbalance_ratio", None): 2.0
    }


def test_lengths_are_counted_in_characters_and_in_words_of_any_script(look):
    found = look("lengths", [("one two three", "a"), ("好电影abc", "b"), ("x", "a")])
    figures = found.result.details["train"]
    assert figures["words"]["quantiles"]["1"] == 4  # three signs and one word
    assert figures["words"]["quantiles"]["0"] == 1
    assert figures["characters"]["quantiles"]["1"] == 13
    assert sum(figures["characters"]["counts"]) == sum(figures["words"]["counts"]) == 3
    assert found.value("median_words", "part=train") == 3


def test_languages_are_guessed_and_short_texts_are_not(look):
    rows = [(f"{text} {n}", "a") for n in range(20) for text in (EN, ZH, DE)]
    found = look("languages", [*rows, ("ok", "b"), ("好", "b"), ("  " * 30, "b")])
    part = found.result.details["train"]
    assert part["languages"] == {"en": 20, "zh": 20, "de": 20}
    assert (part["n"], part["too_short"]) == (60, 3)


def test_parts_in_different_languages_are_told(look):
    train = [(f"{EN} {n}", "a") for n in range(120)]
    test = [(f"{ZH} {n}", "a") for n in range(120)]
    found = look("languages", train, test)
    assert "train is mostly en, test is mostly zh" in found.findings["languages_differ"].fact
    share = found.values["main_language_share", "part=test,language=zh"]
    assert (share.value, share.n) == (1.0, 120)
    assert share.interval.low < 1


@pytest.mark.parametrize("check", ["languages", "lengths", "near_duplicates", "coverage"])
def test_rows_without_text_break_no_check(look, check):
    assert look(check, [("", "a"), ("", "b"), ("a text", "a")]).result.status == "complete"


IDS = st.sets(st.integers(0, 10**6), min_size=1, max_size=40).map(
    lambda numbers: np.array([f"{n:016x}-1" for n in numbers], "S18")
)


@given(IDS, st.integers(0, 40), st.integers(0, 9))
def test_a_larger_sample_holds_the_smaller_one_and_no_order_changes_it(ids, most, seed):
    small = set(ids[sample(ids, most, seed)])
    assert len(small) == min(most, len(ids))
    assert small <= set(ids[sample(ids, most + 3, seed)])
    turned = ids[::-1]
    assert set(turned[sample(turned, most, seed)]) == small
    assert sorted(drawn_order(ids, seed).tolist()) == list(range(len(ids)))
