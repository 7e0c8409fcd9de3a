"""Finds identity terms in a text and puts others in their place; it knows no model."""

from __future__ import annotations

import re
from typing import NamedTuple

from lextune.audits.terms.lists import Attribute, Terms

_ARTICLE = re.compile(r"\b([Aa][Nn]?)(\s+)$")
_NEXT = re.compile(r"\s+([\w'’-]+)")
#: Letters that begin a vowel without its sound.
_CONSONANTS = ("eu", "uni", "us", "ukr", "one", "ewe")


class Hit(NamedTuple):
    """A term in a text: code points `start` to `end`, the latter not inside; its row and group in the list."""

    start: int
    end: int
    row: int
    group: int


def find(text: str, terms: Terms, attribute: str) -> list[Hit]:
    """Where terms of an attribute stand, from left to right, without overlap; whole words, the longest first."""
    wanted = terms.attributes[attribute]
    found = []
    for match in terms.patterns[attribute].finditer(text):
        key = wanted.looked_up(" ".join(match.group().split()))
        places = wanted.places.get(key, ())
        rest = text[match.end() :]
        fits = (one for one in places if _fits(wanted.words[one[0]].before, rest, terms))
        place = next(fits, None)
        if place is not None:
            found.append(Hit(match.start(), match.end(), *place))
    return found


def _fits(before: str | None, rest: str, terms: Terms) -> bool:
    """Whether what follows a term is what its row asks for."""
    if before is None:
        return True
    match = _NEXT.match(rest)
    follower = match.group(1).casefold() if match else ""
    if before == "person":
        return follower in terms.people
    noun = bool(follower) and follower not in terms.functions
    return noun is (before == "noun")


def swap(text: str, hits: list[Hit], attribute: Attribute, first: int, second: int) -> str | None:
    """The text with the terms of two groups exchanged; other groups stay.

    Args:
        text: The text.
        hits: As from `find`.
        attribute: Whose terms.
        first: A group's number.
        second: Another's.

    Returns:
        None where a term has no counterpart, and where nothing changes.
    """
    other = {first: second, second: first}
    pieces, at = [], 0
    for hit in hits:
        if hit.group not in other:
            continue
        word = attribute.words[hit.row].words[other[hit.group]]
        if word is None:
            return None
        source = attribute.words[hit.row].words[hit.group]
        assert source is not None
        before = text[at : hit.start]
        pieces += [_article(before, word), _cased(text[hit.start : hit.end], source, word)]
        at = hit.end
    made = "".join([*pieces, text[at:]])
    return None if made == text else made


def _cased(found: str, source: str, word: str) -> str:
    """The word in the case in which the source was found."""
    if found == source:
        return word
    if found.isupper() and (len(found) > 1 or len(word) == 1):
        return word.upper()
    if found.islower():
        return word.lower()
    return word[:1].upper() + word[1:] if found[:1].isupper() else word


def _article(before: str, word: str) -> str:
    """What stands before the word, with `a` or `an` as the word wants it."""
    match = _ARTICLE.search(before, max(len(before) - 9, 0))
    if match is None or not word[:1].isascii():
        return before
    low = word.casefold()
    vowel = low[:1] in "aeiou" and not low.startswith(_CONSONANTS)
    article = match.group(1)[0] + ("n" if vowel else "")
    if match.group(1).isupper() and len(match.group(1)) > 1:
        article = article.upper()
    return before[: match.start()] + article + match.group(2)
