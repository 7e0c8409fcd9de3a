"""What GDPR article 9 and PIPL article 28 name as sensitive, by the words for it; it does not know whom a word is about.

The word lists are short and general: they show that a text speaks of such a matter near a person, not what is true.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lextune.data.personal.base import Detection, Finder, phrases, recogniser
from lextune.data.personal.folding import Folded
from lextune.data.personal.lists import words

_DISEASE_ZH = re.compile(
    "(?:" + "|".join(sorted(words("health_zh"), key=len, reverse=True)) + ")"
    r"(?:缓释|肠溶|注射|口服)?(?:片剂|胶囊|片|颗粒|针剂|溶液)?"
)
#: Categories that are found by their words alone, each with a list of its name.
_CATEGORIES = (
    "BIOMETRIC_DATA", "CRIMINAL_RECORD", "ETHNIC_ORIGIN", "GENETIC_DATA", "POLITICAL_OPINION", "RELIGIOUS_BELIEF",
    "SEX_LIFE", "TRADE_UNION_MEMBERSHIP",
)  # fmt: skip
_HEALTH_WORDS = words("health_en")
_LED_ZH = re.compile(
    r"(?:确诊为|确诊患有|诊断为|诊断出|被确诊|患有|罹患|症状(?:包括|表现为|有|为|是|[::])|出现了?|服用|注射|处方药物?为|过敏史?[::为]?|病史[::为]?)"
    r"(?P<what>[\u4e00-\u9fff、A-Za-z0-9]{2,30}?)(?=等?(?:症状|症)?[,，。;；\s)）]|等|进行|治疗|作为|,|$|并|由|之后|而|后)"
)
_LED_EN = re.compile(
    r"(?<![a-z])(?:diagnosed with|diagnosis of|diagnosed as having|suffer(?:s|ed|ing)? from|symptoms (?:such as"
    r"|including|of|include)|history of"
    r"|prescribed(?: him| her| me| them)?(?: with)?|treated (?:with|for)|allergic to|medication(?:s)? (?:such as"
    r"|includes?|is)|complaining of)"
    r" (?P<what>[a-z][a-z' -]{2,40}?(?:, [a-z][a-z' -]{2,30}?){0,4}(?:,? and [a-z][a-z' -]{2,30}?)?)(?=[.;:)\n]"
    r"|,? (?:as|by|under|for|to|in|at|which|and (?:is|has|was|he|she|they|his|her)|after|following|with|from|his"
    r"|her|due)(?![a-z])|,? and is|$|, (?:and )?(?:is|has|was|he|she|his|her|with|following|after|under|for))"
)
_FIRST_PART = re.compile(r",| and | which | that ")
_MONEY = (
    r"[$€£¥₹₩]?\s?[0-9][0-9,]*(?:\.[0-9]+)?\s?(?:万|亿|千)?"
    r"(?:元|分|美元|人民币|欧元|usd|eur|rmb|dollars|points|k(?![a-z]))?(?![0-9a-z])"
)
_FINANCE = re.compile(
    r"(?:(?<![a-z])(?:credit (?:score|rating)|income|salary|wage|earnings|net worth|savings|debts?"
    r"|mortgage)(?: of| is| was| are)?(?: is)?"
    r"(?: listed as| reported as| approximately| about| around| at| stands at)?[:\s]{0,3}"
    r"|(?<![a-z])earn(?:s|ing|ed)?(?: an)?(?: annual)? (?:income of )?"
    r"|(?:信用评分|信用分|征信分|年收入|月收入|收入|工资|薪资|年薪|月薪|存款|负债|欠款|贷款)(?:情况)?(?:约为|达到|约|为|是|达|有|状况为)?[::\s]{0,2})"
    rf"(?P<money>{_MONEY})"
)
_FINANCE_ZH_BEHIND = re.compile(
    rf"(?P<money>{_MONEY})(?=的(?:年收入|月收入|收入|信用评分|信用分|工资|年薪|月薪|存款|负债|贷款))"
)
_FINANCE_EN_BEHIND = re.compile(
    rf"(?P<money>{_MONEY})(?= (?:credit score|income|salary|per year|a year|annually|annual))"
)
_POINT = re.compile(
    r"(?<![0-9.])[-+]?(?:90|[0-8]?[0-9])\.[0-9]{4,}°?\s?[ns]?\s?[,，]\s?[-+]?(?:180|1[0-7][0-9]"
    r"|[0-9]{1,2})\.[0-9]{4,}°?\s?[ew]?(?![0-9])"
)


@recogniser("health", ("HEALTH",), "han letter", _HEALTH_WORDS + words("health_zh"))
def find_health(text: Folded) -> Iterator[Detection]:
    """What follows the words of a diagnosis, symptom or treatment; diseases, symptoms and drugs by name."""
    if "han" in text.kinds:
        for match in _LED_ZH.finditer(text.text):
            if _DISEASE_ZH.search(match["what"]):
                yield Detection("HEALTH", match.start("what"), match.end("what"), 0.7, "diagnosis")
        for match in _DISEASE_ZH.finditer(text.text):
            yield Detection("HEALTH", match.start(), match.end(), 0.5, "word")
    if "letter" in text.kinds:
        for match in _LED_EN.finditer(text.lower):
            what = _FIRST_PART.split(match["what"])[0]
            if not any(word in match["what"] for word in _HEALTH_WORDS):  # else found by its words
                start = match.start("what")
                yield Detection("HEALTH", start, start + len(what), 0.6, "diagnosis")
        for start, end in phrases(text, _HEALTH_WORDS):
            yield Detection("HEALTH", start, end, 0.5, "word")


def _finder(kind: str) -> Finder:
    wanted = words(kind.lower())

    def find(text: Folded) -> Iterator[Detection]:
        """Words for one category."""
        for start, end in phrases(text, wanted):
            yield Detection(kind, start, end, 0.55, "word")

    return find


@recogniser(
    "finance",
    ("FINANCIAL",),
    "digit",
    (
        "credit",
        "income",
        "salary",
        "wage",
        "earn",
        "worth",
        "saving",
        "debt",
        "mortgage",
        "信用",
        "征信",
        "收入",
        "工资",
        "薪",
        "存款",
        "负债",
        "欠款",
        "贷款",
    ),
)
def find_finance(text: Folded) -> Iterator[Detection]:
    """An amount or score beside the word for income, credit or debt."""
    for pattern in (_FINANCE, _FINANCE_ZH_BEHIND, _FINANCE_EN_BEHIND):
        for match in pattern.finditer(text.lower):
            start, end = match.span("money")
            while text.lower[start].isspace():
                start += 1
            yield Detection("FINANCIAL", start, end, 0.65, "amount_and_label")


@recogniser("coordinates", ("WHEREABOUTS",), "run9", (".",))
def find_coordinates(text: Folded) -> Iterator[Detection]:
    """Latitude and longitude with four decimals or more: some ten metres."""
    for match in _POINT.finditer(text.lower):
        yield Detection("WHEREABOUTS", match.start(), match.end(), 0.6, "coordinates")


for _kind in _CATEGORIES:
    recogniser(_kind.lower(), (_kind,), "han letter", words(_kind.lower()))(_finder(_kind))
