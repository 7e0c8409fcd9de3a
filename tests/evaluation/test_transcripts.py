"""Error rates are pooled, their intervals cover the truth as often as they say, and no text is kept."""

from __future__ import annotations

import math

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune.evaluation.evaluate import compare, evaluate, measure
from lextune.evaluation.kinds import Resampling, TrainingInputs, kinds
from lextune.evaluation.predict import write_predictions
from lextune.evaluation.transcripts import ScoredTranscripts, error_rate
from lextune.records import Predictions
from lextune.tasks.audio.found import FoundTranscript

DRAWS = Resampling(200, 0)
KIND = kinds.get("transcript")
WORDS = st.lists(st.sampled_from(["go", "on", "uh"]), max_size=4).map(" ".join)


def scored(said, heard, **more) -> ScoredTranscripts:
    found = [None if one is None else FoundTranscript(one, 0.5, ()) for one in heard]
    groups = more.pop("groups", {})
    ids = tuple(f"r{row}" for row in range(len(said)))
    return ScoredTranscripts(ids, list(said), found, (), groups, **more)


def figures(answers, *names):
    measured = measure(answers, names or ("wer", "cer"), DRAWS)
    return {f"{one.name}{one.group or ''}": one for one in measured}


def test_what_is_heard_where_nothing_is_said_counts() -> None:
    """jitsi/jiwer#98: two insertions over two words."""
    found = figures(scored(["", "go on"], ["uh yes", "go on"]))
    assert found["wer"].value == 1.0
    assert found["wer"].n == 2
    assert found["wer"].interval is None or found["wer"].interval.high >= 1


def test_where_nothing_at_all_is_said_there_is_no_rate() -> None:
    found = figures(scored(["", ""], ["uh", ""]))
    assert found["wer"].value is None
    assert found["wer"].problem == "not a number"


def test_the_rate_is_pooled_and_texts_are_compared_in_the_form() -> None:
    answers = scored(["Go on, please!", "stop"], ["go on please", "top"])
    found = figures(answers)
    assert found["wer"].value == pytest.approx(1 / 4)
    assert found["cer"].value == pytest.approx(1 / 16)
    assert "text normalisation basic" in found["wer"].interval.method
    as_they_stand = figures(scored(answers.labels, ["go on please", "top"], form="none"))
    assert as_they_stand["wer"].value == 1
    assert "text normalisation none" in as_they_stand["wer"].interval.method


def test_without_spaces_characters_are_the_headline() -> None:
    answers = scored(["今天，天气好", "很好"], ["今天天气坏", "很好"], groups={"place": ["a", "b"]})
    found = figures(answers)
    assert found["wer"].value is None
    assert found["wer"].problem.startswith("not applicable: ")
    assert found["cer"].value == pytest.approx(1 / 7)
    assert {"cerplace=a", "cerplace=b"} <= set(found)
    names = [one.name for one in KIND.difference(answers, answers, "zero_shot", DRAWS)]
    assert names == ["cer_minus_zero_shot"]


def test_no_mistake_still_has_an_interval() -> None:
    found = figures(scored(["go on"] * 20, ["go on"] * 20))["wer"]
    assert found.value == 0
    assert 0.1 < found.interval.high < 0.2


def test_speakers_are_drawn_where_they_are_known() -> None:
    rng = np.random.default_rng(0)
    said = ["go on uh yes"] * 60
    who = [f"s{row % 6}" for row in range(60)]
    heard = ["go on uh yes" if rng.random() < row % 6 / 5 else "no no no no" for row in range(60)]
    without = figures(scored(said, heard))["wer"].interval
    known = figures(scored(said, heard, groups={"speaker": who}))
    assert "speakers not known" in without.method
    assert "6 speakers" in known["wer"].interval.method
    assert known["wer"].interval.low < without.low < without.high < known["wer"].interval.high
    assert "one speaker alone" in known["werspeaker=s1"].interval.method
    named = scored(said, heard, groups={"reader": who}, speaker="reader")
    assert figures(named)["wer"].interval == known["wer"].interval
    holes = scored(said, heard, groups={"speaker": [None, *who[1:]]})
    assert holes.speakers is None
    assert figures(holes)["rows_without_speaker"].value == 1


def coverage(speakers: int, each: int, spread: float, seed: int, by_speaker: bool) -> float:
    """How often the interval holds the true rate, of utterances of 1 to 15 words; speakers differ by `spread`."""
    rng, held, trials, rate = np.random.default_rng(seed), 0, 300, 0.15
    for trial in range(trials):
        own = np.clip(rng.normal(rate, spread, speakers), 0, 1) if spread else [rate] * speakers
        who = np.repeat(np.arange(speakers), each)
        said = rng.integers(1, 16, speakers * each)
        # errors come in runs: an utterance is heard well or badly
        bad = rng.random(speakers * each) < np.asarray(own)[who] * 2
        errors = rng.binomial(said, np.where(bad, 0.5, 0.0))
        counts = np.stack([errors, 0 * errors, 0 * errors, said], axis=1)
        names = [str(one) for one in who] if by_speaker else None
        _, found = error_rate(counts, names, Resampling(200, trial), "none")
        assert found is not None
        held += found.low <= rate <= found.high
    return held / trials


@pytest.mark.parametrize(
    ("speakers", "each", "spread", "by_speaker"),
    [(1, 40, 0.0, False), (1, 200, 0.0, False), (12, 10, 0.06, True), (6, 25, 0.05, True)],
)
def test_intervals_cover_the_truth_as_often_as_they_say(speakers, each, spread, by_speaker) -> None:
    assert coverage(speakers, each, spread, 3, by_speaker) >= 0.91


def test_drawing_utterances_alone_is_too_sure_of_other_speakers() -> None:
    assert coverage(12, 40, 0.08, 3, False) < 0.8


def test_the_difference_is_paired_and_below_0_where_fewer_errors_are_made() -> None:
    said = ["go on uh yes", "go on"] * 30
    model = scored(said, ["go on uh yes", "go on"] * 30)
    other = scored(said, ["go on uh", "go on"] * 30)
    wer, cer = KIND.difference(model, other, "zero_shot", DRAWS)
    assert (wer.name, cer.name) == ("wer_minus_zero_shot", "cer_minus_zero_shot")
    assert wer.value == pytest.approx(-1 / 6)
    assert wer.interval.low <= wer.value <= wer.interval.high < 0
    assert "paired" in wer.interval.method
    same, _ = KIND.difference(model, model, "zero_shot", DRAWS)
    assert same.value == 0
    assert same.interval.low < 0 < same.interval.high


def test_the_pretrained_model_is_the_baseline() -> None:
    answers = scored(["go on", "oh yes"], ["go on", "oh yes"], form="english")
    asked = []

    def zero_shot(inputs):
        asked.extend(inputs)
        return [FoundTranscript("go", 0.1, ()), None]

    taught = TrainingInputs(["t"], ["go"], 1, zero_shot=zero_shot)
    file = Predictions(path="p", sha256="0" * 64, split="test", rows=2, classes=())
    evaluation = evaluate(answers, file, ("wer", "cer"), DRAWS)
    evaluation = compare(evaluation, answers, ["a", "b"], taught, ("zero_shot",), DRAWS)
    assert asked == ["a", "b"]
    assert evaluation.baselines["zero_shot"][0].value == pytest.approx(3 / 4)
    named = {one.name: one.value for one in evaluation.measurements}
    assert named["wer_minus_zero_shot"] == pytest.approx(-3 / 4)
    assert named["failed_metrics"] == 0
    with pytest.raises(ValueError, match="no pretrained model"):
        KIND.answer(KIND.baselines.get("zero_shot"), TrainingInputs([], [], 0), [], answers)


def test_an_utterance_without_an_answer_is_told_and_left_out(tmp_path) -> None:
    answers = scored(["go on", "uh"], ["go on", None])
    file = write_predictions(answers, tmp_path, "test")
    named = {one.name: one for one in evaluate(answers, file, ("wer",), DRAWS).measurements}
    assert named["evaluated_share"].value == 0.5
    assert (named["wer"].value, named["wer"].n) == (0, 1)
    bad = ScoredTranscripts(("r",), ["go"], [FoundTranscript("go", math.nan, ())], (), {})
    assert not bad.finite.any()


def test_no_text_is_in_a_file_of_predictions(tmp_path) -> None:
    answers = scored(["secret words", "uh"], ["secret birds", None], groups={"speaker": ["a", "b"]})
    write_predictions(answers, tmp_path, "test")
    table = pq.read_table(tmp_path / "test.parquet").to_pydict()
    assert table["words"] == [2, 1]
    assert table["words_substitutions"] == [1, None]
    assert table["characters_substitutions"] == [2, None]
    assert table["score"] == [0.5, None]
    assert table["group.speaker"] == ["a", "b"]
    assert b"secret" not in (tmp_path / "test.parquet").read_bytes()


@settings(max_examples=30, deadline=None)
@given(pairs=st.lists(st.tuples(WORDS, WORDS), max_size=6), who=st.integers(1, 3))
def test_any_transcripts_are_measured_soundly(pairs, who) -> None:
    groups = {"speaker": [f"s{row % who}" for row in range(len(pairs))]}
    answers = scored([one for one, _ in pairs], [one for _, one in pairs], groups=groups)
    for one in measure(answers, ("wer", "cer"), DRAWS):
        assert (one.value is None) == (one.interval is None) or one.problem
        assert one.value is None or one.value >= 0
        assert one.interval is None or one.interval.low <= one.value <= one.interval.high
    assert figures(answers) == figures(answers)


def test_made_up_answers_are_measured() -> None:
    labels = KIND.labels(["x"], ["go on"], ())
    assert figures(scored(labels, [KIND.made_up(labels, 0)[0].text]))["cer"].value == 0
