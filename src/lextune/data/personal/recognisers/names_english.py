"""Names in English texts by titles, introductions, ages and lists of given names; it parses no sentence.

Without a model a name is known by what stands beside it, or by its first word: a given name of the census followed by
another capitalised word. Two capitalised words alone, neither of them common in other uses, score lowest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lextune.data.personal.base import Detection, recogniser
from lextune.data.personal.folding import Folded, Word
from lextune.data.personal.lists import words as listed_words
from lextune.data.personal.name_lists import common_surnames, given_names, surnames
from lextune.data.personal.places import PEOPLE
from lextune.data.personal.words import NOT_NAMES, ORGANISATION, PLACE_BEFORE

_PARTICLES = frozenset(listed_words("name_particles"))
_TITLES = frozenset(listed_words("name_titles"))
#: What leads to a name: the one to four words before it.
_LEADS = frozenset(listed_words("name_leads"))
#: Leads behind which a name may stand in small letters.
_LOOSE = re.compile(
    r"(?<![a-z])(?:my (?:full |last |first |maiden )?name is|(?:his|her|maiden) name is|name:|your (?:last "
    r"|first )?name\?(?: user:)?|follow up with|calls me|call me"
    r"|(?<![a-z])(?:mr|mrs|ms|dr"
    r"|prof)\.?)[ \t]{1,8}(?P<name>[^\W\d_]+(?:['-][^\W\d_]+)*(?: [^\W\d_]\.)?(?: [^\W\d_]+(?:['-][^\W\d_]+)*)?)(?=[\s,.;:!?)]|$)"
)
_AGE_BEHIND = re.compile(
    r",? ?(?:is |was )?(?:an? |aged |age )?(?:[a-z]+ )?[0-9]{1,3}(?:[ -]years?[ -]old| ?y/?o)|(?:, "
    r"| \()(?:aged? )?[0-9]{1,3}[,)]",
    re.IGNORECASE,
)
_SUBJECT_BEHIND = re.compile(
    r",? (?:is (?:an? |the |from|also|very|currently|so )|was born|lives |lived |resides|told "
    r"|can be (?:contacted|reached)|has been|holds |works |earns |has an? |said|says)"
)
_OWNER_BEHIND = re.compile(
    r"'s? (?:address|daughter|son|kid|wife|husband|birthday|phone|email|account|house|mother|father|brother"
    r"|sister|family|doctor|passport|salary)"
)
_QUOTE_BEHIND = re.compile(r": ?[\"“A-Z]")
_LINE_BEFORE = re.compile(r"(?:\A|\n)[>?\s]*$")


@recogniser("names_english", ("PERSON",), "letter")
def find(text: Folded) -> Iterator[Detection]:
    """Names with context and by lists, then the same names wherever else they stand."""
    known: set[str] = set()
    runs = list(_runs(text))
    numbers = {word.start: number for number, word in enumerate(text.words)} if runs else {}
    verdicts = [_judge(text, run, numbers[run[0].start]) for run in runs]
    _carry(text.text, runs, verdicts)
    for run, judged in zip(runs, verdicts, strict=True):
        first, last = run[0], run[-1]
        if judged is not None:
            score, rule = judged
            if score >= 0.55:
                known.add(text.lower[first.start : last.end])
            yield Detection("PERSON", first.start, last.end, score, rule)
    if any(one in text.lower for one in ("name", "call", "follow up", "mr", "ms", "dr", "prof")):
        for match in _LOOSE.finditer(text.lower):
            parts = match["name"].split()
            while parts and parts[-1] in NOT_NAMES:
                parts.pop()
            if parts and not any(part in NOT_NAMES for part in parts):
                start = match.start("name")
                end = start + len(" ".join(parts))
                known.add(text.lower[start:end])
                yield Detection("PERSON", start, end, 0.65, "led_by_words")
    if known:
        yield from _again(text, known)


def _words_before(text: Folded, index: int) -> list[str]:
    """Up to four words before a word, as far as little stands between them."""
    words = text.words
    found: list[str] = []
    start = words[index].start
    for word in reversed(words[max(0, index - 4) : index]):
        gap = text.text[word.end : start]
        if len(gap) > 8 or not set(gap) <= _GAPS:
            break
        found.append(word.lower)
        start = word.start
    return found[::-1] or [""]


_GAPS = frozenset(" .,:;?!\n\"'(>")


def _carry(whole: str, runs: list[list[Word]], verdicts: list[tuple[float, str] | None]) -> None:
    """In `Ann, Bea and Cleo` each is a name where one beside it is."""
    pairs = list(zip(range(len(runs)), range(1, len(runs)), strict=False))
    for one, other in [*pairs, *[(b, a) for a, b in reversed(pairs)]]:
        known, unknown = verdicts[one], verdicts[other]
        if known is None or unknown is not None or runs[other][-1].lower in ORGANISATION:
            continue
        first, second = sorted((one, other))
        if whole[runs[first][-1].end : runs[second][0].start] in (", ", " and ", ", and ", " & "):
            verdicts[other] = (0.5, "beside_a_name")


def _runs(text: Folded) -> Iterator[list[Word]]:
    """Capitalised words in a row, cut at words that belong to no name."""
    whole = text.text
    run: list[Word] = []
    words = text.words
    for index, word in enumerate(words):
        joined = bool(run) and _joins(whole, run[-1], word)
        if run and not joined:
            yield from _closed(run)
            run = []
        base = word.lower[:-2] if word.lower.endswith("'s") else word.lower
        if run and base in _PARTICLES and index + 1 < len(words) and words[index + 1].capital:
            run.append(word)
        elif word.capital and _ends_a_name(run, base):
            run.append(word._replace(end=word.start + len(base), lower=base))
            yield from _closed(run)
            run = []
        elif (
            word.capital
            and base not in PEOPLE
            and (base not in NOT_NAMES or _is_initial(words, index, bool(run)))
        ):
            if base is not word.lower:
                yield from _closed([*run, word._replace(end=word.end - 2, lower=base)])
                run = []
            else:
                run.append(word)
        elif run:
            yield from _closed(run)
            run = []
    if run:
        yield from _closed(run)


def _ends_a_name(run: list[Word], base: str) -> bool:
    """Whether a word that is no name by itself (White, Price) is the surname behind a given name."""
    return (
        bool(run)
        and base in NOT_NAMES
        and base in common_surnames()
        and base not in _NO_SURNAMES
        and run[-1].lower in given_names()
    )


def _is_initial(words: list[Word], index: int, inside: bool) -> bool:
    """Whether a single letter stands between the words of a name, as in John A. Smith."""
    word = words[index]
    following = words[index + 1] if index + 1 < len(words) else None
    return (
        inside
        and word.end - word.start == 1
        and following is not None
        and following.capital
        and following.start - word.end <= 2
    )


def _closed(run: list[Word]) -> Iterator[list[Word]]:
    while run and run[-1].lower in _PARTICLES:
        run = run[:-1]
    if run and not (len(run) == 1 and run[0].end - run[0].start == 1):
        yield run[:5]


def _joins(whole: str, one: Word, other: Word) -> bool:
    between = whole[one.end : other.start]
    return between == " " or (
        between == ". " and (one.end - one.start <= 2 or one.lower in ("jr", "sr"))
    )


def _judge(text: Folded, run: Sequence[Word], index: int) -> tuple[float, str] | None:
    """Score and rule of a run of capitalised words; None where nothing says that it is a name."""
    whole = text.text
    start, end = run[0].start, run[-1].end
    words = _words_before(text, index)
    before = whole[max(0, start - 2) : start]
    if words[-1] in _TITLES and before[-1:] == " " and before[:1] != "\n":
        return 0.85, "title"
    if _AGE_BEHIND.match(whole, end):
        return 0.8, "age"
    if len(run) > 1:
        if any(one.end - one.start == 1 for one in run[1:-1]):
            return 0.7, "initial"
        if run[0].lower in given_names() and run[-1].lower not in _NO_SURNAMES:
            return 0.75, "given_name_and_more"
        if run[-1].lower in ORGANISATION:
            return None
    if before not in (". ", "! ") and any(" ".join(words[-n:]) in _LEADS for n in (1, 2, 3, 4)):
        return 0.7, "led_by_words"
    if _OWNER_BEHIND.match(whole, end):
        return 0.6, "possessive"
    return _judge_alone(whole, run, words[-1])


def _judge_alone(whole: str, run: Sequence[Word], before: str) -> tuple[float, str] | None:
    """The same where no word leads to it: by its place in the line and by lists."""
    start, end = run[0].start, run[-1].end
    if whole[start:end].isupper() and not whole.isupper():
        return None
    begins = _LINE_BEFORE.search(whole, max(0, start - 8), start) is not None
    if begins and (_SUBJECT_BEHIND.match(whole, end) or _QUOTE_BEHIND.match(whole, end)):
        return 0.6, "subject"
    if _beside_capitals(whole, start, end):
        return None
    if len(run) == 1:
        fits = run[0].lower in given_names() and end - start > 2
        return (0.5, "given_name") if fits else None
    shouted = any(whole[one.start : one.end].isupper() and one.end - one.start > 1 for one in run)
    if before in PLACE_BEFORE or shouted:
        return None
    if begins and whole[end : end + 1] in ("\n", ""):
        return 0.55, "line"
    known = run[-1].lower in surnames() or run[0].lower in surnames()
    return (0.55, "surname") if known else (0.5, "capitals")


_NO_SURNAMES = ORGANISATION - frozenset(listed_words("surnames_too"))
_BESIDE = re.compile(r"[ -]?[0-9]| [A-Z]|\.? [0-9]")
_BESIDE_BEFORE = re.compile(r"(?:[0-9]|\b[A-Z][^\W\d_]*) $")


def _beside_capitals(whole: str, start: int, end: int) -> bool:
    """Whether another capitalised word or a number is joined to it: then it is part of something longer."""
    return bool(
        _BESIDE.match(whole, end) or _BESIDE_BEFORE.search(whole[max(0, start - 24) : start])
    )


def _again(text: Folded, known: set[str]) -> Iterator[Detection]:
    """Names that were found, and the first and last word of those of two or more, wherever they stand."""
    wanted = set(known)
    for name in known:
        parts = [one.strip(".,") for one in name.split(" ")]
        if len(parts) > 1:
            wanted.update(
                one for one in (parts[0], parts[-1]) if len(one) > 2 and one not in NOT_NAMES
            )
    lower = text.lower
    for name in wanted:
        place = lower.find(name)
        while place >= 0:
            end = place + len(name)
            if (
                (place == 0 or not lower[place - 1].isalnum())
                and (end == len(lower) or not lower[end].isalnum())
                and text.text[place:end] != name
            ):
                yield Detection("PERSON", place, end, 0.6, "same_name")
            place = lower.find(name, place + 1)
