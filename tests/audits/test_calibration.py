"""The calibration audit measures by hand-checked values and never judges."""

from __future__ import annotations

import numpy as np
import pytest

from lextune.audits.base import AuditInput, audits
from lextune.evaluation.predict import Scored
from lextune.records import AuditResult


def audit(labels: list[int], scores: list[list[float]]) -> AuditResult:
    array = np.array(scores, float).reshape(len(labels), 2)
    ids = tuple(map(str, range(len(labels))))
    answers = Scored(ids, np.array(labels, np.int64), array, ("neg", "pos"), {})
    return audits.get("calibration")(AuditInput(answers, samples=200))


def values(result: AuditResult) -> dict[str, float | None]:
    return {one.name: one.value for one in result.measurements if one.group is None}


def test_the_values_are_those_of_the_definitions() -> None:
    found = values(audit([1, 1, 0, 0], [[0.2, 0.8], [0.2, 0.8], [0.2, 0.8], [0.9, 0.1]]))
    assert found["audit_expected_calibration_error"] == pytest.approx(
        0.75 * abs(0.8 - 2 / 3) + 0.25 * abs(0.9 - 1)
    )
    assert found["brier_score"] == pytest.approx((2 * 0.08 + 2 * 0.64 + 2 * 0.01) / 4)
    assert found["overconfidence"] == pytest.approx((3 * 0.8 + 0.9) / 4 - 0.75)


def test_each_bin_that_has_rows_shows_its_accuracy_and_n() -> None:
    result = audit([1, 0, 1], [[0.0, 1.0], [0.0, 1.0], [0.45, 0.55]])
    bins = {one.group: (one.value, one.n) for one in result.measurements if one.group}
    assert bins == {
        "confidence=0.933-1.000": (0.5, 2),
        "confidence=0.533-0.600": (1.0, 1),
    }


def test_scores_that_are_too_sure_are_found() -> None:
    sure = audit([0, 1] * 20, [[0.01, 0.99]] * 40)
    assert len(sure.findings) == 1
    assert "too sure" in sure.findings[0]
    assert audit([1] * 40, [[0.01, 0.99]] * 40).findings == ()


def test_no_rows_are_undefined() -> None:
    result = audit([], [])
    assert result.status == "complete"
    assert set(values(result).values()) == {None}
    assert all(one.n == 0 for one in result.measurements)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_row_without_a_score_stops_the_audit(wrong: float) -> None:
    with pytest.raises(ValueError, match="no finite score"):
        audit([0, 1], [[0.5, 0.5], [wrong, 0.5]])
