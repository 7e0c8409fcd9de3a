"""A draft of the personal information impact assessment of PIPL articles 55 and 56; the assessment is a person's."""

from __future__ import annotations

from lextune.evidence.documents.base import DossierView, Language, Report, document
from lextune.evidence.documents.parts import found, made
from lextune.evidence.documents.parts.teller import Teller

_TITLES: dict[Language, str] = {
    "en": "Personal information protection impact assessment (PIPL, draft)",
    "zh": "个人信息保护影响评估报告（草稿）",
}
#: When article 55 asks for the assessment.
_OCCASIONS = (
    ("sensitive_personal_information_cn", "Sensitive personal information is processed", "处理敏感个人信息"),
    ("solely_automated_decision", "Decisions are made solely automatically", "完全自动化决策"),
    ("assisted_decision", "Decisions rely materially on the output", "决策实质依赖模型输出"),
    ("personal_data_shared", "Personal information is given to others", "向其他个人信息处理者提供个人信息"),
    ("cross_border_transfer", "Personal information leaves the country", "向境外提供个人信息"),
)  # fmt: skip


@document(
    "pia_cn",
    titles=_TITLES,
    cites="《中华人民共和国个人信息保护法》第五十五条、第五十六条 (PIPL, articles 55 and 56)",
)
def pia_cn(view: DossierView, language: Language) -> Report:
    """When it is due (article 55), the three questions of article 56, and how long it is kept."""
    t = Teller(view, language)
    return t.report(
        _TITLES,
        t.section(
            ("1. Occasion (article 55)", "一、评估情形（第五十五条）"),
            *(made.told(t, name, en, zh) for name, en, zh in _OCCASIONS),
        ),
        t.section(
            ("2. The processing", "二、处理活动概况"),
            made.identity(t), made.purpose(t), made.data_sources(t), made.data_parts(t),
        ),
        t.section(
            ("3. Whether purpose and manner are lawful, legitimate and necessary (56(1))",
             "三、处理目的、处理方式等是否合法、正当、必要（第五十六条第一项）"),
            made.some_checks(
                t, ("personal_data_rows", "personal_identifier_rows", "consent_share", "rows_without_consent"),
                "Personal information and consent", "个人信息与同意",
            ),
            found.by_hand(t, ("The assessment of lawfulness, legitimacy and necessity.",
                "对合法性、正当性、必要性的评估结论。")),
        ),
        t.section(
            ("4. Effects on the rights of individuals, and security risks (56(2))",
             "四、对个人权益的影响及安全风险（第五十六条第二项）"),
            found.audits(t, ["membership_inference", "memorisation"]),
            found.groups(t),
            found.by_hand(t, ("Degree of each effect and risk.", "各项影响和风险的程度。")),
        ),
        t.section(
            ("5. Whether the protective measures are lawful, effective and fit the risk (56(3))",
             "五、所采取的保护措施是否合法、有效并与风险程度相适应（第五十六条第三项）"),
            found.controls(t, lambda one: one.pack == "cn_pipl"),
            found.by_hand(t, ("The measures, and why they fit the risk.", "保护措施及其与风险程度相适应的理由。")),
        ),
        t.section(
            ("6. Keeping", "六、保存"),
            t.note("The report and the record of handling are kept for at least three years (article 56).",
                   "个人信息保护影响评估报告和处理情况记录应当至少保存三年（第五十六条）。"),
        ),
    )  # fmt: skip
