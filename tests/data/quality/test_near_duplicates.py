"""Near duplicates are counted where they are: in a part, across parts, with another label; exact ones are not."""

from __future__ import annotations

import random

import pytest

LONG = "the hotel lies at the end of a quiet street and its rooms are {} with a view of the river"
ZH = "这家酒店位于安静的街道尽头，房间干净明亮，可以看到河边的风景，服务员态度也非常好，下次还会{}"


def others(count, seed=0):
    draw = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [
        (" ".join("".join(draw.choices(letters, k=6)) for _ in range(12)), "ab"[n % 2])
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("one", "near"),
    [(LONG.format("bright"), LONG.format("Bright!")), (ZH.format("再来"), ZH.format("来的"))],
)
def test_a_near_copy_in_train_and_a_near_leak_are_counted_with_their_places(look, one, near):
    found = look(
        "near_duplicates",
        [*others(20), (one, "a"), (near, "a")],
        [*others(9, 1), (near + "。", "a")],
    )
    assert found.value("near_duplicate_rows", "part=train") == 1
    assert found.value("near_duplicate_rows", "part=test") == 0
    assert found.value("near_duplicate_rows") == 1
    assert found.value("near_conflicting_rows") == 0
    assert found.value("near_leaked_test_rows") == 1
    assert found.values["near_leaked_test_rows", None].n == 10
    (place,) = found.findings["near_leaked_test_rows"].rows
    assert place.endswith("test.csv:11 (record 10)")
    assert found.result.details["pairs"][0]["row"]["part"] == "test"
    assert one not in found.result.model_dump_json()


def test_near_rows_with_different_labels_are_told_both(look):
    rows = [*others(10), (LONG.format("bright"), "a"), (LONG.format("brighter"), "b")]
    found = look("near_duplicates", rows)
    assert found.value("near_conflicting_rows") == 2
    assert found.findings["near_conflicting_labels"].count == 2


def test_texts_that_are_the_same_but_for_width_and_case_are_left_to_the_first_checks(look):
    rows = [*others(10), (LONG.format("bright"), "a"), (LONG.format("BRIGHT  "), "b")]
    found = look("near_duplicates", rows, [(LONG.format("ｂright"), "a"), *others(5, 2)])
    assert found.value("near_duplicate_rows") == 0
    assert found.value("near_conflicting_rows") == 0
    assert found.value("near_leaked_test_rows") == 0


def test_the_order_of_rows_changes_no_count(look):
    draw = random.Random(3)
    rows = [
        (" ".join([text, *draw.sample(["one", "two", "three"], n % 3)]), label)
        for text, label in others(40)
        for n in range(4)
    ]
    counts = []
    for _ in range(2):
        draw.shuffle(rows)
        found = look("near_duplicates", rows, near_duplicate_threshold=0.7)
        counts.append({key: one.value for key, one in found.values.items()})
    assert counts[0] == counts[1]
    assert counts[0]["near_duplicate_rows", None] > 30


def test_a_higher_threshold_finds_fewer(look):
    rows = [*others(10), (LONG.format("bright"), "a"), (LONG.format("dark and rather small"), "a")]
    assert (
        look("near_duplicates", rows, near_duplicate_threshold=0.6).value("near_duplicate_rows")
        == 1
    )
    assert (
        look("near_duplicates", rows, near_duplicate_threshold=0.95).value("near_duplicate_rows")
        == 0
    )


def test_a_count_has_no_interval_since_a_sketch_may_miss_some(look):
    found = look("near_duplicates", others(10))
    assert all(one.interval is None for one in found.result.measurements)
