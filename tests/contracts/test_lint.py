"""Every shipped pack is right in all that `lextune policy check` looks at; its cases are decided in test_scenarios.py."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

import lextune
from lextune.cli.policy_check import known_measurement
from lextune.policy.lint import Surroundings, lint
from lextune.policy.measured import ROOM_MEASUREMENTS
from lextune.policy.packs import Pack, list_packs
from lextune.policy.scenarios import shipped_scenarios

SCENARIOS = [one for found in shipped_scenarios().values() for one in found]

#: Names that the code puts together from the part's name.
COMPOSED = {
    "train_rows", "validation_rows", "test_rows", "near_leaked_test_rows", "near_leaked_validation_rows",
}  # fmt: skip


@pytest.mark.parametrize("pack", list_packs(), ids=lambda pack: pack.id)
def test_a_shipped_pack_has_no_fault(pack: Pack) -> None:
    today = datetime.datetime.now(datetime.UTC).date()
    around = Surroundings(today, known_measurement(), list_packs(), SCENARIOS, decide=False)
    assert around.measured is not None
    assert [str(one) for one in lint(pack, around)] == []


def test_the_names_of_measurements_are_those_that_rooms_give() -> None:
    """A name that stands nowhere in the code is measured nowhere."""
    source = Path(lextune.__file__).parent
    texts = [path.read_text() for path in source.rglob("*.py") if path.parent.name != "policy"]
    spelled = {word for text in texts for word in re.findall(r"[a-z_0-9]+", text)} | COMPOSED
    assert {name for room in ROOM_MEASUREMENTS.values() for name in room} <= spelled
