"""Reads facts, measurements and listed papers out of a dossier for documents; what is unreadable is missing."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal

import yaml

from lextune.errors import VerificationError
from lextune.evidence.canonical import load_json
from lextune.evidence.documents.base import DossierView, Language
from lextune.evidence.statements import room_of
from lextune.records import Statement, parse_day

_DIGEST = re.compile(r"[0-9a-f]{64}")

#: The statement's digest, and a measurement as it holds it.
Found = tuple[str, Mapping[str, Any]]


def label_of(statement: Statement) -> str:
    """What people call a statement: its room, of audits with the audit's name."""
    room = room_of(statement) or statement.predicate_type
    record = statement.predicate.get("record")
    audit = record.get("audit") if room == "audit" and isinstance(record, Mapping) else None
    return f"{room} {audit}" if isinstance(audit, str) else room


def fact(view: DossierView, name: str) -> tuple[Any, str] | None:
    """The declared value of a fact and the statement that holds it; None where it is unknown.

    What the verdict was decided on counts; before any verdict it is what the config declares.
    """
    decided, config = view.last("decide"), view.record("config")
    use = config[1].get("use") if config is not None else None
    declared = use.get(name) if isinstance(use, Mapping) else None
    if view.verdict is not None and decided is not None:
        value = view.verdict.facts.get(name)
        if value is None:
            return None
        return value, config[0] if config is not None and declared == value else decided[0]
    return (declared, config[0]) if config is not None and declared is not None else None


def facts(view: DossierView) -> Iterator[tuple[str, Any, str]]:
    """Every declared fact: its name, its value, the statement that holds it."""
    config = view.record("config")
    use = config[1].get("use") if config is not None else None
    names = set(use) if isinstance(use, Mapping) else set()
    if view.verdict is not None:
        names |= set(view.verdict.facts)
    for name in sorted(names):
        found = fact(view, name)
        if found is not None:
            yield name, *found


def profiles(view: DossierView) -> list[tuple[str, Mapping[str, Any]]]:
    """Profiles of signed answers that the run took, each with its statement; one that cannot be read is left out.

    Their signatures, and that the config declares the same, were checked where the verdict was computed.
    """
    found = []
    for digest, predicate in view.every(["facts"]):
        try:
            payload = base64.b64decode(predicate["record"]["envelope"]["payload"], validate=True)
            record = load_json(payload, "a profile")["predicate"]["record"]
        except (KeyError, TypeError, ValueError, VerificationError):
            continue
        if isinstance(record, Mapping) and isinstance(record.get("answers"), Mapping):
            found.append((digest, record))
    return found


def measurements(
    view: DossierView, rooms: Iterable[str], wanted: Callable[[Mapping[str, Any]], bool]
) -> list[Found]:
    """Measurements of complete statements of these rooms that are wanted, in the ledger's order."""
    return [
        (digest, item)
        for digest, predicate in view.every(rooms)
        if predicate.get("status") == "complete"
        for item in _items(predicate)
        if wanted(item)
    ]


def audit(view: DossierView, name: str) -> tuple[str, Mapping[str, Any]] | None:
    """The last statement of an audit, whatever it came to: its digest and its record."""
    for digest, predicate in reversed(view.every(["audit"])):
        record = predicate.get("record")
        if isinstance(record, Mapping) and record.get("audit") == name:
            return digest, record
    return None


def audit_measurements(view: DossierView, name: str) -> list[Found]:
    """What an audit measured; nothing where it did not run, crashed or did not apply."""
    found = audit(view, name)
    if found is None or found[1].get("status") != "complete":
        return []
    return [(found[0], item) for item in _items(found[1])]


def listed(
    view: DossierView, room: Literal["document", "attestation"], name: str
) -> list[tuple[str, Mapping[str, Any]]]:
    """Every entry of that name in the signed lists of documents or attestations, with its statement."""
    found = []
    for digest, predicate in view.every([room]):
        record = predicate.get("record")
        entries = record.get(f"{room}s") if isinstance(record, Mapping) else None
        for entry in entries if isinstance(entries, list) else []:
            complete = predicate.get("status") == "complete"
            if complete and isinstance(entry, Mapping) and entry.get("name") == name:
                found.append((digest, entry))
    return found


def counts(view: DossierView, entry: Mapping[str, Any]) -> bool:
    """Whether a listed paper has its digest and had not expired on the day of the decision, if there was one."""
    digest, expires = entry.get("sha256"), entry.get("expires")
    if not isinstance(digest, str) or _DIGEST.fullmatch(digest) is None:
        return False
    try:
        last = None if expires is None else parse_day(expires)
    except ValueError:
        return False
    return last is None or view.verdict is None or view.verdict.as_of <= last


def pack(view: DossierView, name: str) -> Mapping[str, Any]:
    """What the file of a pack says; nothing where it is not there or is no mapping."""
    data = view.packs.get(name)
    return {} if data is None else _parsed(data)


def questions(view: DossierView, language: Language) -> dict[str, str]:
    """What the packs ask for each fact, in words."""
    found: dict[str, str] = {}
    for name in sorted(view.packs):
        for one in pack(view, name).get("facts") or ():
            asked = one.get("question") if isinstance(one, Mapping) else None
            if isinstance(asked, Mapping) and isinstance(asked.get(language), str):
                found.setdefault(str(one.get("id")), asked[language])
    return found


@lru_cache(maxsize=64)
def _parsed(data: bytes) -> Mapping[str, Any]:
    # the verdict was computed with these bytes, so the strict loader has read them: this one is only fast
    value = yaml.load(data, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return value if isinstance(value, Mapping) else {}


def _items(holder: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = holder.get("measurements")
    return [one for one in found or () if isinstance(one, Mapping)]
