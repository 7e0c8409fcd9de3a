"""Facts are checked by name and type before they decide anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lextune.errors import PackError
from lextune.policy.core_facts import CORE_FACTS
from lextune.policy.facts import all_facts, answer, check_facts
from lextune.policy.packs import Pack, list_packs, load_pack

Data = Callable[..., dict[str, Any]]
Packs = Callable[..., Pack]


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"comercial": True}, "did you mean 'commercial'?"),
        ({"commercial": "yes"}, "true, false or null"),
        ({"commercial": 1}, "true, false or null"),
        ({"commercial": float("nan")}, "true, false or null"),
        ({"purpose": ""}, "one text"),
        ({"purpose": ["a"]}, "one text"),
        ({"places": "EU"}, "a list of words"),
        ({"places": [1]}, "a list of words"),
        ({"places": []}, "name the places"),
        ({"places": ["eu"]}, "did you mean 'EU'?"),
        ({"places": ["DE"]}, "write EU"),
        ({"places": ["GB"]}, "write UK"),
        ({"places": ["XX"]}, "no pack knows the place 'XX'"),
        ({"role": "provder"}, "did you mean 'provider'?"),
        ({"uses": ["hiring", "credits"]}, "did you mean 'credit'?"),
    ],
)
def test_a_wrong_fact_is_told(
    control: Data, pack: Packs, declared: dict[str, Any], said: str
) -> None:
    problems = check_facts(declared, [pack(control())])
    assert [name for name, _ in problems] == list(declared)
    assert said in str(problems[0][1])


def test_right_and_unknown_facts_are_no_problem(control: Data, pack: Packs) -> None:
    declared = {
        "purpose": "research", "places": ["EU", "OTHER"], "commercial": False, "gen": None,
        "adm": True, "role": "deployer", "uses": [], "llama_multimodal": None,
    }  # fmt: skip
    assert check_facts(declared, [pack(control())]) == []


def test_a_fact_of_no_chosen_pack_is_known_when_a_shipped_one_asks_it() -> None:
    assert check_facts({"commercial": True}, [load_pack("house")]) == []


def test_a_law_in_a_file_of_its_own_brings_its_place(control: Data, pack: Packs) -> None:
    law = pack(control(applies={"not": {"all": [{"fact": "places", "includes": "AU"}]}}))
    assert check_facts({"places": ["AU"]}, [law]) == []
    assert len(check_facts({"places": ["AU", "NZ"]}, [])) == 2


def test_two_packs_may_not_type_a_fact_differently(control: Data, pack: Packs) -> None:
    question = {"en": "a", "zh": "b"}
    other = pack(control(), id="other", facts=[{"id": "gen", "type": "text", "question": question}])
    same = pack(control(), id="same")
    assert all_facts([pack(control()), same])["gen"].type == "bool"
    with pytest.raises(PackError, match="other and trial type the fact 'gen' differently"):
        all_facts([pack(control()), other])


@pytest.mark.parametrize("value", [None, [], ["eu"], ["DE"], "EU", [None], {"EU": 1}])
def test_an_answer_that_is_none_is_unknown(value: Any) -> None:
    assert answer(CORE_FACTS["places"], {"places": value}) is None
    assert answer(CORE_FACTS["places"], {}) is None
    assert answer(CORE_FACTS["places"], {"places": ["EU"]}) == ["EU"]


def test_the_task_is_the_configs_own_key_and_no_declared_fact() -> None:
    [(name, problem)] = check_facts({"task": "ner"}, [])
    assert (name, problem.fact) == ("task", "the task is declared as a fact")


def test_an_answer_that_denies_what_another_implies_is_told() -> None:
    gdpr = load_pack("gdpr")
    ((name, problem),) = check_facts(
        {"personal_data": False, "personal_data_in_training": True}, [gdpr]
    )
    assert name == "personal_data"
    assert "implies" in problem.fact
    assert check_facts({"personal_data": True, "personal_data_in_training": True}, [gdpr]) == []
    assert check_facts({"personal_data": False, "personal_data_in_training": False}, [gdpr]) == []


def test_implied_facts_are_yes_or_no_facts_of_some_pack() -> None:
    packs = list_packs()
    known = {fact.id: fact for pack in packs for fact in pack.facts}
    for fact in known.values():
        assert all(known[implied].type == "bool" for implied in fact.implies)
