"""Decodes JSON that every reader understands alike, and refuses the rest; it knows no file."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


class AmbiguousJsonError(ValueError):
    """JSON that readers understand differently: a repeated key, NaN, infinity."""


def decoder(number: Callable[[str], Any] | None = None) -> json.JSONDecoder:
    """A decoder that refuses repeated keys, NaN and infinity.

    Args:
        number: What becomes of a number as it is written; None makes it Python's own.

    The decoder raises AmbiguousJsonError for these, and ValueError for what is no JSON.
    """
    return json.JSONDecoder(
        object_pairs_hook=_object, parse_constant=_constant, parse_int=number, parse_float=number
    )


def is_unicode(text: str) -> bool:
    """False for a text with half of a surrogate pair, which UTF-8 cannot say."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise AmbiguousJsonError("a key stands twice in one object")
    return found


def _constant(word: str) -> Any:
    raise AmbiguousJsonError(f"{word} is no JSON number")
