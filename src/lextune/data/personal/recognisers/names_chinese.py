"""Chinese names by surname and context, and foreign names with a dot; without a model it finds names where words announce them.

A surname and one or two signs are a name only beside something that says so: a label, a title, an age, the start of a
sentence about a person. A name found so counts wherever it stands in the same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lextune.data.personal.base import Detection, recogniser
from lextune.data.personal.folding import Folded
from lextune.data.personal.lists import words
from lextune.data.personal.surnames import COMMON, DOUBLE, NOT_NAMES

_SURNAME = rf"(?:{DOUBLE}|[{COMMON}])"
_H = r"[\u4e00-\u9fff]"
#: No sign of a given name: grammatical words that follow a name at once.
_NOT_GIVEN = (
    "的是在了和与及于有被为将因由就也还都很不没说到从对向把给让叫这那其他她它们您你我该某先女"
    "医经主同年月日岁现可持性等至以所着过吗呢啊吧，个位名"
)
_GIVEN = rf"[^{_NOT_GIVEN}\W\dA-Za-z_]"
_TITLES = "|".join(words("titles_zh"))
_NAME = rf"{_SURNAME}(?:(?!{_TITLES}){_GIVEN}){{1,2}}"
_LABELS = "|".join(words("labels_zh"))
_DOCTORS = (
    "主治医师|主治医生|主治大夫|主任医师|副主任医师|医生|医师|大夫|导师|律师|经理|教授|老师|护士"
)
_LED = re.compile(
    rf"(?:(?:{_LABELS})\s*(?:[::]|是|为|叫)\s*|(?:{_DOCTORS})(?:[::]|是|为|叫)?|(?:我叫|名叫|叫做|我是|本人|名为|他叫|她叫|化名|署名|由|经|在"
    rf"|请|向|致|给|与|和|跟|找|遵照|根据|师从)(?={_NAME}(?:{_TITLES}))|(?:我叫|名叫|叫做|他叫|她叫|名为)\s*)"
    rf"(?P<name>{_NAME})"
)
_TITLED = re.compile(rf"(?P<name>{_NAME})(?:{_DOCTORS}|{_TITLES})")
_SHORT_TITLED = re.compile(rf"(?<!{_H})(?P<name>[{COMMON}])(?=(?:{_TITLES})(?!们))")
_AGED = re.compile(
    rf"(?<!{_H})(?P<name>{_NAME})(?=\s?(?:[,，、(（]\s?)?(?:[男女]性?\s?[,，、]\s?)?(?:现年|今年)?\s?[0-9]{{1,3}}\s?周?岁"
    rf"|是?\s?[一1]\s?[名位个]|\s?[,，、(（]\s?(?:[男女](?![\u4e00-\u9fff])|身份证|电话|手机|性别|汉族))"
)
_ABOUT = re.compile(
    rf"(?:(?<=[。！？；\n])|^|(?<=[,，]))\s?(?P<name>{_NAME})(?=(?:是|持有|现居|居住|住在|可通过|目前|近期|最近|被诊断|被确诊|因出现|出现了|患有|年收入"
    rf"|月收入|在财务|的(?:个人|身份证|联系|年收入|月收入|财务|信用|电话|手机|邮箱|住址|地址|主治|收入|经济|健康|病|治疗|症状)|于[0-9]|出生|毕业|就职|任职|告诉|表示"
    rf"|说道?[::,，]|[,，][男女]|先生|女士|正在|曾|已婚|未婚|电话|手机|身份证))"
)
_DOTTED = re.compile(rf"{_H}{{1,6}}[·•‧・]{_H}{{1,6}}(?:[·•‧・]{_H}{{1,6}})?")
_DOT_LEAD = re.compile(
    r"^.*(?:正?在|经过?|由|为|是|叫|和|与|跟|向|请|医生|医师|大夫|先生|女士|诊断|主治|教授|老师|据|对|给|的|她|他|,|:)(?=[\u4e00-\u9fff]{2})"
)
_DOT_TAIL = re.compile(
    r"(?:医生|医师|大夫|主治|先生|女士|负责|诊断|开具|为|是|教授|老师|指导|的|博士|于|被|因|持有|现|进行|一位|，).*$"
)


@recogniser("names_chinese", ("PERSON",), "han")
def find(text: Folded) -> Iterator[Detection]:
    """Names with context, then the same names wherever else they stand."""
    whole = text.text
    known: set[str] = set()
    for pattern, score, rule in (
        (_LED, 0.8, "label"), (_TITLED, 0.8, "title"), (_AGED, 0.85, "age"), (_ABOUT, 0.7, "sentence"),
    ):  # fmt: skip
        for match in pattern.finditer(whole):
            start, end = match.span("name")
            name = whole[start:end]
            if name in NOT_NAMES or name[:2] in NOT_NAMES or (start and _inside_word(whole, start)):
                continue
            known.add(name)
            yield Detection("PERSON", start, end, score, rule)
    for match in _SHORT_TITLED.finditer(whole):
        yield Detection("PERSON", *match.span("name"), 0.6, "title")
    for match in _DOTTED.finditer(whole):
        start, end = match.span()
        left, _, right = match[0].partition(next(one for one in match[0] if one in "·•‧・"))
        lead = _DOT_LEAD.match(left)
        start += lead.end() if lead else 0
        tail = _DOT_TAIL.search(right)
        end -= len(right) - tail.start() if tail and tail.start() > 0 else 0
        known.add(whole[start:end])
        yield Detection("PERSON", start, end, 0.75, "dotted")
    for name in known:
        place = whole.find(name)
        while place >= 0:
            yield Detection("PERSON", place, place + len(name), 0.7, "same_name")
            place = whole.find(name, place + 1)


def _inside_word(whole: str, start: int) -> bool:
    """Whether what looks like a surname ends a word that names are not joined to, as 主 in 民主任."""
    return whole[start - 1 : start + 1] in ("医生", "学生", "先生", "公安", "银行", "大方", "处方")
