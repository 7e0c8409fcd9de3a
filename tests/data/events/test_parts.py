"""Who is tested on what, and that nothing known of a user is later than what is asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.config import DataConfig
from lextune.data.events.checks import future_events
from lextune.data.events.parts import TEST, TRAIN, UNUSED, VALIDATION, Marked, mark
from lextune.data.events.reading import Log
from lextune.data.events.users import known_rows, part_rows
from lextune.errors import DataError
from lextune.histories import read_history, read_items


def log_of(events: list[tuple[int, int, float]], parts: list[int] | None = None) -> Log:
    user, item, time = (np.array(one) for one in zip(*events, strict=True))
    users, items = [f"u{i}" for i in range(max(user) + 1)], [f"i{i}" for i in range(max(item) + 1)]
    return Log(
        users, items, user.astype(np.int64), item.astype(np.int64), time.astype(float), np.full(len(user), np.nan),
        np.array(parts or [0] * len(user), np.int8), [f"log:{i}" for i in range(len(users))], {},
    )  # fmt: skip


def config_of(method: str, **more: object) -> DataConfig:
    return DataConfig.model_validate({"train": ("x.csv",), "split": {"method": method}, **more})


def told(log: Log, marked: Marked, part: int) -> dict[str, tuple[list[str], list[str]]]:
    """User to the items that are known and those that are asked for."""
    made = part_rows(log, marked, part, "user", None)
    return {
        log.users[user]: ([one.item for one in read_history(text)], list(read_items(label)))
        for user, text, label in zip(
            made.user.tolist(), made.rows.texts, (made.rows.labels[i] or "" for i in range(len(made.rows))), strict=True
        )
    }  # fmt: skip


def test_the_last_event_tests_and_the_one_before_validates() -> None:
    log = log_of([(0, 0, 5), (0, 1, 1), (0, 2, 3), (0, 3, 3)])
    marked = mark(log, config_of("leave_last_out"))
    assert told(log, marked, TEST) == {"u0": (["i1", "i2", "i3"], ["i0"])}
    # of one time the later line is the later event
    assert told(log, marked, VALIDATION) == {"u0": (["i1", "i2"], ["i3"])}
    assert told(log, marked, TRAIN) == {"u0": (["i1"], ["i2"])}


def test_of_ties_at_the_end_the_later_line_is_the_last() -> None:
    log = log_of([(0, 0, 1), (0, 1, 2), (0, 2, 9), (0, 3, 9)])
    assert told(log, mark(log, config_of("leave_last_out")), TEST)["u0"][1] == ["i3"]


def test_an_item_met_before_is_never_asked_for() -> None:
    log = log_of([(0, 0, 1), (0, 1, 2), (0, 2, 3), (0, 0, 4), (0, 3, 5), (0, 1, 6)])
    marked = mark(log, config_of("leave_last_out"))
    assert told(log, marked, TEST) == {"u0": (["i0", "i1", "i2", "i0"], ["i3"])}
    assert marked.part.tolist()[-1] == UNUSED


def test_users_of_few_events_are_taught_alone() -> None:
    log = log_of([(0, 0, 1), (1, 0, 1), (1, 1, 2), (2, 0, 1), (2, 1, 2), (2, 2, 3)])
    marked = mark(log, config_of("leave_last_out"))
    assert set(told(log, marked, TEST)) == {"u1", "u2"}
    assert set(told(log, marked, VALIDATION)) == {"u2"}
    assert told(log, marked, TRAIN)["u0"] == ([], ["i0"])


def test_one_moment_parts_all_users() -> None:
    log = log_of([(i % 3, i, i) for i in range(20)])
    marked = mark(log, config_of("auto", split={"method": "time", "test": 0.25, "validation": 0.2}))
    assert marked.moments == {"test": 15.0, "validation": 12.0}
    times = log.time[marked.order]
    assert (times[marked.part == TEST] >= 15).all()
    assert (times[marked.part == TRAIN] < 12).all()
    assert told(log, marked, TEST)["u0"] == (["i0", "i3", "i6", "i9", "i12"], ["i15", "i18"])


def test_whoever_comes_after_the_moment_is_tested_without_a_history() -> None:
    log = log_of([(0, i, i) for i in range(8)] + [(1, 0, 9), (1, 1, 10)])
    assert told(log, mark(log, config_of("time")), TEST)["u1"] == ([], ["i0", "i1"])


def test_events_of_one_time_cannot_be_parted() -> None:
    with pytest.raises(DataError):
        mark(log_of([(0, 0, 1), (1, 0, 1)]), config_of("time"))
    with pytest.raises(DataError):
        mark(log_of([(0, 0, 1), (1, 0, 1)]), config_of("leave_last_out"))


def test_a_file_of_its_own_is_the_test_part() -> None:
    log = log_of([(0, 0, 1), (0, 1, 2), (0, 2, 3), (0, 3, 9), (0, 4, 5)], [0, 0, 0, 0, 2])
    marked = mark(log, config_of("leave_last_out", test=("y.csv",)))
    assert told(log, marked, TEST) == {"u0": (["i0", "i1", "i2"], ["i4"])}
    assert told(log, marked, VALIDATION)["u0"][1] == ["i3"]


def test_what_was_learnt_from_the_future_is_counted() -> None:
    """TRAPS: per-user last item out. Another user's training event may be later than what is tested."""
    early = [(0, 0, 1), (0, 1, 2), (0, 2, 3)]
    late = [(1, 0, 11), (1, 1, 12), (1, 2, 13), (1, 3, 14)]
    log = log_of(early + late)
    marked = mark(log, config_of("leave_last_out"))
    count, share = future_events(log, marked, part_rows(log, marked, TEST, "user", None))
    assert count == 2  # of user 1, both later than the event at 3
    assert share == pytest.approx((2 / 3 + 0) / 2)
    marked = mark(log, config_of("time"))
    assert future_events(log, marked, part_rows(log, marked, TEST, "user", None)) == (0, 0.0)


def test_baselines_may_know_all_that_comes_before_the_test() -> None:
    log = log_of([(0, 0, 1), (0, 1, 2), (0, 2, 3), (0, 3, 4), (1, 5, 9)])
    made = known_rows(log, mark(log, config_of("leave_last_out")), "user", None)
    known = [
        [one.item for one in read_history(text)] + list(read_items(made.rows.labels[i] or ""))
        for i, text in enumerate(made.rows.texts)
    ]
    assert known == [["i0", "i1", "i2"], ["i5"]]


events = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(0, 9)), min_size=1, max_size=40
)


@given(found=events, method=st.sampled_from(["time", "leave_last_out"]))
def test_no_history_knows_what_is_asked_or_comes_later(
    found: list[tuple[int, int, float]], method: str
) -> None:
    log = log_of(found)
    try:
        marked = mark(log, config_of(method))
    except DataError:
        return
    times = log.time[marked.order]
    for part in (VALIDATION, TEST):
        made = part_rows(log, marked, part, "user", None)
        for row, text in enumerate(made.rows.texts):
            known, asked = read_history(text), read_items(made.rows.labels[row] or "")
            assert asked
            assert len(set(asked)) == len(asked)
            assert not {one.item for one in known} & set(asked)
            assert all(one.time <= times[made.asked[row]] for one in known)
            if method == "time":
                name = {VALIDATION: "validation", TEST: "test"}[part]
                assert all(one.time < marked.moments[name] for one in known)


@given(found=events)
def test_every_event_is_for_one_part(found: list[tuple[int, int, float]]) -> None:
    log = log_of(found)
    try:
        marked = mark(log, config_of("leave_last_out"))
    except DataError:
        return
    assert sorted(marked.order.tolist()) == list(range(len(log)))
    tested = marked.part == TEST
    assert np.bincount(log.user[marked.order[tested]], minlength=1).max() == 1
    assert marked.new[tested].all()


def test_rows_do_not_depend_on_where_the_disk_is(tmp_path: Path) -> None:
    log = log_of([(0, 0, 1), (0, 1, 2), (0, 2, 3)])
    marked = mark(log, config_of("leave_last_out"))
    one, other = (part_rows(log, marked, TEST, "user", folder) for folder in (None, tmp_path))
    assert one.rows.ids.tolist() == other.rows.ids.tolist()
