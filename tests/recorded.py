"""What runs record, as documents see it: the golden run, and small dossiers from plain records; it knows no document."""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lextune.evidence.documents.base import DossierView
from lextune.evidence.statements import make_statement
from lextune.files import sha256
from lextune.records import ControlResult, Statement, Verdict

GOLDEN = Path(__file__).parent / "evidence/golden_runs/v1/release/dossier"
NOW = datetime.datetime(2026, 11, 25, 12, 0, 0, tzinfo=datetime.UTC)
DAY = datetime.date(2026, 11, 25)


def golden_view() -> DossierView:
    """What a real run left: nine statements, a verdict of eleven controls, two packs."""
    statements = []
    for path in sorted((GOLDEN / "statements").iterdir()):
        data = path.read_bytes()
        payload = base64.b64decode(json.loads(data)["payload"])
        statements.append((sha256(data), Statement.model_validate_json(payload)))
    verdict = Verdict.model_validate_json((GOLDEN / "verdict.json").read_bytes())
    packs = {path.stem: path.read_bytes() for path in (GOLDEN / "packs").iterdir()}
    return DossierView(tuple(statements), verdict, packs)


def view_of(
    rooms: Mapping[str, Mapping[str, Any]], verdict: Verdict | None = None, **predicate: Any
) -> DossierView:
    """A dossier with one statement of each room.

    Args:
        rooms: Record by room; `audit-NAME` is a statement of the room audit. The keys `_status` and
            `_measurements` of a record go beside it.
        verdict: What was decided.
        predicate: Further fields of every predicate.
    """
    statements = []
    for name, record in rooms.items():
        kept = {key: value for key, value in record.items() if not key.startswith("_")}
        content = {
            "run": "run-a",
            "record": kept,
            "status": record.get("_status", "complete"),
            "measurements": record.get("_measurements", []),
            **predicate,
        }
        statement = make_statement(name.split("-")[0], [], content, now=NOW)
        statements.append((sha256(statement.model_dump_json().encode()), statement))
    return DossierView(tuple(statements), verdict, {})


def measured(name: str, value: float | None, **more: Any) -> dict[str, Any]:
    """A measurement's dump, with an interval where it has a value."""
    ends = {"low": value, "high": value, "level": 0.95, "method": "Wilson score"}
    return {
        "name": name,
        "value": value,
        "interval": ends if value is not None else None,
        "n": 100,
        "unit": "proportion",
        "group": None,
        "problem": None if value is not None else "one class only",
        **more,
    }


def decided(status: str, control: str = "c", pack: str = "trial", **more: Any) -> ControlResult:
    """A control that came to this status."""
    content: dict[str, Any] = {
        "pack": pack,
        "control": control,
        "citation": "Article 1",
        "titles": {"en": "A duty", "zh": "一项义务"},
        "basis": "statute",
        "severity": "block",
        "status": status,
        "reasons": ("accuracy is 0.9.",),
        "remedy": {"en": "Do it.", "zh": "照办。"},
        **more,
    }
    return ControlResult.model_validate(content)


def verdict_of(*controls: ControlResult, outcome: str = "insufficient", **facts: Any) -> Verdict:
    """A verdict over these controls."""
    packs = {one.pack: "d" * 64 for one in controls}
    return Verdict.model_validate(
        {"outcome": outcome, "as_of": DAY, "facts": facts, "packs": packs, "controls": controls}
    )
