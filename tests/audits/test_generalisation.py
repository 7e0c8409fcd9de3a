"""The audit of generalisation measures gaps, tells parts apart, and extrapolates a learning curve, by known answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from audited import MadeUpBench
from lextune.audits.base import AuditInput, Part, audits
from lextune.errors import ModelError, Problem
from lextune.evaluation.predict import Scored
from lextune.records import AuditResult, Measurement
from lextune.statistics import independent_difference

AUDIT = audits.get("generalisation")


def part(wrong: int, rows: int, mark: float = 0.0, seed: int = 0) -> Part:
    """So many of the rows are answered wrong; inputs are pairs of numbers around a mark."""
    labels = np.arange(rows) % 2
    right = np.arange(rows) >= wrong
    scores = np.where((labels == 1) == right, 0.8, 0.2)
    answers = Scored(
        tuple(map(str, range(rows))), labels, np.stack([1 - scores, scores], 1), ("a", "b"), {}
    )
    draw = np.random.default_rng([seed, rows])
    return Part(answers, [*draw.normal(mark, 1, (rows, 2))], np.arange(rows))


def run(bench: MadeUpBench, seed: int = 0, **parameters: Any) -> AuditResult:
    stated = AUDIT.parameters.model_validate(parameters)
    answers = bench.parts["test"].answers
    return AUDIT(AuditInput(answers, 200, seed, stated, bench))


def bench_of(**parts: Part) -> MadeUpBench:
    parts = {
        "train": part(2, 200, seed=1),
        "validation": part(15, 100),
        "test": part(30, 150),
        **parts,
    }
    return MadeUpBench(
        lambda one: [0.5, 0.5], parts["test"].inputs, parts, embedded=lambda one: one
    )


def figures(result: AuditResult) -> dict[str, Measurement]:
    return {one.name: one for one in result.measurements if one.group is None}


def grouped(result: AuditResult, name: str) -> dict[str | None, float | None]:
    return {one.group: one.value for one in result.measurements if one.name == name}


def test_gaps_are_newcombes_by_hand() -> None:
    result = run(bench_of(**{"pypi:other": part(50, 100)}), domains={"shop": "pypi:other"})
    found = figures(result)
    expected = independent_difference(30, 150, 2, 200)
    assert expected is not None
    gap = found["generalisation_gap"]
    assert gap.value == pytest.approx(0.2 - 0.01)
    assert gap.n == 350
    assert gap.interval is not None
    assert gap.interval.low == pytest.approx(expected[1].low)
    assert gap.interval.high == pytest.approx(expected[1].high)
    assert found["validation_gap"].value == pytest.approx(0.05)
    assert found["domain_gap.shop"].value == pytest.approx(0.3)
    errors = {"part=train": 0.01, "part=validation": 0.15, "part=test": 0.2, "domain=shop": 0.5}
    assert grouped(result, "row_error") == pytest.approx(errors)
    assert grouped(result, "headline") == pytest.approx(
        {key: 1 - one for key, one in errors.items()}
    )
    assert result.parameters["headline"] == "accuracy"


def test_other_rows_are_told_apart_and_equal_ones_are_not() -> None:
    bench = bench_of(**{"pypi:used": part(0, 150, mark=1.0, seed=3)})
    found = figures(run(bench, production="pypi:used"))
    same, moved = found["train_test_auc"].interval, found["production_test_auc"].interval
    assert same is not None
    assert same.low < 0.5 < same.high
    assert moved is not None
    assert moved.low > 0.6
    assert "production_test_auc" not in figures(run(bench))


def test_texts_are_told_apart_by_their_letters_where_a_head_is_hidden() -> None:
    def hidden(_: Any) -> Any:
        raise ModelError(Problem("the head is hidden", "none"))

    def texts(words: str, rows: int) -> Part:
        return Part(part(3, rows).answers, [words] * rows, np.arange(rows))

    bench = bench_of(train=texts("good film", 60), test=texts("差劲的电影", 60))
    bench.embedded = hidden
    result = run(bench)
    assert figures(result)["train_test_auc"].value == 1.0
    assert any("runs of letters" in one for one in result.findings)
    few = bench_of(train=part(1, 10))
    assert "fewer than 20" in str(figures(run(few))["train_test_auc"].problem)


def test_the_learning_curve_leads_on() -> None:
    bench = bench_of(train=part(0, 800), test=part(30, 300))
    seen: list[Any] = []

    def fitted(rows: Any, seed: int, labels: Any) -> Any:
        seen.append(rows)
        wrong = {200: 120, 400: 60}[len(rows)]  # halves with each doubling
        return lambda inputs, like: part(wrong, len(inputs)).answers

    bench.fitted = fitted
    result = run(bench, learning_curve=[0.5, 0.25])
    found = figures(result)["error_with_twice_the_data"]
    assert found.value == pytest.approx(0.05)
    assert found.interval is not None
    assert found.interval.low < 0.05 < found.interval.high
    assert "not over training" in found.interval.method
    assert grouped(result, "error_by_train_rows") == pytest.approx(
        {"rows=200": 0.4, "rows=400": 0.2, "rows=800": 0.1}
    )
    assert set(seen[0]) < set(seen[1])
    assert np.bincount(np.asarray(seen[0]) % 2).tolist() == [100, 100]
    off = figures(run(bench))["error_with_twice_the_data"]
    assert off.value is None
    assert "learning_curve" in str(off.problem)


def test_a_curve_of_a_model_that_hardly_errs_is_undefined() -> None:
    bench = bench_of(test=part(4, 300))
    bench.fitted = lambda rows, seed, labels: lambda inputs, like: part(40, len(inputs)).answers
    found = figures(run(bench, learning_curve=[0.5]))["error_with_twice_the_data"]
    assert found.value is None
    assert "fewer than 10" in str(found.problem)


def test_a_row_without_an_answer_stops_the_audit() -> None:
    broken = part(3, 50)
    broken.answers.scores[1] = np.nan
    with pytest.raises(ValueError, match="finite"):
        run(bench_of(validation=broken))


def test_it_needs_the_model() -> None:
    answers = part(3, 50).answers
    assert AUDIT(AuditInput(answers, parameters=AUDIT.parameters())).status == "not_applicable"
