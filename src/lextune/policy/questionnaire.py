"""Which questions are still worth asking: those on which it depends whether some control applies; it asks nobody."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lextune.policy.applicability import Shared, control_applies
from lextune.policy.conditions import Leaf, leaves_of
from lextune.policy.core_facts import TASK
from lextune.policy.facts import all_facts
from lextune.policy.schema import Control, Fact, Pack
from lextune.policy.verdict import is_enforced


@dataclass(frozen=True)
class Ask:
    """A question that is open.

    Attributes:
        controls: (pack, control) of which nobody knows whether it applies, and that wait for this fact among others.
        settles: How many of all open controls an answer settles, on average over the answers.
    """

    fact: Fact
    controls: tuple[tuple[str, Control], ...]
    settles: float


def open_questions(
    packs: Sequence[Pack], declared: Mapping[str, Any], as_of: datetime.date
) -> list[Ask]:
    """What to ask, the question that settles most first; empty where every control is known to apply or not.

    A fact on which no control depends any more is not asked. Nor are those that only some licence needs: which one
    it is shows when model and data are chosen.

    Args:
        declared: What is known, `task` among it; the task itself is not asked.
        as_of: Controls that do not bind yet are asked about too, those that ended or are only shown are not.

    Raises:
        PackError: Two packs type a fact differently.
    """
    facts = all_facts(packs)
    waiting: dict[str, list[tuple[Pack, Control]]] = {}
    open_controls = list(_open(packs, facts, declared, as_of))
    for pack, control, deciding in open_controls:
        for name in deciding:
            if name in facts and name != TASK:
                waiting.setdefault(name, []).append((pack, control))
    pairs = [(pack, control) for pack, control, _ in open_controls]
    found = [
        Ask(
            facts[name],
            tuple((pack.id, control) for pack, control in needed),
            _settled(facts[name], pairs, facts, declared),
        )
        for name, needed in waiting.items()
    ]
    return sorted(found, key=lambda one: (-one.settles, -len(one.controls), one.fact.id))


def _open(
    packs: Sequence[Pack],
    facts: Mapping[str, Fact],
    declared: Mapping[str, Any],
    as_of: datetime.date,
) -> Iterator[tuple[Pack, Control, tuple[str, ...]]]:
    shared: Shared = {}
    for pack in packs:
        for control in pack.controls:
            if is_enforced(control, max(as_of, control.from_day or as_of)):
                applies = control_applies(pack, control, facts, declared, shared)
                if applies.value is None:
                    yield pack, control, applies.deciding


def _settled(
    fact: Fact,
    pairs: Sequence[tuple[Pack, Control]],
    facts: Mapping[str, Fact],
    declared: Mapping[str, Any],
) -> float:
    """Over the answers that conditions tell apart."""
    known = 0
    answers = _answers(fact, pairs)
    for answer in answers:
        shared: Shared = {}
        told = {**declared, fact.id: answer}
        known += sum(
            control_applies(pack, control, facts, told, shared).value is not None
            for pack, control in pairs
        )
    return known / len(answers)


def _answers(fact: Fact, pairs: Sequence[tuple[Pack, Control]]) -> list[Any]:
    if fact.type == "bool":
        return [True, False]
    if fact.type == "choice":
        return list(fact.choices or ())
    items = sorted({str(leaf.value) for leaf in _leaves(pairs) if leaf.fact == fact.id})
    other = ["OTHER"] if fact.id == "places" else []  # an empty list of places is no answer
    return [*([item] for item in items if [item] != other), other]


def _leaves(pairs: Sequence[tuple[Pack, Control]]) -> Iterator[Leaf]:
    exempt = (one.when for pack, _ in pairs for one in pack.exemptions)
    yield from leaves_of(
        *{id(pack): pack.scope for pack, _ in pairs}.values(),
        *(control.applies for _, control in pairs),
        *{id(one): one for one in exempt}.values(),
    )
