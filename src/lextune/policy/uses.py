"""Says which controls read which measurements, for whoever shows a verdict; it decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lextune.policy.schema import Pack, figures
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
        (pack.id, control.id): list(figures(control.requires))
        for pack in packs
        for control in pack.controls
    }
    found: dict[str, tuple[Use, ...]] = {}
    for one in verdict.controls:
        if one.status == "not_applicable":
            continue
        for name in dict.fromkeys(asked.get((one.pack, one.control), ())):
            found[name] = (*found.get(name, ()), Use(f"{one.pack}/{one.control}", one.status))
    return found
