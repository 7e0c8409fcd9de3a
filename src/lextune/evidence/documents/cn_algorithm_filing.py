"""A draft of what a Chinese algorithm filing asks for; names of persons and the filing itself are the provider's."""

from __future__ import annotations

from lextune.evidence.documents.base import DossierView, Language, Part, Report, document
from lextune.evidence.documents.parts import found, made, reading
from lextune.evidence.documents.parts.teller import Teller, Words

_TITLES: dict[Language, str] = {
    "en": "Algorithm filing (China, draft)",
    "zh": "算法备案填报信息（草稿）",
}
#: Packs that speak of the services that are filed.
_PACKS = ("cn_algorithm_recommendation", "cn_generative_ai", "cn_deep_synthesis_and_labelling")
#: The kinds of article 2 that declared facts settle.
_KINDS: tuple[tuple[str, Words], ...] = (
    ("generates_content", ("generating or synthesising", "生成合成类")),
    (
        "recommender",
        ("recommending, ordering or filtering", "个性化推送类、排序精选类或检索过滤类"),
    ),
)


@document(
    "cn_algorithm_filing",
    titles=_TITLES,
    cites="《互联网信息服务算法推荐管理规定》第二十四条",
    languages=("zh", "en"),
)
def cn_algorithm_filing(view: DossierView, language: Language) -> Report:
    """Provider, service, kind of algorithm, data, model, strategy, self-assessment, and what is made public."""
    t = Teller(view, language)
    return t.report(
        _TITLES,
        t.section(
            ("1. Provider and service", "一、主体与服务信息"),
            found.by_hand(t, ("Name of the provider, form of the service, fields of use.",
                "服务提供者的名称、服务形式、应用领域。")),
            made.told(t, "public_service_cn", "It is offered to the public in mainland China", "面向中国境内公众提供服务"),
            made.told(t, "opinion_attributes_cn", "It has attributes of public opinion", "具有舆论属性或者社会动员能力"),
            found.brought(t, "attestation", "filing_number_obtained", ("The signed statement of the filing number",
                "备案编号的签名声明")),
        ),
        t.section(("2. Algorithm", "二、算法基本信息"), made.identity(t), _kind(t), made.purpose(t)),
        t.section(
            ("3. Data of the algorithm", "三、算法数据"),
            made.data_sources(t), made.data_parts(t),
            made.told(t, "biometric_data", "Biometric data are processed", "处理生物特征信息"),
            made.some_checks(t, ("personal_data_rows", "personal_identifier_rows"), "Personal information", "个人信息"),
        ),
        t.section(("4. Model of the algorithm", "四、算法模型"), made.base_model(t), made.training(t)),
        t.section(
            ("5. Strategy", "五、算法策略"),
            found.by_hand(t, ("How answers are turned into what users see, and by which rules.",
                "将模型输出转化为用户所见内容的策略和规则。")),
        ),
        t.section(
            ("6. Risks and how they are prevented", "六、算法风险与防范机制"),
            found.performance(t), found.groups(t),
            found.controls(t, lambda one: one.pack in _PACKS),
        ),
        t.section(
            ("7. Self-assessment report", "七、算法自评估报告"),
            found.brought(t, "document", "cn_security_self_assessment", ("The security self-assessment", "安全自评估报告")),
        ),
        t.section(
            ("8. Content to be made public", "八、拟公示内容"),
            found.by_hand(t, ("Basic principle, purpose and main mechanism, in words for the public.",
                "算法基本原理、目的意图和主要运行机制（面向公众的说明）。")),
        ),
        t.section(
            ("Terms", "时限"),
            t.note("The filing is made within ten working days of the start of the service, changes within ten working days, and "
                   "its end within twenty working days (article 24).",
                   "应当在提供服务之日起十个工作日内备案；信息变更的，在变更之日起十个工作日内办理变更；终止服务的，"
                   "在终止服务之日起二十个工作日内办理注销（第二十四条）。"),
        ),
    )  # fmt: skip


def _kind(t: Teller) -> list[Part]:
    parts: list[Part] = []
    for name, kind in _KINDS:
        answer = reading.fact(t.view, name)
        if answer is not None and answer[0] is True:
            parts.append(
                t.claim([answer[1]], f"Kind of algorithm: {kind[0]}.", f"算法类型：{kind[1]}。")
            )
    if parts:
        return parts
    remedy = (
        "declare use.generates_content and use.recommender",
        "声明 use.generates_content 和 use.recommender",
    )
    return [t.gap("The kind of algorithm is not known.", "算法类型不明。", remedy)]
