"""The audit of epsilon: what was really spent against what training claims."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from audited import MadeUpBench
from lextune.audits.base import AuditInput, Part
from lextune.audits.epsilon_audit import Parameters, epsilon_audit
from lextune.canaries import Canaries
from lextune.evaluation.predict import Scored
from lextune.records import AuditResult

EMPTY = Scored((), np.zeros(0, np.int64), np.zeros((0, 2)), ("no", "yes"), {})


def audit(
    knows: float, count: int = 200, privacy: Any = None, copies: int = 1, **parameters: Any
) -> AuditResult:
    """Of a model that is sure of this share of the canaries that it was trained on, and of no other."""
    draw = np.random.default_rng(0)
    inserted = draw.random(count) < 0.5
    sure = inserted & (draw.random(count) < knows)
    names = tuple(f"canary {i}" for i in range(count))
    noise = dict(zip(names, draw.uniform(0.4, 0.6, count), strict=True))
    known = {name for name, one in zip(names, sure, strict=True) if one}
    bench = MadeUpBench(
        score=lambda one: (0.01, 0.99) if one in known else (1 - noise[one], noise[one]), inputs=(),
        parts={"train": Part(EMPTY, (), np.zeros(0, np.int64))},
        canaries=Canaries(names, ("yes",) * count, tuple(inserted.tolist()), copies) if count else None,
        trained=SimpleNamespace(privacy=privacy),
    )  # fmt: skip
    return epsilon_audit(AuditInput(EMPTY, parameters=Parameters(**parameters), bench=bench))


def values(result: AuditResult) -> dict[str, Any]:
    return {one.name: one.value for one in result.measurements}


def test_a_model_that_remembers_all_refutes_a_small_epsilon() -> None:
    found = audit(1.0, privacy={"epsilon": 1.0, "delta": 1e-6})
    assert values(found)["epsilon_lower_bound"] > 2.5
    above = found.measurements[1]
    assert above.name == "epsilon_lower_bound_minus_claimed"
    assert above.value == pytest.approx(values(found)["epsilon_lower_bound"] - 1)
    assert above.interval.low == above.interval.high == above.value
    assert values(found)["canary_guess_accuracy"] == 1
    assert (found.parameters["delta"], found.parameters["claimed_epsilon"]) == (1e-6, 1.0)


def test_a_large_claim_is_not_refuted() -> None:
    found = audit(1.0, privacy={"epsilon": 8.0, "delta": 1e-6})
    assert values(found)["epsilon_lower_bound_minus_claimed"] < 0


def test_a_model_that_remembers_nothing_refutes_nothing() -> None:
    found = values(audit(0.0))
    assert found["epsilon_lower_bound"] == 0
    assert 0.3 < found["canary_guess_accuracy"] < 0.7


@pytest.mark.parametrize(
    "privacy", [None, {}, {"epsilon": None, "delta": 1e-6}, {"epsilon": float("nan"), "delta": 1e-6},
                {"epsilon": 3.0}, {"epsilon": 3.0, "delta": 1.0}],
)  # fmt: skip
def test_where_nothing_is_claimed_nothing_is_compared(privacy: Any) -> None:
    (above,) = [one for one in audit(1.0, privacy=privacy).measurements
                if one.name == "epsilon_lower_bound_minus_claimed"]  # fmt: skip
    assert above.value is None
    assert above.problem == "training claims no epsilon"


def test_copies_share_what_is_refuted() -> None:
    one, four = (values(audit(1.0, copies=n))["epsilon_lower_bound"] for n in (1, 4))
    assert 0 < four <= one / 4


def test_the_numbers_of_guesses_are_those_of_the_parameters() -> None:
    found = audit(1.0, positive_guesses=30, negative_guesses=10)
    assert found.measurements[0].n == 40
    assert found.parameters["right_positive_guesses"] == 30
    assert audit(1.0, positive_guesses=150, negative_guesses=51).status == "not_applicable"


def test_without_canaries_it_does_not_apply() -> None:
    assert audit(1.0, count=0).status == "not_applicable"


def test_a_canary_without_an_answer_is_no_measurement() -> None:
    """Leaving it out would let the model choose which coins are guessed."""
    count = 20
    bench = MadeUpBench(
        score=lambda one: (np.nan, np.nan) if one == "canary 3" else (0.5, 0.5), inputs=(),
        parts={"train": Part(EMPTY, (), np.zeros(0, np.int64))},
        canaries=Canaries(tuple(f"canary {i}" for i in range(count)), ("yes",) * count, (True, False) * 10),
        trained=SimpleNamespace(privacy=None),
    )  # fmt: skip
    with pytest.raises(ValueError, match="every canary"):
        epsilon_audit(AuditInput(EMPTY, parameters=Parameters(), bench=bench))
