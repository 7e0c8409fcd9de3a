"""Nothing unknown passes: packs, facts and evidence of every kind against an oracle that knows only true and false.

What is unknown is tried out: each undeclared fact takes every answer that it might have, and a control may pass
only where it would under all of them. The oracle below reads the plain data, and nothing of `lextune.policy`.
"""

from __future__ import annotations

import copy
import datetime
import hashlib
import itertools
import math
import operator
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import packs
from lextune.policy.schema import Pack
from lextune.policy.verdict import decide
from lextune.policy.waivers import Waiver
from lextune.records import Statement, Verdict

DAY = datetime.date(2026, 11, 25)
BEFORE, AFTER = "2026-11-24", "2026-11-26"
NAN, INF = float("nan"), float("inf")
#: Every answer that a fact might have; `task` is said by the config statement.
ANSWERS: dict[str, list[Any]] = {
    "gen": [False, True],
    "adm": [False, True],
    "role": ["provider", "deployer"],
    "uses": [[], ["hiring"], ["credit"], ["hiring", "credit"]],
    "task": ["sentiment", "ner"],
}
#: What is no answer, beside a fact that is not declared at all.
NO_ANSWERS: dict[str, list[Any]] = {
    "gen": [None, "yes", 1, NAN],
    "adm": [None, "no", 0, [True]],
    "role": [None, "owner", "", True, ["provider"]],
    "uses": [None, "hiring", ["mars"], [1], {"hiring": True}],
}
#: Two figures, two papers, two words of a person.
FIGURES, PAPERS, WORDS = ("f1", "f2"), ("d1", "d2"), ("a1", "a2")
_COMPARE = {
    ">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt, "==": operator.eq,
}  # fmt: skip


LEAVES: list[Any] = [
    "always",
    {"fact": "gen", "is": True},
    {"fact": "gen", "is": True},
    {"fact": "adm", "is": False},
    {"fact": "role", "is": "provider"},
    {"fact": "uses", "includes": "hiring"},
    {"fact": "task", "is": "sentiment"},
]
#: Under, over and around the bounds, which are 0.5 and 0.9.
ENDS = [(0.91, 0.95), (0.91, 0.95), (0.9, 0.9), (0.6, 0.8), (0.4, 0.6), (0.1, 0.2)]
#: What a measurement may have in place of what it should; the first of some is no fault.
WRONG: dict[str, list[Any]] = {
    "value": [0.7, None, NAN, INF, -INF, "0.9", True],
    "interval": [None],
    "n": [0, 49, True, "100", -1, None],
    "unit": ["rows", "", None, 1],
    "group": ["age=old"],
}
WRONG_ENDS: list[dict[str, Any]] = [
    {}, {"low": 0.8, "high": 0.6}, {"low": NAN}, {"high": INF}, {"low": "0.6"}, {"low": True},
    {"high": None}, {"level": 0.9}, {"level": NAN}, {"level": 1.5}, {"method": None},
]  # fmt: skip
WRONG_PAPERS: list[dict[str, Any]] = [
    {}, {"sha256": None}, {"sha256": "e" * 63}, {"expires": BEFORE}, {"expires": AFTER},
    {"expires": "soon"}, {"met": False}, {"met": None}, {"met": "yes"}, {"met": True},
]  # fmt: skip
#: Room, status, record, measurements.
Room = tuple[str, str, dict[str, Any], list[Any]]


@dataclass(frozen=True)
class Case:
    """All that is decided on, as plain data.

    Attributes:
        packs: As a file would hold them.
        facts: What was declared.
        rooms: One statement each.
    """

    packs: tuple[dict[str, Any], ...]
    facts: dict[str, Any]
    rooms: tuple[Room, ...]

    def statements(self) -> list[tuple[str, Statement]]:
        """With a digest each, as a dossier would give them."""
        found = []
        for at, (room, status, record, dumps) in enumerate(self.rooms):
            predicate = {"room": room, "status": status, "record": record, "measurements": dumps}
            digest = hashlib.sha256(repr((at, predicate)).encode()).hexdigest()
            kind = f"urn:lextune:predicate:{room}:v1"
            found.append((digest, Statement(subject=(), predicate_type=kind, predicate=predicate)))
        return found

    def decide(self) -> Verdict:
        """What lextune makes of it."""
        return decide(self.statements(), self.facts, self.laws(), DAY)

    def laws(self) -> list[Pack]:
        """The packs as values."""
        return [Pack.model_validate(one) for one in self.packs]


# The oracle: true and false only.


def holds(node: Any, world: Mapping[str, Any]) -> bool:
    if node == "always":
        return True
    if "all" in node:
        return all(holds(one, world) for one in node["all"])
    if "any" in node:
        return any(holds(one, world) for one in node["any"])
    if "not" in node:
        return not holds(node["not"], world)
    if "includes" in node:
        return node["includes"] in world[node["fact"]]
    return world[node["fact"]] == node["is"]


def binds(pack: Mapping[str, Any], control: Mapping[str, Any], world: Mapping[str, Any]) -> bool:
    if control["status"] not in ("in_force", "unconfirmed"):
        return False
    if not control.get("from", BEFORE) <= DAY.isoformat() <= control.get("until", AFTER):
        return False
    lifted = any(
        holds(one["when"], world)
        for one in pack["exemptions"]
        if control["id"] not in one["keeps"]
        and (control["id"] in one["controls"] or not one["controls"])
    )
    return holds(pack["scope"], world) and holds(control["applies"], world) and not lifted


def worlds(case: Case) -> Iterator[dict[str, Any]]:
    """Every way in which the facts may be, given what is known of them."""
    told = [record.get("task") for room, status, record, _ in case.rooms if room == "config"]
    complete = all(status == "complete" for room, status, *_ in case.rooms if room == "config")
    known = dict(case.facts)
    if told and complete and all(one == told[0] for one in told):
        known["task"] = told[0]
    for name, answers in ANSWERS.items():
        if not any(_same(known.get(name), one) for one in answers):
            known.pop(name, None)
    open_facts = [name for name in ANSWERS if name not in known]
    for turned in itertools.product(*(ANSWERS[name] for name in open_facts)):
        yield {**known, **dict(zip(open_facts, turned, strict=True))}


def _same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and left == right


def supported(need: Mapping[str, Any], case: Case) -> bool:
    """Whether all evidence that counts is there, readable and within its bound."""
    if "all" in need:
        return all(supported(one, case) for one in need["all"])
    if "any" in need:
        return any(supported(one, case) for one in need["any"])
    if "measurement" in need:
        return _measured(need, case)
    if "preregistered" in need:
        return _preregistered(need, case)
    (room,) = need
    entries = [
        (status, entry)
        for one, status, record, _ in case.rooms
        if one == room
        for entry in record[f"{room}s"]
        if entry["name"] == need[room]
    ]
    valid = [
        status == "complete"
        and entry.get("sha256") == "e" * 64
        and entry.get("expires") in (None, AFTER)
        for status, entry in entries
    ]
    return any(valid) and all(entry.get("met", True) is True for _, entry in entries)


def _measured(need: Mapping[str, Any], case: Case) -> bool:
    found = [
        (status, dump)
        for _, status, _, dumps in case.rooms
        for dump in dumps
        if isinstance(dump, dict) and dump["name"] == need["measurement"] and dump["group"] is None
    ]
    readable = [status == "complete" and _readable(dump) for status, dump in found]
    if not found or not all(readable) or any(dump != found[0][1] for _, dump in found):
        return False
    return _within(need, found[0][1])


def _number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)


def _readable(dump: Mapping[str, Any]) -> bool:
    interval = dump["interval"]
    ends = [] if interval is None else [interval.get(key) for key in ("low", "high", "level")]
    whole = isinstance(dump["n"], int) and dump["n"] >= 0 and isinstance(dump["unit"], str)
    whole = whole and (interval is None or isinstance(interval["method"], str))
    return whole and all(map(_number, [dump["value"], dump["n"], *ends]))


def _within(need: Mapping[str, Any], dump: Mapping[str, Any]) -> bool:
    compare, bound, interval = _COMPARE[need["operator"]], need["value"], dump["interval"]
    if dump["n"] < need["minimum_n"] or need.get("unit", dump["unit"]) != dump["unit"]:
        return False
    if need["bound"] == "point":
        return compare(dump["value"], bound)
    if interval is None or interval["low"] > interval["high"] or not 0.95 <= interval["level"] <= 1:
        return False
    ends = [interval["low"], interval["high"]]
    if need["bound"] == "interval":
        points = [*ends, dump["value"]] if need["operator"] == "==" else ends
        return all(compare(one, bound) for one in points)
    if need["operator"] == "==":
        return ends[0] <= bound <= ends[1]
    return any(compare(one, bound) for one in ends)


def _preregistered(need: Mapping[str, Any], case: Case) -> bool:
    told = [(status, record) for room, status, record, _ in case.rooms if room == "config"]
    stated = [record.get("policy", {}).get("thresholds") for _, record in told]
    if not told or any(status != "complete" for status, _ in told) or not stated[0]:
        return False
    if any(one != stated[0] for one in stated):
        return False
    bounds = [{"bound": "interval", **one} for one in stated[0]]
    about = [one for one in bounds if need.get("of") in (None, one["measurement"])]
    return bool(about) and all(_measured(one, case) for one in about)


def met(control: Mapping[str, Any], case: Case) -> bool:
    required = all(supported(need, case) for need in control.get("requires", ()))
    return control["effect"] == "require" and required


# What is drawn. Hypothesis gives the source of chance; a case takes hundreds of choices, which it would make slowly.


class Draw:
    """Draws cases.

    Args:
        chance: Where the choices come from.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.one = chance.choice

    def often(self, share: float) -> bool:
        return self._chance.random() < share

    def some(self, items: Sequence[Any], most: int = 2) -> list[Any]:
        return self._chance.sample(items, self._chance.randint(0, min(most, len(items))))

    def case(self) -> Case:
        names = ["law1"] if self.often(0.6) else ["law1", "law2"]
        return Case(tuple(map(self.law, names)), self.declared(), self.rooms())

    def law(self, name: str) -> dict[str, Any]:
        ids = ["c0"] if self.often(0.6) else ["c0", "c1"]
        exempt = {"id": "e", "citation": "Article 2", "titles": {"en": "Exempt", "zh": "豁免"}}
        exempt |= {"when": self.condition(), "controls": self.some(ids), "keeps": self.some(ids)}
        return packs.pack_data(
            *map(self.control, ids),
            id=name,
            scope="always" if self.often(0.6) else self.condition(),
            exemptions=[exempt] if self.often(0.4) else [],
        )

    def control(self, name: str) -> dict[str, Any]:
        dates: list[dict[str, str]] = [{}] * 6 + [
            {"from": BEFORE},
            {"from": AFTER},
            {"until": BEFORE},
        ]
        asks = {
            "effect": "require",
            "requires": [self.need() for _ in range(1 if self.often(0.7) else 2)],
        }
        return packs.control_data(
            id=name,
            status=self.one(["in_force"] * 6 + ["unconfirmed", "draft", "staged", "repealed"]),
            severity=self.one(["block", "block", "warn"]),
            applies="always" if self.often(0.3) else self.condition(),
            **(asks if self.often(0.85) else {"effect": "prohibit"}),
            **self.one(dates),
        )

    def condition(self, depth: int = 2) -> Any:
        if depth == 0 or self.often(0.5):
            return self.one(LEAVES)
        if self.often(0.3):
            return {"not": self.condition(depth - 1)}
        parts = [self.condition(depth - 1) for _ in range(self.one([1, 2]))]
        return {self.one(["all", "any"]): parts}

    def need(self, depth: int = 2) -> dict[str, Any]:
        if depth == 0 or self.often(0.7):
            bound = self.bound() | {"bound": self.one(["interval", "favourable_end", "point"])}
            paper, word = {"document": self.one(PAPERS)}, {"attestation": self.one(WORDS)}
            about = self.one([{}, {"of": "f1"}])
            return self.one(
                [bound, bound, bound, paper, word, {"preregistered": "thresholds", **about}]
            )
        parts = [self.need(depth - 1) for _ in range(self.one([1, 2, 3]))]
        return {self.one(["all", "any"]): parts}

    def bound(self) -> dict[str, Any]:
        return {
            "measurement": self.one(FIGURES),
            "operator": self.one([">=", ">=", ">=", ">", "<=", "<", "=="]),
            "value": self.one([0.5, 0.9]),
            "minimum_n": self.one([1, 50]),
            **self.one([{}, {"unit": "proportion"}]),
        }

    def declared(self) -> dict[str, Any]:
        known = self.often(0.6)
        found = {}
        for name, wrong in NO_ANSWERS.items():
            if known or self.often(0.5):
                found[name] = self.one(ANSWERS[name])
            elif self.often(0.5):
                found[name] = self.one(wrong)
        return found

    def rooms(self) -> tuple[Room, ...]:
        spoilt = self.often(0.5)
        found: list[Room] = []
        for name in FIGURES:
            dumps = [self.figure(name, spoilt) for _ in range(self.one([0, 1, 1, 1, 2]))]
            if not spoilt or self.often(0.7):
                dumps = [copy.deepcopy(dumps[0]) for _ in dumps]
            found += [("evaluate", self.status(spoilt), {}, [dump]) for dump in dumps]
        if spoilt and self.often(0.3):
            found.append(("audit", self.status(spoilt), {}, self.one([[None], ["f1"], []])))
        for room, names in (("document", PAPERS), ("attestation", WORDS)):
            for name in [*self.some(names), *(self.some(names) if spoilt else [])]:
                record = {f"{room}s": [self.paper(name, spoilt)]}
                found.append((room, self.status(spoilt), record, []))
        for _ in range(self.one([0, 1, 1, 1, 1, 2] if spoilt else [0, 1, 1, 1])):
            found.append(("config", self.status(spoilt), self.config(), []))
        return tuple(found)

    def status(self, spoilt: bool) -> str:
        return "crashed" if spoilt and self.often(0.15) else "complete"

    def figure(self, name: str, spoilt: bool) -> dict[str, Any]:
        """A measurement; a spoilt one is wrong in one of the ways that a bound must notice, or in none."""
        low, high = self.one(ENDS)
        interval = {
            "low": low,
            "high": high,
            "level": self.one([0.95, 0.99, 1.0]),
            "method": "wilson",
        }
        dump = {
            "name": name,
            "value": self.one([0.1, 0.5, 0.7, 0.9, 0.93]),
            "interval": interval,
            "n": self.one([100, 100, 100, 10]),
            "unit": self.one(["proportion"] * 3 + ["rows"]),
            "group": None,
            "problem": None,
        }
        if not spoilt:
            return dump
        key = self.one([*WRONG, "ends"])
        if key == "ends":
            return {**dump, "interval": {**interval, **self.one(WRONG_ENDS)}}
        return {**dump, key: self.one(WRONG[key])}

    def paper(self, name: str, spoilt: bool) -> dict[str, Any]:
        return {"name": name, "sha256": "e" * 64, **(self.one(WRONG_PAPERS) if spoilt else {})}

    def config(self) -> dict[str, Any]:
        record: dict[str, Any] = {"task": self.one(ANSWERS["task"])}
        if self.often(0.3):
            return record
        return {
            **record,
            "policy": {"thresholds": [self.bound() for _ in range(self.one([0, 1, 2]))]},
        }

    def borne_out(self, kind: str) -> tuple[dict[str, Any], list[Room]]:
        """A requirement, and statements that may bear it out, the first of which is of this kind."""
        bound = self.bound() | {"measurement": "f1"}
        figure: Room = ("evaluate", "complete", {}, [self.figure("f1", spoilt=False)])
        if kind == "figure":
            return bound | {"bound": self.one(["interval", "favourable_end", "point"])}, [figure]
        if kind == "config":
            about = self.one([{}, {"of": "f1"}])
            record = {"task": "ner", "policy": {"thresholds": [bound]}}
            return {"preregistered": "thresholds", **about}, [
                ("config", "complete", record, []),
                figure,
            ]
        room = self.one(["document", "attestation"])
        record = {f"{room}s": [self.paper("x", spoilt=False)]}
        return {room: "x"}, [(room, "complete", record, [])]

    def more(self, case: Case) -> Case:
        """Some unknown facts answered, and statements of what no statement speaks of yet."""
        facts = dict(case.facts)
        for name in NO_ANSWERS:
            unknown = not any(_same(facts.get(name), one) for one in ANSWERS[name])
            if unknown and self.often(0.6):
                facts[name] = self.one(ANSWERS[name])
        spoken = repr([(record, dumps) for _, _, record, dumps in case.rooms])
        added: list[Room] = [
            ("audit", "complete", {}, [self.figure(name, self.often(0.5))])
            for name in FIGURES
            if f"'name': '{name}'" not in spoken and self.often(0.6)
        ]
        for room, names in (("document", PAPERS), ("attestation", WORDS)):
            added += [
                (room, "complete", {f"{room}s": [self.paper(name, self.often(0.5))]}, [])
                for name in names
                if f"'name': '{name}'" not in spoken and self.often(0.6)
            ]
        if all(room != "config" for room, *_ in case.rooms) and self.often(0.6):
            added.append(("config", "complete", self.config(), []))
        return Case(case.packs, facts, (*case.rooms, *added))


draws = st.builds(Draw, st.randoms(use_true_random=True))


def _decided(case: Case) -> Iterator[tuple[dict[str, Any], dict[str, Any], Any]]:
    """(pack, control, result) of every control."""
    results = {(one.pack, one.control): one for one in case.decide().controls}
    for pack in case.packs:
        for control in pack["controls"]:
            yield pack, control, results.pop((pack["id"], control["id"]))
    assert not results


@settings(max_examples=600, deadline=None)
@given(draw=draws)
def test_a_control_passes_only_where_it_would_however_the_unknown_turns_out(draw: Draw) -> None:
    case = draw.case()
    every = list(worlds(case))
    for pack, control, result in _decided(case):
        bound = [binds(pack, control, world) for world in every]
        if result.status == "pass":
            assert all(bound)
            assert met(control, case)
        elif result.status == "not_applicable":
            assert not any(bound)
        elif result.status == "fail":
            assert all(bound)
            assert not met(control, case)
        if len(every) == 1:
            assert (result.status == "pass") is (bound[0] and met(control, case))
            assert (result.status == "not_applicable") is (not bound[0])


@settings(max_examples=400, deadline=None)
@given(draw=draws)
def test_a_verdict_passes_only_where_every_blocking_duty_is_met(draw: Draw) -> None:
    case = draw.case()
    if case.decide().outcome != "pass":
        return
    assert all(status == "complete" for _, status, _, _ in case.rooms)
    for pack in case.packs:
        for control in pack["controls"]:
            if control["severity"] == "block" and not met(control, case):
                assert not any(binds(pack, control, world) for world in worlds(case))


@settings(max_examples=400, deadline=None)
@given(draw=draws)
def test_evidence_that_was_missing_turns_no_settled_status(draw: Draw) -> None:
    """What passed, failed or did not apply stays so; only what was insufficient moves."""
    case = draw.case()
    before, after = case.decide(), draw.more(case).decide()
    for old, new in zip(before.controls, after.controls, strict=True):
        assert (old.pack, old.control) == (new.pack, new.control)
        assert old.status in ("insufficient", new.status)
    assert before.outcome in ("insufficient", after.outcome)


@settings(max_examples=200, deadline=None)
@given(draw=draws, chance=st.randoms(use_true_random=True))
def test_a_verdict_is_a_pure_function_of_its_inputs(draw: Draw, chance: random.Random) -> None:
    case = draw.case()
    chosen, statements = case.laws(), case.statements()
    waivers = [
        Waiver(pack="law1", control=one, reason=f"r{at}", person="A. Person", expires=DAY)
        for at, one in enumerate(draw.some(["c0", "c1", "c0"]))
    ]
    kept = repr((case, statements, chosen))
    first = decide(statements, case.facts, chosen, DAY, waivers).model_dump_json()
    assert repr((case, statements, chosen)) == kept
    assert decide(statements, case.facts, chosen, DAY, waivers).model_dump_json() == first
    for items in (statements, chosen, waivers):
        chance.shuffle(items)
    names = list(case.facts)
    chance.shuffle(names)
    facts = {name: copy.deepcopy(case.facts[name]) for name in names}
    again = [Pack.model_validate(one.model_dump(mode="json", by_alias=True)) for one in chosen]
    assert decide(statements, facts, again, DAY, waivers).model_dump_json() == first
    assert Verdict.model_validate_json(first).model_dump_json() == first


#: One fault each, as a change of a statement that bore a control out; None takes the statement away.
FAULTS: dict[str, list[Any]] = {
    "figure": [
        None, "crashed", "twice", *({key: one} for key, many in WRONG.items() for one in many),
        *({"interval": ends} for ends in WRONG_ENDS),
    ],
    "paper": [None, "crashed", "twice", *WRONG_PAPERS],
    "config": [None, "crashed", "twice", {"policy": {}}, {"policy": {"thresholds": []}}],
}  # fmt: skip


def _changed(room: Room, fault: Any) -> list[Room]:
    """The statement with this fault; `twice` adds another one that says otherwise."""
    kind, status, record, dumps = copy.deepcopy(room)
    if fault is None:
        return []
    if fault == "crashed":
        return [(kind, "crashed", record, dumps)]
    if dumps:
        change = {"value": dumps[0]["value"] + 0.01} if fault == "twice" else fault
        merged = {**dumps[0], **change}
        if isinstance(change.get("interval"), dict):
            merged["interval"] = {**dumps[0]["interval"], **change["interval"]}
        other: Room = (kind, status, record, [merged])
    elif kind == "config":
        other = (kind, status, {**record, **({"policy": {}} if fault == "twice" else fault)}, dumps)
    else:
        (entry,) = record[f"{kind}s"]
        change = {"met": False} if fault == "twice" else fault
        other = (kind, status, {f"{kind}s": [{**entry, **change}]}, dumps)
    return [room, other] if fault == "twice" else [other]


@pytest.mark.parametrize(
    ("kind", "at"), [(kind, at) for kind, all_ in FAULTS.items() for at in range(len(all_))]
)
@settings(max_examples=12, deadline=None)
@given(draw=draws)
def test_one_fault_in_what_bore_a_control_out_and_it_passes_no_more(
    draw: Draw, kind: str, at: int
) -> None:
    fault = FAULTS[kind][at]
    while True:  # until the evidence bears it out: one of a few draws does
        need, rooms = draw.borne_out(kind)
        control = packs.control_data(requires=[need])
        sound = Case((packs.pack_data(control, scope="always", exemptions=[]),), {}, tuple(rooms))
        if met(control, sound):
            break
    assert sound.decide().controls[0].status == "pass"
    faulty = Case(sound.packs, {}, (*_changed(rooms[0], fault), *rooms[1:]))
    assert (faulty.decide().controls[0].status == "pass") is met(control, faulty)


def test_what_is_drawn_reaches_every_status_and_outcome() -> None:
    """Properties over cases that all end alike would show nothing."""
    seen: Counter[Any] = Counter()
    for seed in range(400):
        case = Draw(random.Random(seed)).case()
        verdict = case.decide()
        known = len(list(worlds(case))) == 1
        seen[verdict.outcome] += 1
        seen.update((known, one.status) for one in verdict.controls)
    statuses = ("pass", "fail", "insufficient", "not_applicable")
    reached = ["pass", "fail", "insufficient", *itertools.product((True, False), statuses)]
    assert {one: seen[one] for one in reached if seen[one] < 10} == {}
