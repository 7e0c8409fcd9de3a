"""Answers to the packs' questions that a person gave once, for many runs (`lextune.facts/v1`), signed elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from lextune.errors import ConfigError, Problem
from lextune.files import sha256
from lextune.policy.core_facts import TASK
from lextune.policy.facts import answer_problem
from lextune.policy.pack_problems import did_you_mean
from lextune.policy.schema import Fact, FactName
from lextune.records import Day, Record

PROFILE_SCHEMA = "lextune.facts/v1"


class FactProfile(Record):
    """What somebody declared of a use, on a day.

    Attributes:
        person: Who answers for it.
        day: The day of the answers.
        answers: By fact; a fact that is not here is unknown.
        asked: SHA-256 of each question as it was put (`question_digest`): an answer to other words is none.
    """

    schema_id: Literal["lextune.facts/v1"] = Field(default="lextune.facts/v1", alias="schema")
    person: str = Field(min_length=1, pattern=r"\S")
    day: Day
    answers: dict[FactName, bool | str | tuple[str, ...]] = Field(min_length=1)
    asked: dict[FactName, str]


def question_digest(fact: Fact) -> str:
    """Hex SHA-256 of a fact's type, choices, question and definition."""
    content = fact.model_dump(mode="json")
    return sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode())


def make_profile(
    answers: Mapping[str, Any], facts: Mapping[str, Fact], person: str, day: Any
) -> FactProfile:
    """A profile of these answers; null ones are left out.

    Args:
        facts: Every known fact by name (`facts.all_facts`).

    Raises:
        ConfigError: With every answer that is none, or is to a question that no pack asks.
    """
    problems = []
    given = {name: value for name, value in answers.items() if value is not None}
    for name, value in given.items():
        if name not in facts or name == TASK:
            known = [one for one in facts if one != TASK]
            problems.append(Problem(f"no pack asks about {name!r}", did_you_mean(name, known)))
        elif wrong := answer_problem(facts[name], value):
            problems.append(wrong)
    if not given:
        problems.append(Problem("nothing is answered", "answer at least one question"))
    if not person.strip():
        problems.append(Problem("nobody answers for the facts", "say who does"))
    if problems:
        raise ConfigError(problems)
    asked = {name: question_digest(facts[name]) for name in given}
    return FactProfile(person=person, day=day, answers=given, asked=asked)


def lay_together(
    use: Mapping[str, Any], profiles: Sequence[FactProfile], facts: Mapping[str, Fact]
) -> tuple[dict[str, Any], list[Problem]]:
    """The declared facts with those of the profiles, and what is wrong with them together.

    What a config leaves out or calls null is taken from a profile; answers to questions that are not among
    `facts` are left out, since they decide nothing. An answer to a question that reads otherwise now, and two
    answers that contradict each other, are problems and never taken.

    Args:
        use: The config's own answers.
        profiles: Opened, signatures verified.
        facts: The facts of the chosen packs.
    """
    found = dict(use)
    problems = []
    source = dict.fromkeys((name for name, value in use.items() if value is not None), "the config")
    for profile in profiles:
        signer = f"{profile.person} on {profile.day}"
        for name, value in profile.answers.items():
            if name not in facts or name == TASK:
                continue
            given = list(value) if isinstance(value, tuple) else value
            if profile.asked.get(name) != question_digest(facts[name]):
                problems.append(
                    Problem(
                        f"the question of the fact {name!r} was put otherwise when {signer} answered it",
                        "read it as it is now and answer again: lextune policy facts",
                        "an answer to other words may be wrong",
                    )
                )
            elif name in source and not _same(found[name], given):
                problems.append(
                    Problem(
                        f"{source[name]} and {signer} answer the fact {name!r} differently",
                        "leave one of the answers out",
                        "nobody could say which one holds",
                    )
                )
            else:
                found[name] = given
                source.setdefault(name, signer)
    return found, problems


def _same(one: Any, other: Any) -> bool:
    """Equal answers; the order of a list says nothing."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return set(one) == set(other)
    return type(one) is type(other) and bool(one == other)
