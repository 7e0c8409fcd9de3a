"""The group audit measures each group and each pair, counts rows without a group, and never judges."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lextune import statistics
from lextune.audits.base import AuditInput, audits
from lextune.audits.group_fairness import Parameters
from lextune.errors import ConfigError
from lextune.evaluation.predict import Scored
from lextune.records import AuditResult, Measurement


def audit(
    labels: Sequence[int],
    predicted: Sequence[int],
    groups: Mapping[str, Sequence[str | None]],
    classes: int = 2,
    **parameters: Any,
) -> AuditResult:
    scores = np.full((len(labels), classes), 0.1)
    scores[np.arange(len(labels)), list(predicted)] = 0.9
    names = tuple(f"class{i}" for i in range(classes))
    answers = Scored(
        tuple(map(str, range(len(labels)))), np.array(labels, np.int64), scores, names, groups
    )
    return audits.get("group_fairness")(
        AuditInput(answers, samples=200, parameters=Parameters(**{"minimum_rows": 1, **parameters}))
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
    assert found.pop(("rows_without_group.g", None)).value == 2
    assert ("accuracy_range.g", None) in found
    assert ("largest_accuracy_range", None) in found
    for (_, group), one in found.items():
        assert (group, one.value, one.interval) == (None, None, None)
        assert (one.problem or "").endswith("fewer than two groups")


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
    answers = Scored(("r",), np.array([0]), scores, ("a", "b"), {"g": ["x"]})
    given = AuditInput(answers, samples=200, parameters=Parameters())
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
    parameters = Parameters(minimum_rows=1)
    found = audits.get("group_fairness")(AuditInput(answers, parameters=parameters))
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


def measured(
    groups: Mapping[str, Sequence[str | None]], labels: Any, selected: Any, **parameters: Any
) -> tuple[dict[tuple[str, str | None], Measurement], tuple[str, ...]]:
    found = audit(labels, selected, groups, **{"minimum_rows": 10, **parameters})
    return by_name(found), found.findings


def test_more_rates_by_hand() -> None:
    """Of ten: 4 true positives, 2 missed, 1 false alarm, 3 rightly not selected."""
    labels = [1] * 6 + [0] * 4
    selected = [1] * 4 + [0] * 2 + [1] + [0] * 3
    found = by_name(audit(labels, selected, {"g": ["a"] * 10}))
    assert found["false_positive_rate", "g=a"].value == 0.25
    assert found["positive_predictive_value", "g=a"].value == 0.8
    assert found["group_error_rate", "g=a"].value == pytest.approx(0.3)
    assert found["calibration_gap", "g=a"].value == pytest.approx(0.5 - 0.6)
    assert found["scoring_rate", "g=a"].value == 0.5
    assert found["accuracy_range.g", None].problem == "fewer than two groups"


def two_groups(first: int, second: int, n: int = 100) -> tuple[dict[str, list[str]], Any, Any]:
    """Two groups of n rows, of which so many are selected; every label is 1."""
    selected = np.r_[np.arange(n) < first, np.arange(n) < second].astype(int)
    return {"sex": ["f"] * n + ["m"] * n}, np.ones(2 * n, int), selected


def test_impact_ratios_and_the_four_fifths_by_hand() -> None:
    found, findings = measured(*two_groups(30, 60))
    assert found["impact_ratio", "sex=f"].value == 0.5
    assert found["impact_ratio", "sex=m"].value == 1.0
    least = found["impact_ratio_minimum.sex", None]
    assert (least.value, least.n) == (0.5, 200)
    assert least.interval is not None
    assert 0.3 < least.interval.low < 0.5 < least.interval.high < 0.8
    p = found["impact_ratio_p_value.sex", None]
    assert p.value == pytest.approx(2 * 1.4e-5, rel=0.2)
    assert p.value == found["selection_rate_difference_p_value", "sex=f minus sex=m"].value
    gap = found["selection_rate_range.sex", None]
    assert gap.value == pytest.approx(0.3)
    assert gap.interval is not None
    assert gap.interval.low > 0.1
    assert any("selection_rate differs in 1 of 1 pairs of sex" in one for one in findings)
    ratio = found["selection_rate_ratio", "sex=f over sex=m"]
    assert ratio.value == 0.5
    assert ratio.interval is not None
    assert ratio.interval.method == "Miettinen-Nurminen score"


def test_a_low_ratio_of_few_rows_is_not_told_from_chance() -> None:
    found, findings = measured(*two_groups(2, 4, 10))
    least = found["impact_ratio_minimum.sex", None]
    assert least.value == 0.5
    assert least.interval is not None
    assert least.interval.high == 1.0
    assert (found["impact_ratio_p_value.sex", None].value or 0) > 0.5
    assert findings == ()


def test_nobody_selected_has_no_ratio() -> None:
    found, _ = measured(*two_groups(0, 0))
    for name, group in (("impact_ratio", "sex=f"), ("impact_ratio_minimum.sex", None)):
        assert (found[name, group].value, found[name, group].problem) == (None, "all rates are 0")
    assert found["selection_rate_range.sex", None].value == 0
    assert found["selection_rate_ratio", "sex=f over sex=m"].problem == "the second rate is 0"


def test_a_group_that_is_too_small_leaves_the_gap_undefined() -> None:
    groups, labels, selected = two_groups(30, 60)
    groups["sex"][:4] = ["x"] * 4
    found, findings = measured(groups, labels, selected)
    small = found["selection_rate", "sex=x"]
    assert (small.value, small.interval, small.n) == (None, None, 4)
    assert small.problem == "fewer than 10 such rows in this group"
    assert found["impact_ratio", "sex=x"].value is None
    assert found["impact_ratio", "sex=f"].value is not None
    for name in ("selection_rate_range", "accuracy_range", "impact_ratio_minimum"):
        gap = found[f"{name}.sex", None]
        assert (gap.value, gap.problem) == (None, "fewer than 10 such rows in 1 of 3 groups")
    pair = found["selection_rate_difference", "sex=f minus sex=x"]
    assert (pair.value, bool(pair.problem)) == (None, True)
    assert any("sex=x of sex: fewer than 10 rows" in one for one in findings)


def test_groups_under_a_declared_share_are_left_out_and_named() -> None:
    groups, labels, selected = two_groups(30, 60)
    groups["sex"][:3] = ["x"] * 3
    found, findings = measured(groups, labels, selected, minimum_share=0.02)
    assert found["selection_rate_range.sex", None].n == 197
    assert found["selection_rate_range.sex", None].value == pytest.approx(0.6 - 27 / 97)
    assert "left out" in (found["impact_ratio", "sex=x"].problem or "")
    assert ("selection_rate", "sex=x") in found
    assert any("sex=x of sex: under 2.00% of the rows" in one for one in findings)


def test_intersections_find_what_each_column_hides() -> None:
    """Each sex and each race is selected half of the time; every intersection always or never."""
    sex, race = np.tile(["f", "m"], 60), np.repeat(["x", "y"], 60)
    selected = ((sex == "f") == (race == "x")).astype(int)
    groups = {"sex": sex.tolist(), "race": race.tolist()}
    found, _ = measured(groups, np.ones(120, int), selected)
    assert found["selection_rate_range.sex", None].value == 0
    assert found["selection_rate_range.race", None].value == 0
    gap = found["selection_rate_range.race,sex", None]
    assert gap.value == 1
    assert gap.interval is not None
    assert gap.interval.low > 0.7
    assert found["selection_rate", "race=x,sex=m"].value == 0
    assert found["selection_rate_difference", "race=x,sex=f minus race=x,sex=m"].value == 1
    alone, _ = measured(groups, np.ones(120, int), selected, intersections=False)
    assert not any("," in f"{group}{name}" for name, group in alone)


def test_the_largest_gap_over_columns_is_joint_and_needs_them_all() -> None:
    groups, labels, selected = two_groups(30, 60)
    groups["place"] = ["p", "q"] * 100
    found, _ = measured(groups, labels, selected)
    one, largest = (
        found["selection_rate_range.sex", None],
        found["largest_selection_rate_range", None],
    )
    assert largest.value == one.value == pytest.approx(0.3)
    assert one.interval is not None
    assert largest.interval is not None
    assert 0 < largest.interval.low < one.interval.low
    assert largest.interval.high > one.interval.high
    least, p = found["least_impact_ratio", None], found["least_impact_ratio_p_value", None]
    assert (least.value, least.n) == (0.5, 200)
    assert p.value == pytest.approx(2 * (found["impact_ratio_p_value.sex", None].value or 0))
    groups["place"][:2] = ["r", "r"]
    found, _ = measured(groups, labels, selected)
    why = "place: fewer than 10 such rows in 1 of 3 groups"
    for name in (
        "largest_selection_rate_range",
        "least_impact_ratio",
        "least_impact_ratio_p_value",
    ):
        assert (found[name, None].value, found[name, None].problem) == (None, why)


def test_several_classes_may_count_as_selected() -> None:
    labels, guessed = [0, 1, 2, 2], [0, 1, 1, 0]
    found = audit(labels, guessed, {"g": ["a"] * 4}, 3, positive=["class1", "class2"])
    assert found.parameters["positive_class"] == "class1, class2"
    assert by_name(found)["selection_rate", "g=a"].value == 0.5
    assert by_name(found)["true_positive_rate", "g=a"].value == pytest.approx(2 / 3)
    assert by_name(found)["group_accuracy", "g=a"].value == 0.5


def test_a_positive_class_that_does_not_exist_is_told_with_those_that_do() -> None:
    with pytest.raises(ConfigError, match=r"'yes' is no class.*class0, class1"):
        audit([1, 0], [1, 0], {"g": ["a", "b"]}, positive="yes")


def test_scores_above_the_median_are_compared_like_selections() -> None:
    rng = np.random.default_rng(0)
    score = np.r_[rng.uniform(0, 0.5, 100), rng.uniform(0.3, 0.9, 100)]
    answers = Scored(
        tuple(map(str, range(200))), np.tile([0, 1], 100), np.stack([1 - score, score], axis=1),
        ("no", "yes"), {"sex": ["f"] * 100 + ["m"] * 100},
    )  # fmt: skip
    found = by_name(audits.get("group_fairness")(AuditInput(answers, parameters=Parameters())))
    above = score > np.median(score)
    rates = [above[:100].mean(), above[100:].mean()]
    assert found["scoring_rate", "sex=f"].value == pytest.approx(rates[0])
    least = found["scoring_impact_ratio_minimum.sex", None]
    assert least.value == pytest.approx(rates[0] / rates[1])
    assert (found["scoring_impact_ratio_p_value.sex", None].value or 1) < 1e-6


def test_other_kinds_are_measured_by_their_errors_and_their_first_metric() -> None:
    """Entities are missed in all rows of one group and in a third of the other's."""
    errors = np.r_[np.ones(30), np.tile([1.0, 0.0, 0.0], 10), np.nan]
    groups = ["a"] * 30 + ["b"] * 30 + ["b"]
    answers = made_up_spans(errors, groups)

    def headline(some: Any) -> Measurement:
        known = some.errors[np.isfinite(some.errors)]
        right, n = int((known == 0).sum()), len(known)
        limits = statistics.wilson(right, n)
        return Measurement(name="f1", value=right / n, interval=limits, n=n, unit="proportion")

    bench: Any = SimpleNamespace(row_errors=lambda some: some.errors, headline=headline)
    one = audits.get("group_fairness")
    found = by_name(one(AuditInput(answers, parameters=Parameters(), bench=bench)))
    assert found["group_row_error", "g=a"].value == 1
    assert found["group_row_error", "g=b"].value == pytest.approx(1 / 3)
    assert found["group_row_error", "g=b"].n == 30
    gap = found["row_error_range.g", None]
    assert gap.value == pytest.approx(2 / 3)
    assert gap.interval is not None
    assert gap.interval.low > 0.3
    assert found["group_f1", "g=b"].value == pytest.approx(2 / 3)
    apart = found["group_f1_difference", "g=a minus g=b"]
    known = statistics.independent_difference(0, 30, 20, 30)
    assert known is not None
    assert apart.interval is not None
    assert (apart.value, apart.interval.low) == pytest.approx((known[0], known[1].low))
    alone = one(AuditInput(answers, parameters=Parameters()))
    assert (alone.status, alone.measurements) == ("not_applicable", ())


def made_up_spans(errors: Any, groups: list[str]) -> Any:
    def keep(mask: Any) -> Any:
        rows = np.flatnonzero(mask).tolist()
        return made_up_spans(errors[mask], [groups[at] for at in rows])

    return SimpleNamespace(
        kind="spans", errors=errors, groups={"g": groups}, keep=keep, finite=np.ones(len(errors), bool)
    )  # fmt: skip


@pytest.mark.shared
def test_compas_has_the_gaps_that_propublica_found(shared: Path) -> None:
    """ProPublica 2016: false positive rates 0.45 and 0.23, of scores of 5 and more (their sample, table 2)."""
    with (shared / "data/compliance/compas/compas-scores-two-years.csv").open() as file:
        rows = [
            one for one in csv.DictReader(file) if one["race"] in ("African-American", "Caucasian")
        ]
    labels = np.array([int(one["two_year_recid"]) for one in rows])
    decile = np.array([int(one["decile_score"]) for one in rows])
    groups = {"race": [one["race"] for one in rows], "sex": [one["sex"] for one in rows]}
    found, findings = measured(groups, labels, (decile >= 5).astype(int))
    black, white = "race=African-American", "race=Caucasian"
    assert found["false_positive_rate", black].value == pytest.approx(0.4485, abs=5e-4)
    assert found["false_positive_rate", white].value == pytest.approx(0.2345, abs=5e-4)
    assert 1 - (found["true_positive_rate", black].value or 0) == pytest.approx(0.2799, abs=5e-4)
    assert 1 - (found["true_positive_rate", white].value or 0) == pytest.approx(0.4772, abs=5e-4)
    gap = found["false_positive_rate_range.race", None]
    assert gap.interval is not None
    assert gap.interval.low > 0.18
    assert found["impact_ratio_minimum.race", None].value == pytest.approx(0.348 / 0.588, abs=2e-3)
    assert found["rows_without_group.race,sex", None].value == 0
    assert (
        len([group for name, group in found if name == "selection_rate" and "," in str(group)]) == 4
    )
    assert any("false_positive_rate differs in 1 of 1 pairs of race" in one for one in findings)


@pytest.mark.shared
def test_adult_is_measured_by_sex_and_race_together(shared: Path) -> None:
    with (shared / "data/compliance/uci_adult/adult.data").open() as file:
        rows = [one for one in csv.reader(file, skipinitialspace=True) if one]
    assert len(rows) == 32561
    labels = np.array([one[-1] == ">50K" for one in rows]).astype(int)
    groups: dict[str, list[str | None]] = {
        "sex": [one[9] for one in rows], "race": [one[8] for one in rows],
        "workclass": [None if one[1] == "?" else one[1] for one in rows],
    }  # fmt: skip
    found, findings = measured(groups, labels, labels)
    assert found["rows_without_group.workclass", None].value == 1836
    assert found["impact_ratio_minimum.sex", None].value == pytest.approx(
        (1179 / 10771) / (6662 / 21790)
    )
    gap = found["selection_rate_range.race,sex", None]
    assert gap.n == 32561
    assert gap.interval is not None
    assert gap.interval.low > 0.2
    assert found["accuracy_range.sex", None].value == 0
    assert any("1836 of 32561 rows have no value in workclass" in one for one in findings)
