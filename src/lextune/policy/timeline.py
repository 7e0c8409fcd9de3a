"""What binds a use from which day until which; drafts and repealed duties are shown as such, never as in force."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from lextune.policy.applicability import Shared, control_applies
from lextune.policy.facts import all_facts
from lextune.policy.schema import Control, Pack
from lextune.policy.verdict import SHOWN_ONLY

#: `binds` from the day on; `ended` on the day before; `shown` is never enforced, its day is what the text says.
Turn = Literal["binds", "ends", "shown"]


class Event(NamedTuple):
    """A control and a day on which something turns for it.

    Attributes:
        day: None where the pack names none: it binds as long as the pack knows, or has no date.
        applies: Whether it applies to this use; None where a fact is unknown.
        deciding: The unknown facts that decide it.
    """

    day: datetime.date | None
    turn: Turn
    pack: str
    control: Control
    applies: bool | None
    deciding: tuple[str, ...]


def timeline(packs: Sequence[Pack], declared: Mapping[str, Any]) -> list[Event]:
    """Every turn of every control that applies, or may apply, to the use; by day, those without a day first.

    Raises:
        PackError: Two packs type a fact differently.
    """
    facts = all_facts(packs)
    shared: Shared = {}
    found = []
    for pack in packs:
        for control in pack.controls:
            applies = control_applies(pack, control, facts, declared, shared)
            if applies.value is False:
                continue
            unknown = applies.deciding if applies.value is None else ()
            turns: list[tuple[datetime.date | None, Turn]] = [(control.from_day, "binds")]
            if control.status in SHOWN_ONLY:
                turns = [(control.from_day, "shown")]
            elif control.until_day is not None:
                turns.append((control.until_day, "ends"))
            found += [
                Event(day, turn, pack.id, control, applies.value, unknown) for day, turn in turns
            ]
    return sorted(
        found, key=lambda one: (one.day or datetime.date.min, one.pack, one.control.id, one.turn)
    )
