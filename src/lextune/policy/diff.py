"""What a new version of a pack changes: added, removed, tightened, loosened, moved in time, or changed otherwise.

Only what can be proved is called tighter or looser: the same requirement with a stricter bound, a condition that
covers more. Everything else is changed otherwise, and for a person to read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from lextune.policy.conditions import covers, reach
from lextune.policy.core_facts import CORE_FACTS
from lextune.policy.schema import (
    Control,
    EveryRequirement,
    Fact,
    LicenceRequirement,
    MeasurementRequirement,
    OneRequirement,
    OutputLicenceRequirement,
    Pack,
    Requirement,
)
from lextune.policy.verdict import SHOWN_ONLY
from lextune.policy.wording import Language

Kind = Literal["added", "removed", "tightened", "loosened", "moved", "changed"]
KINDS: tuple[Kind, ...] = ("added", "removed", "tightened", "loosened", "moved", "changed")

_WORDS = ("citation", "titles", "remedy", "basis", "topic", "asks", "penalty", "conflicts",
          "source_version", "preemption_risk")  # fmt: skip


class Difference(NamedTuple):
    """One thing that differs.

    Attributes:
        item: The control's id; `fact:ID`, `licence:ID` or `pack` for what is no control.
        aspect: The key in which it differs; empty where the whole item came or went.
        old: As the old pack has it, in one line; empty where there was nothing.
        new: As the new pack has it.
    """

    item: str
    kind: Kind
    aspect: str = ""
    old: str = ""
    new: str = ""


def diff(old: Pack, new: Pack, *, language: Language = "en") -> tuple[Difference, ...]:
    """Every difference, controls first, in the order of the new pack; the removed ones last.

    Args:
        language: Of the titles of what came or went.
    """
    before = {one.id: one for one in old.controls}
    found: list[Difference] = []
    for control in new.controls:
        was = before.pop(control.id, None)
        if was is None:
            found.append(Difference(control.id, "added", new=getattr(control.titles, language)))
        else:
            found += _control(old, was, new, control)
    found += [
        Difference(name, "removed", old=getattr(one.titles, language))
        for name, one in before.items()
    ]
    facts = ({one.id: one for one in side.facts} for side in (old, new))
    found += _listed("fact", next(facts), next(facts), language)
    rows = ({one.id: one for one in side.licences} for side in (old, new))
    found += _listed("licence", next(rows), next(rows), language)
    for key in ("jurisdiction", "source"):
        if getattr(old, key) != getattr(new, key):
            found.append(_plain("pack", key, getattr(old, key), getattr(new, key)))
    return tuple(found)


def _control(old_pack: Pack, old: Control, new_pack: Pack, new: Control) -> Iterator[Difference]:
    name = new.id
    for key in ("from_day", "until_day"):
        if getattr(old, key) != getattr(new, key):
            one = _plain(name, key.removesuffix("_day"), getattr(old, key), getattr(new, key))
            yield one._replace(kind="moved")
    if old.status != new.status:
        enforced = [one.status not in SHOWN_ONLY for one in (old, new)]
        yield _plain(name, "status", old.status, new.status)._replace(kind=_towards(*enforced))
    if old.severity != new.severity:
        blocks = [one.severity == "block" for one in (old, new)]
        yield _plain(name, "severity", old.severity, new.severity)._replace(kind=_towards(*blocks))
    if old.effect != new.effect:
        forbids = [one.effect == "prohibit" for one in (old, new)]
        yield _plain(name, "effect", old.effect, new.effect)._replace(kind=_towards(*forbids))
    elif old.may_be_waived != new.may_be_waived:
        firm = [not one.may_be_waived for one in (old, new)]
        shown = _plain(name, "waivable", old.may_be_waived, new.may_be_waived)
        yield shown._replace(kind=_towards(*firm))
    yield from _applies(old_pack, old, new_pack, new)
    if old.effect == new.effect:
        yield from _requires(name, old.requires, new.requires)
    for key in _WORDS:
        if getattr(old, key) != getattr(new, key):
            yield _plain(name, key, getattr(old, key), getattr(new, key))


def _towards(before: bool, after: bool) -> Kind:
    """Of something that binds more where it is true."""
    if before == after:
        return "changed"
    return "tightened" if after else "loosened"


def _applies(old_pack: Pack, old: Control, new_pack: Pack, new: Control) -> Iterator[Difference]:
    """By the answers under which it binds: scope, condition and exemptions together."""
    before, after = reach(old_pack, old), reach(new_pack, new)
    if before == after:
        return
    facts = {**CORE_FACTS, **{one.id: one for one in (*old_pack.facts, *new_pack.facts)}}
    wider, narrower = covers(after, before, facts), covers(before, after, facts)
    if wider and narrower:
        return
    kind: Kind = "tightened" if wider else "loosened" if narrower else "changed"
    yield Difference(new.id, kind, "applies", _condition(old_pack, old), _condition(new_pack, new))


def _requires(
    name: str, old: Sequence[Requirement], new: Sequence[Requirement]
) -> Iterator[Difference]:
    before, after = (_whole(one) for one in (old, new))
    if before is None or after is None or before == after:
        return
    stricter, looser = implies(after, before), implies(before, after)
    if stricter and looser:
        return
    kind: Kind = "tightened" if stricter else "loosened" if looser else "changed"
    yield Difference(name, kind, "requires", _shown(list(old)), _shown(list(new)))


def _whole(requires: Sequence[Requirement]) -> Requirement | None:
    return EveryRequirement(all=tuple(requires)) if requires else None


def implies(one: Requirement, other: Requirement) -> bool:
    """Whether evidence that meets `one` always meets `other` too; False where that is not plain."""
    if isinstance(other, EveryRequirement):
        return all(implies(one, part) for part in other.requirements)
    if isinstance(one, OneRequirement):
        return all(implies(part, other) for part in one.requirements)
    if isinstance(one, EveryRequirement) and any(implies(part, other) for part in one.requirements):
        return True
    if isinstance(other, OneRequirement):
        return any(implies(one, part) for part in other.requirements)
    if isinstance(one, MeasurementRequirement) and isinstance(other, MeasurementRequirement):
        return _bound_implies(one, other)
    if isinstance(one, LicenceRequirement | OutputLicenceRequirement) and type(one) is type(other):
        # Where nothing is stated, one that blocks leaves less through than one that warns.
        same = one.model_copy(update={"unstated": other.unstated})
        return same == other and (one.unstated == "block" or one == other)
    return one == other


def _bound_implies(one: MeasurementRequirement, other: MeasurementRequirement) -> bool:
    if one.measurement != other.measurement or one.minimum_n < other.minimum_n:
        return False
    if other.unit is not None and one.unit != other.unit:
        return False
    bounds = (one.bound, other.bound)
    if one.bound != other.bound and bounds != ("interval", "favourable_end"):
        return False
    if one.operator == other.operator == "==":
        return one.value == other.value
    if "==" in (one.operator, other.operator) or one.operator[0] != other.operator[0]:
        return False
    further = one.value > other.value if one.operator[0] == ">" else one.value < other.value
    # At the same value only `>` meets `>`, while both meet `>=`.
    return further or (
        one.value == other.value and (one.operator == other.operator or len(one.operator) == 1)
    )


def _listed(
    noun: str, old: Mapping[str, Any], new: Mapping[str, Any], language: Language
) -> Iterator[Difference]:
    for name in sorted({*old, *new}):
        item, was, now = f"{noun}:{name}", old.get(name), new.get(name)
        if was is None:
            yield Difference(item, "added", new=_title(now, language))
        elif now is None:
            yield Difference(item, "removed", old=_title(was, language))
        else:
            for key in type(now).model_fields:
                if getattr(was, key) != getattr(now, key):
                    yield _plain(item, key, getattr(was, key), getattr(now, key))


def _title(one: Any, language: Language) -> str:
    text = one.question if isinstance(one, Fact) else one.note
    return str(getattr(text, language))


def _plain(item: str, aspect: str, old: Any, new: Any) -> Difference:
    return Difference(item, "changed", aspect, _shown(old), _shown(new))


def _condition(pack: Pack, control: Control) -> str:
    parts = [_shown(one) for one in (pack.scope, control.applies) if one != "always"]
    parts += [f"not exempt ({one.id})" for one in pack.exemptions if one.lifts(control.id)]
    return " and ".join(parts) or "always"


def _shown(value: Any) -> str:
    """A value of a pack in one line, as its file would have it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, MeasurementRequirement):
        unit = f" {value.unit}" if value.unit else ""
        return (
            f"{value.measurement} {value.operator} {value.value:g}{unit} "
            f"({value.bound}, n >= {value.minimum_n})"
        )
    if isinstance(value, list | tuple):
        return "; ".join(_shown(one) for one in value)
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if isinstance(value, dict):
        if set(value) == {"en", "zh"}:
            return str(value["en"])
        return "{" + ", ".join(f"{key}: {_shown(one)}" for key, one in value.items()) + "}"
    return str(value)
