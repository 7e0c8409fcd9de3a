"""Says which controls read which measurements, for whoever shows a verdict; it decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lextune.policy.schema import (
    Control,
    MeasurementRequirement,
    Pack,
    PreregisteredRequirement,
    leaves,
)
from lextune.records import Status, Verdict


class Use(NamedTuple):
    """A control that read a measurement.

    Attributes:
        control: `pack/control`.
        status: What it came to.
    """

    control: str
    status: Status


def uses(verdict: Verdict, packs: Sequence[Pack]) -> dict[str, tuple[Use, ...]]:
    """Measurement to the controls that ask for it, in the verdict's order; those that do not apply read nothing."""
    asked = {
        (pack.id, control.id): list(_named(control)) for pack in packs for control in pack.controls
    }
    found: dict[str, tuple[Use, ...]] = {}
    for one in verdict.controls:
        if one.status == "not_applicable":
            continue
        for name in dict.fromkeys(asked.get((one.pack, one.control), ())):
            found[name] = (*found.get(name, ()), Use(f"{one.pack}/{one.control}", one.status))
    return found


def _named(control: Control) -> Iterator[str]:
    for one in leaves(control.requires):
        if isinstance(one, MeasurementRequirement):
            yield one.measurement
        elif isinstance(one, PreregisteredRequirement) and one.of is not None:
            yield one.of
