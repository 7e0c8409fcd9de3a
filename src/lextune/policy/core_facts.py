"""The facts that every run declares, whatever its packs, and how a place is written."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lextune.policy.schema import Fact, Text

#: A place as packs and users write it: two capital letters, or OTHER.
PLACE = re.compile(r"[A-Z]{2}|OTHER")

#: Places that lextune knows without any pack.
KNOWN_PLACES = frozenset({"BR", "CA", "CN", "EU", "IN", "JP", "KR", "OTHER", "SG", "UK", "US"})

_MEMBER_STATES = (
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "GR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
)  # fmt: skip

#: Codes that stand for a place under another name: taken literally, its law would not apply.
OTHER_NAMES: Mapping[str, str] = {
    "GB": "UK",
    **dict.fromkeys(_MEMBER_STATES, "EU"),
}

#: Not declared by hand: it is the config's own key.
TASK = "task"

#: A pack may use these without declaring them.
CORE_FACTS: Mapping[str, Fact] = {
    fact.id: fact
    for fact in (
        Fact(
            id=TASK,
            type="choice",
            choices=(
                "sentiment",
                "text_classification",
                "multi_label_classification",
                "ner",
                "image_classification",
                "object_detection",
                "semantic_segmentation",
                "speech_to_text",
                "speech_emotion",
                "recommendation",
                "behaviour_prediction",
            ),
            question=Text(en="What is the model to do?", zh="模型执行什么任务？"),
            definition=Text(
                en="The config's own key `task`, as the signed config statement has it.",
                zh="即配置中的 `task` 键，以已签名的配置声明为准。",
            ),
        ),
        Fact(
            id="purpose",
            type="text",
            question=Text(en="What is the model used for?", zh="模型用于什么目的？"),
        ),
        Fact(
            id="places",
            type="list",
            question=Text(
                en="In which places is the model offered, or its output used?",
                zh="模型在哪些国家或地区提供，或其输出在哪些国家或地区使用？",
            ),
            definition=Text(
                en="EU stands for every member state; OTHER for a place that no pack speaks of.",
                zh="EU 代表所有欧盟成员国；OTHER 代表没有任何规则包涉及的国家或地区。",
            ),
        ),
    )
}
