"""What a stated licence is in SPDX's terms: an id, an expression, a name of its own, or nothing; it permits nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from lextune.evidence.documents.machine.common import Object, said
from lextune.files import sha256
from lextune.records import NO_LICENCE, UNKNOWN_LICENCE


@dataclass(frozen=True)
class LicenceForm:
    """A stated licence.

    Attributes:
        kind: `id` of SPDX's list, `expression` of several (ids outside the list as LicenseRef-), `name` that
            SPDX's list does not have, `none` (the authors state no licence), `unknown` (nobody stated one).
        text: The id, the expression or the name as stated; SPDX's word for the last two kinds.
        expression: As SPDX files write it: ids outside the list are `LicenseRef-`.
        outside: LicenseRef ids with the names that they stand for.
    """

    kind: Literal["id", "expression", "name", "none", "unknown"]
    text: str
    expression: str
    outside: tuple[tuple[str, str], ...] = ()


def licence_form(stated: Any) -> LicenceForm:
    """Read an id or expression as records and configs state it; None and blanks are unknown."""
    from license_expression import ExpressionError

    text = said(stated)
    if text is None or text.upper() == UNKNOWN_LICENCE:
        return LicenceForm("unknown", UNKNOWN_LICENCE, UNKNOWN_LICENCE)
    if text.upper() == NO_LICENCE:
        return LicenceForm("none", NO_LICENCE, NO_LICENCE)
    licensing, listed = _spdx()
    try:
        parsed = licensing.parse(text)
        keys = licensing.license_keys(parsed)
    except ExpressionError:
        parsed, keys = None, ()
    outside = {key: _reference(key) for key in keys if key not in listed}
    written = str(parsed)
    # SPDX has no reference for an exception outside its list: the whole is a name, as what is no expression is.
    exceptions = set(re.findall(r" WITH ([^\s()]+)", written))
    if parsed is None or exceptions & outside.keys() or (outside and len(keys) == 1):
        reference = _reference(text)
        return LicenceForm("name", text, reference, ((reference, text),))
    if not outside and len(keys) == 1:
        return LicenceForm("id", keys[0], keys[0])
    if outside:
        ids = "|".join(re.escape(key) for key in sorted(outside, key=len, reverse=True))
        pattern = rf"(?<![A-Za-z0-9.+-])({ids})(?![A-Za-z0-9.+-])"
        written = re.sub(pattern, lambda match: outside[match[1]], written)
    pairs = tuple(sorted((reference, key) for key, reference in outside.items()))
    return LicenceForm("expression", str(parsed), written, pairs)


@lru_cache(maxsize=1)
def _spdx() -> tuple[Any, frozenset[str]]:
    """The parser and the ids of SPDX's list; making them is slow."""
    from license_expression import get_spdx_licensing

    licensing = get_spdx_licensing()
    # The library also knows licences that SPDX does not list.
    listed = [key for key in licensing.known_symbols if not key.startswith("LicenseRef-")]
    return licensing, frozenset(listed)


def notes(licence: Object) -> list[str]:
    """What the record says of a licence besides: where it was found, what the packaging says, a note."""
    found = [
        ("Found in", licence.get("found_in")),
        ("The packaging says of itself", licence.get("packaging")),
        ("Note", licence.get("note")),
    ]
    return [f"{name}: {said(value)}" for name, value in found if said(value) is not None]


def _reference(name: str) -> str:
    """`LicenseRef-` and the name; where it has signs that SPDX forbids, a hash keeps two such names apart."""
    if re.fullmatch(r"LicenseRef-[A-Za-z0-9.-]+", name):
        return name
    if re.fullmatch(r"[A-Za-z0-9.-]+", name):
        return f"LicenseRef-{name}"
    kept = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")
    return "-".join(part for part in ("LicenseRef", kept, sha256(name.encode())[:8]) if part)
