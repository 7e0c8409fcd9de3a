"""What a detection of personal data says, and what finds one; it knows no particular pattern."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lextune.data.personal.folding import Folded
from lextune.registry import Registry


@dataclass(frozen=True, slots=True)
class Detection:
    """One piece of personal data in a text; the text itself is not held.

    Attributes:
        type: What it is, in Presidio's manner (`EMAIL_ADDRESS`, `CN_RESIDENT_ID`).
        start: First code point.
        end: Code point after the last.
        score: How sure the rule is, from 0 to 1; set by hand for each rule, not a probability.
        rule: The rule that fired.
        checksum: Whether a checksum held; None where the type has none.
    """

    type: str
    start: int
    end: int
    score: float
    rule: str
    checksum: bool | None = None


#: From a folded text to what stands in it; places are those of the folded text.
Finder = Callable[[Folded], Iterator[Detection]]


@dataclass(frozen=True)
class Recogniser:
    """One family of patterns, in a file of its own.

    Attributes:
        types: What it can find.
        needs: Kinds of signs (`digit`, `han`, `letter`, `at`) of which the text must have one, else it is not
            tried; the pre-filter that most texts end at.
        words: Lower-case words of which the text must hold one as well; empty asks for none.
        find: Does the work.
    """

    types: tuple[str, ...]
    needs: frozenset[str]
    words: tuple[str, ...]
    find: Finder


def phrases(text: Folded, wanted: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Where these phrases stand in the small letters; one of letters a-z only as a word of its own."""
    lower = text.lower
    for phrase in wanted:
        place = lower.find(phrase)
        while place >= 0:
            end = place + len(phrase)
            if not ("a" <= phrase[0] <= "z" and place and "a" <= lower[place - 1] <= "z") and not (
                "a" <= phrase[-1] <= "z" and end < len(lower) and "a" <= lower[end] <= "z"
            ):
                yield place, end
            place = lower.find(phrase, place + 1)


recognisers: Registry[Recogniser] = Registry("recogniser", "lextune.data.personal.recognisers")


def recogniser(
    name: str, types: tuple[str, ...], needs: str, words: tuple[str, ...] = ()
) -> Callable[[Finder], Finder]:
    """Decorator: make a finder a recogniser called `name`; `needs` are kinds of signs, with spaces between."""

    def add(find: Finder) -> Finder:
        recognisers.register(name)(Recogniser(types, frozenset(needs.split()), words, find))
        return find

    return add
