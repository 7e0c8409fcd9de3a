"""What is wrong with a pack that parses: dates, citations, languages, measurements, what never applies, what no case tries.

It is told by its caller what can be measured; it reads no clock and runs no model.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lextune import strict_yaml
from lextune.errors import LextuneError, Problem
from lextune.policy.comparison import places_of
from lextune.policy.conditions import Leaf, Node, can_hold, formula, leaves_of, reach
from lextune.policy.core_facts import CORE_FACTS
from lextune.policy.facts import all_facts
from lextune.policy.scenarios import Scenario, covered, decide_scenario, differences
from lextune.policy.schema import Control, Pack, Text, figures
from lextune.policy.verdict import SHOWN_ONLY
from lextune.records import Status
from lextune.strict_yaml import Document, Path

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
#: A number, or a Chinese one that counts articles.
_NUMBERED = re.compile(r"[0-9]|第[一二三四五六七八九十百零]+[条章节款项]")
_ATTESTED = "# attested measurements:"


@dataclass(frozen=True)
class Surroundings:
    """What a pack is held against.

    Attributes:
        today: No pack was checked later.
        measured: Whether lextune measures something of this name; None where nobody knows.
        packs: The other packs.
        scenarios: Worked cases that speak of the pack.
        decide: Whether the cases are decided, too, and held against what they expect.
    """

    today: datetime.date
    measured: Callable[[str], bool] | None
    packs: Sequence[Pack] = ()
    scenarios: Sequence[Scenario] = ()
    decide: bool = True


def lint(pack: Pack, around: Surroundings, name: str = "") -> list[Problem]:
    """Everything that is wrong, in the order of the file, each with file, line and column.

    Args:
        name: What to call the file.
    """
    document = strict_yaml.load(pack.text, name or f"{pack.id}.yaml")
    problems = list(_pack_problems(document, pack, around))
    for index, control in enumerate(pack.controls):
        place: Path = ("controls", index)
        problems += _date_problems(document, place, pack, control)
        problems += _law_problems(document, place, pack, control)
        problems += _measurement_problems(document, place, pack, control, around)
        problems += _conflict_problems(document, place, pack, control, around)
    problems += _language_problems(document)
    problems += _unreachable(document, pack)
    problems += _unused_facts(document, pack)
    problems += _case_problems(document, pack, around)
    return problems


def _pack_problems(document: Document, pack: Pack, around: Surroundings) -> Iterator[Problem]:
    if pack.checked_on > around.today:
        yield Problem(
            f"`checked_on` ({pack.checked_on}) lies ahead", "give the day of the last comparison",
            "nobody has compared it with its source yet", document.where(("checked_on",)),
        )  # fmt: skip
    law = any(control.basis in ("statute", "guidance") for control in pack.controls)
    placed = all(places_of(pack, control) for control in pack.controls)
    if law and not placed and not pack.licences:
        yield Problem(
            "a law without `jurisdiction`, and a control that names no place",
            "name the place that made it, or GLOBAL",
            "places could not be compared", document.where(("id",)),
        )  # fmt: skip
    try:
        all_facts([pack, *(one for one in around.packs if one.id != pack.id)])
    except LextuneError as error:
        yield from error.problems


def _date_problems(
    document: Document, place: Path, pack: Pack, control: Control
) -> Iterator[Problem]:
    first = control.from_day
    if control.status == "staged" and first is not None and first <= pack.checked_on:
        yield Problem(
            f"`staged`, but its date ({first}) had passed when the pack was checked ({pack.checked_on})",
            "look up whether it binds: `in_force`, or a new date",
            "it is shown and never enforced", document.where((*place, "status")),
        )  # fmt: skip
    last = control.until_day
    ahead = [one for one in (first, last) if one is not None and one > pack.checked_on]
    if control.status == "repealed" and ahead:
        yield Problem(
            f"`repealed`, but its date ({ahead[0]}) is still to come", "mend the date or the status",
            where=document.where((*place, "status")),
        )  # fmt: skip


def _law_problems(
    document: Document, place: Path, pack: Pack, control: Control
) -> Iterator[Problem]:
    if control.basis == "house":
        return
    if control.basis == "statute" and not pack.licences and not _NUMBERED.search(control.citation):
        yield Problem(
            f"the citation {control.citation!r} names no article", "say which one",
            "nobody could look it up", document.where((*place, "citation")),
        )  # fmt: skip
    for key in ("topic", "asks"):
        if not pack.licences and getattr(control, key) is None:
            yield Problem(
                f"the control {control.id!r} has no `{key}`", "add it",
                "it could not stand beside those of other places", document.where((*place, "id")),
            )  # fmt: skip


def _measurement_problems(
    document: Document, place: Path, pack: Pack, control: Control, around: Surroundings
) -> Iterator[Problem]:
    if around.measured is None:
        return
    attested = attested_measurements(pack)
    for measurement in figures(control.requires):
        if measurement not in attested and not around.measured(measurement):
            yield Problem(
                f"nothing measures {measurement!r}",
                f"mend the name, or list it at the top of the file after `{_ATTESTED}`",
                f"the control {control.id!r} could be met by an attested figure alone",
                document.where((*place, "requires")),
            )


def attested_measurements(pack: Pack) -> set[str]:
    """Figures that the file says only a person can bring: a comment that may go on over lines that end in a comma."""
    found: set[str] = set()
    going = False
    for line in pack.text.decode().splitlines():
        opens = line.strip().startswith(_ATTESTED)
        if opens or (going and line.strip().startswith("#")):
            rest = line.strip().removeprefix(_ATTESTED).lstrip("# ")
            found |= {name.strip() for name in rest.split(",") if name.strip()}
            going = rest.rstrip().endswith(",") or not rest.strip()
        else:
            going = False
    return found


def _conflict_problems(
    document: Document, place: Path, pack: Pack, control: Control, around: Surroundings
) -> Iterator[Problem]:
    others = {one.id: one for one in around.packs} | {pack.id: pack}
    for index, one in enumerate(control.conflicts):
        name, _, other = one.control.partition("/")
        known = others.get(name)
        if known is None or other not in {each.id for each in known.controls}:
            yield Problem(
                f"no pack has the control {one.control!r}", "mend the name",
                "the conflict could not be shown", document.where((*place, "conflicts", index)),
            )  # fmt: skip


def _language_problems(document: Document) -> Iterator[Problem]:
    """Every text of two languages has Chinese in the one and none in the other."""
    waiting: list[tuple[Path, Any]] = [((), document.data)]
    while waiting:
        path, value = waiting.pop(0)
        if isinstance(value, list):
            waiting += [((*path, index), one) for index, one in enumerate(value)]
        elif isinstance(value, dict) and value.keys() == Text.model_fields.keys():
            if not _CHINESE.search(value["zh"]):
                yield Problem(
                    f"{value['zh']!r} is not Chinese", "translate it",
                    where=document.where((*path, "zh")),
                )  # fmt: skip
        elif isinstance(value, dict):
            waiting += [((*path, key), one) for key, one in value.items()]


def _unreachable(document: Document, pack: Pack) -> Iterator[Problem]:
    facts = {**CORE_FACTS, **{one.id: one for one in pack.facts}}
    for index, control in enumerate(pack.controls):
        if can_hold(reach(pack, control), facts) is False:
            yield Problem(
                f"no answers make the control {control.id!r} apply",
                "mend its condition, the scope, or the exemptions",
                "it would never bind anybody", document.where(("controls", index, "applies")),
            )  # fmt: skip
    for index, one in enumerate(pack.exemptions):
        if can_hold(Node("all", (formula(pack.scope), formula(one.when))), facts) is False:
            yield Problem(
                f"no answers within the scope make the exemption {one.id!r} hold",
                "mend its condition", where=document.where(("exemptions", index, "when")),
            )  # fmt: skip


def _unused_facts(document: Document, pack: Pack) -> Iterator[Problem]:
    used = {leaf.fact for leaf in compared(pack)}
    for index, fact in enumerate(pack.facts):
        if fact.id not in used:
            yield Problem(
                f"the pack asks about {fact.id!r} and nothing depends on it",
                "use it in a condition, or remove it",
                "people would be asked for nothing", document.where(("facts", index, "id")),
            )  # fmt: skip


def compared(pack: Pack) -> Iterator[Leaf]:
    """Every comparison with a fact in the pack: scope, exemptions, controls, licences."""
    conditions = [pack.scope, *(one.when for one in pack.exemptions)]
    conditions += [one.applies for one in pack.controls]
    for row in pack.licences:
        conditions += [
            one for one in (row.commercial_use_when, row.derivatives_when) if one is not None
        ]
    yield from leaves_of(*conditions)


def _case_problems(document: Document, pack: Pack, around: Surroundings) -> Iterator[Problem]:
    mine = [one for one in around.scenarios if pack.id in one.packs]
    if not mine:
        yield Problem(
            "no worked case speaks of the pack",
            "write some (docs/policy-packs.md) and name their file with --scenarios",
            "nobody has seen what it comes to", document.where(("id",)),
        )  # fmt: skip
        return
    everything = {**{one.id: one for one in around.packs}, pack.id: pack}
    for scenario in mine if around.decide else ():
        try:
            wrong = differences(scenario, decide_scenario(scenario, list(everything.values())))
        except LextuneError as error:
            for one in error.problems:
                fact = f"the case {scenario.id!r}: {one.fact}"
                yield Problem(fact, one.remedy, one.reason, scenario.where)
            continue
        for each in wrong:
            fact = f"the case {scenario.id!r}: {each}"
            yield Problem(fact, "mend the pack or the case", where=scenario.where)
    found = covered(mine, everything)
    for index, control in enumerate(pack.controls):
        if missing := untried(pack, control, found):
            yield Problem(
                f"no case shows the control {control.id!r} as {' or '.join(missing)}",
                "write one for each" if len(missing) > 1 else "write one",
                where=document.where(("controls", index, "id")),
            )  # fmt: skip


def untried(pack: Pack, control: Control, found: Mapping[str, set[Status]]) -> tuple[Status, ...]:
    """The ways in which a control can end that no case shows, sorted.

    Args:
        found: From `scenarios.covered`.
    """
    ends: set[Status] = {"pass", "fail", "insufficient"}
    if control.status in SHOWN_ONLY:  # it can come to nothing else
        ends = {"not_applicable"}
    elif control.effect == "prohibit":  # evidence cannot meet it: where it applies it fails
        ends = {"not_applicable", "fail", "insufficient"}
    return tuple(sorted(ends - found.get(f"{pack.id}/{control.id}", set())))
