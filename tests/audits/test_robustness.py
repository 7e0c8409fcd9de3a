"""The robustness audit pairs the same rows before and after, names the worst change, and never judges."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

import sounds
import tiny
import tiny_images
from audited import MadeUpBench
from lextune.audio import AudioInput, read_input
from lextune.audits.base import AuditInput, Part, audits
from lextune.audits.perturbations.substitutes import read_of, units, word_vectors
from lextune.audits.robustness import Parameters
from lextune.config import load_config
from lextune.errors import ConfigError
from lextune.evaluation.predict import Scored
from lextune.evaluation.spans import ScoredSpans
from lextune.images import ImageInput, decode
from lextune.models.loading import load_pretrained
from lextune.records import AuditResult, Measurement
from lextune.statistics import paired_difference
from lextune.tasks.base import tasks
from pictures import encoded


def audit(bench: MadeUpBench, answers: Any, seed: int = 0, **asked: Any) -> AuditResult:
    bench.parts = {"test": Part(answers, bench.inputs, np.arange(len(bench.inputs)))}
    given = AuditInput(answers, samples=200, seed=seed, parameters=Parameters(**asked), bench=bench)  # type: ignore[arg-type]
    return audits.get("robustness")(given)


def answered(bench: MadeUpBench, labels: Sequence[int]) -> Scored:
    ids = tuple(f"row{number}" for number in range(len(labels)))
    return Scored(ids, np.array(labels, np.int64), bench.scores(bench.inputs), ("no", "yes"), {})


def whole(result: AuditResult) -> dict[str, Measurement]:
    return {one.name: one for one in result.measurements if one.group is None}


#: Texts that hold `good` exactly where their class is 1.
TEXTS = [f"a {'good' if n % 2 else 'weak'} story, no {n}!" for n in range(60)]
LABELS = [n % 2 for n in range(60)]


def reads_good(text: str) -> tuple[float, float]:
    """A model that looks for one word in small letters."""
    return (0.1, 0.9) if "good" in text else (0.9, 0.1)


def test_what_is_lost_is_what_was_right_before_and_wrong_after() -> None:
    bench = MadeUpBench(reads_good, TEXTS)
    result = audit(bench, answered(bench, LABELS), perturbations=("case", "punctuation"))
    found = whole(result)
    assert set(found) == {
        "accuracy_drop.case", "accuracy_drop.punctuation", "worst_perturbation_drop", "attack_success_rate",
    }  # fmt: skip
    case = found["accuracy_drop.case"]
    assert case.value is not None
    assert 0.1 < case.value < 0.4  # half of the words of half of the texts
    lost = round(case.value * 60)
    right, after = np.ones(60, bool), np.arange(60) >= lost
    expected = paired_difference(right, after)
    assert expected is not None
    assert case.interval == expected[1]
    assert found["accuracy_drop.punctuation"].value == 0
    worst = found["worst_perturbation_drop"]
    assert worst.value == case.value
    assert worst.interval is not None
    assert case.interval is not None
    assert worst.interval.low < case.interval.low
    assert "worst is case" in result.findings[0]


def test_a_change_that_helps_is_a_drop_below_0() -> None:
    bench = MadeUpBench(lambda text: (0.9, 0.1) if "!" in text else (0.1, 0.9), TEXTS)
    result = audit(bench, answered(bench, [1] * 60), perturbations=("punctuation",), severity=2.0)
    drop = whole(result)["accuracy_drop.punctuation"]
    assert drop.value is not None
    assert drop.value < -0.2
    assert whole(result)["worst_perturbation_drop"].value == drop.value


def test_rows_that_do_not_change_are_not_counted() -> None:
    bench = MadeUpBench(reads_good, [*TEXTS[:20], *["12345"] * 20, *["我己经看过好片 ABC"] * 5])
    result = audit(bench, answered(bench, [0] * 45), attack_rows=0)
    found = whole(result)
    assert found["accuracy_drop.typos"].n == 25
    chinese = found["accuracy_drop.look_alikes"]
    assert (chinese.value, chinese.n) == (None, 5)
    assert chinese.problem == "it changes 5 of 45 rows, and 10 are needed"
    changed = {one.group: one.value for one in result.measurements if one.name == "rows_changed"}
    assert changed["perturbation=typos"] == 25
    assert changed["perturbation=look_alikes"] == 5
    assert "attack_success_rate" not in found


def test_nothing_measured_is_undefined_and_no_pass() -> None:
    bench = MadeUpBench(reads_good, ["12345"] * 30)
    answers = answered(bench, [0] * 30)
    for rows in (30, 0):
        bench.inputs = bench.inputs[:rows]
        few = answers.keep(np.arange(30) < rows)
        found = whole(audit(bench, few, attack="characters"))
        assert found["worst_perturbation_drop"].value is None
        assert found["worst_perturbation_drop"].problem
        assert found["attack_success_rate"].value is None


def test_a_named_perturbation_of_other_inputs_is_undefined() -> None:
    bench = MadeUpBench(reads_good, TEXTS)
    found = whole(audit(bench, answered(bench, LABELS), perturbations=("blur", "typos")))
    assert found["accuracy_drop.blur"].value is None
    assert "does not fit" in str(found["accuracy_drop.blur"].problem)
    assert found["accuracy_drop.typos"].value is not None


def test_an_unknown_perturbation_is_an_error_of_the_config() -> None:
    with pytest.raises(ValidationError, match="no perturbation blurr"):
        Parameters(perturbations=("blurr",))
    config = {
        "task": "sentiment", "model": {"source": "a/b"}, "data": {"train": "a.csv"}, "audits": ["robustness"],
        "audit_parameters": {"robustness": {"perturbations": ["typoes"]}},
    }  # fmt: skip
    from lextune.pipeline_config import load_run_config

    with pytest.raises(ConfigError, match="typoes"):
        load_run_config(config)
    assert load_config({**config, "audit_parameters": {}})


def test_a_changed_row_without_a_score_stops_the_audit() -> None:
    bench = MadeUpBench(lambda text: reads_good(text) if text in TEXTS else (np.nan, 0.5), TEXTS)
    with pytest.raises(ValueError, match="no finite score"):
        audit(bench, answered(bench, LABELS))


def test_severity_and_seed_decide_and_nothing_else() -> None:
    bench = MadeUpBench(reads_good, TEXTS)
    answers = answered(bench, LABELS)
    one = audit(bench, answers, attack="characters")
    assert one == audit(bench, answers, attack="characters")
    assert one.parameters["severity"] == 1.0
    other = audit(bench, answers, seed=1, attack="characters")
    assert any(whole(one)[name] != whole(other)[name] for name in whole(one))
    mild, hard = (
        whole(audit(bench, answers, severity=severity))["accuracy_drop.case"].value
        for severity in (0.3, 2.0)
    )
    assert mild is not None
    assert hard is not None
    assert mild < hard


def test_misspellings_turn_a_model_that_looks_for_one_word() -> None:
    bench = MadeUpBench(reads_good, TEXTS)
    result = audit(bench, answered(bench, LABELS), perturbations=("typos",), attack="characters")
    rate = whole(result)["attack_success_rate"]
    assert rate.n == 50
    assert rate.value is not None
    assert 0.3 < rate.value < 0.7  # the texts without the word cannot be turned
    assert rate.interval is not None
    assert rate.interval.method == "Clopper-Pearson"
    assert rate.interval.low < rate.value < rate.interval.high
    told = result.findings[-1]
    assert "1 words changed" in told
    assert "story" not in told


def test_only_right_answers_are_attacked() -> None:
    bench = MadeUpBench(reads_good, TEXTS)
    result = audit(bench, answered(bench, [1 - label for label in LABELS]), attack="characters")
    rate = whole(result)["attack_success_rate"]
    assert (rate.value, rate.n) == (None, 0)


def test_words_of_a_model_without_a_table_are_undefined() -> None:
    bench = MadeUpBench(reads_good, TEXTS)
    rate = whole(audit(bench, answered(bench, LABELS)))["attack_success_rate"]
    assert rate.value is None
    assert "word table" in str(rate.problem)


def test_pictures_that_are_told_by_their_brightness() -> None:
    inputs = [
        ImageInput(f"{n}.png", "", data=encoded(tiny_images.picture(name, n)))
        for n, name in enumerate(["forest", "sea"] * 15)
    ]

    def sees(given: ImageInput) -> tuple[float, float]:
        assert given.data is not None
        blue = decode(given.data)[..., 2].mean() > 120
        return (0.2, 0.8) if blue else (0.8, 0.2)

    bench = MadeUpBench(sees, inputs, task=tasks.get("image_classification"))
    found = whole(audit(bench, answered(bench, [0, 1] * 15)))
    assert set(found) == {
        f"accuracy_drop.{one}" for one in ("blur", "noise", "jpeg", "brightness", "contrast", "crop")
    } | {"worst_perturbation_drop"}  # fmt: skip
    assert all(one.n == 30 for one in found.values())
    assert found["accuracy_drop.blur"].value == 0


def test_sounds_that_are_told_by_what_is_high() -> None:
    inputs = [
        AudioInput(f"{n}.wav", "", data=sounds.written(sounds.tone(0.3, (300, 6000)[n % 2])))
        for n in range(20)
    ]

    def hears(given: AudioInput) -> tuple[float, float]:
        wave = read_input(given)
        high = np.abs(np.diff(wave)).mean() > 0.1 * np.abs(wave).mean() + 0.02
        return (0.2, 0.8) if high else (0.8, 0.2)

    bench = MadeUpBench(hears, inputs, task=tasks.get("speech_emotion"))
    found = whole(audit(bench, answered(bench, [0, 1] * 10)))
    assert found["accuracy_drop.low_sample_rate"].value == pytest.approx(0.5)
    assert found["accuracy_drop.clipping"].n == 20
    assert found["worst_perturbation_drop"].value is not None


class SpanBench(MadeUpBench):
    """Finds the word `Rome`, written just so."""

    def answer(self, inputs: Sequence[Any], like: Any) -> ScoredSpans:
        return spans_in(inputs, like.ids, like.labels)

    def row_errors(self, answers: Any) -> Any:
        from lextune.evaluation.spans import row_errors

        return row_errors(answers)


def spans_in(texts: Sequence[str], ids: tuple[str, ...], labels: Any) -> ScoredSpans:
    from lextune.tasks.text.tagging import ScoredSpan

    found = [
        (ScoredSpan(text.index("Rome"), text.index("Rome") + 4, "PLACE", 0.9),) if "Rome" in text else ()
        for text in texts
    ]  # fmt: skip
    return ScoredSpans(ids, labels, found, ("PLACE",), {})


def test_of_spans_the_error_of_a_row_rises_and_their_places_stay() -> None:
    from lextune.evaluation.spans import labels as read

    texts = [f"She saw Rome {n} times." if n % 3 else "She stayed." for n in range(45)]
    cells = [json.dumps([[8, 12, "PLACE"]]) if n % 3 else "[]" for n in range(45)]
    ids = tuple(map(str, range(45)))
    answers = spans_in(texts, ids, read(texts, cells, ("PLACE",)))
    bench = SpanBench(reads_good, texts, task=tasks.get("ner"))
    found = whole(audit(bench, answers))
    named = {name.removeprefix("error_rise.") for name in found if name.startswith("error_rise.")}
    assert named == {"typos", "case", "homoglyphs", "look_alikes", "character_width"}
    case = found["error_rise.case"]
    assert case.value is not None
    assert 0.2 < case.value < 0.6  # half of the words, in two of three texts
    assert case.n == 45
    assert case.interval is not None
    assert "Bonett" in case.interval.method
    assert found["error_rise.look_alikes"].value is None


def test_a_tables_words_are_tried_within_the_budget(tmp_path: Path) -> None:
    folder = tiny.write_tiny_bert(tmp_path / "model")
    files = {one.name: one.read_bytes() for one in folder.iterdir()}
    loaded = load_pretrained(files, tasks.get("sentiment"), ("no", "yes"), max_length=32, dropout=0)
    rows = [line.split(",") for line in tiny.write_reviews(tmp_path / "r.csv", 80).read_text().splitlines()]  # fmt: skip
    texts = [row[rows[0].index("text")] for row in rows[1:]]
    vectors = word_vectors(loaded)
    assert vectors is not None
    table = loaded.model.get_input_embeddings().weight.detach().numpy()
    words = sorted({word for text in texts for word in units(text)})
    held = [any(np.array_equal(row, one) for row in table) for one in vectors(words)]
    assert any(held)
    assert not vectors(["qzxvjkwpqz", "\ue000"]).any()

    long = " ".join(texts)
    read = read_of(loaded, long)
    assert not loaded.encode([long[:read]]).truncated
    assert loaded.encode([long[: read + 1]]).truncated
    assert read_of(loaded, "short") == read_of(None, "short") == 5

    asked: list[int] = []

    def scores(text: str) -> tuple[float, float]:
        asked.append(1)
        return reads_good(text)

    bench = MadeUpBench(scores, texts, loaded=loaded)
    answers = answered(bench, [int("good" in text) for text in texts])
    part = Part(answers, texts, np.arange(len(texts)))
    asked.clear()
    given = AuditInput(
        answers, parameters=Parameters(perturbations=("typos",), attack_rows=10, attack_queries=12, attack_words=0.3),
        bench=MadeUpBench(scores, texts, {"test": part, "train": part}, loaded=loaded),  # type: ignore[arg-type]
    )  # fmt: skip
    found = whole(audits.get("robustness")(given))
    assert len(asked) <= len(texts) + 10 * 12
    assert 0 < found["attack_success_rate"].n <= 10
