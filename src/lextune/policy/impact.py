"""What became of a decision when it was taken again under other packs or on another day: a pure comparison of two verdicts."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from lextune.policy.schema import Pack
from lextune.policy.verdict import blocks_release
from lextune.records import ControlResult, Status, Verdict

Effect = Literal[
    "newly_failing", "newly_missing_evidence", "newly_passing", "changed", "unaffected", "unread"
]
#: What a dossier comes to, worst first; `unread` is for what could not be verified or decided.
EFFECTS: tuple[Effect, ...] = get_args(Effect)
#: Statements by which a day that passes may change a result.
ENDING = ("document", "attestation", "waiver")
_AGAINST: frozenset[Status | None] = frozenset(("fail", "insufficient", "waived"))


@dataclass(frozen=True)
class Change:
    """A control that came to something else, where it stands against a release before or after.

    Attributes:
        control: `pack/control`.
        before: None where the packs of then had no such control.
        after: None where those of now have none.
        blocks: Whether it stops a release as it is now.
        needs: What to declare or bring, where it now asks for something.
        reasons: Why it came to that.
    """

    control: str
    before: Status | None
    after: Status | None
    blocks: bool
    needs: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def turns(pack: Pack) -> tuple[datetime.date, ...]:
    """The days from which the pack binds otherwise than the day before, sorted.

    A verdict is a pure function: between two days without a turn in between, the same pack comes to the same over
    the same evidence, where none of it ends (`ENDING`).
    """
    day = datetime.timedelta(days=1)
    found = {one.from_day for one in pack.controls if one.from_day}
    return tuple(sorted(found | {one.until_day + day for one in pack.controls if one.until_day}))


def changes(before: Verdict, after: Verdict) -> tuple[Change, ...]:
    """Controls that fail, lack evidence or are waived in one verdict, and come to something else in the other.

    One that only warned and now blocks comes to something else, too.
    """
    old = {(one.pack, one.control): one for one in before.controls}
    found = []
    for now in after.controls:
        then = old.pop((now.pack, now.control), None)
        was = then.status if then else None
        same = then is now or (
            then is not None and (was, then.severity) == (now.status, now.severity)
        )
        if not same and {was, now.status} & _AGAINST:
            found.append(_change(f"{now.pack}/{now.control}", was, now))
    for (pack, control), gone in old.items():
        if gone.status in _AGAINST:
            found.append(Change(f"{pack}/{control}", gone.status, None, blocks=False))
    return tuple(sorted(found, key=lambda one: one.control))


def _change(name: str, before: Status | None, now: ControlResult) -> Change:
    stands = now.status in ("fail", "insufficient")
    return Change(
        name,
        before,
        now.status,
        blocks=blocks_release(now),
        needs=now.questions if stands else (),
        reasons=now.reasons if stands else (),
    )


def effect(before: Verdict, after: Verdict, found: Sequence[Change]) -> Effect:
    """The worst that the changes mean for a release.

    A control that failed and now lacks evidence, one that only warns, and one of several that no longer stands
    against it, leave the decision where it was: `changed`.
    """
    blocking = [one for one in found if one.blocks]
    stood = {f"{one.pack}/{one.control}" for one in before.controls if blocks_release(one)}
    if after.outcome == "fail" and (
        before.outcome != "fail" or any(one.after == "fail" for one in blocking)
    ):
        return "newly_failing"
    lacking = any(one.after == "insufficient" and one.control not in stood for one in blocking)
    if lacking or (before.outcome == "pass" and after.outcome == "insufficient"):
        return "newly_missing_evidence"
    if after.outcome == "pass" and before.outcome != "pass":
        return "newly_passing"
    return "changed" if found else "unaffected"
