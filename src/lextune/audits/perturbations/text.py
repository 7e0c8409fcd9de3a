"""Changes of texts that a reader hardly minds: typos, case, spaces, signs that look alike; it knows no model.

Shares are those of severity 1: of the places that fit, at least one is changed in any text that has one.

Sources: typing errors as in Belinkov and Bisk 2018 (arXiv:1711.02173); homoglyphs out of Unicode's confusables (UTS #39);
Chinese signs of like shape (形近字) by a list of our own in `look_alikes.txt`; that they are a common source of wrong words
is in Liu et al. 2010 (COLING, posters, 739-747).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

import numpy as np

from lextune.audits.perturbations.base import Perturbation, some
from lextune.labels import LabelKind

#: Han signs, of the basic block and its extension A.
HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_HAN = re.compile(f"[{HAN}]")
_WORD = re.compile(r"[^\W\d_]+")
_GAP = re.compile(r"(?<=\S)[ \t](?=\S)")
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_SPACES = ("", "  ", "\t", "\u00a0")
#: Latin letters to Cyrillic ones of the same shape.
_HOMOGLYPHS: Mapping[str, str] = MappingProxyType(
    dict(zip("aceiopsxyhjABCEHIKMOPSTXY", "асеіорѕхуһјАВСЕНІКМОРЅТХҮ", strict=True))
)
#: Where labels name places in the text, only what keeps every sign in its place leaves them right.
_OF_ROWS: frozenset[LabelKind] = frozenset({"class", "classes"})


def typos(text: str, draw: np.random.Generator, severity: float) -> str:
    """5 % of the Latin letters become a neighbour on the keyboard (QWERTY), or change place with the next letter."""
    signs = list(text)
    keys = neighbours()
    places = [index for index, sign in enumerate(signs) if sign.lower() in keys]
    for one in some(draw, places, 0.05 * severity):
        at = places[one]
        after = signs[at + 1] if at + 1 < len(signs) else ""
        if draw.random() < 0.5 and after.lower() in keys and after != signs[at]:
            signs[at], signs[at + 1] = after, signs[at]
        else:
            near = keys.get(signs[at].lower(), signs[at])
            new = near[int(draw.integers(len(near)))]
            signs[at] = new.upper() if signs[at].isupper() else new
    return "".join(signs)


def case(text: str, draw: np.random.Generator, severity: float) -> str:
    """Half of the words are written in capitals, or in small letters where they have capitals."""
    words = [one for one in _WORD.finditer(text) if one[0].upper() != one[0].lower()]
    signs = list(text)
    for one in some(draw, range(len(words)), 0.5 * severity):
        (start, end), word = words[one].span(), words[one][0]
        large = not word.isupper() and (word.islower() or draw.random() < 0.5)
        for at in range(start, end):
            changed = signs[at].upper() if large else signs[at].lower()
            signs[at] = changed if len(changed) == 1 else signs[at]  # ß has no capital of one sign
    return "".join(signs)


def whitespace(text: str, draw: np.random.Generator, severity: float) -> str:
    """20 % of the spaces between words are lost, doubled, or become a tab or a no-break space."""
    gaps = [one.start() for one in _GAP.finditer(text)]
    changed = {gaps[one]: _SPACES[int(draw.integers(4))] for one in some(draw, gaps, 0.2 * severity)}  # fmt: skip
    return "".join(changed.get(index, sign) for index, sign in enumerate(text))


def homoglyphs(text: str, draw: np.random.Generator, severity: float) -> str:
    """10 % of the Latin letters that have one become the Cyrillic letter of the same shape."""
    return _swapped(text, _HOMOGLYPHS, draw, 0.1 * severity)


def punctuation(text: str, draw: np.random.Generator, severity: float) -> str:
    """Half of the punctuation marks are lost or doubled."""
    marks = [index for index, sign in enumerate(text) if unicodedata.category(sign)[0] == "P"]
    changed = {marks[one]: int(draw.integers(2)) * 2 for one in some(draw, marks, 0.5 * severity)}
    return "".join(sign * changed.get(index, 1) for index, sign in enumerate(text))


def look_alikes(text: str, draw: np.random.Generator, severity: float) -> str:
    """5 % of the Chinese signs become one of like shape, as far as our list has one."""
    table = shapes()
    signs = list(text)
    places = [index for index, sign in enumerate(signs) if sign in table]
    share = 0.05 * severity * len(_HAN.findall(text)) / max(len(places), 1)
    for one in some(draw, places, share):
        near = table[signs[places[one]]]
        signs[places[one]] = near[int(draw.integers(len(near)))]
    return "".join(signs)


def character_width(text: str, draw: np.random.Generator, severity: float) -> str:
    """In a text with Chinese signs, half of the ASCII signs become full-width, and half of the full-width ones ASCII."""
    return _swapped(text, _widths(), draw, 0.5 * severity) if _HAN.search(text) else text


def _swapped(text: str, table: Mapping[str, str], draw: np.random.Generator, share: float) -> str:
    signs = list(text)
    places = [index for index, sign in enumerate(signs) if sign in table]
    for one in some(draw, places, share):
        signs[places[one]] = table[signs[places[one]]]
    return "".join(signs)


@cache
def neighbours() -> Mapping[str, str]:
    """Each small Latin letter with the letters around it on a QWERTY keyboard."""
    found: dict[str, str] = {}
    for number, row in enumerate(_ROWS):
        for place, key in enumerate(row):
            around = [row[at] for at in (place - 1, place + 1) if 0 <= at < len(row)]
            # each row stands about half a key to the right of the one above
            for other, shift in ((number - 1, 1), (number + 1, -1)):
                keys = _ROWS[other] if 0 <= other < len(_ROWS) else ""
                around += [keys[at] for at in (place, place + shift) if 0 <= at < len(keys)]
            found[key] = "".join(around)
    return MappingProxyType(found)


@cache
def shapes() -> Mapping[str, str]:
    """Each Chinese sign of `look_alikes.txt` with those of like shape."""
    text = resources.files(__package__).joinpath("look_alikes.txt").read_text(encoding="utf-8")
    found: dict[str, dict[str, None]] = {}
    for group in text.split():
        for sign in group:
            found.setdefault(sign, {}).update(dict.fromkeys(group))
    return MappingProxyType(
        {sign: "".join(one for one in near if one != sign) for sign, near in found.items()}
    )


@cache
def _widths() -> Mapping[str, str]:
    """The ASCII signs but the space and their full-width forms, each to the other (Unicode, U+FF01 to U+FF5E)."""
    found = {chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)}
    return MappingProxyType(found | {wide: narrow for narrow, wide in found.items()})


PERTURBATIONS = (
    Perturbation("typos", typos),
    Perturbation("case", case),
    Perturbation("whitespace", whitespace, _OF_ROWS),
    Perturbation("homoglyphs", homoglyphs),
    Perturbation("punctuation", punctuation, _OF_ROWS),
    Perturbation("look_alikes", look_alikes),
    Perturbation("character_width", character_width),
)
