"""Which answers could make a condition true at all, and whether one condition covers another; it knows no declared fact.

A condition is searched by branching on one fact at a time and looking at what the rest still leaves open, so that
packs of today are decided at once; where a search grows too large nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from lextune.policy.schema import (
    AllOf,
    Condition,
    Control,
    Fact,
    FactIncludes,
    FactIs,
    Not,
    Pack,
)

#: Branches after which a search gives up.
_MOST = 50_000


class Leaf(NamedTuple):
    """One fact has one value, or a list holds one item."""

    fact: str
    value: str | bool


class Node(NamedTuple):
    """`all` or `any` of several, or `not` of one."""

    kind: Literal["all", "any", "not"]
    parts: tuple[Formula, ...]


Formula = Leaf | Node
ALWAYS = Node("all", ())

#: What is known so far of each leaf.
_Known = dict[Leaf, bool]


def formula(condition: Condition) -> Formula:
    """A condition in the form that is searched here."""
    if isinstance(condition, str):
        return ALWAYS
    if isinstance(condition, FactIs):
        return Leaf(condition.fact, condition.value)
    if isinstance(condition, FactIncludes):
        return Leaf(condition.fact, condition.item)
    if isinstance(condition, Not):
        return Node("not", (formula(condition.condition),))
    kind: Literal["all", "any"] = "all" if isinstance(condition, AllOf) else "any"
    return Node(kind, tuple(formula(part) for part in condition.conditions))


def leaves_of(*conditions: Condition) -> Iterator[Leaf]:
    """Every comparison with a fact that stands in the conditions."""
    waiting = [formula(one) for one in conditions]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Node):
            waiting.extend(one.parts)
        else:
            yield one


def reach(pack: Pack, control: Control) -> Formula:
    """When a control applies: scope and condition, and no exemption that lifts it."""
    lifted = tuple(formula(one.when) for one in pack.exemptions if one.lifts(control.id))
    return Node(
        "all",
        (formula(pack.scope), formula(control.applies), Node("not", (Node("any", lifted),))),
    )


def can_hold(found: Formula, facts: Mapping[str, Fact]) -> bool | None:
    """Whether some answers make it true; None where the search gave up."""
    budget = [_MOST]
    try:
        return _search(found, {}, facts, _named(found), budget)
    except _TooLargeError:
        return None


def covers(wide: Formula, narrow: Formula, facts: Mapping[str, Fact]) -> bool | None:
    """Whether `wide` is true wherever `narrow` is; None where the search gave up."""
    left = can_hold(Node("all", (narrow, Node("not", (wide,)))), facts)
    return None if left is None else not left


class _TooLargeError(Exception):
    pass


def _search(
    found: Formula,
    known: _Known,
    facts: Mapping[str, Fact],
    named: Mapping[str, list[Leaf]],
    budget: list[int],
) -> bool:
    budget[0] -= 1
    if budget[0] < 0:
        raise _TooLargeError
    value, open_ = _value(found, known)
    if value is not None:
        return value
    assert open_ is not None
    return any(
        _search(found, known | more, facts, named, budget)
        for more in _branches(open_, facts.get(open_.fact), named)
    )


def _branches(leaf: Leaf, fact: Fact | None, named: Mapping[str, list[Leaf]]) -> Iterator[_Known]:
    """What an answer may say of the leaf, with what it then says of the other leaves of its fact."""
    if fact is None or fact.type == "list":
        yield {leaf: True}
        yield {leaf: False}
        return
    others = named[leaf.fact]
    for one in others:
        yield {other: other == one for other in others}
    values = {True, False} if fact.type == "bool" else set(fact.choices or ())
    if fact.type == "text" or values - {one.value for one in others}:
        yield dict.fromkeys(others, False)


def _named(found: Formula) -> dict[str, list[Leaf]]:
    leaves: dict[str, list[Leaf]] = {}
    waiting = [found]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Node):
            waiting.extend(one.parts)
        elif one not in leaves.setdefault(one.fact, []):
            leaves[one.fact].append(one)
    return leaves


def _value(found: Formula, known: _Known) -> tuple[bool | None, Leaf | None]:
    """The value so far, and a leaf that it waits for."""
    if isinstance(found, Leaf):
        value = known.get(found)
        return value, found if value is None else None
    if found.kind == "not":
        value, leaf = _value(found.parts[0], known)
        return (None if value is None else not value), leaf
    settles = found.kind == "any"
    waiting: Leaf | None = None
    for part in found.parts:
        value, leaf = _value(part, known)
        if value is settles:
            return settles, None
        waiting = waiting or leaf
    return (None, waiting) if waiting else (not settles, None)
