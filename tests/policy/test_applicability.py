"""Conditions follow Kleene's strong logic, and name only the unknown facts that decide."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.policy.applicability import evaluate, questions
from lextune.policy.facts import all_facts
from lextune.policy.packs import Pack

Data = Callable[..., dict[str, Any]]
Packs = Callable[..., Pack]
VALUES = (True, False, None)
GEN, ADM = {"fact": "gen", "is": True}, {"fact": "adm", "is": True}
LEAVES: dict[str, Any] = {
    "gen": GEN, "adm": ADM, "role": {"fact": "role", "is": "provider"},
    "uses": {"fact": "uses", "includes": "hiring"},
}  # fmt: skip
TRUTHS: dict[str, dict[Any, Any]] = {
    "gen": {True: True, False: False}, "adm": {True: True, False: False},
    "role": {True: "provider", False: "deployer"}, "uses": {True: ["hiring"], False: []},
}  # fmt: skip
conditions = st.recursive(
    st.sampled_from([*LEAVES.values(), "always"]),
    lambda inner: (
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda part: {"not": part}, inner)
    ),
    max_leaves=6,
)
worlds = st.fixed_dictionaries({name: st.sampled_from(VALUES) for name in LEAVES})


def _oracle(node: Any, world: Mapping[str, bool | None]) -> bool | None:
    """The tables as minimum, maximum and complement over false=0, unknown=1/2, true=1."""
    number = {False: 0.0, None: 0.5, True: 1.0}

    def value(part: Any) -> float:
        if part == "always":
            return 1.0
        if "all" in part:
            return min(map(value, part["all"]))
        if "any" in part:
            return max(map(value, part["any"]))
        return 1 - value(part["not"]) if "not" in part else number[world[part["fact"]]]

    return {0.0: False, 0.5: None, 1.0: True}[value(node)]


def _declare(world: Mapping[str, bool | None]) -> dict[str, Any]:
    return {name: TRUTHS[name].get(value) for name, value in world.items()}


@pytest.mark.parametrize(("left", "right"), list(itertools.product(VALUES, VALUES)))
def test_the_tables_of_all_any_and_not(
    control: Data, pack: Packs, left: bool | None, right: bool | None
) -> None:
    for node in ({"all": [GEN, ADM]}, {"any": [GEN, ADM]}, {"not": GEN}):
        law = pack(control(applies=node))
        found = evaluate(law.controls[0].applies, all_facts([law]), {"gen": left, "adm": right})
        assert found.value is _oracle(node, {"gen": left, "adm": right})


@settings(max_examples=60, deadline=None)
@given(node=conditions, world=worlds)
def test_any_nesting_follows_the_tables(control: Data, pack: Packs, node: Any, world: Any) -> None:
    law = pack(control(applies=node))
    facts = all_facts([law])
    found = evaluate(law.controls[0].applies, facts, _declare(world))
    assert found.value is _oracle(node, world)
    unknown = {name for name, value in world.items() if value is None}
    if found.value is None:
        assert found.deciding
        assert set(found.deciding) <= unknown
    else:
        assert not set(found.deciding) & unknown
        # Learning more never changes a decided value.
        settled = {name: True if value is None else value for name, value in world.items()}
        assert evaluate(law.controls[0].applies, facts, _declare(settled)).value is found.value


@settings(max_examples=40, deadline=None)
@given(node=conditions, world=worlds)
def test_answering_the_questions_decides(control: Data, pack: Packs, node: Any, world: Any) -> None:
    law = pack(control(applies=node))
    found = evaluate(law.controls[0].applies, all_facts([law]), _declare(world))
    answered = {**world, **dict.fromkeys(found.deciding, False)}
    for _ in LEAVES:
        found = evaluate(law.controls[0].applies, all_facts([law]), _declare(answered))
        answered |= dict.fromkeys(() if found.value is not None else found.deciding, False)
    assert found.value is not None


def test_an_unknown_fact_that_decides_nothing_is_not_asked(control: Data, pack: Packs) -> None:
    law = pack(control(applies={"all": [GEN, {"any": [ADM, LEAVES["role"]]}]}))
    found = evaluate(law.controls[0].applies, all_facts([law]), {"role": "provider"})
    assert found.value is None
    assert found.deciding == ("gen",)
    assert questions(found.deciding, all_facts([law])) == ("gen: Is it so?",)


@pytest.mark.parametrize("value", ["true", 1, [True], "", float("nan")])
def test_a_wrongly_typed_answer_is_unknown(control: Data, pack: Packs, value: Any) -> None:
    law = pack(control(applies=GEN))
    assert evaluate(law.controls[0].applies, all_facts([law]), {"gen": value}).value is None
