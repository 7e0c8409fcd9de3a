"""What two verdicts differ in is called by its worst consequence; what stands against nothing is not told."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from lextune.policy.impact import changes, effect, turns
from lextune.policy.packs import Pack
from lextune.records import ControlResult, Verdict


def verdict(outcome: str, **statuses: str) -> Verdict:
    controls = tuple(
        ControlResult(
            pack="p", control=name.removesuffix("_warns"), citation="1", titles={}, basis="house",
            severity="warn" if name.endswith("_warns") else "block", status=status,
            reasons=("why",), questions=("what",), remedy={},
        )
        for name, status in statuses.items()
    )  # fmt: skip
    day = datetime.date(2026, 11, 25)
    return Verdict(outcome=outcome, as_of=day, facts={}, packs={}, controls=controls)


@pytest.mark.parametrize(
    ("before", "after", "expected", "changed"),
    [
        (verdict("pass", a="pass"), verdict("fail", a="fail"), "newly_failing", 1),
        (verdict("fail", a="fail", b="pass"), verdict("fail", a="fail", b="fail"), "newly_failing", 1),
        (verdict("pass", a="pass"), verdict("insufficient", a="insufficient"),
         "newly_missing_evidence", 1),
        (verdict("pass"), verdict("insufficient", a="insufficient"), "newly_missing_evidence", 1),
        (verdict("pass", a="pass"), verdict("insufficient", a="not_applicable"),
         "newly_missing_evidence", 0),
        (verdict("fail", a="fail"), verdict("insufficient", a="insufficient"), "changed", 1),
        (verdict("insufficient", a="insufficient"), verdict("pass", a="pass"), "newly_passing", 1),
        (verdict("fail", a="fail", b="pass"), verdict("pass", b="pass"), "newly_passing", 1),
        (verdict("pass", a_warns="pass"), verdict("pass", a_warns="fail"), "changed", 1),
        (verdict("pass", a="waived"), verdict("insufficient", a="insufficient"),
         "newly_missing_evidence", 1),
        (verdict("pass", a="pass"), verdict("pass", a="not_applicable", b="pass"), "unaffected", 0),
        (verdict("fail", a="fail"), verdict("fail", a="fail"), "unaffected", 0),
        (verdict("pass", a_warns="fail"), verdict("fail", a="fail"), "newly_failing", 1),
        (verdict("fail", a_warns="fail", b="fail"), verdict("fail", a="fail", b="fail"),
         "newly_failing", 1),
        (verdict("insufficient", a_warns="insufficient", b="insufficient"),
         verdict("insufficient", a="insufficient", b="insufficient"), "newly_missing_evidence", 1),
        (verdict("fail", a="fail"), verdict("pass", a_warns="fail"), "newly_passing", 1),
    ],
)  # fmt: skip
def test_the_worst_consequence_counts(
    before: Verdict, after: Verdict, expected: str, changed: int
) -> None:
    found = changes(before, after)
    assert (effect(before, after, found), len(found)) == (expected, changed)


def test_a_change_says_what_it_needs_only_where_something_is_open() -> None:
    (failing,) = changes(verdict("pass", a="pass"), verdict("fail", a="fail"))
    assert (failing.control, failing.needs, failing.reasons, failing.blocks) == (
        "p/a", ("what",), ("why",), True,
    )  # fmt: skip
    (gone,) = changes(verdict("fail", a="fail"), verdict("pass"))
    assert (gone.after, gone.needs, gone.blocks) == (None, (), False)


def test_the_days_on_which_a_pack_turns(
    pack: Callable[..., Pack], control: Callable[..., Any]
) -> None:
    found = turns(pack(control(**{"from": "2027-01-01", "until": "2027-12-31"}), control(id="d")))
    assert [str(day) for day in found] == ["2027-01-01", "2028-01-01"]
