"""Sentences in English or Chinese, each with the statements it rests on; it knows no document and no law."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lextune.evidence.documents.base import (
    Claim,
    DossierView,
    Figures,
    Gap,
    Language,
    Note,
    Part,
    Report,
    Section,
)
from lextune.evidence.markdown import number

#: English and Chinese.
Words = tuple[str, str]
_YES: Words = ("yes", "是")
_NO: Words = ("no", "否")
_NOTHING: Words = ("not stated", "未说明")
_FIGURE_HEAD: tuple[Words, ...] = (
    ("measure", "指标"), ("value", "数值"), ("interval", "区间"), ("n", "样本量"), ("unit", "单位"),
)  # fmt: skip
#: Units that are written in Chinese; others are symbols or words of the field.
_UNITS = {
    "proportion": "比例", "rows": "行", "nats": "奈特", "tensors": "张量", "seconds": "秒", "bytes": "字节",
    "ratio": "比值", "probability": "概率", "operations": "次运算",
}  # fmt: skip


def nothing(value: Any) -> bool:
    """Whether a record's value says nothing; false and zero say something."""
    return value is None or (isinstance(value, str | list | tuple | Mapping) and not value)


def sentences(texts: Iterable[str], language: Language) -> str:
    """Texts one after the other, each ended as a sentence; empty ones are left out."""
    stop, between = ("。", "") if language == "zh" else (".", " ")
    ended = (one if one[-1] in ".!?。！？" else one + stop for one in texts if one)
    return between.join(ended)


@dataclass(frozen=True)
class Teller:
    """Makes parts of one document in one language.

    Attributes:
        view: What the document is made from.
        language: In which it is written.
    """

    view: DossierView
    language: Language

    def words(self, en: str, zh: str) -> str:
        """The words in the document's language."""
        return zh if self.language == "zh" else en

    def note(self, en: str, zh: str) -> Note:
        """Words that claim nothing."""
        return Note(self.words(en, zh))

    def gap(self, en: str, zh: str, remedy: Words = ("", "")) -> Gap:
        """What is missing, and what to bring."""
        return Gap(self.words(en, zh), self.words(*remedy))

    def claim(self, evidence: Iterable[str], en: str, zh: str) -> Claim:
        """A sentence that statements support."""
        return Claim(self.words(en, zh), tuple(dict.fromkeys(evidence)))

    def section(self, title: Words, *content: Part | Section | Sequence[Part]) -> Section:
        """A section of parts, then of sections under it, in whatever groups they come."""
        parts: list[Part] = []
        sections: list[Section] = []
        for one in content:
            if isinstance(one, Section):
                sections.append(one)
            elif isinstance(one, Claim | Gap | Note | Figures):
                parts.append(one)
            else:
                parts += one
        return Section(self.words(*title), tuple(parts), tuple(sections))

    def report(self, titles: Mapping[Language, str], *sections: Section) -> Report:
        """The document."""
        return Report(titles[self.language], self.language, sections)

    def table(
        self, head: Sequence[Words], rows: Sequence[tuple[Sequence[str], Iterable[str]]]
    ) -> list[Part]:
        """A table of rows, each with the statements it rests on; none where there is no row."""
        if not rows:
            return []
        return [
            Figures(
                tuple(self.words(*one) for one in head),
                tuple(tuple(cells) for cells, _ in rows),
                tuple(tuple(dict.fromkeys(evidence)) for _, evidence in rows),
            )
        ]

    def shown(self, value: Any) -> str:
        """A value of a record as words; nothing is said to be nothing."""
        if nothing(value):
            return self.words(*_NOTHING)
        if isinstance(value, bool):
            return self.words(*(_YES if value else _NO))
        if isinstance(value, int | float):
            return number(value)
        if isinstance(value, Mapping):
            return self._joined(f"{key}: {self.shown(item)}" for key, item in value.items())
        if isinstance(value, list | tuple):
            return self._joined(self.shown(item) for item in value)
        return str(value)

    def fields(
        self, evidence: str, pairs: Sequence[tuple[str, str, Any]], *, gaps: bool = True
    ) -> list[Part]:
        """`name: value` of one statement each; what the statement does not say is a gap, or left out."""
        parts: list[Part] = []
        for en, zh, value in pairs:
            if not nothing(value):
                shown = self.shown(value)
                parts.append(self.claim([evidence], f"{en}: {shown}.", f"{zh}：{shown}。"))
            elif gaps:
                parts.append(self.gap(f"{en}: the run states nothing.", f"{zh}：运行未作说明。"))
        return parts

    def measured(self, items: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Part]:
        """A table of measurements, each with the statement that holds it; what is undefined says why."""
        rows = []
        for evidence, item in items:
            interval = item.get("interval") or {}
            group = f" ({item['group']})" if item.get("group") is not None else ""
            value = (
                number(item["value"]) if item.get("value") is not None else self._undefined(item)
            )
            unit = str(item.get("unit"))
            cells = (
                f"{item.get('name')}{group}",
                value,
                self._interval(interval),
                number(item.get("n")),
                _UNITS.get(unit, unit) if self.language == "zh" else unit,
            )
            rows.append((cells, [evidence]))
        return self.table(_FIGURE_HEAD, rows)

    def _undefined(self, item: Mapping[str, Any]) -> str:
        return self.words("undefined: ", "未定义：") + str(item.get("problem") or "?")

    def _interval(self, interval: Mapping[str, Any]) -> str:
        if not interval:
            return self.words("none", "无")
        bounds = f"{number(interval.get('low'))} – {number(interval.get('high'))}"
        level = interval.get("level")
        if interval.get("method") == "exact":
            return self.words("counted", "全量统计")
        return f"{bounds} ({level:.0%})" if isinstance(level, float | int) else bounds

    def _joined(self, items: Iterable[str]) -> str:
        return self.words(", ", "、").join(items)
