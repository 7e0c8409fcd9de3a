"""The ways to replace a piece of personal data; they know its type and its text, and nothing around it."""

from __future__ import annotations

import functools
import re
from typing import Literal, get_args

from lextune.data.redaction.comparing import comparable, family
from lextune.data.redaction.pseudonyms import pseudonym
from lextune.data.redaction.secret import Secret

Method = Literal["remove", "mask", "hash", "pseudonym"]
METHODS: tuple[Method, ...] = get_args(Method)
#: Methods that give equal data equal replacements, for which they need a secret.
KEYED: tuple[Method, ...] = ("hash", "pseudonym")

_PLACEHOLDER = re.compile(r"\[([A-Z][A-Z0-9_]*)(?::([a-z]{10})([a-z]{5}))?\]")
_REMEMBERED = 1 << 16


class Replacing:
    """One method with its secret.

    Args:
        method: `remove` leaves nothing. `mask` leaves `[TYPE]`, of which a model can learn what stood there and
            which tells neither length nor shape. `hash` leaves `[TYPE:tag]`, the tag of 15 letters being the same
            for equal data: letters alone, so that no tag can look like a number. `pseudonym` leaves another datum
            of the same shape (see `pseudonyms`), and what `hash` leaves where no shape is safe.
        secret: For `hash` and `pseudonym`.
    """

    def __init__(self, method: Method, secret: Secret | None = None) -> None:
        if (secret is None) == (method in KEYED):
            raise ValueError("hash and pseudonym take a secret, the others none")
        self.method, self._secret = method, secret
        self._remember()

    def _remember(self) -> None:
        self._remembered = functools.lru_cache(_REMEMBERED)(self._replace)

    def __call__(self, kind: str, value: str) -> str:
        """What stands for a value."""
        return self._remembered(kind, value)

    def __getstate__(self) -> tuple[Method, Secret | None]:
        return self.method, self._secret

    def __setstate__(self, state: tuple[Method, Secret | None]) -> None:
        self.method, self._secret = state
        self._remember()

    def _replace(self, kind: str, value: str) -> str:
        if self.method == "remove":
            return ""
        if self._secret is None:
            return f"[{kind}]"
        if self.method == "pseudonym":
            draw = self._secret.draw("pseudonym", family(kind), comparable(kind, value))
            made = pseudonym(kind, value, draw)
            if made is not None:
                return made
        tag = self._secret.draw("tag", family(kind), comparable(kind, value)).letters(10)
        return f"[{kind}:{tag}{self._seal(kind, tag)}]"

    def _seal(self, kind: str, tag: str) -> str:
        assert self._secret is not None
        return self._secret.draw("seal", kind, tag).letters(5)

    def is_placeholder(self, text: str) -> bool:
        """Whether a text is a placeholder that this method leaves; tags of another secret are not."""
        found = _PLACEHOLDER.fullmatch(text)
        if found is None:
            return False
        if self._secret is None or found[2] is None:
            return self.method == "mask" and found[2] is None
        return self._seal(found[1], found[2]) == found[3]

    def placeholders(self, text: str) -> list[tuple[int, int]]:
        """Where they stand in a text."""
        found = _PLACEHOLDER.finditer(text) if "[" in text else ()
        return [one.span() for one in found if self.is_placeholder(one[0])]
