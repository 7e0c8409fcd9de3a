"""The calibration audit measures by hand-checked values and never judges."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from audited import MadeUpBench
from lextune.audits.base import AuditInput, Part, audits
from lextune.evaluation.predict import Scored
from lextune.evaluation.sets import ScoredSets
from lextune.records import AuditResult, Measurement
from lextune.temperature import SCALING, TEMPERATURE, tempered

NAMES = ("neg", "pos")


def scored(labels: Sequence[int], scores: Any) -> Scored:
    array = np.array(scores, float).reshape(len(labels), 2)
    return Scored(tuple(map(str, range(len(labels)))), np.array(labels, np.int64), array, NAMES, {})


def audit(labels: Sequence[int], scores: Any, bench: Any = None, **parameters: Any) -> AuditResult:
    one = audits.get("calibration")
    stated = one.parameters.model_validate(parameters)
    return one(AuditInput(scored(labels, scores), 200, parameters=stated, bench=bench))


def values(result: AuditResult) -> dict[str, float | None]:
    return {one.name: one.value for one in result.measurements if one.group is None}


def test_the_values_are_those_of_the_definitions() -> None:
    found = values(audit([1, 1, 0, 0], [[0.2, 0.8], [0.2, 0.8], [0.2, 0.8], [0.9, 0.1]]))
    assert found["audit_expected_calibration_error"] == pytest.approx(
        0.75 * abs(0.8 - 2 / 3) + 0.25 * abs(0.9 - 1)
    )
    assert found["audit_brier_score"] == pytest.approx((2 * 0.08 + 2 * 0.64 + 2 * 0.01) / 4)
    assert found["overconfidence"] == pytest.approx((3 * 0.8 + 0.9) / 4 - 0.75)


def test_each_bin_that_has_rows_shows_its_accuracy_and_n() -> None:
    result = audit([1, 0, 1], [[0.0, 1.0], [0.0, 1.0], [0.45, 0.55]])
    bins = {
        one.group: (one.value, one.n)
        for one in result.measurements
        if one.name == "accuracy_at_confidence"
    }
    assert bins == {
        "confidence=0.933-1.000": (0.5, 2),
        "confidence=0.533-0.600": (1.0, 1),
    }


def test_scores_that_are_too_sure_are_found() -> None:
    sure = audit([0, 1] * 20, [[0.01, 0.99]] * 40)
    assert "too sure" in sure.findings[0]
    assert "too sure" not in " ".join(audit([1] * 40, [[0.01, 0.99]] * 40).findings)


def test_no_rows_are_undefined() -> None:
    result = audit([], [])
    assert result.status == "complete"
    assert set(values(result).values()) == {None}
    assert all(one.n == 0 for one in result.measurements)
    assert all(one.problem for one in result.measurements)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_row_without_a_score_stops_the_audit(wrong: float) -> None:
    with pytest.raises(ValueError, match="no finite score"):
        audit([0, 1], [[0.5, 0.5], [wrong, 0.5]])


def overconfident(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and scores as sure as if the logits were doubled."""
    rng = np.random.default_rng(seed)
    true = rng.beta(2, 2, rows)
    scores = np.stack([1 - true, true], axis=1)
    return (rng.random(rows) < true).astype(np.int64), tempered(scores, 0.5)


def bench_of(labels: Any, scores: Any, settings: dict[str, str]) -> MadeUpBench:
    part = Part(scored(labels, scores), [""] * len(labels), np.arange(len(labels)))
    return MadeUpBench(
        lambda _: [0.5, 0.5], [], {"validation": part}, loaded=SimpleNamespace(settings=settings),
        trained=SimpleNamespace(parameters={"temperature_problem": "too few rows"}),
    )  # fmt: skip


def figures(result: AuditResult) -> dict[str, Measurement]:
    return {one.name: one for one in result.measurements if one.group is None}


def test_at_the_temperature_of_the_release_scores_are_calibrated_better() -> None:
    kept = {TEMPERATURE: "2.0", SCALING: "report"}
    found = figures(audit(*overconfident(2000, 1), bench_of(*overconfident(500, 0), kept)))
    plain, better = (
        found[name].interval
        for name in (
            "audit_expected_calibration_error",
            "expected_calibration_error_with_temperature",
        )
    )
    assert plain is not None
    assert better is not None
    assert better.high < plain.low
    heat = found["temperature"]
    assert (heat.value, heat.n) == (2.0, 500)
    assert heat.interval is not None
    assert heat.interval.low < 2 < heat.interval.high


def test_answers_that_are_given_at_the_temperature_are_not_tempered_again() -> None:
    applied = {TEMPERATURE: "2.0", SCALING: "apply"}
    labels, scores = overconfident(2000, 1)
    few, sure = overconfident(500, 0)
    found = figures(audit(labels, tempered(scores, 2), bench_of(few, tempered(sure, 2), applied)))
    same = found["expected_calibration_error_with_temperature"].value
    assert same == found["audit_expected_calibration_error"].value
    heat = found["temperature"].interval
    assert heat is not None
    assert heat.low < 2 < heat.high


def test_a_release_without_a_temperature_says_why() -> None:
    found = figures(audit(*overconfident(50, 1), bench_of(*overconfident(50, 0), {})))
    assert found["temperature"].value is None
    assert "too few rows" in str(found["temperature"].problem)
    alone = figures(audit(*overconfident(50, 1)))
    assert "not at hand" in str(alone["temperature"].problem)
    assert "not at hand" in str(alone["conformal_coverage.90"].problem)


def test_conformal_sets_by_hand() -> None:
    # 9 calibrating rows at a miss of 0.1: all of them must be covered, so the least true score is the threshold
    few = [[1 - one, one] for one in (0.9, 0.8, 0.4, 0.6, 0.7, 0.95, 0.85, 0.75, 0.65)]
    bench = bench_of([1] * 9, few, {})
    asked = [[0.5, 0.5], [0.3, 0.7], [0.7, 0.3], [0.61, 0.39]]
    result = audit([0, 1, 1, 0], asked, bench, alphas=[0.1, 0.05])
    found = figures(result)
    assert found["conformal_coverage.90"].value == 0.75
    assert found["conformal_set_size.90"].value == 1.25
    assert result.parameters["conformal"]["0.1"]["threshold"] == pytest.approx(0.4)
    assert found["conformal_coverage.95"].value is None
    assert "19 are needed" in str(found["conformal_coverage.95"].problem)
    assert any("exchangeable" in one for one in result.findings)


def test_risk_at_coverage_by_hand() -> None:
    scores = [[0.1, 0.9], [0.2, 0.8], [0.2, 0.8], [0.4, 0.6]]
    result = audit([1, 0, 1, 0], scores, coverages=[0.25, 0.5, 1])
    found = {
        one.group: (one.value, one.n)
        for one in result.measurements
        if one.name == "risk_at_coverage"
    }
    # equal confidences are answered together: a half is three rows here
    assert found == {"coverage=0.25": (0.0, 1), "coverage=0.5": (1 / 3, 3), "coverage=1": (0.5, 4)}
    assert result.parameters["confidence_at_coverage"]["0.5"] == 0.8
    area = figures(result)["area_under_risk_coverage"].value
    assert area == pytest.approx((0 + 0.5 / 2 + 1 / 3 + 2 / 4) / 4)


def test_a_validation_row_without_a_score_stops_the_audit() -> None:
    labels, scores = overconfident(60, 0)
    scores[3] = np.nan
    with pytest.raises(ValueError, match="validation row"):
        audit(*overconfident(60, 1), bench_of(labels, scores, {}))


def sets(scores: Any, labels: Any) -> AuditResult:
    ids = tuple(map(str, range(len(scores))))
    found = ScoredSets(
        ids, np.asarray(labels, bool), np.asarray(scores, float), ("a", "b", "c"), {}
    )
    one = audits.get("calibration")
    return one(AuditInput(found, 200, parameters=one.parameters()))


def test_rows_of_several_classes_are_looked_at_class_by_class() -> None:
    """Class a is said at 0.9 and true in half of the rows, b and c are as sure as they are right."""
    rows = np.arange(200)
    labels = np.stack([rows % 2 == 0, rows % 4 == 0, rows < 0], axis=1)
    scores = np.tile([0.9, 0.25, 0.0], (200, 1))
    result = sets(scores, labels)
    assert result.status == "complete"
    found = {one.group: one.value for one in result.measurements if one.group is not None}
    assert found["class=a"] == pytest.approx(0.4, abs=0.005)
    assert found["class=b"] == pytest.approx(0.0, abs=0.005)
    assert found["class=c"] == 0.0
    whole = values(result)
    assert whole["classwise_calibration_error"] == pytest.approx(0.4 / 3**0.5, abs=0.005)
    assert whole["audit_brier_score"] == pytest.approx((0.01 + 0.81) / 2 + 0.25 * 0.75)


@pytest.mark.parametrize("off", [0.0, 0.1])
def test_the_interval_of_several_classes_holds_the_error(off: float) -> None:
    """Classes that are independent of each other: scores say a share, and the truth is `off` above it."""
    draw, held = np.random.default_rng(4), 0
    for _ in range(120):
        scores = draw.choice([0.2, 0.4, 0.6], (150, 3))
        labels = draw.random((150, 3)) < scores + off
        (one,) = (
            m for m in sets(scores, labels).measurements if m.name == "classwise_calibration_error"
        )
        assert one.interval is not None
        held += one.interval.low <= off <= one.interval.high
    assert held >= 112  # 0.93 of 120
