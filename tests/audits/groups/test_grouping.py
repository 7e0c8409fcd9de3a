"""Rows are in the group of their value, or of two values together; missing values are in none."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lextune.audits.groups.grouping import groupings


def test_columns_and_their_intersection() -> None:
    groups = {"sex": ["m", "f", None, "f"], "race": ["x", "y", "x", "x"]}
    race, sex, both = groupings(groups, intersections=True)
    assert (race.column, race.names, race.of_two) == ("race", ("race=x", "race=y"), False)
    assert sex.member.tolist() == [1, 0, -1, 0]
    assert both.column == "race,sex"
    assert both.names == ("race=x,sex=f", "race=x,sex=m", "race=y,sex=f")
    assert both.member.tolist() == [1, 2, -1, 0]
    assert both.rows.tolist() == [1, 1, 1]
    assert both.count(np.array([True, False, True, False])).tolist() == [0, 1, 0]
    assert len(list(groupings(groups, intersections=False))) == 2


def test_empty_columns_have_no_groups() -> None:
    for one in groupings(
        {"a": [None, None], "b": ["x", "y"], "c": [None, "z"]}, intersections=True
    ):
        assert len(one.rows) == len(one.names)
        assert one.member.max(initial=-1) < max(len(one.names), 1)
    assert [len(one.names) for one in groupings({"a": [], "b": []}, intersections=True)] == [
        0,
        0,
        0,
    ]


values = st.lists(st.tuples(*[st.sampled_from(["p", "q", "", None])] * 2), max_size=12)


@given(values)
def test_every_row_is_in_the_group_that_its_values_name(
    rows: list[tuple[str | None, str | None]],
) -> None:
    *_, both = groupings({"a": [x for x, _ in rows], "b": [y for _, y in rows]}, intersections=True)
    for (x, y), at in zip(rows, both.member.tolist(), strict=True):
        assert (at == -1) == (x is None or y is None)
        if at >= 0:
            assert both.names[at] == f"a={x},b={y}"
