"""Whether a stated licence permits a use, by a pack's table; it gives no legal advice and guesses nothing."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lextune.policy.applicability import evaluate, questions
from lextune.policy.findings import Finding, FindingStatus, best, worst
from lextune.policy.readings import StatedLicence
from lextune.policy.schema import Fact, LicenceOf, LicenceRequirement, LicenceRow, Permission
from lextune.policy.wording import ended, joined, spoken, tr
from lextune.records import NO_LICENCE, UNKNOWN_LICENCE, Licence

#: What model hubs write where nobody has looked.
_UNKNOWN_WORDS = frozenset({UNKNOWN_LICENCE.casefold(), "unknown", "other"})
_USES: Mapping[Permission, str] = {
    "commercial_use": "commercial use",
    "derivatives": "making a derivative such as a fine-tuned model",
}
_ASK_STATEMENT: Mapping[LicenceOf, str] = {
    "model": "model licence: bring the statement that states it",
    "data": "data licence: bring the statement that states it",
}
_ASK_PERSON: Mapping[LicenceOf, str] = {
    "model": "model licence: read the licence of {subject}; does it permit {use}? A person must decide and state "
    "it, or sign a waiver.",
    "data": "data licence: read the licence of {subject}; does it permit {use}? A person must decide and state "
    "it, or sign a waiver.",
}
_LONGEST_EXPRESSION = 1000


@dataclass(frozen=True)
class LicenceTable:
    """A pack's table and what its conditions need.

    Attributes:
        rows: By case-folded id.
        facts: Every known fact by name.
        declared: The user's answers.
    """

    rows: Mapping[str, LicenceRow]
    facts: Mapping[str, Fact]
    declared: Mapping[str, Any]


@dataclass(frozen=True)
class _Part:
    """One id of an expression; `listed` is False where no row of the table speaks of it."""

    status: FindingStatus
    reason: str
    listed: bool = True
    questions: tuple[str, ...] = ()


def check_licence(
    requirement: LicenceRequirement, stated: StatedLicence, table: LicenceTable
) -> Finding:
    """OR takes the best alternative, AND needs all parts, WITH is left to a person.

    Expressions are SPDX's (https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/). `NONE` (the
    authors state no licence) fails: without a licence all rights stay with the authors. `NOASSERTION`, ids
    outside the table and text that is no expression are insufficient.
    """
    licence = stated.licence
    if licence is None:
        ask = tr(_ASK_STATEMENT[requirement.licence])
        return Finding("insufficient", ended(stated.problem), (ask,), stated.evidence)
    part = _expression(licence, stated.subject, requirement.permits, table)
    reason = part.reason
    if licence.spdx.casefold() != "none":
        reason = tr(
            "{subject} is under {spdx} (found in {place}): {reason}",
            subject=stated.subject, spdx=licence.spdx, place=licence.found_in, reason=reason,
        )  # fmt: skip
    if licence.note and licence.note not in reason:
        reason = tr("{reason}; note: {note}", reason=reason, note=licence.note.rstrip("."))
    asked = part.questions
    if part.status == "insufficient" and not asked:
        asked = (
            tr(
                _ASK_PERSON[requirement.licence],
                subject=stated.subject,
                use=tr(_USES[requirement.permits]),
            ),
        )
    blocking = part.listed or part.status == "pass" or requirement.unstated == "block"
    return Finding(part.status, ended(reason), asked, stated.evidence, blocking)


def passed_on(spdx: str, rows: Sequence[LicenceRow]) -> list[LicenceRow]:
    """The rows of an expression's ids that ask something of what is made from the work, or may ask it.

    `share_alike` asks for the same licence, `flow` for the same terms of use. Of an `OR` all are given: which
    one was chosen is not stated.
    """
    parsed = parse(spdx)
    if parsed is None:
        return []
    symbols = _licensing().license_symbols(parsed, unique=True, decompose=True)
    named = {str(symbol.key).casefold() for symbol in symbols}
    return [row for row in rows if row.id.casefold() in named and row.share_alike != "no"]


def _expression(
    licence: Licence, subject: str, permission: Permission, table: LicenceTable
) -> _Part:
    text = licence.spdx.strip()
    if text.casefold() == NO_LICENCE.casefold():
        return _none(licence, subject, permission)
    parsed = parse(text)
    if parsed is None:
        unread = tr("that is no SPDX expression that can be read")
        return _Part("insufficient", unread, listed=False)
    return _node(parsed, permission, table)


def _none(licence: Licence, subject: str, permission: Permission) -> _Part:
    """The sentence says exactly what was found: whoever packed the data cannot license it."""
    if licence.note:
        found = licence.note.rstrip(".")
    elif licence.packaging:
        found = tr(
            "the authors of {subject} state no licence, although its packaging says {packaging}",
            subject=subject, packaging=licence.packaging,
        )  # fmt: skip
    else:
        found = tr("the authors of {subject} state no licence", subject=subject)
    use = tr(_USES[permission])
    reason = tr("{found}; without a licence {use} is not permitted", found=found, use=use)
    return _Part("fail", reason, False)


@functools.cache
def _licensing() -> Any:
    from license_expression import Licensing

    return Licensing()


@functools.lru_cache(maxsize=1024)  # the same few expressions stand in every dossier
def parse(text: str) -> Any:
    """An SPDX expression's tree, or None. Unknown ids are parsed: the table decides what it knows."""
    from boolean.boolean import ParseError  # type: ignore[import-untyped]
    from license_expression import ExpressionError

    if len(text) > _LONGEST_EXPRESSION:
        return None
    try:
        return _licensing().parse(text)
    except (ExpressionError, ParseError, RecursionError, IndexError):  # the last of "()"
        return None


def alternatives(text: str, most: int = 64) -> list[tuple[str, ...]]:
    """The ways to satisfy an SPDX expression, each a tuple of ids that bind together (disjunctive normal form).

    What cannot be read, or has more than `most` ways, is one id of its own, which no table lists.
    """
    parsed = parse(text.strip())
    if parsed is None:
        return [(text.strip() or UNKNOWN_LICENCE,)]
    found = _ways(parsed, most)
    return found if found is not None else [(text.strip(),)]


def _ways(node: Any, most: int) -> list[tuple[str, ...]] | None:
    kind = type(node).__name__
    if kind not in ("AND", "OR"):
        return [(str(node),)]  # an id, or an id WITH an exception
    parts = [_ways(child, most) for child in node.args]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if kind == "OR":
        found = [way for part in known for way in part]
        return found if len(found) <= most else None
    found = [()]
    for part in known:
        found = [(*way, *more) for way in found for more in part]
        if len(found) > most:
            return None
    return [tuple(dict.fromkeys(way)) for way in found]


def _node(node: Any, permission: Permission, table: LicenceTable) -> _Part:
    kind = type(node).__name__
    if kind in ("AND", "OR"):
        parts = [_node(child, permission, table) for child in node.args]
        return _all_of(parts) if kind == "AND" else _any_of(parts)
    if kind == "LicenseWithExceptionSymbol":
        base = _row(node.license_symbol.key, permission, table)
        if base.status != "pass":
            return base
        reason = tr("the table does not know the exception {key}", key=node.exception_symbol.key)
        return _Part("insufficient", reason, listed=False)
    return _row(str(node.key), permission, table)


def _all_of(parts: Sequence[_Part]) -> _Part:
    status = worst(part.status for part in parts)
    against = [part for part in parts if part.status != "pass"]
    shown = [part for part in parts if part.status == status]
    return _joined(status, shown, all(part.listed for part in parts) or _any_listed(against))


def _any_of(parts: Sequence[_Part]) -> _Part:
    status = best(part.status for part in parts)
    chosen = [part for part in parts if part.status == status]
    if status == "pass":
        return chosen[0]
    return _joined(status, chosen, _any_listed(chosen))


def _any_listed(parts: Sequence[_Part]) -> bool:
    return any(part.listed for part in parts)


def _joined(status: FindingStatus, parts: Sequence[_Part], listed: bool) -> _Part:
    asked = sorted({question for part in parts for question in part.questions})
    return _Part(status, joined([part.reason for part in parts]), listed, tuple(asked))


def _row(key: str, permission: Permission, table: LicenceTable) -> _Part:
    """One id against the table."""
    use = tr(_USES[permission])
    if key.casefold() == NO_LICENCE.casefold():
        reason = tr("no licence is stated, so {use} is not permitted", use=use)
        return _Part("fail", reason, False)
    if key.casefold() in _UNKNOWN_WORDS:
        reason = tr("{key} means that nobody knows the licence", key=key)
        return _Part("insufficient", reason, False)
    row = table.rows.get(key.casefold())
    if row is None:
        return _Part("insufficient", tr("the table does not know {key}", key=key), False)
    permitted = row.commercial_use if permission == "commercial_use" else row.derivatives
    doubt = f" ({row.clause})" if row.clause else ""
    doubt += tr(" (this row is unconfirmed)") if row.unconfirmed else ""
    values = {
        "id": row.id,
        "use": use,
        "note": tr("{doubt}: {note}", doubt=doubt, note=spoken(row.note).rstrip(".。")),
    }
    if permitted == "unknown":
        return _Part("insufficient", tr("{id} does not settle {use}{note}", **values))
    if permitted == "conditional":
        return _conditional(row, permission, table, values["note"])
    if permitted == "no":
        return _Part("fail", tr("{id} does not permit {use}{note}", **values))
    return _Part("pass", tr("{id} permits {use}{note}", **values))


def _conditional(row: LicenceRow, permission: Permission, table: LicenceTable, note: str) -> _Part:
    values: dict[str, object] = {"id": row.id, "use": tr(_USES[permission]), "note": note}
    condition = row.commercial_use_when if permission == "commercial_use" else row.derivatives_when
    if condition is None:
        reason = tr("{id} gives no condition for {use}{note}", **values)
        return _Part("insufficient", reason, False)
    holds = evaluate(condition, table.facts, table.declared)
    values["named"] = joined(list(holds.deciding), ", ")
    if holds.value is None:
        reason = tr(
            "{id} permits {use} on a condition, and {named} is not declared{note}", **values
        )
        return _Part("insufficient", reason, questions=questions(holds.deciding, table.facts))
    if holds.value:
        return _Part("pass", tr("{id} permits {use} as declared ({named}){note}", **values))
    return _Part("fail", tr("{id} does not permit {use} as declared ({named}){note}", **values))
