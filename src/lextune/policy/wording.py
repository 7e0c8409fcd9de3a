"""Says a sentence of a decision in English or Chinese; the English template is the key, so code reads as it speaks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Literal, get_args

from lextune.policy.schema import Text
from lextune.policy.wording_zh import CHINESE

Language = Literal["en", "zh"]

_LANGUAGE: ContextVar[Language] = ContextVar("language", default="en")


@contextlib.contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Within it, `tr` and `spoken` give this language; outside of any it is English."""
    if language not in get_args(Language):
        raise ValueError(f"{language!r} is no language of decisions")
    token = _LANGUAGE.set(language)
    try:
        yield
    finally:
        _LANGUAGE.reset(token)


def tr(template: str, /, **values: object) -> str:
    """The sentence with its values, in the language of `speaking`.

    Raises:
        KeyError: Nobody translated the template; a test finds that before anybody else does.
    """
    chosen = template if _LANGUAGE.get() == "en" else CHINESE[template]
    return chosen.format(**values)


def spoken(text: Text) -> str:
    """A pack's own words in the language of `speaking`."""
    return text.en if _LANGUAGE.get() == "en" else text.zh


def joined(parts: list[str] | tuple[str, ...], separator: str = "; ") -> str:
    """Clauses in a row, with the marks of the language."""
    if _LANGUAGE.get() == "zh":
        separator = {"; ": "；", ", ": "、", " and ": "和", " or ": "或", " ": ""}[separator]
    return separator.join(parts)


def ended(text: str) -> str:
    """The sentence with exactly one full stop."""
    if _LANGUAGE.get() == "en":
        return text if text.endswith(".") else f"{text}."
    return f"{text.rstrip('.。')}。"
