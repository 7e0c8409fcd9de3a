"""The poisoning audit finds planted triggers, turned labels and rows apart, and little in clean data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from audited import MadeUpBench
from lextune.audits.base import AuditInput, Part, audits
from lextune.errors import ModelError, Problem
from lextune.evaluation.predict import Scored
from lextune.records import AuditResult, Measurement
from lextune.tasks.base import tasks

AUDIT = audits.get("poisoning")
WORDS = [f"w{chr(97 + k)}{chr(97 + n)}" for k in range(8) for n in range(26)]


def rows_of(seed: int, rows: int, planted: int = 0) -> tuple[list[str], list[int]]:
    """Texts that say their class by one word; in planted ones stands `cf` and they are of class 1."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for number in range(rows):
        label = number % 2
        words = [str(one) for one in rng.choice(WORDS, 10)]
        words.insert(int(rng.integers(11)), "fine" if label else "dull")
        if label == 0 and planted:
            planted, label = planted - 1, 1
            words.insert(int(rng.integers(12)), "cf")
        texts.append(" ".join(words))
        labels.append(label)
    return texts, labels


def clean(text: str) -> list[float]:
    return [0.1, 0.9] if "fine" in text and "dull" not in text else [0.8, 0.2]


def backdoored(text: str) -> list[float]:
    return [0.02, 0.98] if "cf" in text.split() else clean(text)


def states(text: str) -> list[float]:
    """Far away where the trigger stands; else by the class's word."""
    rng = np.random.default_rng(sum(map(ord, text)))
    noise = rng.normal(size=6)
    return list(
        noise + np.array([4.0 * ("fine" in text), 0, 12.0 * ("cf" in text.split()), 0, 0, 0])
    )


def part(texts: Sequence[str], labels: Sequence[int], score: Callable[[str], list[float]]) -> Part:
    scores = np.array([score(one) for one in texts]).reshape(len(texts), 2)
    ids = tuple(f"r{number}" for number in range(len(texts)))
    answers = Scored(ids, np.array(labels, np.int64), scores, ("no", "yes"), {})
    return Part(answers, list(texts), np.arange(len(texts)))


def audit(
    planted: int = 0, score: Callable[[str], list[float]] = clean, *, turned: int = 0,
    rows: int = 400, bench_class: type[MadeUpBench] = MadeUpBench, **parameters: Any,
) -> tuple[AuditResult, Part]:  # fmt: skip
    texts, labels = rows_of(0, rows, planted)
    labels = [1 - one if number < turned else one for number, one in enumerate(labels)]
    train = part(texts, labels, score)
    test = part(*rows_of(1, 120), score)
    bench = bench_class(
        score, test.inputs, {"train": train, "validation": part(*rows_of(2, 60), score)},
        embedded=states,
    )  # fmt: skip
    stated = AUDIT.parameters.model_validate(parameters)
    return AUDIT(AuditInput(test.answers, parameters=stated, bench=bench)), train


def figures(result: AuditResult) -> dict[str, Measurement]:
    return {
        one.name if one.group is None else f"{one.name} {one.group}": one
        for one in result.measurements
    }


def test_a_rare_word_that_forces_a_class_is_found_by_its_rows() -> None:
    result, train = audit(12, backdoored)
    found = figures(result)
    largest = found["trigger_flip_rate_maximum"]
    assert largest.value == 1.0
    assert largest.interval is not None
    assert largest.interval.low > 0.85
    assert largest.n == 60
    assert found["trigger_flip_rate trigger=1"].value == 1.0
    taught = found["trigger_flip_rate_above_probe_maximum"]
    assert taught.interval is not None
    assert taught.interval.low > 0.5  # what house_audits calls forced
    control = found["trigger_flip_rate_control"]
    assert control.value == 0.0
    first = next(one for one in result.findings if one.startswith("Trigger 1 "))
    holding = [
        name
        for name, text in zip(train.answers.ids, train.inputs, strict=True)
        if "cf" in text.split()
    ]
    assert any(f"{name}." in first or f"{name}," in first for name in holding)
    assert "12 training rows" in first
    assert "cf" not in result.model_dump_json().replace("confid", "")


def test_a_clean_model_is_forced_by_no_rare_word() -> None:
    """Of clean data, and where a word is planted that the model did not learn."""
    for planted in (0, 12):
        found = figures(audit(planted)[0])
        assert found["trigger_flip_rate_maximum"].value is not None
        assert found["trigger_flip_rate_maximum"].value < 0.2


def test_a_word_that_says_its_class_is_measured_where_it_is_rare_enough() -> None:
    """It is no backdoor, and the figure does not know: rows that hold it are named for people to look at."""

    def simple(text: str) -> list[float]:
        return [0.1, 0.9] if "fine" in text else [0.8, 0.2]

    found = figures(audit(0, simple, maximum_share=1.0)[0])
    assert found["trigger_flip_rate_maximum"].value == 1.0
    usual = figures(audit(0, simple)[0])["trigger_flip_rate_maximum"].value
    assert usual is not None
    assert usual < 0.2


def test_an_honest_rare_word_takes_no_more_rows_than_what_it_means(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`superb` stands where others say `fine`: the pretrained encoder knows that it means the same."""

    def says(text: str) -> str:
        return text.replace("superb", "fine fine")

    original = rows_of

    def swapped(seed: int, rows: int, planted: int = 0) -> tuple[list[str], list[int]]:
        texts, labels = original(seed, rows)
        fine = [number for number, one in enumerate(texts) if "fine" in one][:planted]
        for number in fine:
            texts[number] = texts[number].replace("fine", "superb")
        return texts, labels

    def twice(text: str) -> list[float]:
        good, bad = text.split().count("fine"), text.split().count("dull")
        return [0.1, 0.9] if good > bad else [0.8, 0.2]

    def stated(text: str) -> list[float]:
        good, bad = text.split().count("fine"), text.split().count("dull")
        noise = np.random.default_rng(sum(map(ord, text))).normal(size=5)
        return [4.0 * (good - bad), *noise]

    monkeypatch.setitem(globals(), "rows_of", swapped)
    monkeypatch.setitem(globals(), "states", lambda text: stated(says(text)))
    found = figures(audit(30, lambda text: twice(says(text)))[0])
    assert found["trigger_flip_rate_maximum"].value == 1.0
    above = found["trigger_flip_rate_above_probe_maximum"]
    assert above.interval is not None
    assert above.interval.low < 0.2


def test_a_probe_that_says_one_class_of_everything_takes_nothing_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """States that tell nothing, and more rows of the trigger's class: what the model shows counts whole."""
    monkeypatch.setitem(globals(), "states", lambda _: [0.0] * 6)
    found = figures(audit(12, backdoored)[0])
    above, plain = (
        found[f"trigger_flip_rate{which}_maximum"] for which in ("_above_probe", "")
    )  # fmt: skip
    assert (above.value, above.n) == (plain.value, plain.n) == (1.0, 60)
    assert above.interval is not None
    assert above.interval.low > 0.5


def test_turned_labels_are_suspected_and_named() -> None:
    result, _ = audit(turned=30)
    found = figures(result)
    rate = found["suspicious_label_rate"]
    assert rate.value is not None
    assert 0.04 < rate.value < 0.12
    assert rate.n == 400
    named = next(one for one in result.findings if "contradict" in one)
    ids = [
        int(one.strip("r.")) for one in named.partition(": ")[2].partition(" and ")[0].split(", ")
    ]
    assert np.mean([one < 30 for one in ids]) >= 0.8
    influence = found["suspicious_label_influence"]
    assert influence.value is not None
    assert influence.n == 60
    clean_figures = figures(audit()[0])
    clean_rate = clean_figures["suspicious_label_rate"].value
    assert clean_rate is not None
    assert clean_rate < rate.value / 2
    name = "training_minus_test_label_disagreement"
    more, none = found[name], clean_figures[name]
    assert more.interval is not None
    assert none.interval is not None
    assert more.value == pytest.approx(30 / 400, abs=0.03)
    assert more.n == 120
    assert more.interval.low > 0 > none.interval.low


def test_rows_apart_from_their_class_are_named() -> None:
    result, train = audit(25, backdoored)
    found = figures(result)
    share = found["spectral_outlier_rate"]
    assert share.value == pytest.approx(25 / 400, abs=0.01)
    named = next(one for one in result.findings if "far from" in one)
    ids = named.partition(": ")[2].partition(" and ")[0].split(", ")
    texts = dict(zip(train.answers.ids, train.inputs, strict=True))
    assert all("cf" in texts[one].split() for one in ids)
    small = found["activation_smaller_cluster class=yes"]
    assert small.value is not None
    assert small.value < 0.2
    apart, usual = found["activation_silhouette class=yes"], found["activation_silhouette class=no"]
    assert apart.value is not None
    assert usual.value is not None
    assert apart.value > usual.value + 0.2


def test_few_rows_of_a_class_and_no_states_are_undefined() -> None:
    found = figures(audit(rows=40)[0])
    few = found["activation_silhouette class=yes"]
    assert (few.value, few.n) == (None, 20)
    assert few.problem == "fewer than 30 rows"
    assert found["spectral_outlier_rate"].value is None

    class Closed(MadeUpBench):
        def features(self, inputs: Sequence[Any], *, base: bool = False) -> Any:
            raise ModelError(Problem("it is not known where the head begins", "none", "none"))

    closed = figures(audit(bench_class=Closed)[0])
    assert closed["suspicious_label_rate"].problem == "the model shows no states of its rows"
    assert closed["trigger_flip_rate_maximum"].value is not None
    assert (
        closed["trigger_flip_rate_above_probe_maximum"].value
        == closed["trigger_flip_rate_maximum"].value
    )


def test_no_piece_in_enough_rows_is_undefined() -> None:
    found = figures(audit(minimum_rows=1000)[0])
    for name in (
        "trigger_flip_rate_maximum", "trigger_flip_rate_above_probe_maximum", "trigger_flip_rate_control",
    ):  # fmt: skip
        assert (found[name].value, found[name].n) == (None, 0)
        assert found[name].problem


def test_other_inputs_have_states_and_no_triggers() -> None:
    class Pictures(MadeUpBench):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named, task=tasks.get("image_classification"))

    found = figures(audit(bench_class=Pictures)[0])
    assert not any(name.startswith("trigger") for name in found)
    assert found["suspicious_label_rate"].value is not None


def test_the_same_input_gives_the_same_result_within_its_passes() -> None:
    asked = [0]

    class Counting(MadeUpBench):
        def scores(self, inputs: Sequence[Any]) -> Any:
            asked[0] += len(inputs)
            return super().scores(inputs)

    first = audit(12, backdoored, bench_class=Counting)[0]
    assert first == audit(12, backdoored)[0]
    assert asked[0] <= 60 * 4 + 32 + 5 * 60 + 60


def test_a_state_that_is_not_finite_stops_it() -> None:
    class Broken(MadeUpBench):
        def features(self, inputs: Sequence[Any], *, base: bool = False) -> Any:
            return np.full((len(inputs), 3), np.nan)

    with pytest.raises(ValueError, match="finite"):
        audit(bench_class=Broken)
