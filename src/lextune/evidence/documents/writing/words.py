"""The words around every document: what its marks mean, its list of statements, what is stale; in English and Chinese."""

from __future__ import annotations

from lextune.evidence.documents.base import Language
from lextune.evidence.documents.writing.marks import Stale, Written

_WORDS: dict[str, dict[Language, str]] = {
    "opening": {
        "en": "Made from the signed statements of run {run}. Each number in brackets is a statement listed at the end, on "
        "which the sentence rests. What no statement supports is printed as a gap. "
        "Where gaps are left it is a draft; it is no legal advice.",
        "zh": "本文件依据运行 {run} 的签名声明生成。方括号中的编号为文末所列声明，相应语句以其为依据；"
        "没有声明支持的内容以“缺口”标出。"
        "存在缺口的为草稿；本文件不构成法律意见。",
    },
    "cites": {"en": "Asked for by: {cites}", "zh": "要求依据：{cites}"},
    "gap": {"en": "Gap", "zh": "缺口"},
    "remedy": {"en": "to do: ", "zh": "待办："},
    "statements": {"en": "Statements", "zh": "声明"},
    "statements_note": {
        "en": "SHA-256 of each signed envelope in dossier/statements. `lextune document check` tells which sentences are stale.",
        "zh": "卷宗 dossier/statements 中各签名信封的 SHA-256。可用 lextune document check 检查哪些语句已失效。",
    },
    "stale": {"en": "Stale sentences of the earlier version", "zh": "上一版中已失效的语句"},
    "stale_note": {
        "en": "The evidence of these sentences has changed or is gone, and the dossier does not bear them out any more.",
        "zh": "以下语句的依据已变更或不存在，现有卷宗不再支持。",
    },
    "renewed": {
        "en": "{count} more sentences of the earlier version stand in the same words on new evidence.",
        "zh": "上一版另有 {count} 条语句，文字未变，依据已更新。",
    },
    "gone": {"en": "rested on: {what}", "zh": "原依据：{what}"},
    "none": {"en": "Nothing to say here.", "zh": "无内容。"},
}  # fmt: skip


def word(name: str, language: Language, **values: object) -> str:
    """One of the words, filled in."""
    return _WORDS[name][language].format(**values)


def opening(written: Written) -> list[str]:
    """The sentences under the title."""
    language = written.report.language
    found = [word("opening", language, run=written.manifest.run)]
    cites = written.kind.cites
    return [word("cites", language, cites=cites), *found] if cites else found


def stale_lines(written: Written) -> tuple[list[Stale], str]:
    """Sentences that do not hold any more, and one sentence on those that stand on new evidence."""
    lost = [one for one in written.stale if not one.said]
    renewed = len(written.stale) - len(lost)
    line = word("renewed", written.report.language, count=renewed) if renewed else ""
    return lost, line
