"""Turns tokens with tags into text with spans: finds the tag scheme, what joins the tokens and what is stuck to them; it knows no file.

Schemes: IOB1 (Ramshaw and Marcus 1995), IOB2 (CoNLL-2002), BIOES, BILOU (Ratinov and Roth 2009), BMES (Chinese
segmentation), and IO, tags without a mark of where an entity begins. IOB is the reading of the conlleval script: an
`I-` that continues nothing begins an entity. It is never found, only declared.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from lextune.config import TagScheme
from lextune.labels import write_spans

#: Mark in the scheme to its part: begin, inside, end, single.
_MARKS: dict[TagScheme, dict[str, str]] = {
    "IOB2": {"B": "B", "I": "I"},
    "IOB1": {"B": "B", "I": "I"},
    "BIOES": {"B": "B", "I": "I", "E": "E", "S": "S"},
    "BILOU": {"B": "B", "I": "I", "L": "E", "U": "S"},
    "BMES": {"B": "B", "M": "I", "E": "E", "S": "S"},
    "IO": {"I": "I"},
    "IOB": {"B": "B", "I": "I"},
}
#: No tags but O are legal in all; any other tags are legal in one of these at most, but for I- alone, which reads alike.
_FOUND: tuple[TagScheme, ...] = ("IOB2", "IOB1", "BIOES", "BILOU", "BMES", "IO")
_ALL_MARKS = frozenset("BIESLUM")
#: Scripts that are written without spaces between words, by the first word of their signs' Unicode names.
_WITHOUT_SPACES = frozenset(
    {"CJK", "HIRAGANA", "KATAKANA", "BOPOMOFO", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN"}
)
#: A piece of a tag: its part (B, I, E, S, or O outside), and its type.
_Tag = tuple[str, str]
_OUTSIDE: _Tag = ("O", "")


class TaggedRow(NamedTuple):
    """One sentence as it stands in a file.

    Attributes:
        tokens: At least one.
        tags: One for each token; None where they were not asked for.
        values: The other columns.
        where: As in `RawRow`.
        places: Where each token stands; None takes the number of the token in the row.
    """

    tokens: Sequence[str]
    tags: Sequence[str] | None
    values: dict[str, str | None]
    where: str
    places: Callable[[int], str] | None = None


@dataclass(frozen=True)
class Layout:
    """How the sentences of one file are read.

    Attributes:
        scheme: Of its tags.
        joiner: What is put between tokens.
        positions: Whether each token ends in its place in its word (Weibo NER).
        told: The same for records, with what was found and what declared.
    """

    scheme: TagScheme
    joiner: str
    positions: bool
    told: str


@dataclass
class Census:
    """What is needed of all sentences of a file to find its layout; its size does not grow with the file."""

    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    letters: int = 0
    unspaced: int = 0
    tokens: int = 0
    bare: int = 0
    with_positions: bool = True

    def add(self, row: TaggedRow) -> None:
        """Count one sentence."""
        if row.tags is not None:
            self.pairs.update(zip(["", *row.tags], [*row.tags, ""], strict=True))
        self.tokens += len(row.tokens)
        if self.with_positions:
            stripped = without_positions(row.tokens)
            self.with_positions = stripped is not None
            self.bare += sum(len(token) == 1 for token in stripped or ())
        for token in row.tokens:
            letters = [sign for sign in token if sign.isalpha()]
            self.letters += len(letters)
            self.unspaced += sum(not sign.isascii() and _is_unspaced(sign) for sign in letters)

    def layout(
        self,
        scheme: TagScheme | None,
        suffix: Literal["none", "position"] | None,
        joiner: str | None,
    ) -> Layout:
        """The declared layout, and where nothing is declared the one that fits."""
        positions = suffix == "position"
        unspaced = self.unspaced * 2 > self.letters
        if (
            suffix is None
        ):  # most tokens are one Chinese sign with a number that counts on: no accident
            positions = unspaced and self.with_positions and self.bare * 2 > self.tokens
        join = joiner if joiner is not None else "" if unspaced else " "
        chosen = scheme or self._nearest()
        joined = {"": "nothing", " ": "a space"}.get(join, repr(join))
        said = [f"tags {chosen} ({'declared' if scheme else 'found'})"] if self.pairs else []
        said += ["positions taken off tokens"] if positions else []
        said.append(f"tokens joined by {joined} ({'found' if joiner is None else 'declared'})")
        return Layout(chosen, join, positions, ", ".join(said))

    def _nearest(self) -> TagScheme:
        """The scheme with the fewest tags that are not legal in it."""
        wrong = {
            scheme: sum(
                n for (last, tag), n in self.pairs.items() if not _is_legal(scheme, last, tag)
            )
            for scheme in _FOUND
        }
        return min(_FOUND, key=lambda scheme: wrong[scheme])


def illegal_tags(tags: Sequence[str], scheme: TagScheme) -> Iterator[int]:
    """Numbers of the tags that the scheme does not allow where they stand.

    A tag that leaves an entity open is illegal where the next one, or the end, does not go on with it.
    """
    for number, (last, tag) in enumerate(zip(["", *tags], [*tags, ""], strict=True)):
        if not _is_legal(scheme, last, tag):
            yield min(number, len(tags) - 1)


def read_tagged(row: TaggedRow, layout: Layout) -> tuple[str, str | None]:
    """The text of a sentence and its spans as a label cell, None without tags; the tags must be legal.

    Raises:
        ValueError: A token does not end in its place in its word although the layout says so.
    """
    tokens = row.tokens
    if layout.positions:
        stripped = without_positions(tokens)
        if stripped is None:
            raise ValueError("a token does not end in its position")
        tokens = stripped
    text = layout.joiner.join(tokens)
    if row.tags is None:
        return text, None
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token) + len(layout.joiner))
    return text, write_spans(
        (starts[first], starts[last] + len(tokens[last]), name)
        for first, last, name in entities(row.tags, layout.scheme)
    )


def entities(tags: Sequence[str], scheme: TagScheme) -> Iterator[tuple[int, int, str]]:
    """First token, last token and type of each entity; the tags must be legal in the scheme."""
    start, open_type = 0, ""
    for number, tag in enumerate(tags):
        part, name = _parsed(scheme, tag) or _OUTSIDE
        if open_type and (part in "OBS" or name != open_type):
            yield start, number - 1, open_type
            open_type = ""
        if part != "O" and not open_type:
            start, open_type = number, name
        if part in "ES":
            yield start, number, open_type
            open_type = ""
    if open_type:
        yield start, len(tags) - 1, open_type


def without_positions(tokens: Sequence[str]) -> list[str] | None:
    """Tokens without the number that each ends in: its place, from 0, in its word; None where one has none.

    The Weibo corpus of Peng and Dredze (2015) writes its signs so: 0 begins a word, any other number is one
    more than the last.
    """
    stripped = []
    place = -1
    for token in tokens:
        fitting = [
            number for number in (place + 1, 0) if token.endswith(str(number)) and token != str(number)
        ]  # fmt: skip
        if not fitting:
            return None
        place = min(fitting, key=lambda number: len(token) - len(str(number)))
        stripped.append(token.removesuffix(str(place)))
    return stripped


def _parsed(scheme: TagScheme, tag: str) -> _Tag | None:
    """Part and type of a tag; None where the scheme has no such tag."""
    if tag in ("O", ""):
        return _OUTSIDE
    mark, dash, name = tag.partition("-")
    marked = mark in _ALL_MARKS and dash
    if scheme == "IO" and not marked:
        return None if tag.isdigit() else ("I", tag)
    part = _MARKS[scheme].get(mark)
    return (part, name) if part and dash and name else None


def _is_legal(scheme: TagScheme, last: str, tag: str) -> bool:
    before, now = _parsed(scheme, last) or _OUTSIDE, _parsed(scheme, tag)
    if now is None:
        return False
    goes_on = before[0] in "BI" and before[1] == now[1] and now[0] != "O"
    if scheme == "IOB2":
        return now[0] != "I" or goes_on
    if scheme == "IOB1":
        return now[0] != "B" or goes_on
    if scheme in ("IO", "IOB"):
        return True
    return (now[0] in "IE") == (before[0] in "BI") and (goes_on or now[0] not in "IE")


def _is_unspaced(sign: str) -> bool:
    return unicodedata.name(sign, "").partition(" ")[0] in _WITHOUT_SPACES
