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
    use_html(html, lang)
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
        "unsure": "Duties to come of which nobody knows yet whether they apply: {count}. See `lextune policy timeline CONFIG`.",
        "ask": "Of these, {count} wait for facts that nobody declared. `lextune policy facts CONFIG` asks them, the most "
        "telling first.",
        "model": "Model: {model}, licence {licence}", "rows": "Rows: {rows}",
        "time": "Time", "part": "part", "seconds": "seconds",
        "total": "About {time} in all, {steps:,} steps in {precision}, peak memory {memory:.1f} GB. Early stopping may "
        "end it sooner.",
        "audits": "The audits come on top, and are not in these figures: {audits}. Those that train again or ask the "
        "model about many rows may take as long as the training.",
    },
    Tongue.ZH: {
        "so far": "目前", "open": "尚未测量", "fact": "事实未申报", "paper": "须提交材料",
        "needs": "发布前须提交", "kind": "种类", "name": "名称",
        "asked": "由何控制项要求", "document": "文件", "attestation": "证明", "figure": "数值",
        "instead": "亦可提交其他材料", "to come": "{day} 之后生效", "day": "生效日", "control": "控制项",
        "how": "请在运行时提交（policy.documents、policy.attestations），或之后用 `lextune decide` 提交。",
        "title": "名称",
        "unsure": "另有 {count} 项将来的义务尚不知是否适用：`lextune policy timeline CONFIG`。",
        "ask": "其中 {count} 项取决于尚未申报的事实。`lextune policy facts CONFIG` 会逐一询问，最关键的在前。",
        "model": "模型：{model}，许可 {licence}", "rows": "数据行数：{rows}",
        "time": "用时", "part": "环节", "seconds": "秒",
        "total": "合计约 {time}，{steps:,} 步（{precision}），内存峰值 {memory:.1f} GB。提前停止时会更快结束。",
        "audits": "审计另需时间，不计入上述数字：{audits}。其中需要重新训练、或就大量数据询问模型的审计，"
        "用时可能与训练相当。",
    },
}  # fmt: skip


def _show(made: Plan, lang: Tongue) -> None:
    rows = ", ".join(f"{_word(name, lang)} {count:,}" for name, count in made.rows.items())
    words = _WORDS[lang]
    say(words["model"].format(model=made.model.id, licence=made.model.licence.spdx))
    say(words["rows"].format(rows=rows))
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
        words["time"],
        [words["part"], words["seconds"]],
        [(_word(name, lang), f"{one:,.1f}") for name, one in made.seconds.items()],
    )
    say(
        words["total"].format(
            time=_time(total, lang), steps=made.steps, precision=made.precision, memory=memory / 1e9
        )
    )
    if made.config.audits:
        say(words["audits"].format(audits=", ".join(made.config.audits)))


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


#: Splits and parts of a run as Chinese readers call them.
_ZH: Mapping[str, str] = {
    "train": "训练", "validation": "验证", "test": "测试", "calibration": "校准",
    "select_and_prepare": "选择与准备", "load": "加载", "tokenise": "分词", "prepare": "准备",
    "validate": "验证", "save": "保存", "predict": "预测", "measure": "测量",
}  # fmt: skip


def _word(name: str, lang: Tongue) -> str:
    shown = name.replace("_", " ")
    return _ZH.get(name, shown) if lang is Tongue.ZH else shown


def _time(seconds: float, lang: Tongue) -> str:
    second, minute, hour = ("秒", "分钟", "小时") if lang is Tongue.ZH else ("s", "min", "h")
    if seconds < 120:
        return f"{seconds:.0f} {second}"
    return f"{seconds / 60:.0f} {minute}" if seconds < 7200 else f"{seconds / 3600:.1f} {hour}"
