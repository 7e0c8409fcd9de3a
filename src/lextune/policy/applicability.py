"""Whether a condition holds for declared facts, in three values; it knows no control."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lextune.policy.facts import answer
from lextune.policy.schema import (
    AnyOf,
    Condition,
    Control,
    Exemption,
    Fact,
    FactIncludes,
    FactIs,
    Not,
    Pack,
)
from lextune.policy.wording import spoken, tr


@dataclass(frozen=True)
class Applicability:
    """The value of a condition.

    Attributes:
        value: True, False, or None for unknown.
        deciding: The facts it rests on, sorted: the unknown ones where it is unknown, otherwise the
            known ones that settled it. An unknown fact that decides nothing is not among them.
    """

    value: bool | None
    deciding: tuple[str, ...] = ()


@dataclass(frozen=True)
class Application(Applicability):
    """Whether a control applies.

    Attributes:
        exemption: What lifts it where only an exemption does.
    """

    exemption: Exemption | None = None


#: What conditions that many controls share came to: the scope and the exemptions of packs, by `id`.
Shared = dict[int, Applicability]


def control_applies(
    pack: Pack,
    control: Control,
    facts: Mapping[str, Fact],
    declared: Mapping[str, Any],
    shared: Shared | None = None,
) -> Application:
    """The pack's scope and the control's own condition, and no exemption that lifts it.

    Where the scope or the condition is false, no exemption is asked about; where an exemption is true,
    nothing else is.

    Args:
        facts: Every known fact by name (`facts.all_facts`).
        declared: The user's answers.
        shared: Kept by the caller over the controls of one case, so that a scope is looked at once; the packs
            must outlive it.
    """
    known: Shared = {} if shared is None else shared

    def once(condition: Condition) -> Applicability:
        found = known.get(id(condition))
        if found is None:
            found = known[id(condition)] = evaluate(condition, facts, declared)
        return found

    covered = [once(pack.scope), evaluate(control.applies, facts, declared)]
    whole = _combine(covered, settles=False)
    if whole.value is False:
        return Application(False, whole.deciding)
    lifting = [one for one in pack.exemptions if one.lifts(control.id)]
    exempt = [once(one.when) for one in lifting]
    for exemption, found in zip(lifting, exempt, strict=True):
        if found.value is True:
            return Application(False, found.deciding, exemption)
    unknown = [one for one in (*covered, *exempt) if one.value is None]
    if unknown:
        names = {name for one in unknown for name in one.deciding}
        return Application(None, tuple(sorted(names)))
    return Application(True, whole.deciding)


def evaluate(
    condition: Condition, facts: Mapping[str, Fact], declared: Mapping[str, Any]
) -> Applicability:
    """Kleene's strong three-valued logic (Introduction to Metamathematics, 1952, section 64).

    Args:
        condition: From a pack.
        facts: Every known fact by name (`facts.all_facts`).
        declared: The user's answers; missing, null or wrongly typed ones are unknown.
    """
    if isinstance(condition, str):
        return Applicability(True)
    if isinstance(condition, FactIs | FactIncludes):
        return _leaf(condition, facts, declared)
    if isinstance(condition, Not):
        inner = evaluate(condition.condition, facts, declared)
        return Applicability(None if inner.value is None else not inner.value, inner.deciding)
    parts = [evaluate(part, facts, declared) for part in condition.conditions]
    return _combine(parts, settles=isinstance(condition, AnyOf))


def _combine(parts: list[Applicability], *, settles: bool) -> Applicability:
    """`all` is settled by one False, `any` by one True; else one unknown makes it unknown."""
    values = [part.value for part in parts]
    value = settles if settles in values else (None if None in values else not settles)
    names = {name for part in parts if part.value is value for name in part.deciding}
    return Applicability(value, tuple(sorted(names)))


def _leaf(
    condition: FactIs | FactIncludes, facts: Mapping[str, Fact], declared: Mapping[str, Any]
) -> Applicability:
    fact = facts.get(condition.fact)
    found = None if fact is None else answer(fact, declared)
    if found is None:
        return Applicability(None, (condition.fact,))
    if isinstance(condition, FactIncludes):
        holds = isinstance(found, list | tuple) and condition.item in found
    else:
        holds = bool(found == condition.value)
    return Applicability(holds, (condition.fact,))


def questions(names: tuple[str, ...], facts: Mapping[str, Fact]) -> tuple[str, ...]:
    """The questions that the packs ask for these facts, each opening with the fact's name."""
    return tuple(
        f"{name}: {spoken(facts[name].question)}"
        if name in facts
        else tr("{name}: declare this fact", name=name)
        for name in names
    )
