"""A profile answers what it was asked and nothing else; contradictions and changed questions are told, never taken."""

from __future__ import annotations

import pytest

from lextune.errors import ConfigError, VerificationError
from lextune.evidence.envelope import sign
from lextune.evidence.keys import Signer, Trust
from lextune.evidence.statements import make_statement
from lextune.policy.profiles import FactProfile, lay_together, make_profile, question_digest
from lextune.policy.schema import Fact, Text
from lextune.records import Subject
from lextune.release import open_facts, sign_facts

QUESTION = Text(en="Is it so?", zh="是这样吗？")
FACTS = {
    "sold": Fact(id="sold", type="bool", question=QUESTION),
    "uses": Fact(id="uses", type="list", choices=("hiring", "credit"), question=QUESTION),
}


def profile(**answers: object) -> FactProfile:
    return make_profile(answers, FACTS, "A. Person", "2026-11-25")


def test_a_signed_profile_comes_back_as_it_was() -> None:
    signer = Signer.ephemeral()
    made = profile(sold=False, uses=["credit"])
    assert open_facts(sign_facts(made, signer), Trust.of(signer)) == made
    with pytest.raises(VerificationError, match="unknown signer"):
        open_facts(sign_facts(made, Signer.ephemeral()), Trust.of(signer))


def test_a_statement_that_is_no_profile_is_refused() -> None:
    signer = Signer.ephemeral()
    made = profile(sold=True)
    record = made.model_dump(mode="json", by_alias=True)
    right = Subject(name="facts", digest={"sha256": "0" * 64})
    for room, subjects, content in (
        ("waiver", [right], record), ("facts", [right], record), ("facts", [], record),
        ("facts", [right], {}), ("facts", [right], {**record, "schema": "lextune.facts/v2"}),
    ):  # fmt: skip
        data = sign(make_statement(room, subjects, {"record": content}), signer)
        with pytest.raises(VerificationError, match="no profile of facts"):
            open_facts(data, Trust.of(signer))


def test_wrong_answers_are_told_together() -> None:
    with pytest.raises(ConfigError) as told:
        make_profile(
            {"sold": "yes", "uses": ["hirring"], "x": True, "task": "ner"}, FACTS, " ", "2026-11-25"
        )
    assert len(told.value.problems) == 5
    with pytest.raises(ConfigError, match="nothing is answered"):
        profile(sold=None)


def test_what_a_config_leaves_open_comes_from_the_profiles() -> None:
    found, problems = lay_together(
        {"sold": None, "purpose": "x"}, [profile(sold=True), profile(uses=["hiring", "credit"])], FACTS
    )  # fmt: skip
    assert found == {"sold": True, "purpose": "x", "uses": ["hiring", "credit"]}
    assert problems == []
    same, problems = lay_together(
        {"uses": ["credit", "hiring"]}, [profile(uses=["hiring", "credit"])], FACTS
    )
    assert (len(same), problems) == (1, [])


def test_contradictions_and_changed_questions_are_never_taken() -> None:
    found, problems = lay_together({"sold": False}, [profile(sold=True)], FACTS)
    assert found == {"sold": False}
    assert "the config and A. Person on 2026-11-25 answer" in problems[0].fact
    other = FACTS["sold"].model_copy(update={"definition": QUESTION})
    assert question_digest(other) != question_digest(FACTS["sold"])
    found, problems = lay_together({}, [profile(sold=True)], {"sold": other})
    assert (found, len(problems)) == ({}, 1)
    assert lay_together({}, [profile(sold=True)], {}) == ({}, [])
