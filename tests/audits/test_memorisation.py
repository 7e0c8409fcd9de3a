"""Memorisation: canaries that stand out or do not, and training texts in transcripts."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from audited import MadeUpBench
from lextune.audits.base import AuditInput, Part
from lextune.audits.memorisation import Parameters, memorisation
from lextune.canaries import Canaries
from lextune.evaluation.predict import Scored
from lextune.evaluation.transcripts import ScoredTranscripts
from lextune.records import AuditResult
from lextune.tasks.audio.found import FoundTranscript
from lextune.tasks.base import tasks

EMPTY = Scored((), np.zeros(0, np.int64), np.zeros((0, 2)), ("no", "yes"), {})


def audit(knows: float, count: int = 200, inserted: Any = None) -> AuditResult:
    """Of a model that gives the label of this share of the canaries that it was trained on, of others by chance."""
    draw = np.random.default_rng(0)
    inserted = draw.random(count) < 0.5 if inserted is None else inserted
    sure = inserted & (draw.random(count) < knows)
    names = tuple(f"canary {i}" for i in range(count))
    chance = dict(zip(names, draw.uniform(0.2, 0.8, count), strict=True))
    known = {name for name, one in zip(names, sure, strict=True) if one}
    bench = MadeUpBench(
        score=lambda one: (0.01, 0.99) if one in known else (1 - chance[one], chance[one]), inputs=(),
        parts={"train": Part(EMPTY, (), np.zeros(0, np.int64))},
        canaries=Canaries(names, ("yes",) * count, tuple(inserted.tolist())) if count else None,
    )  # fmt: skip
    return memorisation(AuditInput(EMPTY, samples=200, parameters=Parameters(), bench=bench))


def measured(result: AuditResult, name: str) -> Any:
    (found,) = [one for one in result.measurements if one.name == name]
    return found


def test_canaries_that_are_remembered_stand_out() -> None:
    found = audit(1.0)
    assert measured(found, "canary_auc").value == 1
    exposure = measured(found, "canary_exposure")
    assert exposure.value == pytest.approx(exposure.interval.high)
    assert measured(found, "canary_exposure_p_value").value == 1 / 201
    assert measured(found, "canary_extraction").value == 1
    assert measured(found, "canary_extraction_above_held_back").interval.low > 0.3
    assert any("surer" in one for one in found.findings)


def test_canaries_that_are_not_remembered_do_not() -> None:
    found = audit(0.0)
    auc = measured(found, "canary_auc").interval
    assert auc.low < 0.5 < auc.high
    assert measured(found, "canary_exposure_p_value").value > 0.05
    above = measured(found, "canary_extraction_above_held_back").interval
    assert above.low < 0 < above.high
    assert not any("surer" in one for one in found.findings)


def test_shares_at_each_exposure_add_up_to_all() -> None:
    found = [one for one in audit(0.5).measurements if one.name == "canaries_at_exposure"]
    assert sum(one.value for one in found) == 1
    assert found[0].group == "bits=0-1"


def test_without_canaries_of_both_sorts_there_is_nothing_to_compare() -> None:
    assert audit(1.0, count=0).status == "not_applicable"
    assert audit(1.0, count=10, inserted=np.ones(10, bool)).status == "not_applicable"


def speech(written: list[str], said: list[str], training: list[str]) -> AuditResult:
    found = [FoundTranscript(one, 0.9) for one in written]
    answers = ScoredTranscripts(
        tuple(f"id {i}" for i in range(len(said))), said, found, (), {}
    )  # fmt: skip
    taught = dataclasses.replace(
        answers, ids=tuple(training), labels=training, found=[None] * len(training)
    )
    bench = MadeUpBench(
        score=lambda _: (), inputs=(), task=tasks.get("speech_to_text"),
        parts={"train": Part(taught, (), np.arange(len(training)))},
    )  # fmt: skip
    return memorisation(AuditInput(answers, parameters=Parameters(copied_words=4), bench=bench))


def test_a_training_text_that_was_not_said_is_counted_and_its_row_named() -> None:
    training = ["my secret number is forty two", "good morning to everybody here"]
    said = ["call me later", "my secret number is forty two", "good evening"]
    found = speech(["my secret number is forty", said[1], "good evening"], said, training)
    copied = measured(found, "copied_training_text")
    assert copied.value == 1 / 3
    assert copied.n == 3
    assert measured(found, "nearer_training_text").value == 1 / 3
    assert any(one.endswith(": id 0.") for one in found.findings)
    assert not any("secret" in one for one in found.findings)


def test_transcripts_that_are_right_copy_nothing() -> None:
    said = [f"this is row {i} of many" for i in range(20)]
    found = speech(said, said, ["this is row 5 of many"])
    assert measured(found, "copied_training_text").value == 0
    assert measured(found, "nearer_training_text").value == 0
