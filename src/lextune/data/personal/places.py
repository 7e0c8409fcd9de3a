"""Countries with the words for their people, Chinese provinces, and kinds of streets; plain facts, no patterns."""

from __future__ import annotations

from lextune.data.personal.lists import words

_ENTRIES = [one.partition(":") for one in words("countries")]

#: The words for people of countries, in small letters.
PEOPLE = frozenset(word for _, _, people in _ENTRIES for word in people.lower().split())

#: Countries, regions and large cities, each as its words in small letters.
NAMES = frozenset(
    tuple(name.lower().split()) for name in [*(one[0] for one in _ENTRIES), *words("regions")]
)

#: Kinds of streets, in small letters.
STREETS = words("streets")

#: Provinces, autonomous regions and municipalities of China, without and with what they are.
PROVINCES = (
    "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南"
    "|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
)
