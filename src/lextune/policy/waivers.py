"""Waivers: a person takes responsibility for one control until a date; signatures are checked elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from lextune.errors import Problem
from lextune.policy.pack_problems import did_you_mean
from lextune.policy.schema import Pack
from lextune.records import Day, Record


class Waiver(Record):
    """A signed attestation that one control may stay unmet.

    Attributes:
        expires: Last day on which it holds.
    """

    pack: str
    control: str
    reason: str = Field(min_length=1, pattern=r"\S")
    person: str = Field(min_length=1, pattern=r"\S")
    expires: Day


def check_waivers(waivers: Sequence[Waiver], packs: Sequence[Pack]) -> list[Problem]:
    """Waivers that name no control of the chosen packs, or one that no waiver lifts."""
    controls = {
        f"{pack.id}/{control.id}": control.may_be_waived
        for pack in packs
        for control in pack.controls
    }
    problems = []
    for waiver in waivers:
        name = f"{waiver.pack}/{waiver.control}"
        if name not in controls:
            problems.append(
                Problem(f"a waiver names {name}, which no pack has", did_you_mean(name, controls))
            )
        elif not controls[name]:
            problems.append(
                Problem(
                    f"a waiver names {name}, which no waiver lifts", "meet the control, or stop"
                )
            )
    return problems
