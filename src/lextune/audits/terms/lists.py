"""Lists of identity terms by language, from data files, checked as a config is; it swaps nothing."""

from __future__ import annotations

import re
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from lextune import strict_yaml
from lextune.config_training import Section
from lextune.errors import DataError, Problem
from lextune.validation import Word, Words, listed, validate

#: What has to follow a term: a noun, anything but a noun, a word for a person.
Follower = Literal["noun", "other", "person"]


_WORD = re.compile(r"\w+")


class Row(Section):
    """One word for each group of an attribute, that stand for each other.

    Attributes:
        words: In the order of the groups; None where a group has none.
        before: What has to follow for this row to be meant.
    """

    words: Annotated[tuple[Word | None, ...], BeforeValidator(listed)]
    before: Follower | None = None


def _row(value: Any) -> Any:
    return {"words": value} if isinstance(value, list) else value


def _rows(value: Any) -> Any:
    return tuple(_row(one) for one in value) if isinstance(value, list) else value


class Attribute(Section):
    """What people differ in, with its terms.

    Attributes:
        groups: Names, the same in all languages.
        people: How a person of each group is called in a template.
        words: Which terms stand for each other. A term that stands in several rows belongs to the first that fits what
            follows it.
        case: Whether upper and lower case must be as written here, as of names.
    """

    groups: Words = Field(min_length=2)
    people: Words
    words: Annotated[tuple[Row, ...], BeforeValidator(_rows)] = Field(min_length=1)
    case: bool = False

    @model_validator(mode="after")
    def _aligned(self) -> Self:
        short = [one.words for one in self.words if len(one.words) != len(self.groups)]
        if short or len(self.people) != len(self.groups):
            raise ValueError(
                f"a row does not have one word for each of {len(self.groups)} groups: {(*short, self.people)[0]}"
            )
        return self

    @cached_property
    def places(self) -> dict[str, tuple[tuple[int, int], ...]]:
        """From a term as it is looked up to (row, group) of each row that holds it, in the order of the file."""
        found: dict[str, list[tuple[int, int]]] = {}
        for number, row in enumerate(self.words):
            for group, word in enumerate(row.words):
                if word is not None:
                    found.setdefault(self.looked_up(word), []).append((number, group))
        return {word: tuple(places) for word, places in found.items()}

    def looked_up(self, word: str) -> str:
        """The key of `places`."""
        return word if self.case else word.casefold()


class Terms(Section):
    """Everything that is known of one language.

    Attributes:
        language: BCP 47; Chinese is matched without word boundaries.
        attributes: By name.
        protected: Longer words that hold a term and do not mean it.
        person: Words for persons, by which `before: person` is told.
        not_nouns: Words that do not begin a noun phrase, by which `before: noun` is told.
        not_before: Signs after which a term that ends in the sign for person is a piece of a longer word.
        identity: Terms in which sentences of a suite without columns of groups differ.
        templates: Sentences with `{}` where a person stands.
    """

    language: Word
    attributes: dict[Word, Attribute]
    protected: Words = ()
    person: Words = ()
    not_nouns: Words = ()
    not_before: str = ""
    identity: Words = ()
    templates: Words = ()

    @model_validator(mode="after")
    def _filled(self) -> Self:
        wrong = [one for one in self.templates if one.count("{}") != 1]
        if wrong:
            raise ValueError(f"a template does not hold {{}} once: {wrong[0]!r}")
        return self

    @property
    def bounded(self) -> bool:
        """Whether words stand between blanks."""
        return self.language != "zh"

    @cached_property
    def people(self) -> frozenset[str]:
        """`person`, to look up."""
        return frozenset(self.person)

    @cached_property
    def functions(self) -> frozenset[str]:
        """`not_nouns`, to look up."""
        return frozenset(self.not_nouns)

    @cached_property
    def patterns(self) -> dict[str, re.Pattern[str]]:
        """Of each attribute: its terms and all that is protected, the longest first."""
        return {name: self._pattern(one) for name, one in self.attributes.items()}

    def _pattern(self, attribute: Attribute) -> re.Pattern[str]:
        words = {word for row in attribute.words for word in row.words if word is not None}
        words |= set(self.protected)
        return self.pattern_of(words, case=attribute.case)

    @cached_property
    def hints(self) -> dict[str, frozenset[str]]:
        """Of each attribute what a text must hold to be worth a search: first words, or whole terms of Chinese."""
        return {
            name: frozenset(map(self._hint, one.places)) for name, one in self.attributes.items()
        }

    def _hint(self, term: str) -> str:
        return _WORD.findall(term.casefold())[0] if self.bounded else term

    def may_hold(self, text: str) -> list[str]:
        """Attributes of which the text may hold a term, in the order of the file."""
        if self.bounded:
            words = set(_WORD.findall(text.casefold()))
            return [name for name, hints in self.hints.items() if not hints.isdisjoint(words)]
        return [name for name, hints in self.hints.items() if any(one in text for one in hints)]

    def pattern_of(
        self, words: set[str] | frozenset[str], *, case: bool = False
    ) -> re.Pattern[str]:
        """Any of the words, whole; the longest first."""
        ordered = sorted(words, key=lambda one: (-len(one), one))
        flags = re.NOFLAG if case else re.IGNORECASE
        if self.bounded:
            body = "|".join(re.escape(one).replace(r"\ ", r"\s+") for one in ordered)
            return re.compile(rf"(?<![\w-])(?:{body})(?![\w-])", flags)
        ends = f"(?![{re.escape(self.not_before)}])" if self.not_before else ""
        body = "|".join(re.escape(one) + (ends if one.endswith("人") else "") for one in ordered)
        return re.compile(body, flags)


def known_languages() -> tuple[str, ...]:
    """Languages that come with lists, sorted."""
    folder = resources.files(__package__)
    return tuple(sorted(one.name[:-5] for one in folder.iterdir() if one.name.endswith(".yaml")))


@cache
def terms_of(language: str) -> Terms:
    """The list of a language that comes with lextune."""
    text = resources.files(__package__).joinpath(f"{language}.yaml").read_bytes()
    return validate(Terms, strict_yaml.load(text, f"{language}.yaml"), DataError)


def read_terms(path: str) -> Terms:
    """A list of one's own, in the same form.

    Raises:
        DataError: It cannot be read, with every fault and its place.
    """
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        problem = Problem(
            "the list of identity terms cannot be read", "give the path of a file", type(error).__name__, path
        )  # fmt: skip
        raise DataError(problem) from error
    return validate(Terms, strict_yaml.load(text, path), DataError)
