"""The page of runs on sounds plays and quotes them; that of runs on people shows no row; a better baseline is named."""

from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
import pyarrow as pa
import pytest
import soundfile

from lextune.evaluation.evaluate import compare, evaluate
from lextune.evaluation.kinds import Resampling, TrainingInputs, kinds
from lextune.evaluation.predict import Scored
from lextune.evaluation.transcripts import ScoredTranscripts
from lextune.files import sha256
from lextune.listener import Listener
from lextune.pipeline_report import REPORT, write_report
from lextune.records import Measurement, Predictions
from lextune.statistics import wilson
from lextune.tasks.audio.found import FoundTranscript
from lextune.tasks.base import tasks

DRAWS = Resampling(200, 0)
SAID, HEARD = ["go on", "uh yes <b>", "stop here now"], ["go on", "oh no <b>", "stop here"]


@pytest.fixture
def sounds(tmp_path):
    """Rows as the data room leaves them; the last is a piece, and its file has changed since."""
    rows = {"id": [], "audio": [], "sha256": [], "label": [], "start": [], "stop": []}
    for number, text in enumerate(SAID):
        path = tmp_path / "in" / f"{number}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, 0.1 * np.sin(np.arange(24000) / (5 + number)), 16000)
        rows["id"].append(f"r{number}")
        rows["audio"].append(str(path))
        rows["sha256"].append(sha256(path.read_bytes()) if number < 2 else "0" * 64)
        rows["label"].append(text)
        rows["start"].append("0.5" if number == 1 else "0.0")
        rows["stop"].append("1" if number == 1 else "")
    return pa.table(rows)


def predictions(rows, classes=()):
    return Predictions(path="p", sha256="0" * 64, split="test", rows=rows, classes=classes)


def written(tmp_path, task, table, evaluation, answers) -> str:
    files = {"lextune.json": json.dumps({"task": task}).encode()}
    made = write_report(tmp_path, ("tiny 1.0", "run"), files, table, (evaluation, answers), Listener())  # fmt: skip
    assert made == tmp_path / REPORT
    return made.read_text()


def transcripts(zero_shot, groups=None):
    found = [FoundTranscript(one, 0.5, ()) for one in HEARD]
    answers = ScoredTranscripts(("r0", "r1", "r2"), SAID, found, (), groups or {})
    names = tasks.get("speech_to_text").metrics
    evaluation = evaluate(answers, predictions(3), names, DRAWS)
    taught = TrainingInputs(
        [], [], 0, zero_shot=lambda _: [FoundTranscript(one, 0.5, ()) for one in zero_shot]
    )
    return answers, compare(evaluation, answers, [], taught, ("zero_shot",), DRAWS)


def test_sounds_are_played_and_their_words_are_quoted(tmp_path, sounds) -> None:
    answers, evaluation = transcripts([""] * 3, {"speaker": ["a", "b", "b"]})
    text = written(tmp_path, "speech_to_text", sounds, evaluation, answers)
    players = re.findall(r'<audio [^>]*src="data:audio/flac;base64,([^"]+)"', text)
    lengths = {len(soundfile.read(io.BytesIO(base64.b64decode(one)))[0]) for one in players}
    assert lengths == {24000, 8000}
    assert "The sound is not there any more" in text
    assert "said 原文: uh yes &lt;b&gt;" in text
    assert "heard 识别: oh no &lt;b&gt;" in text
    assert "1.wav 0.5–1 s" in text
    worst = text[text.index("Worst mistakes") : text.index("Typical answers")]
    assert worst.index("2 errors in 2 words") < worst.index("1 errors in 3 words")
    assert "go on<" not in worst
    assert "speaker=b" in text
    assert "media-src data:" in text
    assert "shows sounds of the test data" in text
    assert "Confusion" not in text


def test_a_better_baseline_is_named(tmp_path, sounds) -> None:
    answers, evaluation = transcripts(SAID)
    text = written(tmp_path, "speech_to_text", sounds, evaluation, answers)
    told = "zero shot (cer)"
    beaten = [one for one in evaluation.measurements if one.name == "cer_minus_zero_shot"]
    notice = "Better than the model" if beaten[0].interval.low > 0 else "Not shown to be worse"
    assert told in text[text.index(notice) :].split("</p>")[0]


def test_emotions_are_played_beside_their_confusion(tmp_path, sounds) -> None:
    answers = Scored(
        ("r0", "r1", "r2"), np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]), ("calm", "angry"), {}
    )  # fmt: skip
    evaluation = evaluate(
        answers, predictions(3, answers.classes), tasks.get("speech_emotion").metrics, DRAWS
    )
    text = written(tmp_path, "speech_emotion", sounds, evaluation, answers)
    assert "true: angry; given: calm, score 0.80" in text
    assert "Confusion" in text
    assert "<audio" in text
    assert "How often answers of a certainty are right" in text


def test_of_records_no_row_is_shown_and_a_better_baseline_is_named(tmp_path) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 80)
    sure = np.clip(labels * 0.3 + rng.random(80) * 0.7, 0.01, 0.99)
    answers = Scored(
        tuple(f"r{n}" for n in range(80)), labels, np.stack([1 - sure, sure], 1), ("no", "yes"), {"place": ["x", "y"] * 40}
    )  # fmt: skip
    task = tasks.get("behaviour_prediction")
    evaluation = evaluate(answers, predictions(80, answers.classes), task.metrics, DRAWS)
    lost = Measurement(
        name="average_precision_minus_hist_gradient_boosting", value=-0.2, n=80, unit="proportion",
        interval=wilson(30, 80).model_copy(update={"low": -0.3, "high": -0.1}),
    )  # fmt: skip
    evaluation = evaluation.model_copy(
        update={
            "measurements": (*evaluation.measurements, lost),
            "baselines": {"hist_gradient_boosting": evaluation.measurements[:1]},
        }
    )
    table = pa.table({"id": list(answers.ids), "text": ["secret"] * 80, "label": ["no"] * 80})
    text = written(tmp_path, "behaviour_prediction", table, evaluation, answers)
    assert "secret" not in text
    assert "This page shows no row of the data" in text
    assert "Worst mistakes" not in text
    assert "Better than the model on the same rows: hist gradient boosting" in text
    assert "The least cost of errors" in text
    assert "How often answers of a certainty are right" in text
    assert "place=x" in text


def test_of_users_no_row_is_shown(tmp_path) -> None:
    from lextune.histories import HistoryInput

    kind, task = kinds.get("items"), tasks.get("recommendation")
    asked = [HistoryInput((), (name,)) for name in ("a", "b", "a", "b")]
    labels = kind.labels(asked, [json.dumps(one.targets) for one in asked], ("a", "b", "c"))
    found = kind.made_up(labels, 3)
    answers = kind.holder(("r0", "r1", "r2", "r3"), labels, found, ("a", "b", "c"), {})
    evaluation = evaluate(answers, predictions(4, answers.classes), task.metrics, DRAWS)
    table = pa.table({"id": list(answers.ids), "text": ['[["secret",1]]'] * 4, "label": ["[]"] * 4})
    text = written(tmp_path, "recommendation", table, evaluation, answers)
    assert "secret" not in text
    assert "test users" in text
    assert "Worst mistakes" not in text
    assert "Confusion" not in text


@pytest.mark.parametrize(
    ("task", "cells"),
    [
        ("ner", ['[[0,4,"A"]]', '[[0,3,"B"],[5,9,"A"]]', "[]", '[[2,4,"B"]]']),
        ("multi_label_classification", ['["A"]', '["A","B"]', "[]", '["B"]']),
    ],
)
def test_of_texts_with_labels_of_other_kinds_no_row_is_shown(tmp_path, task, cells) -> None:
    kind = kinds.get(tasks.get(task).label_kind)
    texts, ids = ["a secret text"] * 4, ("r0", "r1", "r2", "r3")
    labels = kind.labels(texts, cells, ("A", "B"))
    groups = {"place": ["north", "south"] * 2}
    answers = kind.holder(ids, labels, kind.made_up(labels, 2), ("A", "B"), groups)
    evaluation = evaluate(answers, predictions(4, answers.classes), tasks.get(task).metrics, DRAWS)
    table = pa.table({"id": list(ids), "text": texts, "label": cells})
    text = written(tmp_path, task, table, evaluation, answers)
    assert "secret" not in text
    assert "test texts" in text
    assert "place=north" in text
    assert "Worst mistakes" not in text
    assert "Confusion" not in text
