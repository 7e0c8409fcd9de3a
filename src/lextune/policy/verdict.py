"""Decides every control of every chosen pack: a pure function of statements, facts, packs, day."""

from __future__ import annotations

import dataclasses
import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lextune.errors import ExitCode, PackError, Problem
from lextune.policy import schema
from lextune.policy.applicability import Shared, control_applies, questions
from lextune.policy.bounds import check_measurement
from lextune.policy.core_facts import TASK
from lextune.policy.facts import all_facts, answer
from lextune.policy.findings import Finding, together, worst
from lextune.policy.licences import LicenceTable, check_licence
from lextune.policy.output_licence import check_output_licence
from lextune.policy.readings import Readings, StatedLicence
from lextune.policy.schema import Control, Fact, Pack, leaves
from lextune.policy.waivers import Waiver
from lextune.policy.wording import Language, ended, joined, speaking, tr
from lextune.records import ControlResult, Outcome, Severity, Statement, Status, Verdict

_NOT_ENFORCED = {
    "staged": "Not enforced: it is adopted but does not bind yet (status staged)",
    "draft": "Not enforced: it is a draft, not law (status draft)",
    "repealed": "Not enforced: it is repealed (status repealed)",
    "rescission_pending": "Not enforced: its withdrawal is pending (status rescission_pending)",
    "stayed": "Not enforced: a court order stays it (status stayed)",
}
#: Statuses of controls that are shown and never enforced.
SHOWN_ONLY = frozenset(_NOT_ENFORCED)
_PRESENT = {
    "document": "the document {name!r} is in the dossier.",
    "attestation": "the attestation {name!r} is in the dossier.",
}
_BRING = {
    "document": "{name}: bring this document",
    "attestation": "{name}: bring this attestation",
}


@dataclass(frozen=True)
class _Case:
    """All that a control is decided on."""

    readings: Readings
    facts: Mapping[str, Fact]
    declared: Mapping[str, Any]
    as_of: datetime.date
    waivers: tuple[Waiver, ...]
    shared: Shared = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class _Decision:
    """What a control came to; `settled` where it stays so, whatever further statements say."""

    status: Status
    reasons: tuple[str, ...]
    questions: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    severity: Severity = "block"
    settled: bool = True


def decide(
    statements: Sequence[tuple[str, Statement]],
    facts: Mapping[str, Any],
    packs: Sequence[Pack],
    as_of: datetime.date,
    waivers: Sequence[Waiver] = (),
    language: Language = "en",
) -> Verdict:
    """The verdict; equal arguments give equal bytes, in whatever order statements and packs stand.

    Args:
        statements: (SHA-256 of the signed envelope in hex, statement), signatures already verified.
        facts: The declared `use`; missing and null are unknown.
        packs: The chosen packs.
        as_of: The day on which it is decided; the clock is never read.
        waivers: Signed attestations, signatures already verified.
        language: Of reasons and questions. What is signed is English; Chinese is for people to read.

    Raises:
        PackError: Two packs share an id, or type a fact differently.
    """
    return decide_so_far(statements, facts, packs, as_of, waivers, language)[0]


def decide_so_far(
    statements: Sequence[tuple[str, Statement]],
    facts: Mapping[str, Any],
    packs: Sequence[Pack],
    as_of: datetime.date,
    waivers: Sequence[Waiver] = (),
    language: Language = "en",
) -> tuple[Verdict, tuple[ControlResult, ...]]:
    """The verdict as `decide` gives it, and the blocking controls that no later statement can mend.

    A requirement that was read and not met stays so, and so does a fact that nobody declared; one that was
    only not measured yet is still open. A run that has such a control is refused whatever is trained.
    """
    if isinstance(as_of, datetime.datetime):
        as_of = as_of.date()
    chosen = _distinct(packs)
    ordered = sorted(waivers, key=lambda waiver: waiver.model_dump_json())
    readings = Readings(statements)
    known = {**facts, TASK: readings.task()}
    case = _Case(readings, all_facts(chosen), known, as_of, tuple(ordered))
    with speaking(language):
        decided = [_decide_control(pack, one, case) for pack in chosen for one in pack.controls]
    results = tuple(result for result, _ in decided)
    verdict = Verdict(
        outcome=outcome_of(results, complete=not readings.incomplete()),
        as_of=as_of,
        facts={str(name): _plain(facts[name]) for name in sorted(facts, key=str)},
        packs={pack.id: pack.digest for pack in chosen},
        controls=results,
    )
    return verdict, tuple(
        result for result, settled in decided if settled and blocks_release(result)
    )


def blocks_release(result: ControlResult) -> bool:
    """Whether this control alone refuses the release."""
    return result.severity == "block" and result.status in ("fail", "insufficient")


def exit_code(verdict: Verdict) -> ExitCode:
    """What a process ends with that stops at this verdict."""
    codes = {"pass": ExitCode.DONE, "fail": ExitCode.REFUSED}
    return codes.get(verdict.outcome, ExitCode.INSUFFICIENT)


def _distinct(packs: Sequence[Pack]) -> list[Pack]:
    chosen: dict[str, Pack] = {}
    for pack in packs:
        known = chosen.setdefault(pack.id, pack)
        if known.digest != pack.digest:
            raise PackError(
                Problem(
                    f"two different packs call themselves {pack.id!r}",
                    "choose one of them, or give yours another id",
                    "the verdict could not say which one it followed",
                )
            )
    return [chosen[name] for name in sorted(chosen)]


def outcome_of(results: Sequence[ControlResult], *, complete: bool) -> Outcome:
    """Blocking controls decide; where nothing at all was decided, or a room did not complete, nothing passed.

    Args:
        complete: Whether every statement says that its room completed.
    """
    blocking = {result.status for result in results if result.severity == "block"}
    if "fail" in blocking:
        return "fail"
    decided = {result.status for result in results} & {"pass", "fail", "waived"}
    passed = complete and decided and "insufficient" not in blocking
    return "pass" if passed else "insufficient"


def _decide_control(pack: Pack, control: Control, case: _Case) -> tuple[ControlResult, bool]:
    """The result, and whether no further statement can change it."""
    decision = _not_enforced(control, case.as_of) or _applied(pack, control, case)
    if decision.status in ("fail", "insufficient"):
        decision = _waive(pack, control, decision, case)
    reasons = decision.reasons
    if control.status == "unconfirmed" and decision.status != "not_applicable":
        reasons = (*reasons, tr("This control is unconfirmed: check it against the official text."))
    result = ControlResult(
        pack=pack.id,
        control=control.id,
        citation=control.citation,
        titles={"en": control.titles.en, "zh": control.titles.zh},
        basis=control.basis,
        severity=decision.severity if control.severity == "block" else "warn",
        status=decision.status,
        reasons=reasons,
        questions=decision.questions,
        remedy={"en": control.remedy.en, "zh": control.remedy.zh},
        evidence=decision.evidence,
    )
    return result, decision.settled


def is_enforced(control: Control, as_of: datetime.date) -> bool:
    """Whether it binds anybody on this day."""
    return _not_enforced(control, as_of) is None


def _not_enforced(control: Control, as_of: datetime.date) -> _Decision | None:
    """Why a control binds nobody on this day, whatever was declared."""
    if control.status in _NOT_ENFORCED:
        why = tr(_NOT_ENFORCED[control.status])
        if control.from_day is None:
            return _Decision("not_applicable", (ended(why),))
        note = tr("its date is {day}", day=control.from_day)
        if control.from_day <= as_of:
            passed = "its date is {day}, which has passed: look for a newer version of the pack"
            note = tr(passed, day=control.from_day)
        return _Decision("not_applicable", (ended(joined([why, note])),))
    if control.from_day is not None and as_of < control.from_day:
        return _Decision(
            "not_applicable",
            (tr("It applies from {day}, not yet on {as_of}.", day=control.from_day, as_of=as_of),),
        )
    if control.until_day is not None and as_of > control.until_day:
        return _Decision("not_applicable", (tr("It applied until {day}.", day=control.until_day),))
    return None


def _applied(pack: Pack, control: Control, case: _Case) -> _Decision:
    applies = control_applies(pack, control, case.facts, case.declared, case.shared)
    if applies.value is None:
        reasons = tuple(_unknown(name, case) for name in applies.deciding)
        return _Decision("insufficient", reasons, questions(applies.deciding, case.facts))
    named = joined(
        [
            tr("{name} is declared {value}", name=name, value=_shown(name, case))
            for name in applies.deciding
        ],
        ", ",
    )
    if applies.exemption is not None:
        why = tr(
            "It does not apply: exempt under {cited} ({named}).",
            cited=applies.exemption.citation, named=named or tr("always"),
        )  # fmt: skip
        return _Decision("not_applicable", (why,))
    if applies.value is False:
        return _Decision("not_applicable", (tr("It does not apply: {named}.", named=named),))
    if control.effect == "prohibit":
        why = named or tr("it applies to every use")
        return _Decision("fail", (tr("Prohibited: {why}.", why=why),))
    findings = [_check(requirement, pack, case) for requirement in control.requires]
    against = [finding for finding in findings if finding.status != "pass"]
    blocks = not against or any(finding.blocking for finding in against)
    asked = dict.fromkeys(question for finding in findings for question in finding.questions)
    evidence = {digest for finding in findings for digest in finding.evidence}
    return _Decision(
        worst(finding.status for finding in findings),
        tuple(_sentence(finding.reason) for finding in findings),
        tuple(asked),
        tuple(sorted(evidence)),
        "block" if blocks else "warn",
        any(_is_settled(*pair) for pair in zip(control.requires, findings, strict=True)),
    )


def _is_settled(requirement: schema.Requirement, finding: Finding) -> bool:
    """Read and not met; a document or an attestation may still be brought, and a bound still be met."""
    unmet = finding.blocking and finding.status != "pass"
    return unmet and bool(finding.evidence) and not any(map(_may_be_brought, leaves([requirement])))


def _may_be_brought(requirement: schema.Requirement) -> bool:
    listed = schema.DocumentRequirement | schema.AttestationRequirement
    return isinstance(requirement, listed | schema.PreregisteredRequirement)


def _check(requirement: schema.Requirement, pack: Pack, case: _Case) -> Finding:
    if isinstance(requirement, schema.EveryRequirement | schema.OneRequirement):
        found = [_check(one, pack, case) for one in requirement.requirements]
        return together(found, one_suffices=isinstance(requirement, schema.OneRequirement))
    if isinstance(requirement, schema.PreregisteredRequirement):
        return _preregistered(requirement, case)
    if isinstance(requirement, schema.MeasurementRequirement):
        return check_measurement(
            requirement, case.readings.measurement(requirement.measurement, case.as_of)
        )
    if isinstance(requirement, schema.LicenceRequirement):
        stated = case.readings.licence(requirement.licence)
        return check_licence(requirement, stated, _table(pack, case))
    if isinstance(requirement, schema.OutputLicenceRequirement):
        inputs: dict[schema.LicenceOf, StatedLicence] = {
            "model": case.readings.licence("model"),
            "data": case.readings.licence("data"),
        }
        release = case.readings.release()
        return check_output_licence(requirement, inputs, release, _table(pack, case))
    if isinstance(requirement, schema.DocumentRequirement):
        return _listed("document", requirement.document, case)
    return _listed("attestation", requirement.attestation, case)


def _preregistered(requirement: schema.PreregisteredRequirement, case: _Case) -> Finding:
    """The user's own bounds, by the ends of the intervals."""
    stated = case.readings.thresholds()
    chosen = [one for one in stated.thresholds if requirement.of in (None, one.measurement)]
    if stated.problem or not chosen:
        problem = stated.problem or tr(
            "no bound of {name} was set before testing", name=requirement.of
        )
        about = requirement.of or tr("named measurements")
        ask = tr("policy.thresholds: set bounds for {about} before anything is tested", about=about)
        return Finding("insufficient", ended(problem), (ask,), stated.evidence)
    found = [
        check_measurement(one, case.readings.measurement(one.measurement, case.as_of))
        for one in chosen
    ]
    return together([*found, Finding("pass", "", evidence=stated.evidence)], one_suffices=False)


def _table(pack: Pack, case: _Case) -> LicenceTable:
    rows = {row.id.casefold(): row for row in pack.licences}
    return LicenceTable(rows, case.facts, case.declared)


def _listed(room: Any, name: str, case: _Case) -> Finding:
    found = case.readings.listed(room, name, case.as_of)
    if not found.met:
        return Finding("fail", ended(found.problem), evidence=found.evidence)
    if found.present:
        return Finding("pass", tr(_PRESENT[room], name=name), evidence=found.evidence)
    ask = tr(_BRING[room], name=name)
    return Finding("insufficient", ended(found.problem), (ask,), found.evidence)


def _waive(pack: Pack, control: Control, decision: _Decision, case: _Case) -> _Decision:
    """A valid waiver turns the status; one that does not help is named, so that nobody relies on it."""
    reasons = list(decision.reasons)
    status = decision.status
    for waiver in case.waivers:
        if (waiver.pack, waiver.control) != (pack.id, control.id):
            continue
        signed = tr(
            "waiver by {person} until {day}: {reason}",
            person=waiver.person, day=waiver.expires, reason=waiver.reason,
        )  # fmt: skip
        if not control.may_be_waived:
            reasons.append(_sentence(tr("no waiver lifts this control ({signed})", signed=signed)))
        elif waiver.expires < case.as_of:
            reasons.append(
                _sentence(tr("expired on {day}: {signed}", day=waiver.expires, signed=signed))
            )
        else:
            status = "waived"
            reasons.append(_sentence(signed))
    return dataclasses.replace(decision, status=status, reasons=tuple(reasons))


def _unknown(name: str, case: _Case) -> str:
    if case.declared.get(name) is None:
        return tr("It is unknown whether this applies: {name} is not declared.", name=name)
    return tr(
        "It is unknown whether this applies: what {name} is declared to be is no answer to it.",
        name=name,
    )


def _shown(name: str, case: _Case) -> str:
    value = answer(case.facts[name], case.declared)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(value) or tr("empty")
    return str(value)


def _sentence(text: str) -> str:
    """Reasons read as sentences; a name in lower case (`accuracy is …`) keeps its spelling."""
    first = text.split(" ", 1)[0]
    opened = text[0].upper() + text[1:] if first.isalpha() else text
    return ended(opened)


def _plain(value: Any) -> Any:
    """A declared value as JSON can hold it; what it cannot hold is shown as text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)
