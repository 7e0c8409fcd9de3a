"""The audit `epsilon_audit`: a lower bound of the privacy budget that training really spent; it knows no accountant."""

from __future__ import annotations

import math
from typing import Any

from pydantic import Field

from lextune.audits.attacking.canaries import score_canaries
from lextune.audits.base import AuditInput, audit
from lextune.audits.numbers.one_run import lower_bound, right_guesses
from lextune.config_training import Count, Section
from lextune.records import AuditResult, Interval, Measurement
from lextune.statistics import LEVEL, clopper_pearson


class Parameters(Section):
    """How many guesses are made, fixed before the model is asked anything."""

    positive_guesses: Count | None = Field(
        None,
        description="Guesses that a canary is in: of those of which the model is surest; null is a quarter of all.",
    )
    negative_guesses: Count | None = Field(
        None,
        description="Guesses that one is not: of those of which it is least sure; null is a quarter of all.",
    )
    delta: float = Field(
        1e-5, ge=0, lt=1, description="Of the bound, where training claims no delta of its own."
    )


@audit(
    "epsilon_audit", parameters=Parameters, needs=["model", "train"],
    provides=["epsilon_lower_bound", "epsilon_lower_bound_minus_claimed", "canary_guess_accuracy"],
)  # fmt: skip
def epsilon_audit(given: AuditInput) -> AuditResult:
    """One-run auditing (Steinke, Nasr and Jagielski 2023, arXiv:2305.08846) of the canaries of `data.canaries`."""
    bench, asked = given.require_bench(), given.parameters
    found = score_canaries(bench)
    if found is None:
        return epsilon_audit.not_applicable(
            given, "No canaries were planted: set data.canaries.count before training."
        )
    count = len(found.scores)
    positive = count // 4 if asked.positive_guesses is None else asked.positive_guesses
    negative = count // 4 if asked.negative_guesses is None else asked.negative_guesses
    if positive + negative > count or not positive + negative:
        return epsilon_audit.not_applicable(
            given, f"{positive} and {negative} guesses cannot be made about {count} canaries."
        )
    right = right_guesses(found.scores, found.inserted, positive, negative, given.seed)
    claimed = _claimed(bench.trained.privacy)
    delta = asked.delta if claimed is None else claimed[1]
    guesses, copies = positive + negative, found.canaries.copies
    bound = lower_bound(count, guesses, sum(right), delta, LEVEL, copies)
    findings = [
        f"{sum(right)} of {guesses} guesses about {count} canaries are right: epsilon is at least {bound:.3f} "
        f"at {LEVEL:.0%} confidence, delta {delta:g}. It says nothing of how much larger it is."
    ]
    if copies > 1:
        findings.append(
            f"Every canary stands in training {copies} times: the bound is that of one row, by group privacy."
        )
    return epsilon_audit.complete(
        given, [
            _bound("epsilon_lower_bound", bound, guesses),
            _above(bound, claimed, guesses),
            Measurement(
                name="canary_guess_accuracy", value=sum(right) / guesses,
                interval=clopper_pearson(sum(right), guesses), n=guesses, unit="proportion",
            ),
        ], findings,
        canaries=count, copies=copies, positive_guesses=positive, negative_guesses=negative, delta=delta,
        claimed_epsilon=None if claimed is None else claimed[0],
        right_positive_guesses=right[0], right_negative_guesses=right[1],
    )  # fmt: skip


def _claimed(privacy: dict[str, Any] | None) -> tuple[float, float] | None:
    """Epsilon and delta that training states; None where it claims none, or what it states are no such numbers."""
    try:
        found = float((privacy or {})["epsilon"]), float((privacy or {})["delta"])
    except (KeyError, TypeError, ValueError):
        return None
    fine = math.isfinite(found[0]) and found[0] >= 0 and 0 <= found[1] < 1
    return found if fine else None


def _bound(name: str, value: float, n: int) -> Measurement:
    """A limit is no estimate: its interval is itself."""
    interval = Interval(
        low=value, high=value, level=LEVEL, method="one-sided lower limit of one-run auditing"
    )
    return Measurement(name=name, value=value, interval=interval, n=n, unit="nats")


def _above(bound: float, claimed: tuple[float, float] | None, n: int) -> Measurement:
    if claimed is None:
        return Measurement(
            name="epsilon_lower_bound_minus_claimed", value=None, n=n, unit="nats",
            problem="training claims no epsilon",
        )  # fmt: skip
    return _bound("epsilon_lower_bound_minus_claimed", bound - claimed[0], n)
