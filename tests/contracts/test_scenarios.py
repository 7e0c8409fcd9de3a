"""Every worked case of the shipped packs comes out as its file says, and every control is worked in each way it can end."""

import pytest

from lextune.policy.packs import list_packs, load_pack
from lextune.policy.scenarios import (
    Scenario,
    covered,
    decide_scenario,
    differences,
    shipped_scenarios,
)

FILES = shipped_scenarios()
CASES = [
    pytest.param(one, id=f"{file}/{one.id}")
    for file, scenarios in FILES.items()
    for one in scenarios
]
#: Controls of these are shown and never enforced, so that they can come to nothing else than "does not apply".
SHOWN_ONLY = ("staged", "draft", "repealed", "rescission_pending", "stayed")


@pytest.mark.parametrize("scenario", CASES)
def test_a_case_comes_out_as_its_file_says(scenario: Scenario) -> None:
    assert differences(scenario, decide_scenario(scenario)) == []


@pytest.mark.parametrize("pack", [one.id for one in list_packs()])
def test_every_control_is_worked_in_each_way_it_can_end(pack: str) -> None:
    found = covered(one for file in FILES.values() for one in file)
    missing = {}
    for control in load_pack(pack).controls:
        # A prohibition cannot be met by evidence: where it applies it fails.
        ends = {
            "not_applicable" if control.effect == "prohibit" else "pass",
            "fail",
            "insufficient",
        }
        if control.status in SHOWN_ONLY:
            ends = {"not_applicable"}
        if lacking := ends - found.get(f"{pack}/{control.id}", set()):
            missing[control.id] = sorted(lacking)
    assert missing == {}
