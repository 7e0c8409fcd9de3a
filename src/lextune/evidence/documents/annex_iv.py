"""The technical file of Annex IV of the EU's AI Act, point by point, as far as statements support it; it judges nothing."""

from __future__ import annotations

from lextune.evidence.documents.base import DossierView, Language, Part, Report, Section, document
from lextune.evidence.documents.parts import found, made
from lextune.evidence.documents.parts.teller import Teller

_TITLES: dict[Language, str] = {
    "en": "Technical documentation (AI Act, Annex IV)",
    "zh": "技术文件（欧盟《人工智能法》附件四）",
}


@document("annex_iv", titles=_TITLES, cites="Regulation (EU) 2024/1689, article 11 and Annex IV")
def annex_iv(view: DossierView, language: Language) -> Report:
    """Nine sections in the Annex's order; what a provider must write is a gap."""
    t = Teller(view, language)
    return t.report(
        _TITLES,
        t.section(("1. General description", "1. 总体描述"), _general(t)),
        _elements(t),
        t.section(("3. Monitoring, functioning and control", "3. 监测、运行与控制"), _control(t)),
        t.section(
            ("4. Appropriateness of the metrics", "4. 性能指标的适当性"),
            found.controls(t, lambda one: one.citation.startswith("House") or one.basis == "house"),
            found.by_hand(t, ("Why these metrics suit the intended purpose.", "说明为何这些指标适合预期目的。")),
        ),
        t.section(
            ("5. Risk management (article 9)", "5. 风险管理（第 9 条）"),
            found.brought(t, "document", "risk_management_file", ("The risk management file", "风险管理文件")),
        ),
        t.section(
            ("6. Changes through the lifecycle", "6. 生命周期内的变更"),
            found.by_hand(t, ("Relevant changes that the provider made to the system.", "提供者对系统所作的相关变更。")),
        ),
        t.section(
            ("7. Harmonised standards applied", "7. 所采用的协调标准"),
            found.by_hand(t, ("Standards applied, or what was done instead.", "所采用的标准，或替代解决方案。")),
        ),
        t.section(
            ("8. EU declaration of conformity (article 47)", "8. 欧盟符合性声明（第 47 条）"),
            found.brought(t, "document", "eu_declaration_of_conformity",
                          ("The EU declaration of conformity", "欧盟符合性声明")),
        ),
        t.section(
            ("9. Post-market monitoring (article 72)", "9. 上市后监测（第 72 条）"),
            found.brought(t, "document", "post_market_monitoring_plan",
                          ("The plan of post-market monitoring", "上市后监测计划")),
        ),
        t.section(
            ("Decision", "决定"), found.controls(t, lambda one: one.pack == "eu_ai_act")
        ),
    )  # fmt: skip


def _elements(t: Teller) -> Section:
    """Point 2: how the system was made, of what, and how it was tested."""
    return t.section(
        ("2. Elements and development", "2. 系统要素与开发过程"),
        t.section(
            ("2(a) Steps of development, and what third parties provided", "2(a) 开发步骤及第三方提供的部分"),
            made.base_model(t),
            made.training(t),
        ),
        t.section(
            ("2(b) Design", "2(b) 设计"),
            found.by_hand(t, ("The general logic, the key design choices with their reasons and assumptions, what the system "
                      "optimises for, and decisions about trade-offs.",
                      "总体逻辑、关键设计选择及其理由与假设、优化目标以及权衡决定。")),
        ),
        t.section(("2(c) Architecture and computing", "2(c) 架构与计算资源"), made.resources(t)),
        t.section(
            ("2(d) Data", "2(d) 数据"),
            made.data_sources(t),
            made.data_parts(t),
            made.data_checks(t),
            found.brought(t, "document", "data_governance_record",
                          ("The record of data governance", "数据治理记录")),
        ),
        t.section(
            ("2(e) Human oversight", "2(e) 人工监督"),
            found.brought(t, "document", "oversight_plan", ("The oversight plan", "人工监督方案")),
            found.audits(t, ["explanation"]),
        ),
        t.section(
            ("2(f) Pre-determined changes", "2(f) 预先确定的变更"),
            found.by_hand(t, ("Changes determined in advance, and how compliance is kept.",
                "预先确定的变更及持续合规措施。")),
        ),
        t.section(
            ("2(g) Validation and testing", "2(g) 验证与测试"),
            t.note(
                "The signed statements of the dossier are the dated and signed test logs.",
                "卷宗中的签名声明即为注明日期并签名的测试记录。",
            ),
            found.performance(t),
            found.groups(t),
        ),
        t.section(
            ("2(h) Cybersecurity", "2(h) 网络安全"),
            found.audits(t, ["poisoning", "membership_inference", "memorisation"]),
        ),
    )  # fmt: skip


def _general(t: Teller) -> list[Part]:
    return [
        *made.identity(t),
        *made.purpose(t),
        *made.declared(t),
        *found.brought(t, "document", "instructions_for_use", ("The instructions for use", "使用说明")),
        *found.by_hand(t, ("The provider's name and address, and how this version relates to earlier ones.",
                          "提供者的名称和地址，以及本版本与先前版本的关系。"),
                          ("Hardware and software it works with, the forms in which it is offered, and the user interface.",
                          "配套的软硬件、投放市场的形式以及用户界面。")),
    ]  # fmt: skip


def _control(t: Teller) -> list[Part]:
    return [
        t.note(
            "Degrees of accuracy for the whole and for groups stand in 2(g).",
            "总体及各群体的准确性见 2(g)。",
        ),
        *found.audits(t, ["calibration", "robustness", "generalisation"]),
        *found.by_hand(t, ("Foreseeable unintended outcomes and sources of risks to health, safety and fundamental rights.",
                          "可预见的非预期结果，以及对健康、安全和基本权利的风险来源。"),
                          ("Specifications of the input data.", "输入数据的规格。")),
    ]  # fmt: skip
