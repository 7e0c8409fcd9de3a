"""The decision as a page: every control of every pack with its result, reasons, questions and remedy; it decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from lextune.evidence.documents.base import DossierView, Language, Part, Report, Section, document
from lextune.evidence.documents.parts import found, made, reading
from lextune.evidence.documents.parts.teller import Teller, Words, sentences
from lextune.records import ControlResult, Status, Verdict

_TITLES: dict[Language, str] = {"en": "Decision", "zh": "决定"}
#: What stands first is what somebody must do something about.
_ORDER: tuple[Status, ...] = ("fail", "insufficient", "waived", "pass")
_ALL: tuple[Status, ...] = (*_ORDER, "not_applicable")


@document("verdict", titles=_TITLES, cites="")
def verdict(view: DossierView, language: Language) -> Report:
    """The outcome, what to do, then pack by pack what applies and what does not."""
    t = Teller(view, language)
    decided, outcome = view.last("decide"), view.verdict
    if decided is None or outcome is None:
        nothing = t.gap("Nothing has been decided.", "尚未作出决定。")
        return t.report(_TITLES, t.section(("Outcome", "结论"), nothing))
    return t.report(
        _TITLES,
        t.section(("Outcome", "结论"), made.identity(t), _outcome(t, decided[0], outcome)),
        t.section(("Questions to answer", "待答复的问题"), _questions(t, decided[0], outcome)),
        t.section(("What to do", "待办事项"), _to_do(t, decided[0], outcome)),
        t.section(("Declared facts", "声明的事实"), made.purpose(t), made.declared(t)),
        *(_pack(t, decided[0], outcome, name) for name in sorted(outcome.packs)),
    )


def _outcome(t: Teller, digest: str, outcome: Verdict) -> list[Part]:
    counts = Counter(one.status for one in outcome.controls)
    en, zh = found.OUTCOMES[outcome.outcome]
    day = outcome.as_of.isoformat()
    rows = [
        ((t.words(*found.STATUSES[status]), str(counts[status])), [digest])
        for status in _ALL
        if counts[status]
    ]
    head = (("result", "结果"), ("controls", "控制项数"))
    sentence = t.claim([digest], f"As of {day}: {en}.", f"截至 {day}：{zh}。")
    return [sentence, *t.table(head, rows)]


def _questions(t: Teller, digest: str, outcome: Verdict) -> list[Part]:
    """Each open question once, with the controls that it would decide."""
    asked: dict[str, list[str]] = {}
    for one in outcome.controls:
        for question in one.questions if one.status == "insufficient" else ():
            asked.setdefault(question, []).append(f"{one.pack}/{one.control}")
    rows = [((question, ", ".join(names)), [digest]) for question, names in asked.items()]
    head = (("question", "问题"), ("controls that wait for it", "等待答复的控制项"))
    nothing = t.claim([digest], "No question is open.", "没有待答复的问题。")
    return t.table(head, rows) or [nothing]


def _to_do(t: Teller, digest: str, outcome: Verdict) -> list[Part]:
    """Controls that are not met, the blocking ones first, with the remedy."""
    open_ = [one for one in outcome.controls if one.status in ("fail", "insufficient")]
    open_.sort(key=lambda one: (one.severity != "block", _ORDER.index(one.status)))
    rows = [
        (
            (
                _named(t, one, one.pack),
                t.words(*found.SEVERITIES[one.severity]),
                t.words(*found.STATUSES[one.status]),
                one.remedy.get(t.language, ""),
            ),
            [digest, *one.evidence],
        )
        for one in open_
    ]
    head = (
        ("control", "控制项"),
        ("weight", "效力"),
        ("result", "结果"),
        ("what to do", "如何处理"),
    )
    nothing = t.claim([digest], "Nothing is open.", "没有待办事项。")
    return t.table(head, rows) or [nothing]


def _named(t: Teller, one: ControlResult, pack: str = "") -> str:
    """A control by its title, with its id."""
    name = f"{pack}/{one.control}" if pack else one.control
    return t.words(f"{one.titles.get('en', '')} ({name})", f"{one.titles.get('zh', '')}（{name}）")


def _pack(t: Teller, digest: str, outcome: Verdict, name: str) -> Section:
    about = reading.pack(t.view, name)
    titles, version = about.get("titles"), about.get("version")
    title = titles.get(t.language) if isinstance(titles, Mapping) else None
    ones = [one for one in outcome.controls if one.pack == name]
    applied = [one for one in ones if one.status != "not_applicable"]
    other = [one for one in ones if one.status == "not_applicable"]
    parts: list[Part] = []
    if version is not None:
        checked = about.get("checked_on")
        parts.append(
            t.claim(
                [digest],
                f"Pack {name} {version}, checked against its sources on {checked}.",
                f"规则包 {name} {version}，于 {checked} 对照来源核对。",
            )
        )
    parts += _applied(t, digest, applied)
    parts += _others(t, digest, other)
    shown: Words = (str(title or name), str(title or name))
    return t.section(shown, parts)


def _applied(t: Teller, digest: str, ones: Sequence[ControlResult]) -> list[Part]:
    rows = []
    for one in sorted(ones, key=lambda one: _ORDER.index(one.status)):
        basis = t.words(*found.BASES.get(one.basis, (one.basis, one.basis)))
        weight = t.words(*found.SEVERITIES[one.severity])
        cells = (
            _named(t, one),
            t.words(f"{one.citation} ({basis}, {weight})", f"{one.citation}（{basis}，{weight}）"),
            t.words(*found.STATUSES[one.status]),
            sentences(one.reasons, t.language),
        )
        rows.append((cells, [digest, *one.evidence]))
    head = (("control", "控制项"), ("source", "出处"), ("result", "结果"), ("why", "理由"))
    return t.table(head, rows) or [
        t.claim([digest], "No control of this pack applies.", "本规则包没有适用的控制项。")
    ]


def _others(t: Teller, digest: str, ones: Sequence[ControlResult]) -> list[Part]:
    """What does not apply, by the reason why not."""
    by_reason: dict[str, list[str]] = {}
    for one in ones:
        by_reason.setdefault(sentences(one.reasons, t.language), []).append(_named(t, one))
    between = t.words("; ", "；")
    rows = [((why, between.join(names)), [digest]) for why, names in by_reason.items()]
    return t.table((("why not", "不适用的理由"), ("controls", "控制项")), rows)
