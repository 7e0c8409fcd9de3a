"""Turns tokens with tags into text with spans: finds the scheme, what joins tokens and what is stuck to them; it knows no file.

Schemes: IOB1 (Ramshaw and Marcus 1995), IOB2 (CoNLL-2002), BIOES, BILOU (Ratinov and Roth 2009), BMES (Chinese
segmentation), and IO, tags without a mark of where an entity begins. IOB is the reading of the conlleval script: an
`I-` that continues nothing begins an entity. It is never found, only declared.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from lextune.config import TagScheme
from lextune.data.formats import RawRow, ReadContext
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
        tokens: None where the sentence cannot be read, which was reported.
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
    slips: int = 0
    with_positions: bool = True

    def add(self, row: TaggedRow) -> None:
        """Count one sentence."""
        if row.tags is not None:
            self.pairs.update(zip(["", *row.tags], [*row.tags, ""], strict=True))
        self.tokens += len(row.tokens)
        if self.with_positions:
            stripped, slips = without_positions(row.tokens) or (None, [])
            self.with_positions = stripped is not None
            self.bare += sum(len(token) == 1 for token in stripped or ())
            self.slips += len(slips)
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
            few = self.slips * 100 <= self.tokens
            positions = unspaced and self.with_positions and few and self.bare * 2 > self.tokens
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


def tagged_row(cells: Mapping[str, Any], where: str, context: ReadContext) -> TaggedRow | None:
    """The sentence that a record holds as lists of tokens and tags; None where its text is no list or its label none."""
    options = context.options
    tokens = cells.get(options.text)
    tags = cells.get(options.label) if options.label is not None else None
    if not (isinstance(tokens, list) and tokens and all(isinstance(one, str) for one in tokens)):
        return None
    if options.label is not None and (
        options.label_kind != "spans"
        or not isinstance(tags, list)
        or not all(isinstance(one, str) for one in tags)
    ):
        return None
    if tags is not None and len(tags) != len(tokens):
        context.skip(
            "tag_count", "records that have not one tag for each token", "write as many tags as tokens", where
        )  # fmt: skip
        return TaggedRow((), None, {}, where)
    values = {
        name: value for name, value in cells.items() if value is None or isinstance(value, str)
    }
    return TaggedRow(tokens, tags, values, where)


def untagged(row: TaggedRow, layout: Layout, context: ReadContext) -> RawRow | None:
    """The row with text and spans under the wanted names; None where it cannot be read, which is reported."""
    options = context.options
    if not row.tokens:
        return None
    places = row.places or (lambda number: f"{row.where}, token {number + 1}")
    wrong = dict.fromkeys(illegal_tags(row.tags, layout.scheme) if row.tags is not None else ())
    for number in wrong:
        context.skip(
            "illegal_tag", f"tags that are not legal in {layout.scheme} where they stand", _remedy(layout.scheme),
            places(number), row.where,
        )  # fmt: skip
    empty = [number for number, token in enumerate(row.tokens) if not token]
    for number in empty:
        context.skip(
            "empty_token", "tokens without a sign", "write the token, or remove its line", places(number), row.where
        )  # fmt: skip
    if wrong or empty:
        return None
    try:
        text, cell = read_tagged(row, layout)
    except ValueError:
        context.skip(
            "token_suffix", "sentences whose tokens do not all end in their place in their word",
            "set data.token_suffix: none", row.where,
        )  # fmt: skip
        return None
    for number in (without_positions(row.tokens) or ((), ()))[1] if layout.positions else ():
        context.findings.add(
            "token_suffix", "warning", "places in a word that do not count on from the last were taken off too",
            "check the token there", places(number),
        )  # fmt: skip
    values = {**row.values, options.text: text or None}
    if options.label is not None:
        values[options.label] = cell
    return RawRow(values, row.where)


def _remedy(scheme: TagScheme) -> str:
    if scheme in ("IOB1", "IOB2"):
        return "mend the tags, or set data.tag_scheme: IOB, in which an I- that continues nothing begins an entity"
    return f"mend the tags, or set data.tag_scheme to what they are meant in: {', '.join(_MARKS)}"


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
        tokens = stripped[0]
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


def looks_like_tag(word: str) -> bool:
    """Whether a word is O or has a mark of some scheme before a type."""
    mark, dash, name = word.partition("-")
    return word == "O" or (mark in _ALL_MARKS and bool(dash and name))


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


def without_positions(tokens: Sequence[str]) -> tuple[list[str], list[int]] | None:
    """Tokens without the number that each ends in, its place in its word; and which of these do not count on.

    The Weibo corpus of Peng and Dredze (2015) writes its signs so: 0 begins a word, any other number is one more
    than the last, but for slips. None where a token ends in no number, or is nothing else.
    """
    stripped, slips = [], []
    place = -1
    for number, token in enumerate(tokens):
        fitting = [str(n) for n in (place + 1, 0) if token.endswith(str(n)) and token != str(n)]
        if not fitting:
            if len(token) < 2 or token[-1] not in "123456789":
                return None
            slips.append(number)
            fitting = [token[-1]]
        digits = max(fitting, key=len)
        place = int(digits)
        stripped.append(token.removesuffix(digits))
    return stripped, slips


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
