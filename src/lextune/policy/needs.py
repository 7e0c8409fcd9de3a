"""Lists the papers that a verdict waits for, and the duties that are still to come; it decides nothing."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from lextune.policy.applicability import control_applies
from lextune.policy.facts import all_facts
from lextune.policy.lint import attested_measurements
from lextune.policy.schema import (
    AttestationRequirement,
    Control,
    DocumentRequirement,
    MeasurementRequirement,
    Pack,
    leaves,
)
from lextune.policy.timeline import Event, timeline
from lextune.records import Verdict

Kind = Literal["document", "attestation", "figure"]


_UNKNOWN = ("It is unknown whether this applies", "无法判断是否适用")


class Need(NamedTuple):
    """A paper that controls ask for and that is not there.

    Attributes:
        kind: A `figure` is a measurement that lextune does not make: a signed attestation brings it.
        controls: `pack/control`, in the verdict's order.
        alone: Whether some control asks for it without naming another paper that would do instead.
    """

    kind: Kind
    name: str
    controls: tuple[str, ...]
    alone: bool


def waits_for_facts(reasons: Sequence[str]) -> bool:
    """Whether all that a result gives as reasons is that nobody knows whether its control applies, in either language."""
    return bool(reasons) and all(one.startswith(_UNKNOWN) for one in reasons)


def undecided(packs: Sequence[Pack], declared: Mapping[str, Any]) -> set[tuple[str, str]]:
    """(pack, control) of the controls of which nobody knows whether they apply to the use."""
    facts = all_facts(packs)
    return {
        (pack.id, one.id)
        for pack in packs
        for one in pack.controls
        if control_applies(pack, one, facts, declared).value is None
    }


def needs(verdict: Verdict, packs: Sequence[Pack], declared: Mapping[str, Any]) -> list[Need]:
    """What people must bring before the open controls that apply for sure can be met; by kind and name."""
    asked = {(pack.id, one.id): (pack, one) for pack in packs for one in pack.controls}
    unknown = undecided(packs, declared)
    found: dict[tuple[Kind, str], Need] = {}
    for result in verdict.controls:
        key = result.pack, result.control
        if result.status not in ("insufficient", "fail") or key in unknown:
            continue
        pack, control = asked[key]
        whole = set(_papers(pack, control, nested=False))
        for kind, name in _papers(pack, control, nested=True):
            known = found.get((kind, name), Need(kind, name, (), alone=False))
            found[kind, name] = Need(
                kind, name, (*known.controls, f"{pack.id}/{control.id}"),
                known.alone or (kind, name) in whole,
            )  # fmt: skip
    return [found[key] for key in sorted(found)]


def _papers(pack: Pack, control: Control, *, nested: bool) -> list[tuple[Kind, str]]:
    brought = attested_measurements(pack)
    found: dict[tuple[Kind, str], None] = {}
    for one in leaves(control.requires) if nested else control.requires:
        if isinstance(one, DocumentRequirement):
            found["document", one.document] = None
        elif isinstance(one, AttestationRequirement):
            found["attestation", one.attestation] = None
        elif isinstance(one, MeasurementRequirement) and one.measurement in brought:
            found["figure", one.measurement] = None
    return list(found)


def to_come(
    packs: Sequence[Pack], declared: Mapping[str, Any], as_of: datetime.date
) -> list[Event]:
    """Duties that apply to the use, or may, and bind only after a day."""
    return [
        one
        for one in timeline(packs, declared)
        if one.turn == "binds" and one.day is not None and one.day > as_of
    ]
