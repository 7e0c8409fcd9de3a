"""A dossier in memory with a statement of every room, for tests of documents; it signs nothing."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from lextune.evidence.canonical import canonical
from lextune.evidence.documents.base import DossierView
from lextune.evidence.statements import make_statement, room_of
from lextune.files import sha256
from lextune.policy.packs import Pack, parse_pack
from lextune.policy.verdict import decide
from lextune.records import Measurement, Statement

NOW = datetime.datetime(2026, 11, 25, 12, 0, 0, tzinfo=datetime.UTC)
DAY = datetime.date(2026, 11, 25)
#: Words that would break a page which does not escape them.
HOSTILE = 'screen <b>CVs</b> | a--> b "c" `d` \\_e_ </script> 招聘'

_PACK = """
schema: lextune.pack/v1
id: gdpr
version: "1.0"
titles: {en: Protection of data, zh: 数据保护}
source: made for tests
checked_on: 2026-11-25
facts:
  - {id: scraped, type: bool, question: {en: "Was it scraped?", zh: "是否抓取？"}}
controls:
  - id: accurate
    citation: article 5(1)(d)
    titles: {en: Accurate, zh: 准确}
    basis: statute
    status: in_force
    applies: always
    effect: require
    requires: [{measurement: accuracy, bound: interval, operator: ">=", value: 0.8, minimum_n: 100}]
    severity: block
    remedy: {en: Train longer., zh: 延长训练。}
  - id: assessed
    citation: article 35
    titles: {en: Assessed, zh: 已评估}
    basis: statute
    status: in_force
    applies: {fact: scraped, is: true}
    effect: require
    requires: [{document: dpia}]
    severity: block
    remedy: {en: Write it., zh: 请编写。}
""".encode()


def number(
    name: str, value: float | None, group: str | None = None, n: int = 400
) -> dict[str, Any]:
    """A measurement as statements hold it."""
    one = Measurement(
        name=name, value=value, n=n, unit="proportion", group=group,
        interval=None if value is None else {"low": value - 0.02, "high": value + 0.02, "method": "Wilson score"},  # type: ignore[arg-type]
        problem=None if value is not None else "too few rows",
    )  # fmt: skip
    return one.model_dump(mode="json")


def predicates(accuracy: float = 0.9) -> dict[str, dict[str, Any]]:
    """The predicate of each room, by a name that begins with the room."""
    licence = {"spdx": "Apache-2.0", "found_in": "model card", "packaging": None, "note": None}
    groups = {
        "sex=f": (0.4, 0.8), "sex=m": (0.5, 1.0), "race=x,sex=f": (None, None), "race=x": (0.45, 1.0),
    }  # fmt: skip
    fairness = [
        number(name, value, group)
        for group, values in groups.items()
        for name, value in zip(("selection_rate", "impact_ratio"), values, strict=True)
    ]
    evaluated = [number("accuracy", accuracy), number("accuracy", 0.7, "sex=f")]
    audit = {
        "version": "2", "status": "complete", "parameters": {"positive": ["yes"]},
        "findings": ["Groups differ."],
    }  # fmt: skip
    return {
        "config": {
            "record": {
                "task": "sentiment", "release": {"name": "demo", "version": "1.0.0", "licence": None},
                "use": {"purpose": HOSTILE, "places": ["EU", "CN"], "scraped": False, "recommender": True},
            }
        },
        "select": {"record": {"id": "bert", "source": "pypi:bert", "revision": "1", "architecture": "BertModel",
                              "licence": licence, "files": [{"path": "m", "sha256": "a" * 64, "size": 3}]}},
        "prepare": {
            "record": {
                "sources": ["hub:people/cvs", "mine.csv"], "licence": {**licence, "spdx": "CC-BY-4.0"},
                "lawful_basis": "consent", "fingerprint": "f" * 64, "columns": {"text": "text"},
                "classes": ["no", "yes"], "splits": {"test": {"rows": 400, "classes": {"no": 200, "yes": 200},
                                                             "fingerprint": "e" * 64}},
                "origin": {"source": "our careers page", "retention_until": "2028-01-01"},
            },
            "measurements": [number("personal_data_rows", 0.03), number("train_rows", 0.5)],
        },
        "train": {"record": {"method": "full", "steps": 10, "epochs": 1.0, "seed": 1, "precision": "fp32",
                             "parameters": {"learning_rate": 2e-5}, "cost": {"train_seconds": 3.5},
                             "privacy": {"epsilon": 3.0, "curve": [[1, 1.0]]}}},
        "evaluate": {"record": {"status": "complete", "split": "test", "baselines": {"majority": [number("accuracy", 0.5)]}},
                     "measurements": evaluated},
        "audit-group-fairness": {"record": {**audit, "audit": "group_fairness", "measurements": fairness},
                                 "measurements": fairness},
        "audit-robustness": {"status": "crashed", "record": {**audit, "audit": "robustness", "status": "crashed",
                                                              "measurements": []}},
        "document": {"record": {"documents": [{"name": "oversight_plan", "sha256": "b" * 64, "expires": "2027-01-01"},
                                              {"name": "incident_procedure", "sha256": "c" * 64, "expires": "2026-01-01"},
                                              {"name": "risk_management_file", "sha256": "d" * 64, "met": False}]}},
    }  # fmt: skip


def view(
    stated: Mapping[str, Mapping[str, Any]] | None = None, *, decided: bool = True
) -> DossierView:
    """A dossier of these predicates, decided under a small pack."""
    statements = [
        _statement(name.split("-")[0], predicate)
        for name, predicate in (predicates() if stated is None else stated).items()
    ]
    if not decided:
        return DossierView(tuple(statements), None, {})
    pack: Pack = parse_pack(_PACK, "gdpr.yaml")
    use = next(
        (
            one.predicate["record"].get("use", {})
            for _, one in statements
            if room_of(one) == "config"
        ),
        {},
    )
    verdict = decide(statements, use, [pack], DAY)
    statements.append(
        _statement("decide", {"record": {"verdict": verdict.model_dump(mode="json")}})
    )
    return DossierView(tuple(statements), verdict, {"gdpr": _PACK})


def _statement(room: str, predicate: Mapping[str, Any]) -> tuple[str, Statement]:
    made = make_statement(room, [], {"run": "demo-1", **predicate}, now=NOW)
    return sha256(canonical(made.model_dump(mode="json", by_alias=True))), made
