"""What several places ask of one use, side by side by topic, and where their duties go badly together."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_args

from lextune.policy.applicability import Shared, control_applies
from lextune.policy.conditions import leaves_of
from lextune.policy.facts import all_facts
from lextune.policy.schema import Control, Pack, Text, Topic
from lextune.policy.verdict import is_enforced

#: What no place makes stands beside all of them.
EVERYWHERE = "GLOBAL"


class Duty(NamedTuple):
    """A control as one place has it.

    Attributes:
        enforced: Whether it binds on the day at all.
        applies: To this use; None where a fact is unknown.
    """

    place: str
    pack: str
    control: Control
    enforced: bool
    applies: bool | None


class Clash(NamedTuple):
    """Two controls that go badly together.

    Attributes:
        both: Whether both bind this use on the day; None where a fact is unknown.
    """

    one: str
    other: str
    note: Text
    both: bool | None


class Comparison(NamedTuple):
    """Duties by topic, in the order of the list of topics, and the clashes."""

    topics: Mapping[str, tuple[Duty, ...]]
    clashes: tuple[Clash, ...]


def compare(
    packs: Sequence[Pack],
    places: Sequence[str],
    declared: Mapping[str, Any],
    as_of: datetime.date,
) -> Comparison:
    """The duties of these places for one use that is offered in all of them.

    Args:
        packs: Duties of other places are left out; those of no place (`GLOBAL`) are kept.
        places: As facts write them.
        declared: The use; its places are joined with these.

    Raises:
        PackError: Two packs type a fact differently.
    """
    wanted = {*places, EVERYWHERE}
    known = declared.get("places")
    named = known if isinstance(known, list | tuple) else ()
    use = {**declared, "places": sorted({*places, *named})}
    facts = all_facts(packs)
    shared: Shared = {}
    duties = [
        Duty(
            place, pack.id, control, is_enforced(control, as_of),
            control_applies(pack, control, facts, use, shared).value,
        )
        for pack in packs
        for control in pack.controls
        for place in places_of(pack, control)
        if place in wanted
    ]  # fmt: skip
    topics = {
        topic: tuple(one for one in duties if one.control.topic == topic)
        for topic in get_args(Topic)
    }
    return Comparison(
        {name: found for name, found in topics.items() if found}, tuple(_clashes(duties))
    )


def places_of(pack: Pack, control: Control) -> tuple[str, ...]:
    """Where a duty is one: the pack's jurisdiction, else the places that its own condition names."""
    if pack.jurisdiction is not None:
        return (pack.jurisdiction,)
    found = {str(leaf.value) for leaf in leaves_of(control.applies) if leaf.fact == "places"}
    return tuple(sorted(found))


def _clashes(duties: Sequence[Duty]) -> list[Clash]:
    """Each pair once, whichever of the two names the other."""
    found: dict[frozenset[str], Clash] = {}
    by_name = {f"{one.pack}/{one.control.id}": one for one in duties}
    for name, duty in by_name.items():
        for one in duty.control.conflicts:
            other = by_name.get(one.control)
            if other is not None:
                clash = Clash(name, one.control, one.note, _both(duty, other))
                found.setdefault(frozenset((name, one.control)), clash)
    return list(found.values())


def _both(one: Duty, other: Duty) -> bool | None:
    values = [duty.applies if duty.enforced else False for duty in (one, other)]
    if False in values:
        return False
    return None if None in values else True
