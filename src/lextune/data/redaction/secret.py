"""Holds the secret of keyed redaction and draws from it; it shows the secret to nobody and knows no type of data."""

from __future__ import annotations

import hashlib
import hmac
import os
import string
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from lextune.errors import ConfigError, Problem

T = TypeVar("T")

#: 128 bits, the least that NIST SP 800-107 (5.3.4) has for a key of HMAC.
LEAST_BYTES = 16
_PURPOSE = b"lextune.redaction/v1"
_MAKE = "make one: python -c 'import secrets; print(secrets.token_hex(32))'"


class Draw:
    """Picks that depend on nothing but a seed; as many as are asked for."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._number = int.from_bytes(seed)

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1; even but for 2^-32 of `limit` below 2^32."""
        if self._number < 1 << 64:
            self._seed = hashlib.sha256(self._seed).digest()
            self._number = int.from_bytes(self._seed)
        self._number, rest = divmod(self._number, limit)
        return rest

    def pick(self, items: Sequence[T]) -> T:
        """One of them."""
        return items[self.below(len(items))]

    def digits(self, count: int) -> str:
        """So many digits."""
        return "".join(self.pick(string.digits) for _ in range(count))

    def letters(self, count: int) -> str:
        """So many lower-case letters."""
        return "".join(self.pick(string.ascii_lowercase) for _ in range(count))


class Secret:
    """A key from which draws are made with HMAC-SHA-256 (RFC 2104); its text form hides it.

    Args:
        key: At least 16 bytes.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < LEAST_BYTES:
            raise ValueError("the key is too short")
        self._key = key

    def __repr__(self) -> str:
        return "Secret(...)"

    def draw(self, *words: str) -> Draw:
        """The draws of some words: always the same for the same words, unforeseeable without the secret."""
        state = hmac.new(self._key, _PURPOSE, hashlib.sha256)
        for word in words:
            data = word.encode("utf-8", "surrogatepass")
            state.update(len(data).to_bytes(8) + data)
        return Draw(state.digest())


def secret_from_file(path: Path) -> Secret:
    """The secret that a file holds, without white space at its ends.

    Raises:
        ConfigError: It cannot be read, or is too short.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            Problem(f"the secret {path} cannot be read", "check the path", str(error.strerror))
        ) from error
    return _secret(data.strip(), f"the secret in {path}")


def secret_from_environment(name: str) -> Secret:
    """The secret that an environment variable holds.

    Raises:
        ConfigError: It is not set, or is too short.
    """
    found = os.environ.get(name)
    if not found:
        raise ConfigError(
            Problem(
                f"the environment variable {name} is not set",
                f"put the secret there ({_MAKE}), or redact with a method that needs none: mask, remove",
                "hash and pseudonym need a secret, which is in no config and on no command line",
            )
        )
    return _secret(os.fsencode(found).strip(), f"the secret in {name}")


def _secret(key: bytes, what: str) -> Secret:
    if len(key) < LEAST_BYTES:
        raise ConfigError(
            Problem(
                f"{what} has fewer than {LEAST_BYTES} bytes", _MAKE, "a short secret can be guessed"
            )
        )
    return Secret(key)
