"""Identity numbers of the United States, Hong Kong, Taiwan and Korea; what python-stdnum lacks is summed here.

python-stdnum 2.2 knows SSN, ITIN and RRN, and neither the Hong Kong nor the Taiwanese card; those two follow the
published weights (Hong Kong: 9 to 1 over two letter places and the digits, modulo 11; Taiwan: the letter as two
digits, weights 1 9 8 7 6 5 4 3 2 1 1, modulo 10). Korean numbers issued since 5 October 2020 end in random digits, so
their date and sex digit decide and a failed checksum says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stdnum.kr import rrn
from stdnum.us import itin, ssn

from lextune.data.personal.base import Detection, recogniser
from lextune.data.personal.folding import Folded
from lextune.data.personal.patterns import before, compact, real_date, words

_US = re.compile(r"(?<![0-9A-Za-z-])[0-9]{3}([ .-]?)[0-9]{2}\1[0-9]{4}(?![0-9A-Za-z])(?!-[0-9])")
_US_LABEL = re.compile(words("ssn", "social security", "social-security", "itin", "taxpayer"))
_HK = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{1,2} ?[0-9]{6} ?(?:\([0-9Aa]\)|[0-9Aa])(?![0-9A-Za-z])")
_TW = re.compile(r"(?<![0-9A-Za-z])[A-Za-z][1289](?:[ -]?[0-9]){8}(?![0-9A-Za-z])")
_CARD = re.compile(
    words("身份证", "身分證", "身份證", "hkid", "identity card", "id card", "id number")
)
_TW_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"  # in the order of their numbers, from 10
_TW_WEIGHTS = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
_KR = re.compile(r"(?<![0-9A-Za-z])[0-9]{6}( ?- ?| ?)[1-8][0-9]{6}(?![0-9A-Za-z])")
_KR_LABEL = re.compile(words("주민", "등록번호", "rrn", "resident registration", "登记号", "登錄"))
_CENTURY = {"1": "19", "2": "19", "5": "19", "6": "19", "3": "20", "4": "20", "7": "20", "8": "20"}


@recogniser("us_ids", ("US_SSN", "US_ITIN"), "run9")
def find_us(text: Folded) -> Iterator[Detection]:
    """SSN and ITIN by their rules of area, group and serial; undivided only where the text calls them so."""
    for match in _US.finditer(text.text):
        number = compact(match[0])
        labelled = before(text.lower, match.start(), _US_LABEL)
        if not match[1] and not labelled:
            continue
        score = 0.97 if labelled else 0.7 if match[1] == "-" else 0.5
        if ssn.is_valid(number):
            yield Detection("US_SSN", match.start(), match.end(), score, "area_group_serial")
        elif itin.is_valid(number):
            yield Detection("US_ITIN", match.start(), match.end(), score, "area_group_serial")


@recogniser("hong_kong_id", ("HK_ID",), "run6")
def find_hong_kong(text: Folded) -> Iterator[Detection]:
    """One or two letters, six digits and a check sign, often in brackets."""
    for match in _HK.finditer(text.text):
        if _hong_kong_holds(compact(match[0])):
            score = 0.97 if "(" in match[0] or before(text.lower, match.start(), _CARD) else 0.6
            yield Detection("HK_ID", match.start(), match.end(), score, "mod_11", True)


def _hong_kong_holds(number: str) -> bool:
    values = [36 if sign == " " else int(sign, 36) for sign in number.rjust(9)]
    return sum(v * w for v, w in zip(values, range(9, 0, -1), strict=True)) % 11 == 0


@recogniser("taiwan_id", ("TW_ID",), "run9")
def find_taiwan(text: Folded) -> Iterator[Detection]:
    """A letter, 1 or 2 (8 or 9 for residents without household registration), and eight digits."""
    for match in _TW.finditer(text.text):
        number = compact(match[0])
        region = 10 + _TW_LETTERS.index(number[0])
        digits = [region // 10, region % 10, *map(int, number[1:])]
        if sum(d * w for d, w in zip(digits, _TW_WEIGHTS, strict=True)) % 10 == 0:
            score = 0.97 if before(text.lower, match.start(), _CARD) else 0.8
            yield Detection("TW_ID", match.start(), match.end(), score, "mod_10", True)


@recogniser("korea_rrn", ("KR_RRN",), "run12")
def find_korea(text: Folded) -> Iterator[Detection]:
    """A birth date, a sex digit that names the century, six digits."""
    for match in _KR.finditer(text.text):
        number = compact(match[0])
        if not real_date(_CENTURY[number[6]] + number[:2], number[2:4], number[4:6]):
            continue
        labelled = before(text.lower, match.start(), _KR_LABEL)
        holds = rrn.is_valid(number)
        if not (match[1].strip() or labelled or holds):
            continue
        score = 0.97 if labelled else 0.8 if holds and match[1].strip() else 0.6
        if holds and not match[1].strip() and not labelled:
            score = 0.4  # one in ten of undivided numbers that begin with a date
        yield Detection(
            "KR_RRN",
            match.start(),
            match.end(),
            score,
            "date_and_sex_digit",
            True if holds else None,
        )
