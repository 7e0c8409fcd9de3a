"""Dates of birth, ages, and other dates to the day; a date alone scores low, as most dates are nobody's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lextune.data.personal.base import Detection, recogniser
from lextune.data.personal.folding import Folded
from lextune.data.personal.patterns import before, behind, words

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?"
    r"|dec(?:ember)?)\.?"
)
_TIME = r"(?:[ t]+[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?(?:\s?[ap]m|z|[+-][0-9]{2}:?[0-9]{2})?)?"
_DATE = re.compile(
    r"(?<![0-9a-z])(?<![0-9][./-])(?:"
    rf"(?:1[89]|20)[0-9]{{2}}[-/.](?:0?[1-9]|1[0-2])[-/.](?:3[01]|[12][0-9]|0?[1-9]){_TIME}"
    rf"|(?:3[01]|[12][0-9]|0?[1-9])[-/.](?:3[01]|[12][0-9]|0?[1-9])[-/.](?:(?:1[89]|20)[0-9]{{2}}|[0-9]{{2}}){_TIME}"
    rf"|{_MONTH} (?:3[01]|[12][0-9]|0?[1-9])(?:st|nd|rd|th)?,? (?:1[89]|20)[0-9]{{2}}"
    rf"|(?:3[01]|[12][0-9]|0?[1-9])(?:st|nd|rd|th)?(?: of)? {_MONTH},? (?:1[89]|20)[0-9]{{2}}"
    r"|(?:1[89]|20)[0-9]{2} ?年 ?(?:1[0-2]|0?[1-9]) ?月 ?(?:3[01]|[12][0-9]|0?[1-9]) ?[日号]?"
    r")(?![0-9a-z])(?![./-][0-9])"
)
_YEAR = re.compile(r"(?<![0-9a-z$€£.,:/-])(?<!#)(?:19|20)[0-9]{2}(?![0-9a-z]|[.,:/-][0-9])")
_WEEKDAY = re.compile(r"(?<![a-z])(?:mon|tues|wednes|thurs|fri|satur|sun)day(?![a-z])")
_SHORT = re.compile(
    r"(?<![0-9])(?:1[89]|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?![0-9])"
)
_BIRTH = re.compile(
    words("born", "date of birth", "birth date", "birthdate", "dob", "d.o.b", "birthday", "born on",
          "出生", "生日", "生于", "诞辰", "出生日期", "出生年月")
)  # fmt: skip
_BORN = re.compile(r"^\s*(?:出生|生(?![产效成])|生日|is (?:my|his|her) birthday|was born)")
_AGE = re.compile(
    r"(?<![0-9a-z.])(?P<a>[0-9]{1,3})(?:[ -]?(?:years?|yrs?)[ -]?(?:old|of age)|[ -]?y/?o(?![a-z])|-year-old|周?岁|歲)"
    r"|(?:(?<![a-z])(?:aged|age(?: is| of)?|turned|turning|turn|turns)[: ]{1,2}|年龄(?:为|是)?[: ]{0,2}|年满|现年)(?:just )?"
    r"(?P<b>[0-9]{1,3})(?![0-9%:/-]|\.[0-9]|岁|[ -]?(?:years?|yrs?)|\s?y/?o| ?(?:%|percent|times|items|hours"
    r"|minutes|days|weeks|months))"
    r"|(?<![a-z])(?:when|while|since) (?:s?he|i) (?:was|is|am) (?P<c>[0-9]{1,3})(?![0-9%:/-]| ?(?:%|percent"
    r"|times|hours|minutes|days|weeks|months))"
)
_THING = re.compile(
    r"^\s?(?:building|house|car|company|law|tradition|hotel|wine|whisky|tree|church|建筑|酒店|楼)"
)


@recogniser("dates", ("DATE_OF_BIRTH", "DATE_TIME"), "digit")
def find_dates(text: Folded) -> Iterator[Detection]:
    """A date is one of birth where the text says so just before or behind it."""
    for pattern, alone in ((_DATE, 0.4), (_SHORT, 0.0)):
        for match in pattern.finditer(text.lower):
            start, end = match.span()
            birth = before(text.lower, start, _BIRTH, 32) or behind(text.lower, end, _BORN, 24)
            if birth:
                yield Detection("DATE_OF_BIRTH", start, end, 0.8, "date_and_label")
            elif alone:
                yield Detection("DATE_TIME", start, end, alone, "date")


@recogniser(
    "weekdays", ("DATE_TIME",), "letter",
    tuple(f"{one}day" for one in ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")),
)  # fmt: skip
def find_weekdays(text: Folded) -> Iterator[Detection]:
    """Days of the week, for those who ask for low scores."""
    for match in _WEEKDAY.finditer(text.lower):
        yield Detection("DATE_TIME", match.start(), match.end(), 0.35, "weekday")


@recogniser("years", ("DATE_TIME",), "run4")
def find_years(text: Folded) -> Iterator[Detection]:
    """Four digits that can be a year; nearly always nobody's, so only for those who ask for low scores."""
    for match in _YEAR.finditer(text.lower):
        yield Detection("DATE_TIME", match.start(), match.end(), 0.35, "year")


@recogniser(
    "ages", ("AGE", "AGE_OF_MINOR"), "digit",
    ("old", "age", "y/o", "yo", "turn", "岁", "歲", "年龄", "年满", "现年", "when", "while", "since"),
)  # fmt: skip
def find_ages(text: Folded) -> Iterator[Detection]:
    """Whole years with the words that make them an age; under 14 is a type of its own."""
    for match in _AGE.finditer(text.lower):
        years = int(match["a"] or match["b"] or match["c"])
        if years > 120 or behind(text.lower, match.end(), _THING):
            continue
        if match["a"]:
            start, end = match.span()
        else:
            group = "b" if match["b"] else "c"
            start, end = match.span(group)
        kind = "AGE_OF_MINOR" if years < 14 else "AGE"
        yield Detection(kind, start, end, 0.7, "years_and_words")
