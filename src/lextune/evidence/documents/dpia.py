"""A draft of the data protection impact assessment of GDPR article 35(7); the assessment itself is a person's."""

from __future__ import annotations

from lextune.evidence.documents.base import DossierView, Language, Report, document
from lextune.evidence.documents.parts import found, made
from lextune.evidence.documents.parts.teller import Teller

_TITLES: dict[Language, str] = {
    "en": "Data protection impact assessment (draft)",
    "zh": "数据保护影响评估（草稿）",
}


@document("dpia", titles=_TITLES, cites="Regulation (EU) 2016/679, article 35(7)")
def dpia(view: DossierView, language: Language) -> Report:
    """The four parts of 35(7); necessity and the weighing of risks are gaps."""
    t = Teller(view, language)
    return t.report(
        _TITLES,
        t.section(
            ("(a) The processing and its purposes", "(a) 处理活动及其目的"),
            made.identity(t),
            made.purpose(t),
            made.declared(t),
            made.data_sources(t),
            made.data_parts(t),
            found.by_hand(t, ("The controller, recipients, and the legitimate interest pursued, if any.",
                "控制者、接收方以及所追求的合法利益（如有）。")),
        ),
        t.section(
            ("(b) Necessity and proportionality", "(b) 必要性与相称性"),
            made.some_checks(
                t, ("personal_data_rows", "personal_identifier_rows", "consent_share", "rows_without_consent",
                    "erased_rows"),
                "Personal data and consent", "个人信息与同意",
            ),
            found.by_hand(t, ("Why this processing is needed for the purpose, and no less would do.",
                "为何处理活动对目的而言必要，且无更少侵入的方式。")),
        ),
        t.section(
            ("(c) Risks to the rights and freedoms of people", "(c) 对自然人权利和自由的风险"),
            found.audits(t, ["membership_inference", "memorisation", "group_fairness"]),
            found.groups(t),
            found.by_hand(t, ("Likelihood and severity of each risk for the people concerned.",
                "各项风险对有关人员的可能性与严重性。")),
        ),
        t.section(
            ("(d) Measures", "(d) 应对措施"),
            found.audits(t, ["epsilon_audit"]),
            found.controls(t, lambda one: one.pack == "gdpr"),
            found.brought(t, "attestation", "human_review_offered", ("The signed statement that human review is offered",
                "提供人工复核的签名声明")),
            found.by_hand(t, ("Safeguards, security measures and how compliance is shown.", "保障、安全措施及合规证明方式。")),
        ),
        t.section(
            ("Advice and views, 35(2) and (9)", "意见征询（第 35(2)、(9) 条）"),
            found.by_hand(t, ("The data protection officer's advice, and the views of the people concerned where appropriate.",
                          "数据保护官的意见，以及适当时有关人员的意见。")),
        ),
        t.section(
            ("Conclusion, 35(11) and 36", "结论（第 35(11)、36 条）"),
            found.by_hand(t, ("Whether a high risk remains so that the authority must be consulted, and when this is reviewed.",
                          "是否仍存在高风险而须事先咨询监管机构，以及复审时间。")),
        ),
    )  # fmt: skip
