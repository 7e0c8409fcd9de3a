"""Only what still decides something is asked, and answering all that is asked leaves nothing open."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.policy.applicability import control_applies
from lextune.policy.comparison import compare, places_of
from lextune.policy.facts import all_facts
from lextune.policy.packs import Pack, load_pack
from lextune.policy.questionnaire import open_questions
from lextune.policy.timeline import timeline

DAY = datetime.date(2026, 11, 25)
GEN, ADM = {"fact": "gen", "is": True}, {"fact": "adm", "is": True}


def asked(packs: list[Pack], **declared: Any) -> list[str]:
    return [one.fact.id for one in open_questions(packs, declared, DAY)]


def test_the_question_that_settles_most_comes_first(
    pack: Callable[..., Pack], control: Callable[..., Any]
) -> None:
    one = pack(
        control(applies=GEN), control(id="d", applies={"all": [GEN, ADM]}), control(id="e", applies="always")
    )  # fmt: skip
    found = open_questions([one], {}, DAY)
    # Without `gen` neither of two is known; `adm` alone settles one of two, where it is false.
    assert [(ask.fact.id, ask.settles) for ask in found] == [("gen", 1.5), ("adm", 0.5)]
    assert [item.id for _, item in found[0].controls] == ["c", "d"]
    assert asked([one], gen=False) == []
    assert asked([one], gen=True) == ["adm"]
    assert asked([one], gen="yes") == ["gen", "adm"]


def test_what_is_never_enforced_or_has_ended_is_not_asked_about(
    pack: Callable[..., Pack], control: Callable[..., Any]
) -> None:
    for changes in ({"status": "draft"}, {"until": "2026-01-01"}):
        assert asked([pack(control(applies=GEN, **changes))]) == []
    assert asked([pack(control(applies=GEN, **{"from": "2030-01-01"}))]) == ["gen"]


def test_the_task_is_not_asked(pack: Callable[..., Pack], control: Callable[..., Any]) -> None:
    one = pack(control(applies={"all": [{"fact": "task", "is": "ner"}, GEN]}))
    assert asked([one]) == ["gen"]
    assert asked([one], task="sentiment") == []


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False))
def test_answering_all_that_is_asked_settles_every_control(draw: Any) -> None:
    packs = [load_pack(name) for name in ("uk", "us_credit", "house_audits")]
    facts = all_facts(packs)
    declared: dict[str, Any] = {"task": "sentiment"}
    for _ in range(len(facts)):
        left = open_questions(packs, declared, DAY)
        if not left:
            break
        fact = left[0].fact
        answers = {"bool": [True, False], "choice": fact.choices, "list": [["UK", "US"], ["OTHER"]]}
        declared[fact.id] = draw.choice(list(answers[fact.type] or ()))
    assert open_questions(packs, declared, DAY) == []
    for pack in packs:
        for control in pack.controls:
            if control.until_day is None and control.status in ("in_force", "unconfirmed"):
                assert control_applies(pack, control, facts, declared).value is not None


def test_a_timeline_shows_drafts_and_never_says_that_they_bind(
    pack: Callable[..., Pack], control: Callable[..., Any]
) -> None:
    one = pack(
        control(**{"from": "2027-01-01", "until": "2027-12-31"}),
        control(id="d", status="draft", **{"from": "2026-06-01"}),
        control(id="e", applies=GEN), control(id="f", applies=ADM),
        control(id="g", until="2026-12-31"),
    )  # fmt: skip
    found = timeline([one], {"adm": False})
    assert [(each.day and str(each.day), each.turn, each.control.id) for each in found] == [
        (None, "binds", "e"), (None, "binds", "g"), ("2026-06-01", "shown", "d"),
        ("2026-12-31", "ends", "g"), ("2027-01-01", "binds", "c"), ("2027-12-31", "ends", "c"),
    ]  # fmt: skip
    assert [(each.applies, each.deciding) for each in found][:3] == [
        (None, ("gen",)), (True, ()), (True, ()),
    ]  # fmt: skip


def test_places_stand_side_by_side_with_their_conflicts(
    pack: Callable[..., Pack], control: Callable[..., Any]
) -> None:
    note = {"en": "Keep it, and delete it.", "zh": "既要保存又要删除。"}
    clash = {"conflicts": [{"control": "other/d", "note": note}]}
    eu = pack(control(topic="retention", **clash), jurisdiction="EU",
              scope={"fact": "places", "includes": "EU"})  # fmt: skip
    back = {"conflicts": [{"control": "trial/c", "note": note}]}
    other = pack(
        control(id="d", topic="retention", applies={"fact": "places", "includes": "CN"}, **back),
        control(id="e", topic="licence", status="draft", applies={"fact": "places", "includes": "JP"}),
        id="other",
    )  # fmt: skip
    assert places_of(other, other.controls[0]) == ("CN",)
    found = compare([eu, other], ["EU", "CN"], {"places": ["UK"]}, DAY)
    assert {topic: [(one.place, one.applies) for one in duties]
            for topic, duties in found.topics.items()} == {"retention": [("EU", True), ("CN", True)]}  # fmt: skip
    assert [(one.one, one.other, one.both) for one in found.clashes] == [
        ("trial/c", "other/d", True)
    ]
    japan = compare([eu, other], ["EU", "JP"], {}, DAY)
    assert [(one.enforced, one.applies) for one in japan.topics["licence"]] == [(False, True)]
    assert japan.clashes == ()
