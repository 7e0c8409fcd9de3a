"""Telephone numbers: Chinese mobile, fixed and service numbers by form, all others checked by phonenumbers.

phonenumbers carries the numbering plans offline; its plans of single countries are read when first needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lextune.data.personal.base import Detection, recogniser
from lextune.data.personal.folding import Folded
from lextune.data.personal.patterns import GAP, before, behind, compact, real_date, words

_MOBILE = re.compile(
    rf"(?<![0-9])(?<![0-9][.-])(?:\(?(?:\+|00)?86\)?{GAP})?1[3-9](?:{GAP}[0-9]){{9}}(?![0-9])"
)
_FIXED = re.compile(
    r"(?<![0-9])(?<![0-9][.-])(?:(?:\+|00)86[ -]?)?(?:\((0[1-9][0-9]{1,2})\) ?|(0[1-9][0-9]{1,2})[ -])"
    r"[2-9][0-9]{2,3}[ -]?[0-9]{4}(?:[ -]?(?:转|ext\.?|x|-)[ -]?[0-9]{1,6})?(?![0-9])"
)
_SERVICE = re.compile(r"(?<![0-9])(?:400|800)[ -]?[0-9]{3,4}[ -]?[0-9]{3,4}(?![0-9])")
_PLUS = re.compile(
    r"\+[1-9](?:[ ().\-/]{0,3}[0-9]){6,14}(?:\s?(?:x|ext\.?)\s?[0-9]{1,6})?(?![0-9])"
)
_ANY = re.compile(
    r"(?<![0-9A-Za-z$€£¥#])(?<![0-9][.,/:-])(?:\([0-9]{1,5}\)|[0-9]{1,13})(?:[ .\-/]{0,2}(?:\([0-9]{1,5}\)"
    r"|[0-9]{2,12})){0,6}"
    r"(?:\s?(?:x|ext\.?)\s?[0-9]{1,6})?(?![0-9A-Za-z]|[.,:/][0-9])"
)
_LABEL = re.compile(
    words(
        "phone", "telephone", "tel", "mobile", "cell", "cellphone", "fax", "call", "called", "calling", "dial", "number",
        "numbers", "reach", "reached", "contact", "contacted", "sms", "whatsapp", "ring", "phoned", "text me", "answering at",
        "messages to", "desk", "hotline", "registered", "telefon",
        "电话", "手机", "座机", "联系方式", "传真", "热线",
        "拨打", "致电", "電話", "手機", "号码", "联系", "微信", "来电", "短信",
    )
)  # fmt: skip
_NOT_A_PHONE = re.compile(
    words("card", "order", "account", "ssn", "iban", "license", "licence", "zip", "postal", "invoice", "id", "订单", "卡号",
          "身份证", "编号", "账号", "passport", "isbn", "policy", "tracking", "serial", "case", "ticket", "flight")
    + r"[^0-9]{0,16}$"
)  # fmt: skip
_BEHIND = re.compile(
    r"^[\s\-(,]{0,3}(?:office|fax|mobile|cell|desk|home|work|phone|tel)\b", re.IGNORECASE
)
_DATE = re.compile(
    r"(?:(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})|(\d{1,2})[-/.](\d{1,2})[-/.](\d{2,4}))(?!\d)"
)
_REGIONS = ("US", "GB", "IN", "AU", "DE", "FR", "BR", "JP", "KR", "HK", "TW", "SG")


@recogniser("chinese_phones", ("PHONE_NUMBER",), "run9")
def find_chinese(text: Folded) -> Iterator[Detection]:
    """Mobile numbers (1, then 3 to 9, then nine digits), fixed ones with their area code, 400 and 800."""
    for match in _MOBILE.finditer(text.text):
        yield Detection("PHONE_NUMBER", match.start(), match.end(), 0.75, "cn_mobile")
    for match in _FIXED.finditer(text.text):
        if _valid(match[0], "CN"):
            yield Detection("PHONE_NUMBER", match.start(), match.end(), 0.7, "cn_fixed")
    for match in _SERVICE.finditer(text.text):
        if len(compact(match[0])) == 10:
            labelled = before(text.lower, match.start(), _LABEL, 16)
            score = 0.7 if labelled else 0.5 if not match[0].isdigit() else 0.3
            yield Detection("PHONE_NUMBER", match.start(), match.end(), score, "cn_service")


@recogniser("phones", ("PHONE_NUMBER",), "run7")
def find_others(text: Folded) -> Iterator[Detection]:
    """International numbers, and national ones that a plan knows or that the text calls a telephone."""
    for match in _PLUS.finditer(text.text):
        if 8 <= len(compact(match[0].partition("x")[0])) <= 15:
            score = 0.85 if _valid(match[0], None) else 0.6
            yield Detection("PHONE_NUMBER", match.start(), match.end(), score, "international")
    for match in _ANY.finditer(text.text):
        number = match[0].lower().partition("x")[0]
        digits = compact(number)
        if not 7 <= len(digits) <= 13 or _is_date(match[0]):
            continue
        if _NOT_A_PHONE.search(text.lower[max(0, match.start() - 40) : match.start()]):
            continue
        divided = len(digits) != len(number.strip())
        labelled = before(text.lower, match.start(), _LABEL) or behind(
            text.text, match.end(), _BEHIND
        )
        if labelled:
            yield Detection("PHONE_NUMBER", match.start(), match.end(), 0.65, "label")
        elif divided and len(digits) >= 9 and _is_planned(match[0]):
            yield Detection("PHONE_NUMBER", match.start(), match.end(), 0.55, "numbering_plan")


def _is_planned(text: str) -> bool:
    """Whether a plan knows it and its groups are as people write them: no single digits, at most five."""
    groups = re.findall(r"[0-9]+", text)
    if "." in text or len(groups) > 5 or any(len(one) < 2 for one in groups):
        return False
    return any(_valid(text, region) for region in _REGIONS)


def _is_date(text: str) -> bool:
    match = _DATE.match(text)
    if match is None:
        return False
    if match[1]:
        return real_date(match[1], match[2], match[3])
    return real_date("20" + match[6][-2:], match[4], match[5]) or real_date(
        "19" + match[6][-2:], match[5], match[4]
    ) or real_date("19" + match[6][-2:], match[4], match[5])  # fmt: skip


def _valid(text: str, region: str | None) -> bool:
    import phonenumbers

    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(text, region)))
    except phonenumbers.NumberParseException:
        return False
