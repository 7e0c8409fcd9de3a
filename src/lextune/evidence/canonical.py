"""Canonical JSON out (RFC 8785) and strict JSON in; it knows no format built on top of JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import rfc8785

from lextune.errors import InsufficientError, Problem, VerificationError

_LARGEST_EXACT = 2**53 - 1


def canonical(value: Any) -> bytes:
    """The RFC 8785 bytes of plain data: one value, one byte string, on every machine.

    Raises:
        InsufficientError: The value holds NaN, infinity, an integer beyond 2**53 - 1 or a type that is
            not JSON's.
    """
    try:
        return bytes(rfc8785.dumps(value))
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        raise InsufficientError(
            Problem(
                f"a record cannot be written as JSON: {error}",
                "leave the value out, or write null and say why",
                "JSON has no NaN, no infinity and no integers beyond 2**53 - 1",
            )
        ) from error


def load_json(data: bytes, what: str) -> Any:
    """Parse one JSON document and refuse all that two parsers may read differently.

    Refused: a repeated key, NaN and Infinity (also `1e999`), integers that a double does not hold, lone
    surrogates, a byte order mark, bytes that are not UTF-8.

    Args:
        data: The bytes.
        what: What to call them in an error.

    Raises:
        VerificationError: With the one place or key at which the document is refused.
    """
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_exact,
        )
        if b"\\u" in data:  # strict UTF-8 holds no surrogates, only escapes can bring them in
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except _Refused as error:
        raise _refusal(what, str(error), "JSON readers differ on what that means") from error
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise _refusal(what, "is not JSON in UTF-8", reason) from error
    return value


def load_known_json(data: bytes) -> Any:
    """As `load_json`, of a document that it took before: the same value, without asking again what it refuses."""
    return json.loads(data, parse_int=_exact)


class _Refused(ValueError):
    pass


def _refusal(what: str, fact: str, reason: str) -> VerificationError:
    remedy = "get the file again from who made it"
    return VerificationError(Problem(f"{what} {fact}", remedy, reason))


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise _Refused(f"holds the key {key!r} twice")
        result[key] = value
    return result


def _refuse_constant(text: str) -> Any:
    raise _Refused(f"holds {text}, which is no JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Refused("holds a number that no double can hold")
    return value


def _exact(text: str) -> int | float:
    # RFC 8785 writes the double 1e20 as 100000000000000000000: read such a number back as the double.
    if len(text) > 25:
        raise _Refused("holds an integer that no double can hold")
    value = int(text)
    if abs(value) <= _LARGEST_EXACT:
        return value
    if rfc8785.dumps(float(value)).decode() != text:
        raise _Refused("holds an integer that no double can hold")
    return float(value)
