"""Packs and their controls as plain data, for tests to change; it knows no test."""

from __future__ import annotations

from typing import Any


def control_data(**changes: Any) -> dict[str, Any]:
    """A control; keywords replace its keys, None removes one."""
    data = {
        "id": "c",
        "citation": "Article 1",
        "titles": {"en": "A duty", "zh": "一项义务"},
        "basis": "house",
        "status": "in_force",
        "applies": "always",
        "effect": "require",
        "requires": [
            {
                "measurement": "accuracy",
                "bound": "interval",
                "operator": ">=",
                "value": 0.8,
                "minimum_n": 10,
            }
        ],
        "severity": "block",
        "remedy": {"en": "Do it.", "zh": "照办。"},
    }
    data.update(changes)
    if data["effect"] == "prohibit" and "requires" not in changes:
        del data["requires"]
    return {key: value for key, value in data.items() if value is not None}


def pack_data(*controls: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A pack with the facts `gen` (yes/no), `adm` (yes/no), `role` (choice) and `uses` (list)."""
    question = {"en": "Is it so?", "zh": "是这样吗？"}
    data = {
        "schema": "lextune.pack/v1",
        "id": "trial",
        "version": "1.0",
        "titles": {"en": "Trial", "zh": "试验"},
        "source": "none",
        "checked_on": "2026-11-25",
        "facts": [
            {"id": "gen", "type": "bool", "question": question},
            {"id": "adm", "type": "bool", "question": question},
            {
                "id": "role",
                "type": "choice",
                "choices": ["provider", "deployer"],
                "question": question,
            },
            {
                "id": "uses",
                "type": "list",
                "choices": ["hiring", "credit"],
                "question": question,
            },
        ],
        "controls": list(controls),
    }
    return {**data, **changes}
