"""Says when two pieces of text are the same datum written in two ways; it replaces nothing."""

from __future__ import annotations

import re
import unicodedata

#: Types of which one datum may be found under several names.
_FAMILIES = {
    "CN_BANK_CARD": "CREDIT_CARD",
    "CN_PASSPORT": "PASSPORT",
    "DATE_TIME": "DATE_OF_BIRTH",
}
#: Types made of words rather than of digits.
_WORDS = {
    "PERSON",
    "URL",
    "EMAIL_ADDRESS",
    "LOCATION",
    "STREET_ADDRESS",
    "DOMAIN_NAME",
    "CREDENTIAL",
}


def family(kind: str) -> str:
    """What types of the same datum share; the type itself where it has no others."""
    return _FAMILIES.get(kind, kind)


def fold(text: str) -> str:
    """Width, compatibility forms and case made one; characters without width left out."""
    shown = (
        one for one in unicodedata.normalize("NFKC", text) if unicodedata.category(one) != "Cf"
    )
    return "".join(shown).casefold()


def is_han(text: str) -> bool:
    """Whether a text is in Chinese characters alone."""
    return bool(text) and all(unicodedata.name(one, "").startswith("CJK UNIFIED") for one in text)


def comparable(kind: str, value: str) -> str:
    """What equal data of a type share, however they are written: digits of any width, any separators.

    A telephone number loses what is dialled before it: `+86`, `0086`, trunk zeros.
    """
    text = fold(value)
    if kind in _WORDS:
        words = " ".join(text.split())
        joined = words.replace(" ", "")
        return joined if is_han(joined) else words
    if kind == "PHONE_NUMBER":
        return national(text)[1].lstrip("0")
    return "".join(one for one in text if one.isalnum()) or text


def national(text: str) -> tuple[str, str, str | None]:
    """The digits of a folded telephone number: country code as dialled, the rest, and its region where that is sure.

    Mainland mobile numbers and numbers of the North American plan are known without their code.
    """
    digits = "".join(one for one in text if one.isdecimal() and one.isascii())
    if re.fullmatch(r"1[3-9]\d{9}", digits):
        return "", digits, "CN"
    if found := re.fullmatch(r"((?:00)?86)(1[3-9]\d{9})", digits):
        return found[1], found[2], "CN"
    if not text.lstrip(" (").startswith("+") and not digits.startswith("00"):
        if found := re.fullmatch(r"(1?)([2-9]\d{2}[2-9]\d{6})", digits):
            return found[1], found[2], "US"
        return "", digits, None
    import phonenumbers

    dialled = digits.removeprefix("00")
    try:
        number = phonenumbers.parse(f"+{dialled}", None)
    except phonenumbers.NumberParseException:
        return "", digits, None
    country = number.country_code or 0
    code = digits[: len(digits) - len(dialled)] + str(country)
    return code, digits[len(code) :], phonenumbers.region_code_for_country_code(country)
