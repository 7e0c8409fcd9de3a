"""Countries, nationalities and some large cities by name, and other places behind words that a place follows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lextune.data.personal.base import Detection, recogniser
from lextune.data.personal.folding import Folded
from lextune.data.personal.lists import words as listed_words
from lextune.data.personal.places import NAMES, PEOPLE
from lextune.data.personal.words import NOT_NAMES

#: Common words in small letters.
_ALSO_WORDS = frozenset(listed_words("people_also_words"))
_LEADS = frozenset(listed_words("place_leads"))
_FIRST: dict[str, list[tuple[str, ...]]] = {}
for _name in sorted(NAMES, key=len, reverse=True):
    _FIRST.setdefault(_name[0], []).append(_name)
_LAST_OF_LEADS = frozenset(one.split(" ")[-1] for one in _LEADS) | {"in", "near"}
_BEHIND = re.compile(
    r"[,.;!?\n]|$| (?:by|with|for|on|and|this|last|next|to|in|when|where|who|as)\b|'s\b"
)
_JOINS = frozenset(("de", "del", "la", "le", "upon", "of", "cum", "el", "al"))
_ZH_PEOPLE = re.compile(
    r"(?:中国|美国|英国|法国|德国|日本|韩国|俄罗斯|印度|加拿大|澳大利亚|意大利|西班牙|越南|泰国|巴西|荷兰|瑞典|瑞士|乌克兰|波兰)(?:国籍|籍|公民)"
)


@recogniser("places", ("LOCATION", "NRP"), "letter")
def find_places(text: Folded) -> Iterator[Detection]:
    """Names of the lists; capitalised words behind `lives in` and the like, or behind `in` before a pause."""
    words = text.words
    small = text.lower == text.text
    taken = -1
    for index, word in enumerate(words):
        lower = word.lower[:-2] if word.lower.endswith("'s") else word.lower
        named = word.capital or (small and lower not in _ALSO_WORDS)
        if named and lower in PEOPLE and not _means_other(text, index):
            yield Detection("NRP", word.start, word.start + len(lower), 0.6, "name")
        if index <= taken or not (word.capital or small):
            continue
        for name in _FIRST.get(lower, ()):
            part = words[index : index + len(name)]
            key = tuple(_base(one.lower) for one in part)
            if key == name and not (small and lower in _ALSO_WORDS):
                yield Detection("LOCATION", word.start, part[-1].start + len(name[-1]), 0.6, "name")
                taken = index + len(name) - 1
                break
        else:
            if word.capital and index and words[index - 1].lower in _LAST_OF_LEADS:
                yield from _led(text, index)


def _means_other(text: Folded, index: int) -> bool:
    """Whether the word is a language that is learnt or spoken, or part of the name of an institution."""
    words = text.words
    before = words[index - 1].lower if index else ""
    behind = words[index + 1].lower if index + 1 < len(words) else ""
    return before in _LEARNT or behind in _INSTITUTIONS


_LEARNT = frozenset(
    (
        "study",
        "studying",
        "studied",
        "speak",
        "speaks",
        "spoke",
        "learn",
        "learns",
        "learning",
        "in",
        "teaches",
        "taught",
    )
)
_INSTITUTIONS = frozenset(
    ("union", "parliament", "commission", "court", "airlines", "airways", "express")
)


def _led(text: Folded, index: int) -> Iterator[Detection]:
    words = text.words
    word = words[index]
    if (
        words[index - 1].capital
        and text.text[words[index - 1].end : word.start] == " "
        and words[index - 1].lower not in ("in", "where", "near")
    ):
        return
    if _base(word.lower) in NOT_NAMES:
        return
    last = word
    for following in words[index + 1 : index + 5]:
        between = text.text[last.end : following.start]
        if (
            between not in (" ", ". ", "-")
            or not (following.capital or following.lower in _JOINS)
            or following.lower in NOT_NAMES - _JOINS
        ):
            break
        last = following
    if last.lower in _JOINS:
        return
    before = " ".join(one.lower for one in words[max(0, index - 4) : index]).split(" ")
    gap = text.text[words[index - 1].end : word.start]
    if gap.strip(": \n") or len(gap) > 8:
        return
    end = last.start + len(_base(last.lower))
    if any(" ".join(before[-length:]) in _LEADS for length in (1, 2, 3, 4)):
        yield Detection("LOCATION", word.start, end, 0.6, "led_by_words")
    elif before[-1] in ("in", "near") and _BEHIND.match(text.text, last.end):
        yield Detection("LOCATION", word.start, end, 0.5, "in")


def _base(word: str) -> str:
    return word[:-2] if word.endswith("'s") else word


@recogniser("nationalities_chinese", ("NRP",), "han", ("籍", "公民"))
def find_nationalities(text: Folded) -> Iterator[Detection]:
    """A country and the word for belonging to it."""
    for match in _ZH_PEOPLE.finditer(text.text):
        yield Detection("NRP", match.start(), match.end(), 0.6, "name")
