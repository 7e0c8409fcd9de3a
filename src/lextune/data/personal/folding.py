"""Folds a text sign by sign to the forms that patterns are written for, and leads places back; it knows no pattern.

Full-width and other compatibility forms become plain ones where that is one sign for one sign (Unicode Standard Annex
15, NFKC of a single code point), digits of any script become 0 to 9, dashes a hyphen, spaces a space. Signs that are
not seen (zero-width, soft hyphen, direction marks, variation selectors) are taken out; `Folded.place` leads back.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property
from typing import NamedTuple

_UNSEEN = (
    "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff"
    + "".join(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xFE00, 0xFE10)]))
)
_UNSEEN_SIGN = re.compile(f"[{_UNSEEN}]")
_SPACES = frozenset("\u00a0\u1680\u202f\u205f\u3000\t" + "".join(map(chr, range(0x2000, 0x200B))))
_DASHES = frozenset("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d\u2500")
_HAN = re.compile("[\u3400-\u9fff\u3007]")
_LETTER = re.compile(r"[^\W\d_\u3007\u3400-\u9fff]")
_RUN = re.compile(r"[0-9](?:[ \-._·()/+]{0,3}[0-9])*")
_WORD = re.compile(r"[^\W\d_\u3007\u3400-\u9fff]+(?:['’-][^\W\d_\u3007\u3400-\u9fff]+)*")
_DIGITS = frozenset("0123456789")
#: Lengths of numbers by which recognisers ask for a text; `run7` says that one has 7 digits or more.
_RUNS = (4, 6, 7, 9, 12, 15, 17)


class Word(NamedTuple):
    """A word of letters that are no Han signs."""

    start: int
    end: int
    lower: str
    capital: bool  # has a capital letter somewhere


class _Table(dict[int, str]):
    """One sign for each code point, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        folded = sign
        if sign in _SPACES:
            folded = " "
        elif sign in _DASHES:
            folded = "-"
        elif (digit := unicodedata.decimal(sign, None)) is not None:
            folded = str(digit)
        elif len(plain := unicodedata.normalize("NFKC", sign)) == 1 and plain.isprintable():
            folded = plain
        if len(folded.lower()) != 1:
            folded = "I" if sign == "\u0130" else sign
        self[code] = folded
        return folded


_TABLE = _Table()


class Folded:
    """A text as patterns read it.

    Attributes:
        text: The folded text.
        lower: The same in small letters, as long.
        kinds: Which of `digit`, `letter`, `han`, `at` it holds (`letter` is any that is no Han sign), and `runN` for
            N of 4, 6, 7, 9, 12, 15 and 17 where a number has so many digits, with gaps or without.
    """

    def __init__(self, original: str) -> None:
        self._kept: list[int] | None = None
        kinds = set()
        if original.isascii():
            self.text = original
            self.lower = original.lower()
        else:
            if _UNSEEN_SIGN.search(original):
                self._kept = [i for i, sign in enumerate(original) if not _UNSEEN_SIGN.match(sign)]
                original = "".join([original[place] for place in self._kept])
            self.text = original.translate(_TABLE)
            self.lower = self.text.lower()
            if len(self.lower) != len(self.text):
                self.lower = "".join(
                    [sign.lower() if len(sign.lower()) == 1 else sign for sign in self.text]
                )
            if _HAN.search(self.text):
                kinds.add("han")
        if "@" in self.text:
            kinds.add("at")
        if _LETTER.search(self.text):
            kinds.add("letter")
        if not _DIGITS.isdisjoint(self.text):
            kinds.add("digit")
            longest = max(map(len, _RUN.findall(self.text)))
            if longest >= _RUNS[0]:
                longest = max(sum(map(one.count, "0123456789")) for one in _RUN.findall(self.text))
                kinds.update([f"run{length}" for length in _RUNS if longest >= length])
        self.kinds = frozenset(kinds)

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where code points `start` to `end` of the folded text stand in the original."""
        if self._kept is None:
            return start, end
        return self._kept[start], self._kept[end - 1] + 1

    @cached_property
    def words(self) -> list[Word]:
        """The words that are not Chinese, in order."""
        whole, lower = self.text, self.lower
        found = []
        for match in _WORD.finditer(whole):
            start, end = match.span()
            low = lower[start:end]
            found.append(Word(start, end, low, low != match[0]))
        return found
