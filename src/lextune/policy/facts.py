"""Declared facts: which exist, how each is typed, which answers count as unknown; no evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lextune.errors import PackError, Problem
from lextune.policy import schema
from lextune.policy.core_facts import CORE_FACTS, KNOWN_PLACES, OTHER_NAMES, PLACE, TASK
from lextune.policy.pack_problems import did_you_mean
from lextune.policy.packs import list_packs
from lextune.policy.schema import Fact, Pack


def all_facts(packs: Iterable[Pack]) -> dict[str, Fact]:
    """Every fact of the packs and the core facts, by name.

    Raises:
        PackError: Two packs type the same fact differently.
    """
    facts = dict(CORE_FACTS)
    owner: dict[str, str] = {}
    problems = []
    for pack in sorted(packs, key=lambda pack: (pack.id, pack.digest)):
        for fact in pack.facts:
            known = facts.setdefault(fact.id, fact)
            if fact.id in CORE_FACTS:
                continue
            if (known.type, known.choices) != (fact.type, fact.choices):
                problems.append(
                    Problem(
                        f"{owner[fact.id]} and {pack.id} type the fact {fact.id!r} differently",
                        "give it the same type and choices in both, or another name in one",
                        "one answer could not serve both packs",
                    )
                )
            owner.setdefault(fact.id, pack.id)
    if problems:
        raise PackError(problems)
    return facts


def answer(fact: Fact, declared: Mapping[str, Any]) -> Any:
    """The declared value where it is a whole answer, else None: unknown, never false."""
    value = declared.get(fact.id)
    return None if value is None or answer_problem(fact, value) else value


def answer_problem(fact: Fact, value: Any) -> Problem | None:
    """What is wrong with an answer (not with a missing one)."""
    if fact.type == "bool":
        return None if isinstance(value, bool) else _wrong(fact, value, "true, false or null")
    if fact.type == "list":
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            return _wrong(fact, value, "a list of words")
        items = tuple(value)
    elif isinstance(value, str) and value.strip():
        items = (value,)
    else:
        return _wrong(fact, value, "one text" if fact.type == "text" else "one of its choices")
    if fact.id == "places":
        return _places_problem(items)
    strange = [item for item in items if fact.choices is not None and item not in fact.choices]
    if not strange:
        return None
    return Problem(
        f"{strange[0]!r} is no answer to the fact {fact.id!r}",
        did_you_mean(strange[0], fact.choices or ()),
    )


def _places_problem(places: tuple[str, ...]) -> Problem | None:
    if not places:
        return Problem("`places` is an empty list", "name the places, or write null (unknown)")
    for place in places:
        if place in OTHER_NAMES:
            return Problem(
                f"{place!r} in `places` is written {OTHER_NAMES[place]} here",
                f"write {OTHER_NAMES[place]}",
                "its law would not be applied",
            )
        if not PLACE.fullmatch(place):
            return Problem(f"{place!r} is no place", did_you_mean(place.upper(), KNOWN_PLACES))
    return None


#: What people call the types that YAML has.
_KINDS = {
    str: "a text", bool: "yes or no", int: "a number", float: "a number", list: "a list", dict: "a mapping",
}  # fmt: skip


def _wrong(fact: Fact, value: Any, right: str) -> Problem:
    return Problem(
        f"the fact {fact.id!r} is {_KINDS.get(type(value), type(value).__name__)} where {right} is expected",
        f"write {right}",
        f"it answers: {fact.question.en}",
    )


def check_facts(declared: Mapping[str, Any], packs: Iterable[Pack]) -> list[tuple[str, Problem]]:
    """What is wrong with the declared facts, by fact name; a null is unknown and no problem.

    Args:
        declared: The `use` section of a config.
        packs: The chosen packs; the facts of all shipped packs are known as well.

    Raises:
        PackError: A shipped pack does not parse, or two packs type a fact differently.
    """
    chosen = list(packs)
    facts, places = _known(chosen)
    named = declared.get("places")
    listed = named if isinstance(named, list | tuple) else ()
    elsewhere = {place for place in listed if isinstance(place, str)} - places
    if elsewhere or not declared.keys() <= facts.keys():
        ids = {pack.id for pack in chosen}  # reading every shipped pack takes seconds
        facts, places = _known([*chosen, *(pack for pack in list_packs() if pack.id not in ids)])
    problems: list[tuple[str, Problem]] = []
    for name, value in declared.items():
        if name not in facts:
            problem = Problem(f"no pack asks about {name!r}", did_you_mean(name, facts))
            problems.append((name, problem))
        elif name == TASK:
            told = Problem(
                "the task is declared as a fact", "remove it", "the config's own key `task` says it"
            )
            problems.append((name, told))
        elif value is None:
            continue
        elif wrong := answer_problem(facts[name], value):
            problems.append((name, wrong))
        elif name == "places":
            problems += [
                (name, Problem(f"no pack knows the place {place!r}", did_you_mean(place, places)))
                for place in value
                if place not in places
            ]
    problems += _contradictions(declared, facts)
    return problems


def _contradictions(
    declared: Mapping[str, Any], facts: Mapping[str, Fact]
) -> Iterator[tuple[str, Problem]]:
    """Answers that deny what another answer implies: a law that asks only for one of them would not be applied."""
    for name, value in declared.items():
        if value is not True or name not in facts:
            continue
        for implied in facts[name].implies:
            if declared.get(implied) is False:
                fact = f"{name!r} is declared true and {implied!r} false, and the first implies the second"
                yield implied, Problem(fact, "correct one of them", "they cannot both hold")


def _known(packs: Sequence[Pack]) -> tuple[dict[str, Fact], frozenset[str]]:
    """The facts and the places that these packs know."""
    places = KNOWN_PLACES.union(*(_compared_places(pack) for pack in packs))
    return all_facts(packs), places


def _compared_places(pack: Pack) -> Iterator[str]:
    nodes: list[Any] = [pack.scope, *(control.applies for control in pack.controls)]
    nodes += [exemption.when for exemption in pack.exemptions]
    for row in pack.licences:
        nodes += [row.commercial_use_when, row.derivatives_when]
    while nodes:
        node = nodes.pop()
        if isinstance(node, schema.FactIncludes) and node.fact == "places":
            yield node.item
        elif isinstance(node, schema.AllOf | schema.AnyOf):
            nodes.extend(node.conditions)
        elif isinstance(node, schema.Not):
            nodes.append(node.condition)
