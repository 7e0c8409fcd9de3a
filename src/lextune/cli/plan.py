"""The verb `plan`: what a run would use, take and be bound by, before anything is spent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lextune.cli.app import app
from lextune.cli.given import AsOf, parsed_day
from lextune.cli.output import (
    Html,
    Json,
    Language,
    Set,
    Terminal,
    Tongue,
    print_json,
    say,
    say_law,
    show_controls,
    show_unmet,
    table,
    use_html,
    use_json,
)

if TYPE_CHECKING:
    from lextune.pipeline_plan import Plan


@app.command("plan")
def plan_command(
    config: Annotated[Path, typer.Argument(help="The config, YAML or JSON.")],
    overrides: Set = None,
    as_of: AsOf = None,
    lang: Language = Tongue.EN,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Say the model, time, memory and duties of a run; a few steps are tried and nothing is kept."""
    use_json(as_json)
    use_html(html)
    from lextune.pipeline_plan import plan

    day = parsed_day(as_of)
    given_overrides = [*(overrides or []), *([f"policy.as_of={day}"] if day else [])]
    with Terminal() as terminal:
        made = plan(config, overrides=given_overrides, listener=terminal, language=lang.value)
    _show(made, lang)
    if as_json:
        print_json(made.document())
    raise typer.Exit(made.code)


_WORDS: Mapping[Tongue, Mapping[str, str]] = {
    Tongue.EN: {
        "so far": "so far", "open": "not measured yet", "fact": "fact not declared",
        "paper": "paper to bring", "needs": "To bring before a release",
        "kind": "kind", "name": "name", "asked": "asked for by", "document": "document",
        "attestation": "attestation", "figure": "figure", "instead": "or another paper instead",
        "how": "Give them to the run (policy.documents, policy.attestations) or later to `lextune decide`.",
        "to come": "To come after {day}", "day": "binds from", "control": "control", "title": "title",
        "unsure": "Of {count} duties to come nobody knows yet whether they apply: `lextune policy timeline CONFIG`.",
        "ask": "Whether {count} of them apply depends on facts that nobody declared. `lextune policy facts CONFIG` "
        "asks them, the most telling first.",
    },
    Tongue.ZH: {
        "so far": "目前", "open": "尚未测量", "fact": "事实未申报", "paper": "须提交材料",
        "needs": "发布前须提交", "kind": "种类", "name": "名称",
        "asked": "由何控制项要求", "document": "文件", "attestation": "证明", "figure": "数值",
        "instead": "亦可提交其他材料", "to come": "{day} 之后生效", "day": "生效日", "control": "控制项",
        "how": "请在运行时提交（policy.documents、policy.attestations），或之后用 `lextune decide` 提交。",
        "title": "名称",
        "unsure": "另有 {count} 项将来的义务尚不知是否适用：`lextune policy timeline CONFIG`。",
        "ask": "其中 {count} 项是否适用取决于尚未申报的事实。`lextune policy facts CONFIG` 会逐一询问，最关键的在前。",
    },
}  # fmt: skip


def _show(made: Plan, lang: Tongue) -> None:
    rows = ", ".join(f"{name} {count:,}" for name, count in made.rows.items())
    say(f"Model: {made.model.id}, licence {made.model.licence.spdx}")
    say(f"Rows: {rows}")
    words = _WORDS[lang]
    papers = {name for one in made.needs for name in one.controls}
    waiting = {}
    for one in made.verdict.controls:
        name = f"{one.pack}/{one.control}"
        if one.status != "insufficient":
            continue
        if (one.pack, one.control) in made.undecided:
            waiting[name] = words["fact"]
        elif one not in made.blocked:
            waiting[name] = words["paper" if name in papers else "open"]
    show_controls(made.verdict, lang, words["so far"], waiting)
    asking = [
        one
        for one in made.verdict.controls
        if one.status == "insufficient" and (one.pack, one.control) in made.undecided
    ]
    if asking:
        say(words["ask"].format(count=len(asking)) + "\n")
    _show_needs(made, words)
    _show_to_come(made, words, lang)
    if made.blocked:
        show_unmet(made.blocked, lang)
        say("")
        say_law("hopeless", lang)
        return
    show_unmet([one for one in made.verdict.controls if one.status == "fail"], lang)
    total, memory = made.total_seconds, made.peak_memory_bytes
    if total is None or memory is None:
        return
    table(
        "Time",
        ["part", "seconds"],
        [(name.replace("_", " "), f"{one:,.1f}") for name, one in made.seconds.items()],
    )
    say(
        f"About {_time(total)} in all, {made.steps:,} steps in {made.precision}, peak memory "
        f"{memory / 1e9:.1f} GB. Early stopping may end it sooner."
    )
    if made.config.audits:
        say(
            f"The audits come on top, and are not in these figures: {', '.join(made.config.audits)}. Those that train again or "
            "ask the model about many rows may take as long as the training."
        )


def _show_needs(made: Plan, words: Mapping[str, str]) -> None:
    if not made.needs:
        return
    rows = []
    for one in made.needs:
        more = f" +{len(one.controls) - 1}" if len(one.controls) > 1 else ""
        instead = "" if one.alone else f" ({words['instead']})"
        rows.append((one.name, words[one.kind], f"{one.controls[0]}{more}{instead}"))
    table(words["needs"], [words["name"], words["kind"], words["asked"]], rows)
    say(words["how"] + "\n")


def _show_to_come(made: Plan, words: Mapping[str, str], lang: Tongue) -> None:
    heading = words["to come"].format(day=made.verdict.as_of)
    rows = [
        (str(one.day), f"{one.pack}/{one.control.id}", getattr(one.control.titles, lang))
        for one in made.to_come
        if one.applies
    ]
    if rows:
        table(heading, [words["day"], words["control"], words["title"]], rows)
    unsure = len(made.to_come) - len(rows)
    if unsure:
        say(words["unsure"].format(count=unsure) + "\n")


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
