"""Bounds that the user set beforehand count as a whole, or those of the measurement that a control is about."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from lextune.policy.attestations import Attestation, check_attestations
from lextune.policy.lint import Surroundings, lint
from lextune.policy.packs import Pack
from lextune.policy.uses import Use, uses
from lextune.policy.verdict import decide
from lextune.records import Measurement

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


def test_a_person_may_bring_the_figure_that_a_bound_is_about(
    control: Data, pack: Callable[..., Pack]
) -> None:
    law = pack(control(id="bounds", requires=[{"preregistered": "thresholds", "of": "leak_rate"}]))
    brought, other = (
        Attestation(
            name="leak_test", person="A. Tester", statement="Tried 300 times.",
            measurements=(Measurement.exact(name, 0.1, n=300, unit="proportion"),),
        )
        for name in ("leak_rate", "other_rate")
    )  # fmt: skip
    assert check_attestations([brought], [law]) == []
    assert len(check_attestations([other], [law])) == 1


def test_the_lint_knows_the_figure_that_a_bound_is_about(
    control: Data, pack: Callable[..., Pack], day: datetime.date
) -> None:
    law = pack(control(id="bounds", requires=[{"preregistered": "thresholds", "of": "leak_rate"}]))
    none, every = (
        {one.fact for one in lint(law, Surroundings(day, measured))}
        for measured in (lambda name: False, lambda name: True)
    )
    assert none - every == {"nothing measures 'leak_rate'"}
