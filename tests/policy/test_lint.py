"""Each fault that a pack may still have is named with its line, and a right pack has none."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest

from lextune.errors import Problem
from lextune.policy.lint import Surroundings, attested_measurements, lint
from lextune.policy.packs import Pack, parse_pack
from lextune.policy.scenarios import Scenario, parse_scenarios

TODAY = datetime.date(2026, 11, 29)
WHEN = {"fact": "gen", "is": True}
LAW = {
    "basis": "statute", "citation": "Law 1, article 4", "topic": "accuracy",
    "asks": {"en": "be right", "zh": "准确"}, "applies": WHEN,
}  # fmt: skip
QUESTION = {"en": "Is it so?", "zh": "是这样吗？"}
FACTS = [{"id": "gen", "type": "bool", "question": QUESTION}]
CASES = """
schema: lextune.scenarios/v1
pack: trial
scenarios:
  - id: good
    titles: {en: Good, zh: 好}
    citation: Law 1, article 4
    as_of: 2026-11-25
    task: sentiment
    facts: {gen: true}
    measurements: {accuracy: {value: 0.9, low: 0.88, high: 0.92, n: 1000}}
    expected: {outcome: pass, pass: [c]}
  - id: bad
    titles: {en: Bad, zh: 差}
    citation: Law 1, article 4
    like: good
    measurements: {accuracy: {value: 0.5, low: 0.48, high: 0.52, n: 1000}}
    expected: {outcome: fail, fail: [c]}
  - id: unmeasured
    titles: {en: Unmeasured, zh: 未测}
    citation: Law 1, article 4
    like: good
    measurements: {accuracy: null}
    expected: {outcome: insufficient, insufficient: [c]}
"""


def cases(text: str = CASES) -> tuple[Scenario, ...]:
    return parse_scenarios(text.encode(), "cases.yaml")


def around(**changes: Any) -> Surroundings:
    given = {"measured": lambda name: name == "accuracy", "scenarios": cases()} | changes
    return Surroundings(TODAY, **given)


@pytest.fixture
def told(
    pack_data: Callable[..., Any], control: Callable[..., Any]
) -> Callable[..., list[Problem]]:
    """What is wrong with the pack whose only control has these changes."""

    def check(surroundings: Surroundings | None = None, head: Any = None, **changes: Any) -> Any:
        data = pack_data(
            control(**LAW | changes), **{"facts": FACTS, "jurisdiction": "EU"} | (head or {})
        )
        text = json.dumps(data, indent=1).encode()
        return lint(parse_pack(text, "trial.yaml"), surroundings or around(), "trial.yaml")

    return check


def test_a_right_pack_has_no_fault(told: Callable[..., list[Problem]]) -> None:
    assert told() == []


@pytest.mark.parametrize(
    ("head", "changes", "fact"),
    [
        ({"checked_on": "2026-11-30"}, {}, "lies ahead"),
        ({"jurisdiction": None}, {}, "without `jurisdiction`"),
        ({}, {"status": "staged", "from": "2026-01-01"}, "had passed"),
        ({}, {"status": "repealed", "from": "2027-01-01"}, "still to come"),
        ({}, {"citation": "the law"}, "names no article"),
        ({}, {"topic": None}, "no `topic`"),
        ({}, {"asks": None}, "no `asks`"),
        ({}, {"titles": {"en": "A duty", "zh": "A duty"}}, "is not Chinese"),
        ({}, {"conflicts": [{"control": "trial/nope", "note": QUESTION}]}, "'trial/nope'"),
        ({}, {"applies": {"all": [WHEN, {"not": WHEN}]}}, "no answers make"),
        ({"scope": {"not": WHEN}}, {}, "no answers make"),
        (
            {"exemptions": [{"id": "x", "citation": "1", "titles": QUESTION,
                             "when": {"all": [WHEN, {"not": WHEN}]}}]}, {}, "exemption 'x'",
        ),
        ({}, {"applies": "always"}, "nothing depends on it"),
    ],
)  # fmt: skip
def test_faults(told: Callable[..., list[Problem]], head: Any, changes: Any, fact: str) -> None:
    alone = around(scenarios=cases(), decide=False)
    found = [one for one in told(alone, head, **changes) if "no case shows" not in one.fact]
    assert [fact in one.fact for one in found] == [True]
    assert found[0].where.startswith("trial.yaml:")
    assert found[0].remedy


def test_a_citation_may_count_in_chinese(told: Callable[..., list[Problem]]) -> None:
    assert told(citation="《个人信息保护法》第二十四条") == []


def test_figures_that_nothing_measures(told: Callable[..., list[Problem]]) -> None:
    found = told(around(measured=lambda _: False))
    assert ["nothing measures 'accuracy'" in one.fact for one in found] == [True]
    assert told(around(measured=None)) == []


def test_figures_that_only_a_person_brings_are_listed(
    pack: Callable[..., Pack], control: Callable[..., Any]
) -> None:
    made = pack(control()).model_copy()  # a parsed pack is shared by all who parse the same bytes
    made._text = b"# attested measurements: one, two,\n#   three\n# other words\nid: x\n# four\n"
    assert attested_measurements(made) == {"one", "two", "three"}


def test_what_is_repealed_does_not_end_later(told: Callable[..., list[Problem]]) -> None:
    (found,) = [
        one for one in told(status="repealed", until="2099-01-01") if "still to come" in one.fact
    ]
    assert "2099-01-01" in found.fact


def test_cases(told: Callable[..., list[Problem]]) -> None:
    assert "no worked case" in told(around(scenarios=()))[0].fact
    (untried,) = told(around(scenarios=cases()[:2]))
    assert "no case shows the control 'c' as insufficient" in untried.fact
    wrong = CASES.replace("{outcome: fail, fail: [c]}", "{outcome: pass, pass: [c]}")
    found = told(around(scenarios=cases(wrong)))
    assert [one.where for one in found[:2]] == ["cases.yaml:13:5", "cases.yaml:13:5"]
    assert all(one.fact.startswith("the case 'bad': ") for one in found[:2])
    assert "trial/c is fail, expected pass" in found[0].fact
    (strange,) = [
        one
        for one in told(around(scenarios=cases(CASES.replace("{gen: true}", "{gen: 3}"))))
        if one.where == "cases.yaml:5:5"
    ]
    assert "'gen'" in strange.fact
