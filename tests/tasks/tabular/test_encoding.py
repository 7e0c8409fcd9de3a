from __future__ import annotations

import numpy as np
import pytest

from lextune.features import write_features
from lextune.tasks.tabular.columns import UnfitFeatureError, decide_columns
from lextune.tasks.tabular.encoding import encode, joined, layout_of
from visits import draw_visits

VISITS = draw_visits(60, events=True)
ROWS = [
    write_features({name: cell for name, cell in row.items() if name != "bought"}) for row in VISITS
]
COLUMNS = decide_columns(ROWS)


def test_cells_stand_where_the_layout_says() -> None:
    records = encode(ROWS, COLUMNS, 100)
    layout = layout_of([one for one in COLUMNS if one.kind != "events"])
    assert records.cells.numbers.shape == (60, len(layout.numbers))
    assert records.cells.codes.shape == (60, len(layout.codes))
    assert (records.cells.codes < np.array(layout.codes)).all()
    assert np.isnan(records.cells.numbers).any()
    (events,) = records.events
    np.testing.assert_array_equal(events.counts, [row["pages"] % 5 for row in VISITS])
    clicks = layout_of(COLUMNS[0].fields)
    assert events.cells.numbers.shape[1] == len(clicks.numbers) == 2  # the time, and the gap
    gaps = events.cells.numbers[:, 1]
    assert set(np.round(gaps[np.isfinite(gaps)], 6)) == {round(float(np.log1p(10)), 6)}
    assert records.lengths.max() == 1 + len(layout.numbers) + len(layout.codes) + 4


def test_dates_have_a_weekday_a_month_and_an_hour() -> None:
    rows = [write_features({"d": "2026-11-29T13:30:00"}), write_features({"d": None})]
    records = encode(rows, decide_columns(rows), 10)
    # a Sunday in the eleventh month, in the hour from 13
    assert records.cells.codes.tolist() == [[6 + 2, 10 + 2, 13 + 2], [0, 0, 0]]


def test_blocks_make_the_same_rows_as_one() -> None:
    whole = encode(ROWS, COLUMNS, 2)
    parts = joined([encode(ROWS[:25], COLUMNS, 2), encode(ROWS[25:], COLUMNS, 2)])
    np.testing.assert_array_equal(whole.cells.numbers, parts.cells.numbers)
    np.testing.assert_array_equal(whole.events[0].offsets, parts.events[0].offsets)
    np.testing.assert_array_equal(whole.events[0].cells.codes, parts.events[0].cells.codes)
    assert whole.truncated == parts.truncated > 0
    assert whole.events[0].counts.max() == 2


def test_the_last_events_are_read() -> None:
    rows = [write_features({"e": ["a", "b", "c"]})]
    columns = decide_columns(rows)
    last = encode(rows, columns, 1).events[0].cells.codes
    assert last.tolist() == encode([write_features({"e": ["c"]})], columns, 5).events[0].cells.codes.tolist()  # fmt: skip


def test_batches_hold_every_row_once_and_few_tokens() -> None:
    records = encode(ROWS, COLUMNS, 100)
    batches = records.in_order(7)
    assert sorted(np.concatenate(batches).tolist()) == list(range(60))
    for part in records.cut(np.arange(60), 50):
        assert len(part) * records.lengths[part].max() <= 50 or len(part) == 1


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("[]", "no JSON object"),
        ("{", "no JSON object"),
        (write_features({"a": "1"}), "lacks"),
    ],
)
def test_a_row_that_is_none_of_these_is_refused(row: str, told: str) -> None:
    with pytest.raises(UnfitFeatureError, match=told):
        encode([row], COLUMNS, 10)


def test_a_field_that_no_event_had_is_refused() -> None:
    rows = [write_features({"e": [{"what": "a"}]})]
    with pytest.raises(UnfitFeatureError, match="'price'"):
        encode([write_features({"e": [{"what": "a", "price": 3}]})], decide_columns(rows), 5)
