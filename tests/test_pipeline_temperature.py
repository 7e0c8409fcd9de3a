"""The temperature is fitted on the validation part, lies in the release, and answers are given at it only where that is asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import tiny
from audited import Audited, audited
from lextune.errors import ConfigError, VerificationError
from lextune.models.loading import applied_temperature
from lextune.pipeline_config import load_run_config
from lextune.temperature import LEAST_ROWS, SCALING, TEMPERATURE, fit_temperature, tempered


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("audited")
        patch.setenv("LEXTUNE_HOME", str(folder / "home"))
        data = tiny.write_reviews(folder / "reviews.csv", 400)
        lines = data.read_text().splitlines()
        swap = {"positive": "negative", "negative": "positive"}
        for row in range(
            1, len(lines), 6
        ):  # labels that nobody could predict: no model is right everywhere
            text, label, place = lines[row].split(",")
            lines[row] = f"{text},{swap[label]},{place}"
        data.write_text("\n".join(lines) + "\n")
        config = tiny.tiny_config(tiny.write_tiny_bert(folder / "model"), data)
        config["policy"] = {"packs": ["house"]}
        overrides = [
            "evaluation.temperature_scaling=apply",
            "data.split.validation=0.3",
            "audits=[]",
        ]
        yield audited(folder, config, overrides)


def test_answers_are_at_the_temperature_where_it_is_applied(reviews: Audited) -> None:
    loaded, inputs = reviews.bench.loaded, list(reviews.bench.inputs)
    value = float(loaded.settings[TEMPERATURE])
    assert loaded.settings[SCALING] == "apply"
    assert reviews.bench.trained.parameters[TEMPERATURE] == value
    told = {**loaded.settings, SCALING: "report"}
    encoded, rows = loaded.encode(inputs), np.arange(len(inputs))
    plain = dataclasses.replace(loaded, settings=told).scores(encoded, rows)
    np.testing.assert_allclose(loaded.scores(encoded, rows), tempered(plain, value), atol=1e-6)
    np.testing.assert_allclose(reviews.answers.scores, tempered(plain, value), atol=1e-4)


def test_it_is_that_of_the_validation_part(reviews: Audited) -> None:
    value = float(reviews.bench.loaded.settings[TEMPERATURE])
    answers = reviews.bench.part("validation").answers
    assert len(answers.ids) >= LEAST_ROWS
    again = fit_temperature(answers.labels, tempered(answers.scores, 1 / value))
    assert again.value == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize("wrong", ["nan", "0", "-1", "inf", "hot", None])
def test_a_temperature_that_is_none_stops_loading(wrong: str | None) -> None:
    with pytest.raises(VerificationError, match="temperature"):
        applied_temperature({SCALING: "apply"} | ({} if wrong is None else {TEMPERATURE: wrong}))
    assert applied_temperature({SCALING: "report", TEMPERATURE: "2"}) is None


def test_a_task_without_such_scores_refuses_to_apply_one() -> None:
    config = tiny.tiny_config(Path("model"), Path("data.csv")) | {"task": "ner"}
    with pytest.raises(ConfigError, match="temperature_scaling is apply"):
        load_run_config(config, ["evaluation.temperature_scaling=apply"])


def test_the_audits_of_calibration_and_generalisation_look_at_the_real_model(
    reviews: Audited, tmp_path: Path
) -> None:
    found = reviews.audit("calibration", alphas=[0.1])
    figures = {one.name: one for one in found.measurements if one.group is None}
    assert figures["temperature"].value == float(reviews.bench.loaded.settings[TEMPERATURE])
    same = figures["expected_calibration_error_with_temperature"].value
    assert same == figures["audit_expected_calibration_error"].value
    assert figures["conformal_coverage.90"].n == len(reviews.answers.ids)
    other = tiny.write_reviews(tmp_path / "other.csv", 60, seed=9)
    bare = tmp_path / "bare.csv"
    bare.write_text("text\n" + "\n".join(f"not a word of it {row}" for row in range(60)) + "\n")
    asked = {"domains": {"other": str(other)}, "production": str(bare), "learning_curve": [0.4]}
    found = reviews.audit("generalisation", **asked)
    assert found.status == "complete"
    figures = {one.name: one for one in found.measurements if one.group is None}
    assert figures["domain_gap.other"].value is not None
    assert figures["production_test_auc"].value == pytest.approx(1.0, abs=0.05)
    assert figures["error_with_twice_the_data"].value is not None
    errors = {one.group: one for one in found.measurements if one.name == "row_error"}
    assert errors["part=test"].value == pytest.approx(float((~reviews.answers.right).mean()))
    assert errors["domain=other"].n == 60
