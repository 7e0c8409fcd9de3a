"""Passports, permits to travel, permanent resident cards of 2017, driving licences and Chinese number plates.

None of them has a check digit that is used here, so most need the word for them nearby.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lextune.data.personal.base import Detection, recogniser
from lextune.data.personal.folding import Folded
from lextune.data.personal.patterns import GAP, before, behind, words

#: Ordinary ones: E and 8 digits, or E, a letter without I and O, 7 digits; G and 8 digits before 2012; public affairs.
_CN = re.compile(
    rf"(?<![0-9A-Za-z])(?:[EGeg]{GAP}[0-9]|[Ee]{GAP}[A-HJ-NP-Za-hj-np-z]"
    rf"|[DSPdsp][Ee]?{GAP}[0-9])(?:{GAP}[0-9]){{6,7}}(?![0-9A-Za-z])"
)
_PASSPORT_LABEL = re.compile(words("护照", "護照", "passport", "passports", "旅行证件"))
_PASSPORT = re.compile(
    r"(?:(?<![a-z])passport(?: number| no\.?| #)?|护照(?:号码|号)?|護照(?:號碼|號)?)(?:\s*(?:is|为|是))?[\s::#]{0,3}"
    r"(?P<number>(?=[a-z0-9]*[0-9]{4})[a-z0-9]{6,10})(?![0-9a-z])"
)
_TRAVEL = re.compile(
    rf"(?<![0-9A-Za-z])(?:[HMCWhmcw]{GAP}[0-9A-Za-z]|[0-9])(?:{GAP}[0-9]){{7,9}}(?![0-9A-Za-z])"
)
_TRAVEL_LABEL = re.compile(
    words(
        "通行证",
        "通行證",
        "回乡证",
        "回鄉證",
        "台胞证",
        "臺胞證",
        "travel permit",
        "home return permit",
        "港澳证",
    )
)
_CARD_2017 = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{3}(?:[ -]?[0-9]){12}(?![0-9A-Za-z])")
_CARD_LABEL = re.compile(
    words("永久居留", "permanent resident", "permanent residence", "居留证", "green card")
)
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使]{GAP}[A-HJ-NP-Za-hj-np-z][ \-·•]?"
    r"(?=[A-HJ-NP-Za-hj-np-z]{0,4}[0-9])(?:[A-HJ-NP-Za-hj-np-z0-9]{4,5}[A-HJ-NP-Za-hj-np-z0-9挂学警港澳使领])(?![0-9A-Za-z])".replace(
        "{GAP}", " ?"
    )
)
_LICENCE = re.compile(
    r"(?:(?<![a-z])(?:driver'?s?'?|driving)[ -]?licen[cs]e(?: number| no\.?| #|'s number)?|驾驶证(?:号码|号|编号)?"
    r"|驾照(?:号码|号)?)"
    r"(?:\s*(?:is|为|是))?[\s::#]{0,3}(?P<number>(?=[a-z0-9\- ]*[0-9]{4})[a-z0-9](?:[ -]?[a-z0-9]){5,18})(?![0-9a-z])"
)


@recogniser("passports", ("CN_PASSPORT", "PASSPORT"), "run4")
def find_passports(text: Folded) -> Iterator[Detection]:
    """Chinese passports by form, better with the word; any other number that the text calls a passport's."""
    for match in _CN.finditer(text.text):
        labelled = before(text.lower, match.start(), _PASSPORT_LABEL)
        ordinary = match[0][0] in "Ee"
        if labelled or ordinary:
            yield Detection(
                "CN_PASSPORT", match.start(), match.end(), 0.85 if labelled else 0.5, "form_and_label" if labelled else "form"
            )  # fmt: skip
    for match in _PASSPORT.finditer(text.lower):
        yield Detection("PASSPORT", match.start("number"), match.end("number"), 0.7, "label")


@recogniser("travel_permits", ("CN_TRAVEL_PERMIT", "CN_PERMANENT_RESIDENT_CARD"), "run7")
def find_permits(text: Folded) -> Iterator[Detection]:
    """Permits of residents of Hong Kong, Macao and Taiwan (and to go there), and cards of 2017, by their words."""
    for match in _TRAVEL.finditer(text.text):
        if before(text.lower, match.start(), _TRAVEL_LABEL) or behind(
            text.lower, match.end(), _TRAVEL_LABEL
        ):
            yield Detection("CN_TRAVEL_PERMIT", match.start(), match.end(), 0.85, "form_and_label")
    for match in _CARD_2017.finditer(text.text):
        labelled = before(text.lower, match.start(), _CARD_LABEL)
        yield Detection(
            "CN_PERMANENT_RESIDENT_CARD", match.start(), match.end(), 0.85 if labelled else 0.4, "card_of_2017"
        )  # fmt: skip


@recogniser("plates", ("CN_LICENSE_PLATE",), "han")
def find_plates(text: Folded) -> Iterator[Detection]:
    """A province, a letter, five signs, six on electric cars, with a digit among them."""
    if "digit" not in text.kinds:
        return
    for match in _PLATE.finditer(text.text):
        yield Detection("CN_LICENSE_PLATE", match.start(), match.end(), 0.75, "form")


@recogniser("driving_licences", ("US_DRIVER_LICENSE",), "digit", ("licen", "驾驶证", "驾照"))
def find_licences(text: Folded) -> Iterator[Detection]:
    """What stands behind the word, in any country's form."""
    for match in _LICENCE.finditer(text.lower):
        yield Detection(
            "US_DRIVER_LICENSE", match.start("number"), match.end("number"), 0.7, "label"
        )
