"""A verdict as OSCAL assessment results; it decides nothing, and what did not apply becomes no finding.

https://pages.nist.gov/OSCAL/reference/latest/assessment-results/json-reference/. OSCAL knows `satisfied` and
`not-satisfied` alone: `insufficient` and `waived` are not satisfied, and a property says which they are.
"""

from __future__ import annotations

import re
from typing import Any

from lextune.errors import InsufficientError, Problem
from lextune.evidence.documents.base import DossierView, Language, document
from lextune.evidence.documents.machine.common import (
    created,
    identifier,
    run_of,
    statement_names,
    statement_urn,
    summarise,
    to_json,
    tool_version,
)
from lextune.evidence.markdown import GAP, one_line
from lextune.evidence.statements import room_of
from lextune.records import ControlResult, Verdict

#: The newest that well-kept readers accept; results of 1.1 have the same shape.
OSCAL_VERSION = "1.2.1"

_NAMESPACE = "urn:lextune:oscal"
_Json = dict[str, Any]
_WORDS = {
    "en": {
        "title": "Assessment results of {name}",
        "result": "Decision of {day}: {outcome}",
        "described": "Controls of policy packs, decided from signed statements and declared facts alone.",
        "pack": "Pack {name}",
        "plan": "The config as it was signed before anything was read, with the packs and the bounds.",
        "no_plan": "No complete statement of the config is there.",
        "remedy": "What to do",
        "gap": "Not in the statements: who assessed it besides lextune, and a system security plan.",
        "statement": "Signed statement, by the SHA-256 of its envelope.",
        "file": "Policy pack, byte for byte as it decided.",
    },
    "zh": {
        "title": "{name} 的评估结果",
        "result": "{day} 的判定：{outcome}",
        "described": "各规则包的控制项，仅依据已签名的声明和所申报的事实判定。",
        "pack": "规则包 {name}",
        "plan": "读取任何数据之前已签名的配置，含规则包与阈值。",
        "no_plan": "没有完整的配置声明。",
        "remedy": "应采取的措施",
        "gap": "声明中没有：除 lextune 外由谁评估，以及系统安全计划。",
        "statement": "已签名的声明，以其信封的 SHA-256 标识。",
        "file": "规则包，与判定时逐字节相同。",
    },
}


@document(
    "oscal",
    titles={"en": "Assessment results (OSCAL)", "zh": "评估结果（OSCAL）"},
    cites=f"OSCAL {OSCAL_VERSION}, assessment results (NIST)",
    suffix=".json",
)
def oscal(view: DossierView, language: Language) -> bytes:
    """The results as JSON.

    Raises:
        InsufficientError: Nothing was decided yet, or no pack was there to decide by.
    """
    if view.verdict is None or not view.verdict.controls:
        raise InsufficientError(
            Problem(
                "nothing was decided on this model",
                "run it to its decision: `lextune run CONFIG`",
                "assessment results are a decision",
            )
        )
    return to_json({"assessment-results": _Results(view, view.verdict, language).content()})


class _Results:
    """The parts of the document, which name each other by their identifiers."""

    def __init__(self, view: DossierView, verdict: Verdict, language: Language) -> None:
        self._view, self._verdict, self._language = view, verdict, language
        self._words = _WORDS[language]
        self._summary = summarise(view)
        self._names = statement_names(view)
        #: Observations have a time each: that of the decision.
        decided = [
            str(one.predicate["created"]) for _, one in view.statements if room_of(one) == "decide"
        ]
        self._decided = decided[-1] if decided else created(view)

    def content(self) -> _Json:
        """https://pages.nist.gov/OSCAL/reference/latest/assessment-results/json-outline/."""
        name = _markup(self._summary.name or GAP)
        plan = self._summary.evidence.get("config")
        return {
            "uuid": self._id("document"),
            "metadata": {
                "title": self._words["title"].format(name=name),
                "last-modified": created(self._view),
                "version": one_line(str(self._summary.release.get("version") or GAP)),
                "oscal-version": OSCAL_VERSION,
                "props": [
                    self._property("run", run_of(self._view) or GAP),
                    self._property("tool", f"lextune {tool_version(self._view)}"),
                ],
                "remarks": self._words["gap"],
            },
            "import-ap": {
                "href": f"#{self._id('statement', plan) if plan else self._id('no-plan')}",
                "remarks": self._words["plan" if plan else "no_plan"],
            },
            "results": [self._result()],
            "back-matter": {"resources": self._resources(plan)},
        }

    def _result(self) -> _Json:
        verdict = self._verdict
        decided = [one for one in verdict.controls if one.status != "not_applicable"]
        open_ones = [one for one in decided if one.status != "pass"]
        day, outcome = verdict.as_of.isoformat(), verdict.outcome
        facts = [
            self._property("fact", f"{name}: {_fact(value)}")
            for name, value in verdict.facts.items()
        ]
        result: _Json = {
            "uuid": self._id("result"),
            "title": self._words["result"].format(day=day, outcome=outcome),
            "description": self._words["described"],
            "start": str(self._view.statements[0][1].predicate["created"]),
            "end": self._decided,
            "props": [
                self._property("outcome", outcome),
                self._property("as-of", day),
                *facts,
            ],
            "reviewed-controls": {"control-selections": self._selections()},
            "observations": [self._observation(one) for one in verdict.controls],
            "risks": [self._risk(one) for one in open_ones],
            "findings": [self._finding(one) for one in decided],
        }
        return {key: value for key, value in result.items() if value != []}

    def _selections(self) -> list[_Json]:
        """Every control was looked at; of one that does not apply there is an observation and no finding."""
        return [
            {
                "description": self._words["pack"].format(name=_markup(pack)),
                "props": [self._property("pack-sha256", digest)],
                "include-controls": [
                    {"control-id": control_id(one)}
                    for one in self._verdict.controls
                    if one.pack == pack
                ],
            }
            for pack, digest in self._verdict.packs.items()
        ]

    def _observation(self, one: ControlResult) -> _Json:
        evidence = [
            {
                "href": f"#{self._id('statement', digest)}",
                "description": self._names.get(digest, statement_urn(digest)),
            }
            for digest in one.evidence
        ]
        asked = [self._property("question", question) for question in one.questions]
        return {
            "uuid": self._id("observation", one.pack, one.control),
            "title": _markup(one.titles.get(self._language)),
            "description": self._reasons(one),
            "props": [*self._props(one), *asked],
            "methods": ["EXAMINE"],
            "types": ["control-objective"],
            **({"relevant-evidence": evidence} if evidence else {}),
            "collected": self._decided,
        }

    def _finding(self, one: ControlResult) -> _Json:
        reasons = {"pass": "pass", "fail": "fail"}
        related = {"related-risks": [{"risk-uuid": self._id("risk", one.pack, one.control)}]}
        return {
            "uuid": self._id("finding", one.pack, one.control),
            "title": _markup(one.titles.get(self._language)),
            "description": self._reasons(one),
            "props": self._props(one),
            "target": {
                "type": "objective-id",
                "target-id": control_id(one),
                "status": {
                    "state": "satisfied" if one.status == "pass" else "not-satisfied",
                    "reason": reasons.get(one.status, "other"),
                    "remarks": one.status,
                },
            },
            "related-observations": [
                {"observation-uuid": self._id("observation", one.pack, one.control)}
            ],
            **(related if one.status != "pass" else {}),
        }

    def _risk(self, one: ControlResult) -> _Json:
        """What stands open, with the remedy of the pack; a waiver is an approved deviation."""
        title = _markup(one.titles.get(self._language))
        return {
            "uuid": self._id("risk", one.pack, one.control),
            "title": title,
            "description": self._reasons(one),
            "statement": f"{title} ({_markup(one.citation)}): {one.status}.",
            "props": self._props(one),
            "status": "deviation-approved" if one.status == "waived" else "open",
            "remediations": [
                {
                    "uuid": self._id("remedy", one.pack, one.control),
                    "lifecycle": "recommendation",
                    "title": self._words["remedy"],
                    "description": _markup(one.remedy.get(self._language)),
                }
            ],
            "related-observations": [
                {"observation-uuid": self._id("observation", one.pack, one.control)}
            ],
        }

    def _resources(self, plan: str | None) -> list[_Json]:
        found: list[_Json] = [
            {
                "uuid": self._id("statement", digest),
                "title": name,
                "description": self._words["statement"],
                "document-ids": [{"scheme": _NAMESPACE, "identifier": statement_urn(digest)}],
            }
            for digest, name in self._names.items()
        ]
        unknown = {digest for one in self._verdict.controls for digest in one.evidence}
        found += [
            {
                "uuid": self._id("statement", digest),
                "description": self._words["statement"],
                "document-ids": [{"scheme": _NAMESPACE, "identifier": statement_urn(digest)}],
            }
            for digest in sorted(unknown - self._names.keys())
        ]
        if plan is None:
            found.append({"uuid": self._id("no-plan"), "description": self._words["no_plan"]})
        return found + [
            {
                "uuid": self._id("pack", pack),
                "title": self._words["pack"].format(name=_markup(pack)),
                "description": self._words["file"],
                "rlinks": [
                    {
                        "href": f"dossier/packs/{pack}.yaml",
                        "hashes": [{"algorithm": "SHA-256", "value": digest}],
                    }
                ],
            }
            for pack, digest in self._verdict.packs.items()
        ]

    def _props(self, one: ControlResult) -> list[_Json]:
        stated = {
            "status": one.status,
            "pack": one.pack,
            "control": one.control,
            "severity": one.severity,
            "basis": one.basis,
            "citation": one.citation,
        }
        return [self._property(name, value) for name, value in stated.items()]

    def _reasons(self, one: ControlResult) -> str:
        return " ".join(_markup(reason) for reason in one.reasons) or GAP

    def _property(self, name: str, value: str) -> _Json:
        return {"name": name, "ns": _NAMESPACE, "value": one_line(value) or GAP}

    def _id(self, *parts: str) -> str:
        return identifier(self._view, "oscal", *parts)


def control_id(one: ControlResult) -> str:
    """`PACK.CONTROL` as an OSCAL token, which opens with a letter or a low line."""
    token = f"{one.pack}.{one.control}"
    return token if re.match(r"[a-z]", token) else f"_{token}"


def _markup(value: str | None) -> str:
    """Text on one line in OSCAL's Markdown: what would be read as markup is escaped, names stay readable."""
    escaped = re.sub(r"[\\`*\[\]<&]|(?<!\w)_|_(?!\w)", r"\\\g<0>", one_line(value or ""))
    return re.sub(r"^(\d*)([#+>=~|.)-])", r"\1\\\2", escaped) or GAP


def _fact(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return (
        "unknown"
        if value is None
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )
