"""A draft of the security self-assessment of a Chinese generative or recommending service; the findings are a person's."""

from __future__ import annotations

from lextune.evidence.documents.base import DossierView, Language, Report, document
from lextune.evidence.documents.parts import found, made
from lextune.evidence.documents.parts.teller import Teller

_TITLES: dict[Language, str] = {
    "en": "Security self-assessment (China, draft)",
    "zh": "安全自评估报告（草稿）",
}
_SERVICE = (
    ("public_service_cn", "It is offered to the public in mainland China", "面向中国境内公众提供服务"),
    ("opinion_attributes_cn", "It has attributes of public opinion or capacity for social mobilisation",
     "具有舆论属性或者社会动员能力"),
    ("generates_content", "It generates content", "生成内容"),
    ("recommender", "It chooses or orders what people are shown", "选择或排列向用户展示的内容"),
)  # fmt: skip


@document(
    "cn_security_self_assessment",
    titles=_TITLES,
    cites="《生成式人工智能服务管理暂行办法》第十七条；GB/T 45654-2025、GB/T 45652-2025、TC260-003",
    languages=("zh", "en"),
)
def cn_security_self_assessment(view: DossierView, language: Language) -> Report:
    """Corpus, annotation, model, service: what was measured beside what the standards ask."""
    t = Teller(view, language)
    return t.report(
        _TITLES,
        t.section(
            ("1. The service", "一、服务基本情况"),
            made.identity(t), made.purpose(t),
            *(made.told(t, name, en, zh) for name, en, zh in _SERVICE),
            found.by_hand(t, ("Name of the provider, person in charge, and the service.", "提供者名称、负责人和服务名称。")),
        ),
        t.section(
            ("2. Security of the corpus", "二、语料安全"),
            t.section(
                ("2.1 Sources", "（一）语料来源"),
                made.data_sources(t),
                made.some_checks(t, ("source_illegal_share",), "Share of unlawful content by source", "各来源违法不良信息占比"),
            ),
            t.section(
                ("2.2 Content", "（二）语料内容"),
                made.some_checks(
                    t,
                    ("manual_check_sample_size", "manual_check_pass_share", "technical_check_sample_share",
                     "technical_check_pass_share", "keyword_library_size"),
                    "Sampled checks", "抽检",
                ),
                made.some_checks(t, ("personal_data_rows", "personal_identifier_rows"), "Personal information", "个人信息"),
            ),
            t.section(
                ("2.3 Annotation", "（三）语料标注"),
                made.some_checks(t, ("label_check_accuracy", "manual_check_reviewers"), "Checks of labels", "标注核验"),
                found.brought(t, "document", "labelling_specification", ("The labelling rules", "标注规则")),
            ),
        ),
        t.section(
            ("3. Security of the model", "三、模型安全"),
            t.section(("3.1 Base model", "（一）基础模型"), made.base_model(t),
                      found.by_hand(t, ("The filing number of the base model, where it has one.",
                          "基础模型的备案号（如有）。"))),
            t.section(("3.2 Training", "（二）训练"), made.training(t)),
            t.section(
                ("3.3 Tests", "（三）测试"),
                found.performance(t),
                found.audits(t, ["robustness", "poisoning", "membership_inference", "memorisation"]),
            ),
        ),
        t.section(
            ("4. Measures of the service", "四、服务安全措施"),
            found.brought(t, "document", "incident_procedure", ("The incident procedure", "安全事件应急处置预案")),
            found.by_hand(t, ("Protection of minors, complaints, labels of generated content, and monitoring.",
                          "未成年人保护、投诉举报、生成内容标识和监测措施。")),
        ),
        t.section(
            ("5. Control by control", "五、逐项评估结果"),
            found.controls(t, lambda one: one.pack.startswith("cn_")),
        ),
        t.section(
            ("6. Conclusion", "六、评估结论"),
            found.by_hand(t, ("The conclusion, signed by the legal representative.",
                "评估结论（由法定代表人或主要负责人签字）。")),
        ),
    )  # fmt: skip
