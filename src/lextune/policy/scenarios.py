"""Worked cases of packs as data (`lextune.scenarios/v1`): what is declared and measured, and what each control must come to."""

from __future__ import annotations

import dataclasses
import importlib.resources
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr

from lextune import strict_yaml
from lextune.errors import PackError, Problem
from lextune.files import sha256
from lextune.policy.facts import check_facts
from lextune.policy.pack_problems import did_you_mean
from lextune.policy.packs import load_pack
from lextune.policy.schema import Day, Identifier, NonBlank, Number, Pack, Part, Text
from lextune.policy.verdict import decide
from lextune.records import Interval, Licence, Measurement, Outcome, Statement, Status, Verdict
from lextune.validation import validate

SCHEMA_ID = "lextune.scenarios/v1"

#: What a document or an attestation of a scenario is: there, there but saying no, or too old.
Brought = Literal["met", "not_met", "expired"]


class Figure(Part):
    """A measured figure of a scenario.

    Attributes:
        low: Lower end of the 95 % interval; None where the figure has no interval.
        value: None where it is undefined.
    """

    value: Number | None
    low: Number | None = None
    high: Number | None = None
    n: int = Field(ge=0)
    unit: NonBlank = "proportion"


class Threshold(Part):
    """A bound that the user of the scenario set before testing."""

    measurement: NonBlank
    operator: Literal[">=", ">", "<=", "<"]
    value: Number
    minimum_n: int = Field(ge=1)


class Licences(Part):
    """SPDX expressions or hub ids, as the statements of select and prepare have them."""

    model: NonBlank | None = None
    data: NonBlank | None = None


class Release(Part):
    """What the release is to be called and under which licence it is to be."""

    name: NonBlank = "model"
    licence: NonBlank | None = None


class Expected(Part):
    """What the verdict must be; a control that stands nowhere must not apply.

    Controls are written `control`, or `pack/control` where the scenario has several packs.
    """

    outcome: Outcome
    passes: tuple[NonBlank, ...] = Field(default=(), alias="pass")
    fails: tuple[NonBlank, ...] = Field(default=(), alias="fail")
    insufficient: tuple[NonBlank, ...] = ()

    def statuses(self) -> Iterator[tuple[str, Status]]:
        """(control, status) of every control that applies."""
        yield from ((name, "pass") for name in self.passes)
        yield from ((name, "fail") for name in self.fails)
        yield from ((name, "insufficient") for name in self.insufficient)


class Scenario(Part):
    """One case.

    Attributes:
        citation: What in the law the case is about.
        like: An earlier scenario of the file that this one starts from; facts, figures, documents and attestations
            are laid over its own (null takes one away). What is expected is always said anew.
        packs: Ids; empty means the file's own pack.
    """

    id: Identifier
    titles: Text
    citation: NonBlank
    like: Identifier | None = None
    packs: tuple[Identifier, ...] = ()
    as_of: Day | None = None
    task: NonBlank | None = None
    facts: Mapping[str, Any] = Field(default_factory=dict)
    measurements: Mapping[str, Figure | None] = Field(default_factory=dict)
    documents: Mapping[str, Brought | None] = Field(default_factory=dict)
    attestations: Mapping[str, Brought | None] = Field(default_factory=dict)
    thresholds: tuple[Threshold, ...] = ()
    licences: Licences = Licences()
    release: Release = Release()
    expected: Expected
    _where: str = PrivateAttr("")

    @property
    def where(self) -> str:
        """File, line and column; empty where it was not read from a file."""
        return self._where


class ScenarioFile(Part):
    """The scenarios of one pack, or of several packs together (`pack` is null)."""

    schema_id: Literal["lextune.scenarios/v1"] = Field(alias="schema")
    pack: Identifier | None
    scenarios: tuple[Scenario, ...] = Field(min_length=1)


def parse_scenarios(text: bytes, name: str) -> tuple[Scenario, ...]:
    """The scenarios of a file, each complete in itself: what it is `like` is laid under it.

    Args:
        text: YAML, UTF-8.
        name: What to call the file in messages.

    Raises:
        PackError: With every problem.
    """
    document = strict_yaml.load(text, name)
    file = validate(ScenarioFile, document, PackError)
    known: dict[str, Scenario] = {}
    for index, one in enumerate(file.scenarios):
        where = document.where(("scenarios", index))
        if one.id in known:
            raise PackError(
                Problem(f"the scenario {one.id!r} stands twice", "rename one", "", where)
            )
        known[one.id] = _complete(one, file.pack, known, where)
        known[one.id]._where = where
    return tuple(known.values())


def _complete(
    one: Scenario, pack: str | None, known: Mapping[str, Scenario], where: str
) -> Scenario:
    if one.like is not None:
        if one.like not in known:
            remedy = did_you_mean(one.like, known) if known else "begin without `like`"
            raise PackError(Problem(f"no earlier scenario is {one.like!r}", remedy, "", where))
        base = known[one.like]
        inherited: dict[str, Any] = {
            name: getattr(base, name)
            for name in ("packs", "as_of", "task", "thresholds", "licences", "release")
            if name not in one.model_fields_set
        }
        for name in ("facts", "measurements", "documents", "attestations"):
            laid = {**getattr(base, name), **getattr(one, name)}
            inherited[name] = {key: value for key, value in laid.items() if value is not None}
        one = one.model_copy(update=inherited)
    if not one.packs and pack is not None:
        one = one.model_copy(update={"packs": (pack,)})
    if one.as_of is None or not one.packs or one.task is None:
        fact = f"the scenario {one.id!r} lacks its day, its packs or its task"
        raise PackError(Problem(fact, "give `as_of`, `packs` and `task`", "", where))
    return one


def shipped_scenarios() -> dict[str, tuple[Scenario, ...]]:
    """The scenarios that come with the shipped packs, by the name of their file."""
    folder = importlib.resources.files("lextune.policies") / "scenarios"
    files = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".yaml")),
        key=lambda entry: entry.name,
    )
    return {
        file.name.removesuffix(".yaml"): parse_scenarios(
            file.read_bytes(), f"scenarios/{file.name}"
        )
        for file in files
    }


def read_scenarios(path: Path) -> tuple[Scenario, ...]:
    """The scenarios of a file on disk.

    Raises:
        PackError: It cannot be read, or is not wholly right.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        why = error.strerror or type(error).__name__
        fact = f"the scenarios {path} cannot be read ({why})"
        raise PackError(Problem(fact, "give the path of a .yaml file")) from error
    return parse_scenarios(text, str(path))


def statements_of(scenario: Scenario) -> list[tuple[str, Statement]]:
    """What a run of this case would have signed: one statement for each room that has something to say."""
    measured = [_measurement(name, one) for name, one in scenario.measurements.items() if one]
    config = {
        "task": scenario.task,
        "release": scenario.release.model_dump(),
        "policy": {"thresholds": [one.model_dump() for one in scenario.thresholds]},
    }
    rooms: list[tuple[str, dict[str, Any]]] = [("config", {"record": config})]
    for room, spdx in (("select", scenario.licences.model), ("prepare", scenario.licences.data)):
        if spdx is not None:
            licence = Licence(spdx=spdx, found_in="scenario").model_dump(mode="json")
            rooms.append((room, {"record": {"licence": licence}}))
    rooms.append(("evaluate", {"measurements": measured}))
    for room, brought in (
        ("document", scenario.documents), ("attestation", scenario.attestations),
    ):  # fmt: skip
        entries = [_entry(name, how, scenario) for name, how in brought.items() if how is not None]
        rooms.append((room, {"record": {f"{room}s": entries}}))
    return [_statement(room, predicate) for room, predicate in rooms]


def _statement(room: str, predicate: Mapping[str, Any]) -> tuple[str, Statement]:
    content = {"room": room, "status": "complete", "record": {}, "measurements": [], **predicate}
    kind = f"urn:lextune:predicate:{room}:v1"
    return sha256(room.encode()), Statement(subject=(), predicate_type=kind, predicate=content)


def _measurement(name: str, figure: Figure) -> dict[str, Any]:
    interval = None
    if figure.value is not None and figure.low is not None and figure.high is not None:
        exact = figure.low == figure.high == figure.value
        method = "exact" if exact else "wilson"
        level = 1.0 if exact else 0.95
        interval = Interval(low=figure.low, high=figure.high, level=level, method=method)
    problem = "undefined in this scenario" if figure.value is None else None
    made = Measurement(
        name=name,
        value=figure.value,
        interval=interval,
        n=figure.n,
        unit=figure.unit,
        problem=problem,
    )
    return made.model_dump(mode="json")


def _entry(name: str, how: Brought, scenario: Scenario) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name, "sha256": sha256(name.encode())}
    if how == "not_met":
        entry["met"] = False
    if how == "expired":
        assert scenario.as_of is not None
        entry["expires"] = str(scenario.as_of.replace(year=scenario.as_of.year - 1))
    return entry


def decide_scenario(scenario: Scenario, packs: Sequence[Pack] | None = None) -> Verdict:
    """The verdict over the case.

    Args:
        packs: Instead of the shipped ones of these ids.

    Raises:
        PackError: It declares a fact that no pack asks about, or answers one wrongly.
    """
    given = {pack.id: pack for pack in packs or ()}
    chosen = [given.get(name) or load_pack(name) for name in scenario.packs]
    facts = dict(scenario.facts)
    problems = check_facts(facts, chosen)
    if problems:
        raise PackError(
            [dataclasses.replace(one, where=scenario.where or scenario.id) for _, one in problems]
        )
    assert scenario.as_of is not None
    return decide(statements_of(scenario), facts, chosen, scenario.as_of)


def differences(scenario: Scenario, verdict: Verdict) -> list[str]:
    """In what the verdict is not as expected, one sentence each; empty where it is."""
    alone = scenario.packs[0] if len(scenario.packs) == 1 else None
    expected: dict[str, Status] = {}
    found = []
    for name, status in scenario.expected.statuses():
        full = name if "/" in name else f"{alone}/{name}"
        if expected.setdefault(full, status) != status:
            found.append(f"{full} is expected to be {expected[full]} and {status}")
    for control in verdict.controls:
        full = f"{control.pack}/{control.control}"
        wanted = expected.pop(full, "not_applicable")
        if control.status != wanted:
            why = " ".join(control.reasons)
            found.append(f"{full} is {control.status}, expected {wanted}: {why}")
    found += [f"no chosen pack has the control {name}" for name in expected]
    if verdict.outcome != scenario.expected.outcome:
        found.append(f"the outcome is {verdict.outcome}, expected {scenario.expected.outcome}")
    return found


def covered(
    scenarios: Iterable[Scenario], packs: Mapping[str, Pack] | None = None
) -> dict[str, set[Status]]:
    """`pack/control` to the statuses that some scenario expects of it; what stands nowhere does not apply there.

    Args:
        packs: By id; instead of the shipped ones of these ids.
    """
    found: dict[str, set[Status]] = {}
    for scenario in scenarios:
        stated = {
            name if "/" in name else f"{scenario.packs[0]}/{name}": status
            for name, status in scenario.expected.statuses()
        }
        for pack in scenario.packs:
            for control in ((packs or {}).get(pack) or load_pack(pack)).controls:
                name = f"{pack}/{control.id}"
                found.setdefault(name, set()).add(stated.get(name, "not_applicable"))
    return found
