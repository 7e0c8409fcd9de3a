"""Explanations of a model that is known are faithful, those of chance are not, and a class without answers is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from audited import MadeUpBench
from lextune.audits.base import AuditInput
from lextune.audits.explanation import Parameters, explanation
from lextune.evaluation.predict import Scored
from lextune.records import AuditResult, Measurement
from lextune.tasks.base import tasks

WORDS = ("fine", "poor", *(f"w{i}" for i in range(30)))
CLASSES = ("bad", "good")


def text_of(draw: np.random.Generator) -> str:
    return " ".join(["fine" if draw.random() < 0.5 else "poor", *draw.choice(WORDS[2:], 11)])


def by_word(text: str) -> list[float]:
    """Only two words count."""
    odds = 3.0 * (text.split().count("fine") - text.split().count("poor"))
    p = 1 / (1 + np.exp(-odds))
    return [1 - p, p]


def by_length(text: str) -> list[float]:
    """No word counts more than another."""
    p = 1 / (1 + np.exp(4 - len(text.split())))
    return [1 - p, p]


def given(score: Any, n: int = 60, **parameters: Any) -> AuditInput:
    draw = np.random.default_rng(3)
    texts = [text_of(draw) for _ in range(n)]
    scores = np.array([score(one) for one in texts])
    answers = Scored(tuple(map(str, range(n))), np.zeros(n, np.int64), scores, CLASSES, {})
    loaded = SimpleNamespace(task=tasks.get("sentiment"), encode=list, model=object(), settings={}, classes=CLASSES)  # fmt: skip
    bench = MadeUpBench(score, texts, loaded=loaded)
    return AuditInput(answers, 300, 0, Parameters(**parameters), bench)  # type: ignore[arg-type]


def named(found: AuditResult, name: str, group: str | None = None) -> Measurement:
    return next(one for one in found.measurements if (one.name, one.group) == (name, group))


def test_what_a_known_model_reads_is_found() -> None:
    found = explanation(given(by_word))
    one = named(found, "faithfulness_above_random")
    assert one.n == 32
    assert one.interval is not None
    assert one.interval.low > 0.2
    # without its one word the answer is even; a random tenth rarely holds it
    own = named(found, "score_drop", "deleted=0.1").value
    assert own == pytest.approx(1 / (1 + np.exp(-3.0)) - 0.5, abs=1e-6)
    assert named(found, "completeness_gap").problem
    assert explanation(given(by_word)) == found


def test_where_no_part_counts_more_nothing_is_above_chance() -> None:
    found = explanation(given(by_length))
    for name in ("faithfulness_above_random", "reasons_above_random"):
        assert named(found, name).value == pytest.approx(0, abs=1e-9)
        assert named(found, name).interval is None


def test_rows_with_the_adverse_answer_are_explained() -> None:
    asked = given(by_word, adverse_class="bad")
    found = explanation(asked)
    adverse = int((asked.scores[:, 0] > 0.5).sum())
    assert found.parameters["explained_rows"] == min(32, adverse)
    with pytest.raises(ValueError, match="adverse_class"):
        explanation(given(by_word, adverse_class="worse"))
    only_good = given(lambda _: [0.1, 0.9], adverse_class="bad")
    assert explanation(only_good).status == "not_applicable"


def test_findings_hold_no_word_of_a_row() -> None:
    found = explanation(given(by_length, random_orders=1))
    assert not any(word in said for said in found.findings for word in WORDS)
