"""Changes of rows of features and of histories keep what a model needs to read them."""

from __future__ import annotations

import itertools
import json
import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.audits.perturbations.choosing import fitting
from lextune.audits.perturbations.record import (
    missing_cells,
    missing_events,
    numeric_jitter,
    spreads,
    swapped_events,
)
from lextune.features import read_features, write_features
from lextune.histories import Event, HistoryInput, read_history, write_history
from lextune.tasks.tabular.columns import decide_columns

ROWS = [
    write_features({"age": str(20 + number), "paid": f"{number * 1.5:.2f}", "plan": "ab"[number % 2], "code": "007"})
    for number in range(40)
]  # fmt: skip


def test_cells_go_missing_and_no_name_does() -> None:
    found = read_features(missing_cells(ROWS[0], np.random.default_rng(0), 1.0))
    assert set(found) == {"age", "paid", "plan", "code"}
    assert list(found.values()).count(None) == 1
    empty = write_features({"a": None})
    assert missing_cells(empty, np.random.default_rng(0), 1.0) == empty


def test_numbers_shake_by_a_tenth_of_their_spread_and_keep_their_decimals() -> None:
    columns = decide_columns(ROWS)
    found = spreads(columns, ROWS)
    assert set(found) == {"age", "paid"}  # 007 is a name
    assert found["age"] == pytest.approx(np.std(np.arange(40)))
    how = numeric_jitter(found)
    moved = [read_features(how.change(ROWS[20], np.random.default_rng(seed), 1.0)) for seed in range(200)]  # fmt: skip
    paid = np.array([float(str(one["paid"])) for one in moved])
    assert paid.std() == pytest.approx(0.1 * found["paid"], rel=0.15)
    assert all(len(str(one["paid"]).partition(".")[2]) == 2 for one in moved)
    assert all(str(one["age"]).isdigit() for one in moved)
    assert {(one["plan"], one["code"]) for one in moved} == {("a", "007")}


def test_missing_and_unknown_cells_stay() -> None:
    row = write_features({"age": None, "paid": "n/a"})
    how = numeric_jitter({"age": 5.0, "paid": 5.0})
    assert how.change(row, np.random.default_rng(0), 1.0) == row


def test_the_columns_of_the_model_say_what_is_a_number() -> None:
    column = {"name": "age", "kind": "category", "edges": [], "values": ["20"], "fields": []}
    loaded = types.SimpleNamespace(settings={"columns": json.dumps([column])})
    hows = {one.name: one for one in fitting("record", "class", ROWS, loaded)}
    assert set(hows) == {"missing_cells", "numeric_jitter"}
    assert hows["numeric_jitter"].change(ROWS[0], np.random.default_rng(0), 5.0) == ROWS[0]


events = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=12)


@settings(max_examples=30, deadline=None)
@given(events, st.integers(0, 9), st.sampled_from([0.5, 1.0, 5.0]))
def test_histories_stay_histories(some: list[tuple[str, int]], seed: int, severity: float) -> None:
    ordered = tuple(Event(item, float(time)) for item, time in sorted(some, key=lambda one: one[1]))
    history = HistoryInput(ordered, ("a",))
    for change in (missing_events, swapped_events):
        found = change(history, np.random.default_rng(seed), severity)
        assert found.targets == ("a",)
        assert read_history(write_history(found.events)) == found.events
        assert bool(found.events) is bool(ordered)
        if change is swapped_events:
            assert sorted(one.item for one in found.events) == sorted(one.item for one in ordered)
            assert [one.time for one in found.events] == [one.time for one in ordered]
        else:
            assert set(found.events) <= set(ordered)


def test_one_event_of_ten_is_lost_or_swapped() -> None:
    history = HistoryInput(tuple(Event(str(n), float(n)) for n in range(10)))
    lost = missing_events(history, np.random.default_rng(0), 1.0)
    assert len(lost.events) == 9
    swapped = [one.item for one in swapped_events(history, np.random.default_rng(0), 1.0).events]
    wrong = [a for a, b in itertools.pairwise(swapped) if int(a) > int(b)]
    assert len(wrong) == 1
