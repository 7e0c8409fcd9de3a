"""The verbs `policy diff` and `policy impact`: what a new version changes, and which stored models it meets."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lextune.cli.given import AsOf, parsed_day
from lextune.cli.output import (
    Html,
    Json,
    Language,
    Terminal,
    Tongue,
    Trust,
    print_json,
    say,
    show_waiting,
    table,
    use_html,
    use_json,
)
from lextune.cli.policy import policy
from lextune.errors import ConfigError, ExitCode, Problem

if TYPE_CHECKING:
    from lextune.impact import Impact, Redecided
    from lextune.policy.packs import Pack

#: Dossiers that are shown one by one, and changes of each; --json has all.
_SHOWN, _CHANGES = 10, 5

_WORDS: Mapping[Tongue, Mapping[str, str]] = {
    Tongue.EN: {
        "added": "added", "removed": "removed", "tightened": "tightened", "loosened": "loosened",
        "moved": "date moved", "changed": "changed otherwise", "same": "Nothing differs.",
        "what": "what", "how": "how", "from": "from", "to": "to",
        "newly_failing": "newly failing", "newly_missing_evidence": "newly missing evidence",
        "newly_passing": "newly passing", "otherwise": "changed, same outcome",
        "unaffected": "unaffected", "unread": "not read", "effect": "effect", "dossiers": "dossiers",
        "control": "control", "fails": "fails", "lacks": "lacks evidence", "passes": "no longer stands against",
        "impact": "Dossiers decided again as of {day}: {count}", "controls": "Controls that come to something else",
        "needs": "What to bring", "and more": "... and {count} more; --json lists all.", "remedy": "Remedy: ",
        "pass": "pass", "fail": "fail", "insufficient": "insufficient", "waived": "waived",
        "not_applicable": "does not apply", "bring": "what",
        "none": "There is no dossier: nothing was decided on this machine yet, or the folder holds none.",
    },
    Tongue.ZH: {
        "added": "新增", "removed": "删除", "tightened": "收紧", "loosened": "放宽",
        "moved": "日期变动", "changed": "其他变动", "same": "没有差异。",
        "what": "项目", "how": "变化", "from": "原", "to": "现",
        "newly_failing": "新出现不通过", "newly_missing_evidence": "新出现证据不足",
        "newly_passing": "新通过", "otherwise": "有变动，结论不变",
        "unaffected": "不受影响", "unread": "未能读取", "effect": "影响", "dossiers": "档案数",
        "control": "控制项", "fails": "不通过", "lacks": "证据不足", "passes": "不再构成障碍",
        "impact": "截至 {day} 重新裁定 {count} 份档案", "controls": "结果有变的控制项",
        "needs": "需要提供", "and more": "……另有 {count} 项，--json 列出全部。", "remedy": "补救：",
        "pass": "通过", "fail": "不通过", "insufficient": "证据不足", "waived": "已豁免",
        "not_applicable": "不适用", "bring": "内容", "requires": "要求", "applies": "适用条件", "until": "截止日",
        "status": "状态", "severity": "严重程度", "waivable": "可否豁免", "citation": "出处", "titles": "标题",
        "basis": "依据", "topic": "主题", "asks": "要点", "penalty": "处罚", "conflicts": "冲突", "source": "来源",
        "source_version": "文本版本", "preemption_risk": "可能被取代", "jurisdiction": "法域", "question": "问题",
        "definition": "定义", "type": "类型", "choices": "选项", "implies": "蕴含",
        "none": "没有档案：本机尚未作出裁定，或该文件夹中没有档案。",
    },
}  # fmt: skip


_KEYS_ZH = {"from": "起始日", "effect": "效力", "remedy": "补救措施", "note": "说明"}


@policy.command("diff")
def diff_command(
    old: Annotated[str, typer.Argument(help="Id of a shipped pack, or a YAML file.")],
    new: Annotated[str, typer.Argument(help="The newer version.")],
    lang: Language = Tongue.EN,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Say what a new version of a pack adds, removes, tightens, loosens or moves in time."""
    use_json(as_json)
    use_html(html, lang)
    from lextune.policy.diff import KINDS, diff
    from lextune.policy.packs import load_pack

    packs = load_pack(old), load_pack(new)
    found = diff(*packs, language=lang.value)
    if as_json:
        print_json(
            {
                "old": _named(packs[0]),
                "new": _named(packs[1]),
                "counts": {kind: sum(one.kind == kind for one in found) for kind in KINDS},
                "differences": [one._asdict() for one in found],
            }
        )
        return
    words = _WORDS[lang]
    if not found:
        say(words["same"])
        return
    for kind in KINDS:
        rows = [
            (f"{one.item} {_aspect(one.aspect, words)}".strip(), one.old, one.new)
            for one in found
            if one.kind == kind
        ]
        if rows:
            table(
                words[kind], [words["what"], words["from"], words["to"]], rows, even=len(rows) > 1
            )


def _aspect(name: str, words: Mapping[str, str]) -> str:
    """A key of a pack as people read it; `from` and `effect` and `remedy` have another meaning among the words."""
    return name if words is _WORDS[Tongue.EN] else {**words, **_KEYS_ZH}.get(name, name)


def _named(pack: Pack) -> dict[str, str]:
    return {"id": pack.id, "version": pack.version, "sha256": pack.digest}


@policy.command("impact")
def impact_command(  # noqa: PLR0913, PLR0917 - a verb has as many options as there are things to say
    packs: Annotated[
        list[str] | None,
        typer.Option("--pack", metavar="NEW", help="New pack: YAML file or shipped id."),
    ] = None,
    as_of: AsOf = None,
    folders: Annotated[
        list[Path] | None,
        typer.Option(
            "--folder", help="Folder of runs or releases, instead of this machine's runs."
        ),
    ] = None,
    store: Annotated[
        bool, typer.Option("--store", help="This machine's runs too, besides --folder.")
    ] = False,
    processes: Annotated[
        int | None, typer.Option(min=1, help="How many work at once; one for each core.")
    ] = None,
    trust: Trust = None,
    lang: Language = Tongue.EN,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Decide every stored dossier again under new packs or on another day; nothing is trained."""
    use_json(as_json)
    use_html(html, lang)
    from lextune.impact import Question, decide_again
    from lextune.policy.packs import load_pack

    if not packs and as_of is None:
        raise ConfigError(Problem("nothing is new", "give --pack NEW, or --as-of DAY"))
    day = parsed_day(as_of) or datetime.datetime.now(datetime.UTC).date()
    new = tuple(load_pack(one) for one in packs or ())
    if len({one.id for one in new}) < len(new):
        raise ConfigError(Problem("two of the new packs have one id", "give each pack once"))
    question = Question(new, day, Path(trust) if trust else None, lang.value)
    places = _dossiers(folders or (), store)
    if places:
        with Terminal() as terminal:
            found = decide_again(places, question, terminal, processes)
        _show(found, day, lang)
        if as_json:
            print_json(_document(found, new, day))
        if any(one.effect == "unread" for one in found.dossiers):
            raise typer.Exit(int(ExitCode.UNVERIFIED))
        return
    say(_WORDS[lang]["none"])
    if as_json:
        from lextune.impact import Impact

        print_json(_document(Impact((), {}), new, day))


def _dossiers(folders: Sequence[Path], store: bool) -> list[Path]:
    """Each once: those under the folders, and those of the index of runs that came to a decision."""
    from lextune.files import home_folder
    from lextune.impact import find_dossiers

    found: list[Path] = []
    for folder in folders:
        try:
            found += find_dossiers(folder)
        except OSError as error:
            fact = f"{folder} cannot be listed: {error.strerror}"
            raise ConfigError(Problem(fact, "check --folder")) from error
    if store or not folders:
        from lextune.store.runs import RunStore

        with RunStore(home_folder()) as runs:
            found += [
                Path(one["release"] or one["folder"])
                for one in runs.list()
                if one["status"] in ("released", "refused", "insufficient")
            ]
    return sorted({path.resolve() for path in found})


def _show(found: Impact, day: datetime.date, lang: Tongue) -> None:
    from lextune.policy.impact import EFFECTS

    words = {**_WORDS[lang], "changed": _WORDS[lang]["otherwise"]}
    counts = Counter(one.effect for one in found.dossiers)
    table(
        words["impact"].format(count=len(found.dossiers), day=day),
        [words["effect"], words["dossiers"]],
        [(words[one], f"{counts[one]:,}") for one in EFFECTS],
    )
    turned = _turned(found)
    if turned:
        table(
            words["controls"],
            [words["control"], words["fails"], words["lacks"], words["passes"]],
            [(name, *(f"{count:,}" for count in row)) for name, row in turned.items()],
        )
    needs = Counter(
        need
        for one in found.dossiers
        for need in dict.fromkeys(each for change in one.changes for each in change.needs)
    )
    if needs:
        table(words["needs"], [words["bring"], words["dossiers"]],
              [(need, f"{count:,}") for need, count in needs.most_common(_SHOWN)])  # fmt: skip
        if len(needs) > _SHOWN:
            say(words["and more"].format(count=len(needs) - _SHOWN))
    _show_dossiers(
        [one for one in found.dossiers if one.effect != "unaffected"], found, lang, words
    )


def _show_dossiers(
    found: Sequence[Redecided], all_: Impact, lang: Tongue, words: Mapping[str, str]
) -> None:
    from lextune.policy.impact import EFFECTS
    from lextune.policy.needs import waits_for_facts

    worst = sorted(
        found, key=lambda one: EFFECTS.index(one.effect) if one.effect != "unread" else -1
    )
    for one in worst[:_SHOWN]:
        outcomes = [words.get(str(each), "—") for each in (one.before, one.after)]
        say(f"\n{one.name or one.folder.name}: {words[one.effect]} ({' → '.join(outcomes)})")
        say(f"  {one.folder}")
        for line in (*one.notes, *([one.problem] if one.problem else [])):
            say(f"  {line}")
        waiting = [each for each in one.changes if waits_for_facts(each.reasons)]
        plain = [each for each in one.changes if each not in waiting]
        for change in plain[:_CHANGES]:
            turns = [words.get(str(each), "—") for each in (change.before, change.after)]
            say(f"  {change.control}: {' → '.join(turns)}")
            for line in (*change.reasons, *change.needs):
                say(f"    {line}")
            if change.after in ("fail", "insufficient"):
                say(f"    {words['remedy']}{all_.controls[change.control].remedy[lang]}")
        if len(plain) > _CHANGES:
            say("  " + words["and more"].format(count=len(plain) - _CHANGES))
        if waiting:
            show_waiting([(each.control, each.needs) for each in waiting], lang, "  ")
    if len(worst) > _SHOWN:
        say("\n" + words["and more"].format(count=len(worst) - _SHOWN))


def _turned(found: Impact) -> dict[str, tuple[int, int, int]]:
    """Control to the dossiers in which it now fails, lacks evidence, or stands against nothing any more."""
    counts: dict[str, list[int]] = {}
    for one in found.dossiers:
        for change in one.changes:
            row = counts.setdefault(change.control, [0, 0, 0])
            row[{"fail": 0, "insufficient": 1}.get(str(change.after), 2)] += 1
    return {name: (row[0], row[1], row[2]) for name, row in sorted(counts.items())}


def _document(found: Impact, new: Sequence[Pack], day: datetime.date) -> dict[str, Any]:
    import dataclasses

    from lextune.policy.impact import EFFECTS

    turned = _turned(found)
    return {
        "as_of": str(day),
        "packs": [_named(one) for one in new],
        "counts": {one: sum(each.effect == one for each in found.dossiers) for one in EFFECTS},
        "controls": {
            name: {
                "citation": one.citation,
                "titles": one.titles,
                "remedy": one.remedy,
                "dossiers": dict(
                    zip(("fail", "insufficient", "otherwise"), turned[name], strict=True)
                ),
            }
            for name, one in found.controls.items()
        },
        "dossiers": [
            {**dataclasses.asdict(one), "folder": str(one.folder)} for one in found.dossiers
        ],
    }
