"""The verbs `policy timeline` and `policy compare`: what binds a use when, and what several places ask of it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lextune.cli.given import AsOf, Config, Facts, Packs, Task, given
from lextune.cli.output import (
    Html,
    Json,
    Language,
    Tongue,
    print_json,
    say,
    table,
    use_html,
    use_json,
)
from lextune.cli.policy import policy
from lextune.errors import ConfigError, Problem

if TYPE_CHECKING:
    from lextune.policy.comparison import Comparison, Duty
    from lextune.policy.timeline import Event

#: Places that stand beside each other in 80 columns.
_BESIDE = 3
#: Unknown facts that are named; --json names all.
_FACTS = 2

_WORDS: Mapping[Tongue, Mapping[str, str]] = {
    Tongue.EN: {
        "day": "day", "control": "control", "what": "what", "title": "title",
        "binds": "binds", "ends": "last day", "shown": "{status}, never enforced",
        "if": "if {facts}", "unconfirmed": "unconfirmed", "no date": "no date",
        "now": "In force on {day}", "later": "After {day}",
        "aside": "Shown, never enforced", "ended": "Ended before {day}",
        "none": "Nothing of these packs applies to this use.",
        "legend": "✓ applies  ? a fact is unknown  – does not apply  ○ not in force on {day}",
        "clashes": "Duties that go badly together", "one": "one", "other": "the other", "note": "why",
        "both": "both bind this use", "may": "both may bind", "not both": "not both bind this use",
    },
    Tongue.ZH: {
        "day": "日期", "control": "控制项", "what": "情况", "title": "标题",
        "binds": "生效", "ends": "最后一日", "shown": "{status}，从不执行",
        "if": "取决于 {facts}", "unconfirmed": "未经核实", "no date": "无日期",
        "now": "截至 {day} 已生效", "later": "{day} 之后",
        "aside": "仅列出，从不执行", "ended": "{day} 之前已失效",
        "none": "这些规则包中没有适用于该用途的内容。",
        "legend": "✓ 适用   ? 有事实未知   – 不适用   ○ 在 {day} 不具约束力",
        "clashes": "相互冲突的义务", "one": "其一", "other": "其二", "note": "说明",
        "both": "两者均约束该用途", "may": "两者可能均适用", "not both": "并非两者均适用",
        "staged": "已通过尚未生效", "draft": "草案", "repealed": "已废止",
        "rescission_pending": "正在撤销", "stayed": "被法院中止",
    },
}  # fmt: skip


@policy.command("timeline")
def timeline_command(
    config: Config = None,
    packs: Packs = None,
    facts: Facts = None,
    task: Task = None,
    as_of: AsOf = None,
    lang: Language = Tongue.EN,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Say what binds a use from which day; drafts and the like are shown and never enforced."""
    use_json(as_json)
    use_html(html, lang)
    from lextune.policy.timeline import timeline

    asked = given(config, packs, facts, task, as_of)
    found = timeline(asked.packs, asked.declared)
    if as_json:
        shown = [_event(one, asked.as_of) for one in found]
        print_json({"as_of": str(asked.as_of), "facts": asked.declared, "events": shown})
        return
    words = _WORDS[lang]
    if not found:
        say(words["none"])
        return
    parts: dict[str, list[Event]] = {"ended": [], "now": [], "later": [], "aside": []}
    for one in found:
        parts[_part(one, asked.as_of)].append(one)
    for name, events in parts.items():
        if events:
            rows = [_row(one, words, lang) for one in events]
            head = [words[key] for key in ("day", "what", "control", "title")]
            table(words[name].format(day=asked.as_of), head, rows)


def _part(one: Event, as_of: datetime.date) -> str:
    if one.turn == "shown":
        return "aside"
    if one.turn == "ends":
        return "ended" if one.day is not None and one.day < as_of else "later"
    if one.control.until_day is not None and one.control.until_day < as_of:
        return "ended"
    return "later" if one.day is not None and one.day > as_of else "now"


def _row(one: Event, words: Mapping[str, str], lang: Tongue) -> tuple[str, ...]:
    status = one.control.status
    told = [words[one.turn].format(status=words.get(status, status.replace("_", " ")))]
    if status == "unconfirmed":
        told.append(words["unconfirmed"])
    if one.applies is None:
        named = ", ".join(one.deciding[:_FACTS])
        more = len(one.deciding) - _FACTS
        told.append(words["if"].format(facts=f"{named}, +{more}" if more > 0 else named))
    day = words["no date"] if one.day is None else str(one.day)
    title = getattr(one.control.titles, lang)
    return day, "; ".join(told), f"{one.pack}/{one.control.id}", title


def _event(one: Event, as_of: datetime.date) -> dict[str, Any]:
    control = one.control
    return {
        "day": None if one.day is None else str(one.day),
        "turn": one.turn,
        "part": _part(one, as_of),
        "pack": one.pack,
        "control": control.id,
        "citation": control.citation,
        "titles": control.titles.model_dump(),
        "status": control.status,
        "applies": one.applies,
        "unknown": list(one.deciding),
    }


@policy.command("compare")
def compare_command(  # noqa: PLR0913, PLR0917 - a verb has as many options as there are things to say
    places: Annotated[str, typer.Argument(metavar="PLACE,PLACE", help="As in EU,CN,US.")],
    config: Config = None,
    packs: Packs = None,
    facts: Facts = None,
    task: Task = None,
    as_of: AsOf = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Duties that do not apply to the use as well.")
    ] = False,
    lang: Language = Tongue.EN,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Set side by side what places ask of one use, by topic, and where they contradict each other."""
    use_json(as_json)
    use_html(html, lang)
    from lextune.policy.comparison import EVERYWHERE, compare, places_of
    from lextune.policy.pack_problems import did_you_mean
    from lextune.policy.wording_zh import TOPICS

    asked = given(config, packs, facts, task, as_of)
    wanted = [one.strip().upper() for one in places.split(",") if one.strip()]
    known = {
        place
        for one in asked.packs
        for control in one.controls
        for place in places_of(one, control)
    } - {EVERYWHERE}
    strange = [one for one in wanted if one not in known]
    if strange or len(set(wanted)) < 2:
        if not strange:
            raise ConfigError(Problem("fewer than two places", "name two or more, as in EU,CN"))
        near = did_you_mean(strange[0], known)
        raise ConfigError(
            Problem(
                f"none of these packs is of {' or '.join(strange)}",
                f"{near}, or choose packs of that place by --packs (`lextune policy list`)",
            )
        )
    found = compare(asked.packs, wanted, asked.declared, asked.as_of)
    if as_json:
        print_json(_compared(found, wanted, asked.as_of))
        return
    words = _WORDS[lang]
    say(words["legend"].format(day=asked.as_of))
    for topic, duties in found.topics.items():
        kept = [one for one in duties if everything or (one.applies is not False and one.enforced)]
        columns = [*wanted, *([EVERYWHERE] if any(one.place == EVERYWHERE for one in kept) else [])]
        for start in range(0, len(columns) if kept else 0, _BESIDE):
            some = columns[start : start + _BESIDE]
            cells = [[_cell(one, lang) for one in kept if one.place == place] for place in some]
            title = TOPICS[topic] if lang is Tongue.ZH else topic.replace("_", " ")
            table(title, some, list(zip_longest(*cells, fillvalue="")), even=True)
    _show_clashes(found, words, lang)


def _cell(one: Duty, lang: Tongue) -> str:
    mark = {True: "✓", None: "?", False: "–"}[one.applies] if one.enforced else "○"
    text = one.control.asks or one.control.titles
    gap = "" if lang is Tongue.ZH else " "  # Chinese breaks at no space: the mark would stand alone
    return f"{mark}{gap}{getattr(text, lang)} ({one.pack}/{one.control.id})"


def _show_clashes(found: Comparison, words: Mapping[str, str], lang: Tongue) -> None:
    if found.clashes:
        told = {True: words["both"], None: words["may"], False: words["not both"]}
        table(
            words["clashes"],
            [words["one"], words["other"], words["note"]],
            [
                (one.one, one.other, f"{getattr(one.note, lang)} ({told[one.both]})")
                for one in found.clashes
            ],
        )


def _compared(found: Comparison, places: Sequence[str], as_of: datetime.date) -> dict[str, Any]:
    return {
        "as_of": str(as_of),
        "places": list(places),
        "topics": {
            topic: [
                {
                    "place": one.place,
                    "pack": one.pack,
                    "control": one.control.id,
                    "citation": one.control.citation,
                    "asks": (one.control.asks or one.control.titles).model_dump(),
                    "status": one.control.status,
                    "enforced": one.enforced,
                    "applies": one.applies,
                }
                for one in duties
            ]
            for topic, duties in found.topics.items()
        },
        "conflicts": [
            {"controls": [one.one, one.other], "note": one.note.model_dump(), "both": one.both}
            for one in found.clashes
        ],
    }
