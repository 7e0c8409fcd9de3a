"""Checks what single fields of a pack cannot show: names, dates, effects; on plain data."""

from __future__ import annotations

import datetime
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from lextune.errors import Problem
from lextune.policy.core_facts import CORE_FACTS, OTHER_NAMES, PLACE
from lextune.policy.pack_problems import did_you_mean
from lextune.policy.schema import FactType
from lextune.strict_yaml import Document, Path

Facts = Mapping[str, Mapping[str, Any]]


def meaning_problems(document: Document) -> list[Problem]:
    """Duplicate ids, undeclared facts, impossible answers, contradicting effects and dates."""
    pack = document.data
    facts: dict[str, Mapping[str, Any]] = {
        fact.id: {"type": fact.type, "choices": list(fact.choices) if fact.choices else None}
        for fact in CORE_FACTS.values()
    }
    problems = list(_duplicates(document, pack, "facts"))
    problems += _duplicates(document, pack, "licences")
    problems += _duplicates(document, pack, "controls")
    problems += _duplicates(document, pack, "exemptions")
    for path, fact in _items(pack, "facts"):
        problems += _fact_problems(document, path, fact)
        if isinstance(fact.get("id"), str) and fact["id"] not in CORE_FACTS:
            facts[fact["id"]] = fact
    for path, row in _items(pack, "licences"):
        problems += _row_problems(document, path, row, facts)
    problems += _condition_problems(document, ("scope",), pack.get("scope"), facts)
    for path, exemption in _items(pack, "exemptions"):
        problems += _condition_problems(document, (*path, "when"), exemption.get("when"), facts)
        problems += _exempted_problems(document, path, exemption, pack)
    for path, control in _items(pack, "controls"):
        problems += _effect_problems(document, path, control)
        problems += _date_problems(document, path, control)
        problems += _condition_problems(document, (*path, "applies"), control.get("applies"), facts)
        if not pack.get("licences"):
            problems += _licence_problems(document, path, control)
    return problems


def _items(pack: Mapping[str, Any], key: str) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    entries = pack.get(key)
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict):
            yield (key, index), entry


def _duplicates(document: Document, pack: Mapping[str, Any], key: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for path, entry in _items(pack, key):
        name = entry.get("id")
        if not isinstance(name, str):
            continue
        if name.casefold() in seen:
            yield Problem(
                f"the id {name!r} stands twice in {key}", "rename or remove one of them",
                "a verdict could not tell them apart", document.where((*path, "id")),
            )  # fmt: skip
        seen.add(name.casefold())


def _fact_problems(document: Document, path: Path, fact: Mapping[str, Any]) -> Iterator[Problem]:
    kind, choices = fact.get("type"), fact.get("choices")
    if kind == "choice" and choices is None:
        yield Problem(
            "a choice without choices", "list them under `choices`", where=document.where(path)
        )
    if kind in ("bool", "text") and choices is not None:
        yield Problem(
            f"a fact of type {kind} has no choices", "remove them, or use choice or list",
            where=document.where((*path, "choices")),
        )  # fmt: skip
    if isinstance(choices, list) and len(set(map(str, choices))) < len(choices):
        yield Problem(
            "a choice stands twice", "remove one", where=document.where((*path, "choices"))
        )
    if fact.get("implies") and kind != "bool":
        yield Problem(
            f"a fact of type {kind} implies nothing", "remove `implies`",
            "only a yes can imply another yes", document.where((*path, "implies")),
        )  # fmt: skip
    core = CORE_FACTS.get(str(fact.get("id")))
    if core is not None and kind != core.type:
        yield Problem(
            f"the fact {core.id!r} is of type {core.type} everywhere", f"use {core.type}",
            where=document.where((*path, "type")),
        )  # fmt: skip


def _row_problems(
    document: Document, path: Path, row: Mapping[str, Any], facts: Facts
) -> Iterator[Problem]:
    for permission in ("commercial_use", "derivatives"):
        key = f"{permission}_when"
        if (row.get(permission) == "conditional") != (row.get(key) is not None):
            yield Problem(
                f"`{permission}: conditional` and `{key}` belong together",
                "give both or neither", where=document.where((*path, permission)),
            )  # fmt: skip
        yield from _condition_problems(document, (*path, key), row.get(key), facts)
    if row.get("compatible") and row.get("share_alike") != "yes":
        yield Problem(
            "`compatible` belongs to a licence with `share_alike: \"yes\"`", "remove it",
            "others ask for no particular licence", document.where((*path, "compatible")),
        )  # fmt: skip


def _effect_problems(
    document: Document, path: Path, control: Mapping[str, Any]
) -> Iterator[Problem]:
    effect, requires = control.get("effect"), control.get("requires")
    if effect == "prohibit" and control.get("waivable") is True:
        yield Problem(
            "a prohibition is marked waivable", "remove `waivable`", "no waiver lifts it",
            document.where((*path, "waivable")),
        )  # fmt: skip
    if effect == "prohibit" and requires:
        yield Problem(
            "a prohibition has requirements", "remove `requires`, or use `effect: require`",
            "no evidence lifts a prohibition", document.where((*path, "requires")),
        )  # fmt: skip
    if effect == "require" and not requires:
        yield Problem(
            "a control that requires nothing", "list its evidence under `requires`",
            "it would pass whatever was measured", document.where((*path, "effect")),
        )  # fmt: skip


def _date_problems(document: Document, path: Path, control: Mapping[str, Any]) -> Iterator[Problem]:
    try:
        first, last = (datetime.date.fromisoformat(str(control[key])) for key in ("from", "until"))
    except (KeyError, ValueError):
        return
    if first > last:
        yield Problem(
            f"`from` ({first}) is later than `until` ({last})", "mend the dates",
            "the control would never bind", document.where((*path, "from")),
        )  # fmt: skip


def _licence_problems(
    document: Document, path: Path, holder: Mapping[str, Any], key: str = "requires"
) -> Iterator[Problem]:
    entries = holder.get(key)
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        if not isinstance(entry, dict):
            continue
        here = (*path, key, index)
        for asked in {"licence", "output_licence"} & entry.keys():
            yield Problem(
                "a licence requirement in a pack without a `licences` table", "add the table",
                "nothing would say what a licence permits", document.where((*here, asked)),
            )  # fmt: skip
        for nested in ("all", "any"):
            yield from _licence_problems(document, here, entry, nested)


def _exempted_problems(
    document: Document, path: Path, exemption: Mapping[str, Any], pack: Mapping[str, Any]
) -> Iterator[Problem]:
    """An exemption of a control that is not there would lift nothing, or lift too much."""
    known = [one["id"] for _, one in _items(pack, "controls") if isinstance(one.get("id"), str)]
    for key in ("controls", "keeps"):
        named = exemption.get(key)
        for index, name in enumerate(named if isinstance(named, list) else []):
            if isinstance(name, str) and name not in known:
                yield Problem(
                    f"the pack has no control {name!r}", did_you_mean(name, known),
                    where=document.where((*path, key, index)),
                )  # fmt: skip


def _condition_problems(
    document: Document, path: Path, node: Any, facts: Facts
) -> Iterator[Problem]:
    if not isinstance(node, dict):
        return
    for key in ("all", "any"):
        children = node.get(key)
        for index, child in enumerate(children if isinstance(children, list) else []):
            yield from _condition_problems(document, (*path, key, index), child, facts)
    yield from _condition_problems(document, (*path, "not"), node.get("not"), facts)
    name = node.get("fact")
    if not isinstance(name, str):
        return
    if name not in facts:
        yield Problem(
            f"the pack declares no fact {name!r}", did_you_mean(name, facts),
            "nobody could answer the question", document.where((*path, "fact")),
        )  # fmt: skip
        return
    for key in ("is", "includes"):
        if key in node:
            yield from _value_problems(document, (*path, key), node[key], facts[name])


def _value_problems(
    document: Document, path: Path, value: Any, fact: Mapping[str, Any]
) -> Iterator[Problem]:
    """A comparison that could never hold: it would silently switch a control off."""
    kind, operator, where = fact.get("type"), path[-1], document.where(path)
    if kind not in typing.get_args(FactType):
        return
    if (operator == "includes") != (kind == "list"):
        right = "includes" if kind == "list" else "is"
        yield Problem(
            f"a fact of type {kind} is compared with `{operator}`", f"use `{right}`", where=where
        )
    elif kind == "bool":
        if not isinstance(value, bool):
            yield Problem(
                f"a yes/no fact is compared with {value!r}", "use true or false", where=where
            )
    elif fact.get("id") is None and kind == "list":
        if not (isinstance(value, str) and PLACE.fullmatch(value)) or value in OTHER_NAMES:
            right = OTHER_NAMES.get(str(value), "two capital letters, as in EU, CN, US")
            yield Problem(f"{value!r} is no place", f"use {right}", where=where)
    elif not isinstance(fact.get("choices"), list):
        yield Problem(
            f"free {kind} is compared with {value!r}", "give the fact `choices`",
            "another spelling of the answer would switch the control off", where,
        )  # fmt: skip
    elif value not in fact["choices"]:
        yield Problem(
            f"{value!r} is no answer of this fact", did_you_mean(value, map(str, fact["choices"])),
            where=where,
        )  # fmt: skip
