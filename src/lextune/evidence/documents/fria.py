"""A draft of the fundamental rights impact assessment of AI Act article 27; the assessment is the deployer's."""

from __future__ import annotations

from lextune.evidence.documents.base import DossierView, Language, Report, document
from lextune.evidence.documents.parts import found, made
from lextune.evidence.documents.parts.teller import Teller

_TITLES: dict[Language, str] = {
    "en": "Fundamental rights impact assessment (draft)",
    "zh": "基本权利影响评估（草稿）",
}


@document("fria", titles=_TITLES, cites="Regulation (EU) 2024/1689, article 27")
def fria(view: DossierView, language: Language) -> Report:
    """The six parts of 27(1) with what the model's evidence can tell a deployer."""
    t = Teller(view, language)
    return t.report(
        _TITLES,
        t.section(
            ("(a) The processes in which it is used", "(a) 使用系统的业务流程"),
            made.identity(t), made.purpose(t), made.declared(t),
            found.by_hand(t, ("The deployer's processes in which the system is used.", "部署者使用该系统的业务流程。")),
        ),
        t.section(
            ("(b) Period and frequency of use", "(b) 使用期限与频率"),
            found.by_hand(t, ("From when to when, and how often.", "使用的起止时间与频率。")),
        ),
        t.section(
            ("(c) People and groups who are likely affected", "(c) 可能受影响的自然人和群体"),
            found.groups(t),
            found.by_hand(t, ("Who is likely affected in this use.", "在该用途中可能受影响的人员。")),
        ),
        t.section(
            ("(d) Risks of harm to them", "(d) 对其造成损害的风险"),
            found.performance(t),
            found.audits(t, ["calibration", "group_fairness", "counterfactual", "robustness"]),
            found.by_hand(t, ("Specific risks of harm, given the provider's information of article 13.",
                          "结合提供者依第 13 条提供的信息说明的具体损害风险。")),
        ),
        t.section(
            ("(e) Human oversight", "(e) 人工监督"),
            found.brought(t, "document", "oversight_plan", ("The oversight plan", "人工监督方案")),
        ),
        t.section(
            ("(f) If the risks materialise", "(f) 风险发生时的措施"),
            found.brought(t, "document", "incident_procedure", ("The incident procedure", "事件处置程序")),
            found.by_hand(t, ("Governance inside and a way to complain.", "内部治理和投诉机制。")),
        ),
        t.section(
            ("Notification, 27(3); the data protection impact assessment, 27(4)",
             "通知义务（第 27(3) 条）与数据保护影响评估（第 27(4) 条）"),
            found.brought(t, "document", "dpia", ("The data protection impact assessment", "数据保护影响评估")),
            found.by_hand(t, ("When the market surveillance authority was notified.", "通知市场监督机构的时间。")),
        ),
    )  # fmt: skip
