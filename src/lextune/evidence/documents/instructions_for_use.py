"""Instructions for use after article 13(3) of the EU's AI Act, from what was measured; it promises nothing."""

from __future__ import annotations

from lextune.evidence.documents.base import DossierView, Language, Report, document
from lextune.evidence.documents.parts import found, made
from lextune.evidence.documents.parts.teller import Teller

_TITLES: dict[Language, str] = {"en": "Instructions for use", "zh": "使用说明"}


@document("instructions_for_use", titles=_TITLES, cites="Regulation (EU) 2024/1689, article 13(3)")
def instructions_for_use(view: DossierView, language: Language) -> Report:
    """For who uses the model: purpose, measured performance and limits, oversight, resources, logs."""
    t = Teller(view, language)
    return t.report(
        _TITLES,
        t.section(
            ("Provider", "提供者"),
            made.identity(t),
            found.by_hand(t, ("Name and contact of the provider, 13(3)(a).", "提供者的名称和联系方式（第 13(3)(a) 条）。")),
        ),
        t.section(("Intended purpose, 13(3)(b)(i)", "预期目的（第 13(3)(b)(i) 条）"), made.purpose(t), made.declared(t)),
        t.section(
            ("Accuracy, robustness, cybersecurity, 13(3)(b)(ii)", "准确性、鲁棒性与网络安全（第 13(3)(b)(ii) 条）"),
            found.performance(t),
            found.audits(t, ["calibration", "robustness", "poisoning", "membership_inference"]),
        ),
        t.section(
            ("Foreseeable risks, 13(3)(b)(iii)", "可预见的风险（第 13(3)(b)(iii) 条）"),
            found.brought(t, "document", "risk_management_file", ("The risk management file", "风险管理文件")),
            found.controls(t, lambda one: one.status in ("fail", "insufficient", "waived")),
        ),
        t.section(
            ("Explaining answers, 13(3)(b)(iv) and (vii)", "输出的解释（第 13(3)(b)(iv)、(vii) 条）"),
            found.audits(t, ["explanation"]),
        ),
        t.section(
            ("Performance on groups of people, 13(3)(b)(v)", "对特定群体的性能（第 13(3)(b)(v) 条）"), found.groups(t)
        ),
        t.section(
            ("Inputs and data, 13(3)(b)(vi)", "输入与数据（第 13(3)(b)(vi) 条）"),
            made.data_sources(t), made.data_parts(t),
        ),
        t.section(
            ("Pre-determined changes, 13(3)(c)", "预先确定的变更（第 13(3)(c) 条）"),
            found.by_hand(t, ("Changes determined at the conformity assessment.", "符合性评估时预先确定的变更。")),
        ),
        t.section(
            ("Human oversight, 13(3)(d)", "人工监督（第 13(3)(d) 条）"),
            found.brought(t, "document", "oversight_plan", ("The oversight plan", "人工监督方案")),
        ),
        t.section(
            ("Resources and maintenance, 13(3)(e)", "资源与维护（第 13(3)(e) 条）"),
            made.resources(t),
            found.by_hand(t, ("Expected lifetime, and maintenance with its frequency.", "预期使用寿命、维护措施及频率。")),
        ),
        t.section(
            ("Logs, 13(3)(f)", "日志（第 13(3)(f) 条）"),
            found.brought(t, "document", "log_specification", ("The specification of logs", "日志规范")),
        ),
    )  # fmt: skip
