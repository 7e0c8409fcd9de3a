"""The public summary of training content in the order of the AI Office's template; it names no row of the data."""

from __future__ import annotations

from collections.abc import Mapping

from lextune.evidence.documents.base import DossierView, Language, Part, Report, document
from lextune.evidence.documents.parts import found, made, reading
from lextune.evidence.documents.parts.teller import Teller

_TITLES: dict[Language, str] = {
    "en": "Public summary of training content",
    "zh": "训练内容公开摘要",
}
#: Of sources: how those that anybody can fetch begin.
_PUBLIC = ("hub:", "pypi:", "https://", "http://")


@document(
    "training_content_summary", titles=_TITLES, cites="Regulation (EU) 2024/1689, article 53(1)(d)"
)
def training_content_summary(view: DossierView, language: Language) -> Report:
    """Of the data of the fine-tuning alone: what the base model learnt from is its provider's to say."""
    t = Teller(view, language)
    return t.report(
        _TITLES,
        t.section(
            ("1. General information", "1. 一般信息"),
            t.note(
                "This summary speaks of the fine-tuning alone. The base model's provider summarises what that was trained on.",
                "本摘要仅涉及微调；基础模型的训练内容由其提供者另行公布摘要。",
            ),
            t.section(("1.1 Model and provider", "1.1 模型与提供者"), made.identity(t), made.base_model(t)),
            t.section(("1.2 Modalities and size", "1.2 模态与规模"), _size(t), made.data_parts(t)),
        ),
        t.section(
            ("2. Data sources", "2. 数据来源"),
            t.section(("2.1 Publicly available data sets", "2.1 公开数据集"), _sources(t, public=True)),
            t.section(
                ("2.2 Data sets of others that are not public", "2.2 从第三方取得的非公开数据集"),
                _sources(t, public=False),
            ),
            t.section(("2.3 Crawled and scraped data", "2.3 抓取的数据"),
                      made.told(t, "scraped", "Training data were scraped", "训练数据为抓取所得")),
            t.section(
                ("2.4 User data", "2.4 用户数据"),
                made.told(t, "personal_data_in_training", "The training data hold personal data", "训练数据包含个人信息"),
            ),
            t.section(
                ("2.5 Synthetic data", "2.5 合成数据"),
                found.by_hand(t, ("Whether data were made by models, and by which.", "是否使用模型生成的数据及所用模型。")),
            ),
        ),
        t.section(
            ("3. Processing", "3. 数据处理"),
            t.section(
                ("3.1 Reservations of rights (text and data mining)", "3.1 权利保留（文本与数据挖掘）"),
                found.brought(t, "document", "copyright_policy", ("The copyright policy", "版权政策")),
            ),
            t.section(
                ("3.2 Unlawful content", "3.2 违法内容"),
                made.some_checks(
                    t, ("source_illegal_share", "keyword_library_size"), "Unlawful content", "违法内容"
                ),
            ),
            t.section(
                ("3.3 Personal data", "3.3 个人信息"),
                made.some_checks(
                    t, ("personal_data_rows", "personal_identifier_rows", "rows_without_consent"),
                    "Personal data", "个人信息",
                ),
            ),
        ),
    )  # fmt: skip


def _size(t: Teller) -> list[Part]:
    return t.measured(
        reading.measurements(t.view, ["prepare"], lambda one: one.get("name") == "train_rows")
    )


def _sources(t: Teller, *, public: bool) -> list[Part]:
    """Sources that anybody can fetch, or the others, by what their names say."""
    record = t.view.record("prepare")
    if record is None:
        return [t.gap("The data are not stated.", "未说明数据。")]
    digest, stated = record
    sources = [str(one) for one in stated.get("sources") or ()]
    chosen = [one for one in sources if one.startswith(_PUBLIC) is public]
    if not chosen:
        return [
            t.claim([digest], "The run read none by its name.", "按名称判断，运行未读取此类数据。")
        ]
    parts: list[Part] = list(t.fields(digest, [("Sources", "来源", chosen)]))
    parts += made.licence(t, digest, stated.get("licence"), ("the data", "数据"))
    origin = stated.get("origin")
    where = origin.get("source") if isinstance(origin, Mapping) else None
    return [*parts, *t.fields(digest, [("Provenance, as its owner states it", "数据所有者说明的来源", where)])]  # fmt: skip
