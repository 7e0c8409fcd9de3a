"""Bounds that the user set beforehand count as a whole, or those of the measurement that a control is about."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from lextune.policy.packs import Pack
from lextune.policy.uses import Use, uses
from lextune.policy.verdict import decide

Data = Callable[..., dict[str, Any]]
BOUND = {"operator": "<=", "value": 0.6, "minimum_n": 100}
PRIVATE, RIGHT = {"measurement": "membership_auc", **BOUND}, {"measurement": "error_rate", **BOUND}


@pytest.mark.parametrize(
    ("of", "thresholds", "status"),
    [
        (None, [PRIVATE], "pass"),
        (None, [PRIVATE, RIGHT], "fail"),
        ("membership_auc", [PRIVATE, RIGHT], "pass"),
        ("error_rate", [PRIVATE, RIGHT], "fail"),
        # A bound on something else says nothing of what the control is about.
        ("membership_auc", [RIGHT], "insufficient"),
        ("canary_auc", [PRIVATE], "insufficient"),
        ("membership_auc", [], "insufficient"),
    ],
)
def test_only_bounds_of_the_measurement_that_it_is_about_count(
    control: Data, pack: Callable[..., Pack], signed: Any, measured: Data, day: datetime.date,
    of: str | None, thresholds: list[dict[str, Any]], status: str,
) -> None:  # fmt: skip
    asked = {"preregistered": "thresholds"} | ({} if of is None else {"of": of})
    law = pack(control(id="bounds", requires=[asked]))
    figures = [
        measured("membership_auc", 0.52, (0.5, 0.54)), measured("error_rate", 0.7, (0.65, 0.75)),
    ]  # fmt: skip
    statements = [signed("evaluate", *figures), signed("config", policy={"thresholds": thresholds})]
    verdict = decide(statements, {}, [law], day)
    (result,) = verdict.controls
    assert result.status == status
    if status == "insufficient":
        assert result.questions[0].startswith(f"policy.thresholds: set bounds for {of} before")
    assert uses(verdict, [law]) == ({} if of is None else {of: (Use("trial/bounds", status),)})
