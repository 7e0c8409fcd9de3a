"""Cells of events and of items mean what was written into them, and nothing else is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.histories import Event, read_history, read_items, write_history, write_items

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)
NAMES = st.text(min_size=1, max_size=8).filter(lambda one: one.isprintable())
EVENTS = st.lists(st.builds(Event, NAMES, NUMBERS, st.none() | NUMBERS), max_size=6).map(
    lambda found: sorted(found, key=lambda one: one.time)
)


@given(events=EVENTS)
def test_events_are_read_as_they_were_written(events: list[Event]) -> None:
    assert read_history(write_history(events)) == tuple(events)


@given(items=st.lists(NAMES, max_size=6))
def test_items_are_read_as_they_were_written(items: list[str]) -> None:
    assert read_items(write_items(items)) == tuple(items)


def test_an_id_is_a_text() -> None:
    assert write_history([Event("007", 5.0), Event("7", 6.5, 4.0)]) == '[["007",5],["7",6.5,4.0]]'
    assert read_items('["007","7"]') == ("007", "7")


@pytest.mark.parametrize(
    "cell",
    [
        "{}", '[["a"]]', '[["a",1,2,3]]', '[[7,1]]', '[["",1]]', '[["a","1"]]', '[["a",NaN]]',
        '[["a",true]]', '[["a",Infinity]]', '[["a",1,null]]', '[["a",2],["b",1]]', "[",
    ],
)  # fmt: skip
def test_what_is_no_history_is_refused(cell: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_history(cell)


@pytest.mark.parametrize("cell", ["{}", "[7]", '[""]', "[null]", "x"])
def test_what_are_no_items_is_refused(cell: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_items(cell)
