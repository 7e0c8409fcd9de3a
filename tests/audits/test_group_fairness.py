"""The group audit measures each group and each pair, counts rows without a group, and never judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from lextune.audits.base import AuditInput, audits
from lextune.audits.group_fairness import Parameters
from lextune.evaluation.predict import Scored
from lextune.records import AuditResult, Measurement


def audit(
    labels: Sequence[int],
    predicted: Sequence[int],
    groups: Mapping[str, Sequence[str | None]],
    classes: int = 2,
) -> AuditResult:
    scores = np.full((len(labels), classes), 0.1)
    scores[np.arange(len(labels)), list(predicted)] = 0.9
    names = tuple(f"class{i}" for i in range(classes))
    answers = Scored(
        tuple(map(str, range(len(labels)))), np.array(labels, np.int64), scores, names, groups
    )
    return audits.get("group_fairness")(
        AuditInput(answers, samples=200, parameters=Parameters(minimum_rows=1))
    )


def by_name(result: AuditResult) -> dict[tuple[str, str | None], Measurement]:
    return {(one.name, one.group): one for one in result.measurements}


def test_rates_of_each_group_by_hand() -> None:
    found = by_name(
        audit([1, 1, 0, 0, 1, 0], [1, 0, 0, 1, 1, 0], {"sex": ["f", "f", "f", "f", "m", "m"]})
    )
    assert found["group_accuracy", "sex=f"].value == 0.5
    assert found["selection_rate", "sex=f"].value == 0.5
    assert found["true_positive_rate", "sex=f"].value == 0.5
    assert found["true_positive_rate", "sex=f"].n == 2
    assert found["group_accuracy", "sex=m"].value == 1.0
    assert found["selection_rate", "sex=m"].value == 0.5
    difference = found["group_accuracy_difference", "sex=f minus sex=m"]
    assert difference.value == -0.5
    assert difference.n == 6
    assert difference.interval is not None
    assert difference.interval.low < -0.5 < difference.interval.high


def test_every_pair_is_compared_once() -> None:
    found = by_name(audit([1] * 4, [1] * 4, {"g": ["c", "a", "b", "a"]}))
    pairs = [group for name, group in found if name == "selection_rate_difference"]
    assert pairs == ["g=a minus g=b", "g=a minus g=c", "g=b minus g=c"]


def test_a_group_without_a_positive_row_has_no_true_positive_rate_and_no_gap() -> None:
    found = by_name(audit([1, 1, 0, 0], [1, 0, 0, 0], {"g": ["a", "a", "b", "b"]}))
    empty = found["true_positive_rate", "g=b"]
    assert (empty.value, empty.interval, empty.n) == (None, None, 0)
    assert empty.problem
    gap = found["true_positive_rate_difference", "g=a minus g=b"]
    assert (gap.value, gap.interval) == (None, None)
    assert gap.problem
    assert found["selection_rate", "g=b"].value == 0.0


def test_rows_without_a_group_are_counted_not_lost() -> None:
    result = audit([1] * 7, [1] * 7, {"g": ["a", "a", "b", None, "b", "a", ""]})
    found = by_name(result)
    assert found["rows_without_group.g", None].value == 1
    assert found["rows_without_group.g", None].n == 7
    assert found["group_accuracy", "g="].n == 1
    assert any("1 of 7 rows" in finding for finding in result.findings)
    whole = audit([1], [1], {"g": ["a"]})
    assert whole.findings == ()
    assert by_name(whole)["rows_without_group.g", None].value == 0


def test_a_column_that_is_empty_has_no_groups() -> None:
    found = by_name(audit([1, 0], [1, 0], {"g": [None, None]}))
    assert list(found) == [("rows_without_group.g", None)]
    assert found["rows_without_group.g", None].value == 2


def test_the_positive_class_is_the_last_and_is_named() -> None:
    result = audit([2, 2, 0], [2, 1, 0], {"g": ["a", "a", "a"]}, classes=3)
    assert result.parameters["positive_class"] == "class2"
    assert by_name(result)["true_positive_rate", "g=a"].value == 0.5


def test_without_a_column_it_is_not_applicable_and_says_so() -> None:
    result = audit([1], [1], {})
    assert result.status == "not_applicable"
    assert result.measurements == ()
    assert "data.columns.group" in result.findings[0]


def test_a_row_without_a_score_stops_the_audit() -> None:
    scores = np.array([[np.nan, 0.5]])
    given = AuditInput(Scored(("r",), np.array([0]), scores, ("a", "b"), {"g": ["x"]}), samples=200)
    with pytest.raises(ValueError, match="no finite score"):
        audits.get("group_fairness")(given)


def test_many_groups_are_compared_with_the_rest_and_told() -> None:
    """Pairs of 1,200 groups would fill 64 MiB."""
    rng = np.random.default_rng(0)
    labels, guessed = rng.integers(0, 2, 300), rng.integers(0, 2, 300)
    places = [f"p{number % 30}" for number in range(300)]
    answers = Scored(
        tuple(map(str, range(300))), labels, np.eye(2)[guessed], ("no", "yes"), {"place": places}
    )
    found = audits.get("group_fairness")(AuditInput(answers))
    assert any("30 groups" in one for one in found.findings)
    differences = {
        one.group: one for one in found.measurements if one.name == "group_accuracy_difference"
    }
    assert len(differences) == 30
    one = differences["place=p7 minus the rest"]
    inside = np.arange(300) % 30 == 7
    right = labels == guessed
    assert one.value == pytest.approx(right[inside].mean() - right[~inside].mean())
    assert one.n == 300
