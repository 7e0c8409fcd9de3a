"""The 31 safety risks of Annex A of GB/T 45654-2025 (TC260-003 has the same), by id and Chinese name; it decides nothing.

The names are those of secondary transcriptions; the annex is informative.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_GROUPS = {
    "A.1": "颠覆政权 危害国家安全/形象 分裂国家 恐怖极端 民族仇恨 暴力淫秽 虚假有害信息 其他禁止",
    "A.2": "民族 信仰 国别 地域 性别 年龄 职业 健康 其他",
    "A.3": "知识产权 商业道德 商业秘密 垄断不正当竞争 其他",
    "A.4": "身心健康 肖像 名誉 荣誉 隐私 个人信息 其他",
    "A.5": "内容不准确 不可靠",
}

#: `A.1.3` to `分裂国家`.
RISKS: Mapping[str, str] = MappingProxyType(
    {
        f"{group}.{number}": name
        for group, names in _GROUPS.items()
        for number, name in enumerate(names.split(), 1)
    }
)


def find_risk(word: str) -> str | None:
    """The id of a risk that is written as its id, its name, or `A.2 其他` where the name occurs twice; else None."""
    word = " ".join(word.split())
    if word in RISKS:
        return word
    group, _, rest = word.partition(" ")
    found = [
        key
        for key, name in RISKS.items()
        if name == word or (name == rest and key.startswith(f"{group}."))
    ]
    return found[0] if len(found) == 1 else None
