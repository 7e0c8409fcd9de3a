"""Chinese identity numbers (GB 11643), residence permits, permanent resident cards, and credit codes (GB 32100).

A right check sign (ISO 7064 MOD 11-2) and a real date decide; the region never rejects, as regions come and go. A
number that fails but that the text calls an identity number is an `ID_NUMBER`: a mistyped one points to a person too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stdnum.cn import uscc
from stdnum.iso7064 import mod_11_2

from lextune.data.personal.base import Detection, recogniser
from lextune.data.personal.folding import Folded
from lextune.data.personal.patterns import GAP, before, compact, real_date, words

_EIGHTEEN = re.compile(rf"(?<![0-9])[1-9](?:{GAP}[0-9]){{16}}{GAP}[0-9Xx](?![0-9A-Za-z])")
_FIFTEEN = re.compile(rf"(?<![0-9])[1-8](?:{GAP}[0-9]){{14}}(?![0-9A-Za-z])")
_CREDIT = re.compile(
    r"(?<![0-9A-Za-z])[1-9A-HJ-NP-RTUWXYa-hj-np-rtuwxy](?:[ -]?[0-9A-HJ-NP-RTUWXYa-hj-np-rtuwxy]){17}"
    r"(?![0-9A-Za-z])"
)
_LABEL = (
    r"(?:身份证|身分證|身份證|证件|證件|居民证|公民身份)[\w]{0,6}?(?:号码|号|號碼|號|卡)?"
    r"|(?:national |citizen |government )?(?:id|identity|identification)(?: ?card)?(?: ?(?:number|no|num|#))?"
)
_LABELLED = re.compile(
    rf"(?<![a-z])(?:{_LABEL})\.?(?:\s*(?:is|of|为|是|with the number|with number|number|号码)?\s*)?[:为是#\"'(]{{0,2}}\s*"
    rf"(?P<number>[a-z]{{0,3}}[0-9](?:{GAP}[0-9]){{5,18}}{GAP}[0-9x]?)(?![0-9a-z])"
)
_OLD_LABEL = re.compile(words("身份证", "身分證", "身份證", "identity", "id card", "id number"))


@recogniser(
    "chinese_ids",
    ("CN_RESIDENT_ID", "CN_RESIDENCE_PERMIT", "CN_PERMANENT_RESIDENT_CARD", "CN_UNIFIED_SOCIAL_CREDIT_CODE"),
    "run7",
)  # fmt: skip
def find(text: Folded) -> Iterator[Detection]:
    """Numbers of 18 signs with their check sign, old ones of 15 where the text calls them so."""
    for match in _EIGHTEEN.finditer(text.text):
        number = compact(match[0])
        if real_date(number[6:10], number[10:12], number[12:14]) and mod_11_2.is_valid(number):
            yield Detection(
                _kind(number), match.start(), match.end(), 0.98, "mod_11_2_and_date", True
            )
    for match in _FIFTEEN.finditer(text.text):
        number = compact(match[0])
        if real_date("19" + number[6:8], number[8:10], number[10:12]) and before(
            text.lower, match.start(), _OLD_LABEL, 16
        ):
            yield Detection("CN_RESIDENT_ID", match.start(), match.end(), 0.7, "old_and_label")
    for match in _CREDIT.finditer(text.text):
        if uscc.is_valid(compact(match[0])):
            score = 0.6 if compact(match[0]).isdigit() else 0.9  # most have a letter
            yield Detection(
                "CN_UNIFIED_SOCIAL_CREDIT_CODE", match.start(), match.end(), score, "mod_31", True
            )


def _kind(number: str) -> str:
    if number[:2] in ("81", "82", "83"):
        return "CN_RESIDENCE_PERMIT"
    return "CN_PERMANENT_RESIDENT_CARD" if number[0] == "9" else "CN_RESIDENT_ID"


@recogniser(
    "labelled_ids",
    ("ID_NUMBER",),
    "run6",
    ("身份", "身分", "证件", "證件", "居民证", "id", "identity"),
)
def find_labelled(text: Folded) -> Iterator[Detection]:
    """Numbers that the text calls an identity number, whatever their check digit says."""
    for match in _LABELLED.finditer(text.lower):
        number = compact(match["number"])
        right = len(number) == 18 and number[:-1].isdigit() and mod_11_2.is_valid(number)
        plain = match[0].startswith("id") and not match[0].startswith(("id card", "identi"))
        yield Detection(
            "ID_NUMBER", match.start("number"), match.end("number"), 0.65 if plain else 0.96, "label",
            right if len(number) == 18 else None,
        )  # fmt: skip
