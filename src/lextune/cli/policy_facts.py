"""The verb `policy facts`: asks what still decides something, and signs the answers as a profile."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lextune.cli.given import AsOf, Config, Facts, Given, Packs, Task, given
from lextune.cli.output import Json, Language, Tongue, plain, print_json, say, table, use_json
from lextune.cli.policy import policy
from lextune.errors import ConfigError, Problem

if TYPE_CHECKING:
    from lextune.policy.questionnaire import Ask
    from lextune.policy.schema import Fact

#: Articles that are named beside a question; `why` and --json name all.
_NAMED = 2

_WORDS: Mapping[Tongue, Mapping[str, str]] = {
    Tongue.EN: {
        "open": "Questions that still decide something, the most telling first",
        "question": "question", "for": "for", "more": "and {count} more",
        "done": "Every control is known to apply or not: nothing is left to ask.",
        "how": "Answer yes or no, a choice, or items with commas. Enter: unknown. why: who asks. stop: enough.",
        "left": "questions left: {count}", "wrong": "That is no answer: {why}",
        "yes or no": "write yes or no", "one of": "one of: {choices}", "any of": "any of, with commas: {choices}",
        "profile": "{file}: answers of {person}, signed: {count}. Name the file in policy.facts.",
        "unsigned": "Nothing was kept: give --person and --output to sign the answers.",
    },
    Tongue.ZH: {
        "open": "仍影响判断的问题（最关键的在前）",
        "question": "问题", "for": "涉及", "more": "等另外 {count} 项",
        "done": "每项控制是否适用均已确定，没有需要再问的问题。",
        "how": "回答 是/否、一个选项，或以逗号分隔的多项。回车：未知。why：谁在问。stop：到此为止。",
        "left": "还剩 {count} 个问题", "wrong": "这不是有效回答：{why}",
        "yes or no": "请写 是 或 否", "one of": "选其一：{choices}", "any of": "可选多项，以逗号分隔：{choices}",
        "profile": "{file}：{person} 的 {count} 项回答，已签名。请写入 policy.facts。",
        "unsigned": "未保存任何回答：请提供 --person 和 --output 以签署。",
    },
}  # fmt: skip
_YES, _NO = ("yes", "y", "true", "是"), ("no", "n", "false", "否")


@policy.command("facts")
def facts_command(  # noqa: PLR0913, PLR0917 - a verb has as many options as there are things to say
    config: Config = None,
    packs: Packs = None,
    facts: Facts = None,
    task: Task = None,
    as_of: AsOf = None,
    answers: Annotated[
        list[str] | None,
        typer.Option("--answer", metavar="FACT=VALUE", help="An answer; true, a choice, or A,B."),
    ] = None,
    person: Annotated[str | None, typer.Option(help="Who answers for the facts.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The signed profile of the answers.")
    ] = None,
    lang: Language = Tongue.EN,
    as_json: Json = False,
) -> None:
    """Ask the facts that still decide something, the most telling first; sign the answers for many runs."""
    use_json(as_json)
    if (person is None) != (output is None):
        raise ConfigError(Problem("--person and --output belong together", "give both or neither"))
    asked = given(config, packs, facts, task, as_of)
    told = _answered(answers or (), asked)
    if not as_json and not answers and sys.stdin.isatty():
        told |= _interview(asked, told, lang)
    left = _questions(asked, told)
    if person is not None and output is not None:
        _sign(told, asked, person, output, lang)
    elif told and not as_json:
        say(_WORDS[lang]["unsigned"])
    if as_json:
        print_json(_document(left, told, asked))
    else:
        _show(left, lang)


def _questions(asked: Given, told: Mapping[str, Any]) -> list[Ask]:
    from lextune.policy.questionnaire import open_questions

    return open_questions(asked.packs, {**asked.declared, **told}, asked.as_of)


def _answered(answers: Sequence[str], asked: Given) -> dict[str, Any]:
    from lextune.policy.facts import all_facts
    from lextune.policy.pack_problems import did_you_mean

    facts = all_facts(asked.packs)
    told: dict[str, Any] = {}
    problems = []
    for one in answers:
        name, equals, text = one.partition("=")
        if not equals:
            problems.append(Problem(f"--answer {one!r} gives no answer", "write FACT=VALUE"))
            continue
        if name not in facts:
            problems.append(Problem(f"no pack asks about {name!r}", did_you_mean(name, facts)))
            continue
        value, wrong = _read(facts[name], text)
        if wrong is not None:
            problems.append(wrong)
        told[name] = value
    if problems:
        raise ConfigError(problems)
    return told


def _read(fact: Fact, text: str) -> tuple[Any, Problem | None]:
    """The answer, and what is wrong with it."""
    from lextune.policy.facts import answer_problem

    text = text.strip()
    value: Any = text
    if fact.type == "bool":
        value = {**dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)}.get(text.lower(), text)
    elif fact.type == "list":
        value = [one.strip() for one in text.replace("，", ",").split(",") if one.strip()]
    return value, answer_problem(fact, value)


def _interview(asked: Given, told: Mapping[str, Any], lang: Tongue) -> dict[str, Any]:
    """Question after question; each answer may make others needless."""
    words = _WORDS[lang]
    found: dict[str, Any] = {}
    skipped: set[str] = set()
    say(words["how"])
    while True:
        left = [one for one in _questions(asked, {**told, **found}) if one.fact.id not in skipped]
        if not left:
            return found
        ask = left[0]
        say(f"\n[{words['left'].format(count=len(left))}] {getattr(ask.fact.question, lang)}")
        if ask.fact.definition is not None:
            say(f"  {getattr(ask.fact.definition, lang)}")
        if ask.fact.choices:
            kind = "any of" if ask.fact.type == "list" else "one of"
            say(f"  {words[kind].format(choices=', '.join(ask.fact.choices))}")
        text = typer.prompt(ask.fact.id, default="", show_default=False)
        if text.strip().lower() == "stop":
            return found
        if text.strip().lower() in {"why", "?", "？"}:
            for pack, control in ask.controls:
                say(f"  {pack}/{control.id}: {control.citation}")
        elif not text.strip():
            skipped.add(ask.fact.id)
        else:
            value, wrong = _read(ask.fact, text)
            if wrong is None:
                found[ask.fact.id] = value
            else:
                why = words["yes or no"] if ask.fact.type == "bool" else wrong.remedy
                say(words["wrong"].format(why=why))


def _sign(told: Mapping[str, Any], asked: Given, person: str, output: Path, lang: Tongue) -> None:
    import datetime

    from lextune.evidence.keys import load_or_create_key
    from lextune.files import disk_problems, open_output
    from lextune.policy.core_facts import TASK
    from lextune.policy.facts import all_facts
    from lextune.policy.profiles import make_profile
    from lextune.release import sign_facts

    facts = all_facts(asked.packs)
    # a config may hold answers for packs that it did not choose: nobody was asked those questions here
    known = {name: one for name, one in asked.declared.items() if name in facts and name != TASK}
    today = datetime.datetime.now(datetime.UTC).date()
    profile = make_profile({**known, **told}, facts, person, today)
    data = sign_facts(profile, load_or_create_key())
    with open_output(output) as stream, disk_problems(output):
        stream.write(data)
    count = len(profile.answers)
    say(_WORDS[lang]["profile"].format(file=output, count=count, person=plain(person)))


def _show(left: Sequence[Ask], lang: Tongue) -> None:
    words = _WORDS[lang]
    if not left:
        say(words["done"])
        return
    rows = []
    for one in left:
        cited = list(dict.fromkeys(control.citation for _, control in one.controls))
        shown = "; ".join(cited[:_NAMED])
        if len(cited) > _NAMED:
            shown += " " + words["more"].format(count=len(cited) - _NAMED)
        rows.append((f"{one.fact.id}: {getattr(one.fact.question, lang)}", shown))
    table(words["open"], [words["question"], words["for"]], rows)


def _document(left: Sequence[Ask], told: Mapping[str, Any], asked: Given) -> dict[str, Any]:
    return {
        "as_of": str(asked.as_of),
        "answers": {**asked.declared, **told},
        "questions": [
            {
                "fact": one.fact.id,
                "type": one.fact.type,
                "choices": list(one.fact.choices) if one.fact.choices else None,
                "question": one.fact.question.model_dump(),
                "definition": one.fact.definition and one.fact.definition.model_dump(),
                "settles": one.settles,
                "controls": [
                    {"pack": pack, "control": control.id, "citation": control.citation}
                    for pack, control in one.controls
                ],
            }
            for one in left
        ],
    }
