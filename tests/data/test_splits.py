"""Cuts: disjoint, complete, stratified, seeded, groups whole, whatever the order."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.data import splits
from lextune.data.columns import NameList
from lextune.data.splits import quotas
from lextune.errors import DataError

labels_of = st.lists(st.sampled_from("abcd"), min_size=2, max_size=120)
shares = st.sampled_from([0.1, 0.2, 0.25, 0.5, 0.8])


def names(n):
    return [f"{number:03d}" for number in range(n)]


def column(values):
    made = NameList()
    for value in values:
        made.add(value if value is None else str(value))
    return made.column()


def bind(ids, *bonds):
    """The id that stands for each row."""
    numbers = [column(values).numbers for values in bonds]
    return [ids[row] for row in splits.bind(np.array(ids, np.bytes_), *numbers)]


def cut(ids, labels, keys, *rest):
    """Row numbers; keys are ids."""
    rows = np.array([ids.index(key) for key in keys], np.int64)
    parts = splits.cut(np.array(ids, np.bytes_), column(labels), rows, *rest)
    return tuple(part.tolist() for part in parts)


def sample(ids, labels, rows, seed):
    return splits.sample(np.array(ids, np.bytes_), column(labels), rows, seed).tolist()


@given(labels=labels_of, share=shares, seed=st.integers(0, 5))
def test_single_rows_are_cut_within_one_row_of_the_share_of_each_class(labels, share, seed):
    ids = names(len(labels))
    taken, rest = cut(ids, labels, ids, share, seed, "test")
    assert sorted(taken + rest) == list(range(len(ids)))
    assert taken
    assert rest
    if len(set(labels)) == len(labels):
        return  # nothing but classes of one row: one of them has to go
    got = Counter(labels[row] for row in taken)
    for label, count in Counter(labels).items():
        assert abs(got[label] - count * share) <= 1
        if count > 1:
            assert 1 <= got[label] < count


@settings(max_examples=80)
@given(data=st.data(), share=shares, labels=labels_of)
def test_groups_stay_whole_and_the_order_of_rows_is_no_matter(data, share, labels):
    ids = names(len(labels))
    groups = data.draw(st.lists(st.integers(0, 12), min_size=len(ids), max_size=len(ids)))
    if len(set(groups)) < 2:
        return
    keys = bind(ids, groups)
    taken, rest = cut(ids, labels, keys, share, 42, "test")
    assert taken
    assert rest
    assert not {groups[row] for row in taken} & {groups[row] for row in rest}
    order = data.draw(st.permutations(range(len(ids))))
    moved = [[column[row] for row in order] for column in (ids, labels, groups)]
    again, _ = cut(moved[0], moved[1], bind(moved[0], moved[2]), share, 42, "test")
    assert [moved[0][row] for row in again] == [ids[row] for row in taken]


@pytest.mark.parametrize("size", [2, 3, 5, 10])
def test_groups_of_one_size_come_near_the_share(size):
    ids = names(600)
    labels = ["a" if number % 3 else "b" for number in range(600)]
    taken, _ = cut(
        ids, labels, bind(ids, [number // size for number in range(600)]), 0.2, 42, "test"
    )
    assert abs(len(taken) - 120) <= 2 * size


def test_duplicates_are_not_drawn_to_one_side():
    ids = names(1000)
    groups = [number // 2 if number < 200 else number for number in range(1000)]
    taken, _ = cut(ids, ["a", "b"] * 500, bind(ids, groups), 0.2, 42, "test")
    assert len(taken) == 200
    assert 30 <= sum(row < 200 for row in taken) <= 50


def test_the_seed_and_the_purpose_change_the_cut_and_nothing_else_does():
    ids, labels = names(100), ["a", "b"] * 50
    cuts = {
        (seed, purpose): tuple(cut(ids, labels, ids, 0.2, seed, purpose)[0])
        for seed in (1, 2) for purpose in ("test", "validation")
    }  # fmt: skip
    assert len(set(cuts.values())) == 4
    assert cuts[1, "test"] == tuple(cut(ids, labels, ids, 0.2, 1, "test")[0])


@pytest.mark.parametrize("ids", [[], ["a"], ["a", "b", "c"]])
def test_too_few_groups_are_refused_with_a_remedy(ids):
    with pytest.raises(DataError, match=r"data\.test"):
        cut(ids, ["x"] * len(ids), ids[:1] * len(ids), 0.2, 42, "test")


def test_bonds_join_over_several_columns():
    keys = bind(
        ["d", "c", "b", "a", "e"], ["t1", "t1", None, "t2", None], ["u", None, "v", "v", None]
    )
    assert keys == ["c", "c", "a", "a", "e"]


@given(
    counts=st.dictionaries(st.sampled_from("abcdefg"), st.integers(1, 50), min_size=1),
    share=st.floats(0.01, 0.99),
)
def test_quotas_leave_and_take_at_least_one(counts, share):
    for name, quota in quotas(counts, share).items():
        assert 0 <= quota < counts[name]
        assert abs(quota - counts[name] * share) <= 1
        assert quota or counts[name] == 1


@given(labels=labels_of, rows=st.integers(1, 130))
def test_a_sample_has_its_size_and_its_shares(labels, rows):
    ids = names(len(labels))
    drawn = sample(ids, labels, rows, 42)
    assert len(set(drawn)) == len(drawn)
    assert len(drawn) <= rows
    if rows >= len(ids):
        assert len(drawn) == len(ids)
    elif rows >= 8:
        got = Counter(labels[row] for row in drawn)
        assert len(drawn) == rows
        for label, count in Counter(labels).items():
            assert abs(got[label] - count * rows / len(ids)) <= 4


def test_the_quota_does_not_hang_on_the_order_of_classes():
    """Sums of floats in file order tip a half to one side or the other."""
    counts = {"c0": 56, "c1": 40, "c2": 33, "c3": 56}
    assert quotas(counts, 0.1) == quotas(dict(reversed(counts.items())), 0.1)


@pytest.mark.parametrize("seed", range(30))
def test_a_group_that_holds_all_of_a_class_stays_in_train(seed):
    ids = names(305)
    labels = ["ab"[number % 2] for number in range(300)] + ["rare"] * 5
    groups = [number % 30 for number in range(300)] + [0] * 5
    _, rest = cut(ids, labels, bind(ids, groups), 0.2, seed, "test")
    assert "rare" in {labels[row] for row in rest}


@pytest.mark.parametrize("seed", range(10))
def test_a_part_that_would_be_empty_takes_a_group_whose_classes_others_have(seed):
    labels = ["a", "a", "a", "b", "b", "c"]
    ids = names(6)
    taken, rest = cut(ids, labels, bind(ids, [0, 0, 1, 2, 3, 4]), 0.01, seed, "test")
    assert {labels[row] for row in taken} <= {labels[row] for row in rest}
