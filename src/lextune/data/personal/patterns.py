"""Pieces that several recognisers share: separated digits, words nearby, real dates; it finds nothing by itself."""

from __future__ import annotations

import datetime
import re

#: What may stand between two digits of one number.
GAP = r"[ \-._·]{0,3}"
#: Han signs, for character classes.
HAN = "\u3400-\u4dbf\u4e00-\u9fff\u3007"

_NO_SIGN = re.compile(r"[^0-9A-Za-z]+")


def compact(number: str) -> str:
    """The digits and letters of a number, letters in capitals."""
    return _NO_SIGN.sub("", number).upper()


def words(*alternatives: str) -> str:
    """A pattern of one of these; those that begin or end with a letter a-z stand as words of their own."""
    return "(?:" + "|".join(_word(one) for one in alternatives) + ")"


def _word(word: str) -> str:
    before = r"(?<![a-z])" if "a" <= word[0] <= "z" else ""
    after = r"(?![a-z])" if "a" <= word[-1] <= "z" else ""
    return before + re.escape(word) + after


def before(lower: str, start: int, pattern: re.Pattern[str], width: int = 40) -> bool:
    """Whether the pattern stands within `width` signs before a place, in the same sentence or line."""
    piece = lower[max(0, start - width) : start]
    for end in ("。", "；", "\n\n", "! ", "? "):
        piece = piece.rpartition(end)[2]
    return pattern.search(piece) is not None


def behind(lower: str, end: int, pattern: re.Pattern[str], width: int = 20) -> bool:
    """Whether the pattern stands within `width` signs behind a place."""
    return pattern.search(lower[end : end + width]) is not None


def real_date(year: str, month: str, day: str) -> bool:
    """Whether it is a day of the calendar on which somebody now of interest can have been born."""
    try:
        found = datetime.date(int(year), int(month), int(day))
    except ValueError:
        return False
    return datetime.date(1850, 1, 1) <= found <= datetime.date.today()
