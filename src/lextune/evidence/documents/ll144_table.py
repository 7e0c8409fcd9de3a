"""The public summary of a bias audit of New York City's Local Law 144, from measured rates; it has no pass mark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lextune.evidence.documents.base import DossierView, Language, Part, Report, document
from lextune.evidence.documents.parts import found, made, reading
from lextune.evidence.documents.parts.teller import Teller
from lextune.evidence.markdown import number

_TITLES: dict[Language, str] = {
    "en": "Summary of the results of the bias audit (NYC Local Law 144)",
    "zh": "偏见审计结果摘要（纽约市第 144 号地方法）",
}
_HEAD = (
    ("category", "类别"), ("applicants", "人数"), ("selection rate", "入选率"), ("impact ratio", "影响比"),
    ("scoring rate", "评分率"), ("impact ratio of scoring", "评分影响比"),
)  # fmt: skip
_RATES = ("selection_rate", "impact_ratio", "scoring_rate", "scoring_impact_ratio")


@document(
    "ll144_table",
    titles=_TITLES,
    cites="NYC Administrative Code 20-870 to 20-874; 6 RCNY 5-300 to 5-304",
)
def ll144_table(view: DossierView, language: Language) -> Report:
    """Rates and impact ratios of each category and of each two, with the people of unknown category."""
    t = Teller(view, language)
    return t.report(
        _TITLES,
        t.section(
            ("The tool and its distribution", "工具及其启用日期"),
            made.identity(t),
            found.by_hand(t, ("The day on which the tool was put into use.", "该工具的启用日期。")),
        ),
        t.section(
            ("The bias audit", "偏见审计"),
            _audited(t),
            found.brought(t, "document", "bias_audit_summary",
                          ("The summary of an independent auditor", "独立审计员的审计摘要")),
            t.note(
                "The law sets no pass mark. A category of less than 2 % of the data may be left out, with the reason.",
                "法律未设合格线。占数据不足 2 % 的类别可以说明理由后不列入。",
            ),
        ),
        t.section(("The data", "数据"), made.data_sources(t), _unknown(t)),
        t.section(("Results", "结果"), _rates(t)),
    )  # fmt: skip


def _audited(t: Teller) -> list[Part]:
    """When the rates were measured; that lextune's audit is independent, nobody has said."""
    for digest, predicate in reversed(t.view.every(["audit"])):
        record = predicate.get("record")
        if isinstance(record, Mapping) and record.get("audit") == "group_fairness":
            positive = (record.get("parameters") or {}).get("positive")
            return t.fields(
                digest,
                [
                    ("Rates measured on", "测量时间", predicate.get("created")),
                    ("Answers that count as selected", "视为入选的类别", positive),
                ],
                gaps=False,
            )
    return [t.gap("No rates were measured.", "未测量入选率。",
                  ("run the audit group_fairness", "运行 group_fairness 审计"))]  # fmt: skip


def _unknown(t: Teller) -> list[Part]:
    """How many people belong to no known category."""
    items = [
        pair
        for pair in reading.audit_measurements(t.view, "group_fairness")
        if str(pair[1].get("name")).startswith("rows_without_group.")
    ]
    return t.measured(items) or [
        t.gap("How many people have no known category is not measured.", "未统计类别不明的人数。")
    ]


def _rates(t: Teller) -> list[Part]:
    by_group: dict[str, dict[str, tuple[str, Mapping[str, Any]]]] = {}
    for digest, one in reading.audit_measurements(t.view, "group_fairness"):
        group = one.get("group")
        if one.get("name") in _RATES and isinstance(group, str) and " minus " not in group:
            by_group.setdefault(group, {})[str(one["name"])] = (digest, one)
    rows = []
    for group, figures in by_group.items():
        people = (
            figures.get("selection_rate")
            or figures.get("scoring_rate")
            or next(iter(figures.values()))
        )[1]
        cells = [group, number(people.get("n")), *(_cell(t, figures.get(name)) for name in _RATES)]
        rows.append((cells, [digest for digest, _ in figures.values()]))
    return t.table(_HEAD, rows) or [
        t.gap("No rate of any category is known.", "没有任何类别的比率。",
              ("name data.columns.group, and run the audit group_fairness",
               "指定 data.columns.group 并运行 group_fairness 审计"))
    ]  # fmt: skip


def _cell(t: Teller, figure: tuple[str, Mapping[str, Any]] | None) -> str:
    if figure is None:
        return t.words("not measured", "未测量")
    one = figure[1]
    if one.get("value") is None:
        return t.words("undefined: ", "未定义：") + str(one.get("problem"))
    return number(one["value"])
