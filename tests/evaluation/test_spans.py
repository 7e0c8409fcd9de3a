"""Entity metrics are seqeval's strict ones, with intervals, by type and group, and beside a dictionary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lextune import statistics
from lextune.evaluation.evaluate import measure
from lextune.evaluation.kinds import Resampling, TrainingInputs, kinds
from lextune.evaluation.spans import ScoredSpans, dictionary
from lextune.labels import Span
from lextune.tasks.text.tagging import ScoredSpan

TYPES = ("LOC", "ORG", "PER")
DRAWS = Resampling(200, 0)
TAGS = st.lists(
    st.tuples(st.sampled_from("OOBI"), st.sampled_from(TYPES)), min_size=1, max_size=9
)  # fmt: skip


def tags(pairs: list[tuple[str, str]]) -> list[str]:
    """Legal IOB2: an I begins only where its entity goes on."""
    found = ["O"]
    for part, kind in pairs:
        legal = part != "I" or found[-1][2:] == kind
        found.append("O" if part == "O" else f"{part if legal else 'B'}-{kind}")
    return found[1:]


def spans(names: list[str]) -> tuple[Span, ...]:
    found: list[Span] = []
    for place, name in enumerate(names):
        if name.startswith("B"):
            found.append(Span(place, place + 1, name[2:]))
        elif name.startswith("I"):
            found[-1] = found[-1]._replace(end=place + 1)
    return tuple(found)


def scored(
    gold: list[list[str]], found: list[list[str]], groups: dict[str, list[str | None]] | None = None
) -> ScoredSpans:
    answers = [tuple(ScoredSpan(*one, 0.9) for one in spans(names)) for names in found]
    ids = tuple(f"r{row}" for row in range(len(gold)))
    return ScoredSpans(ids, [spans(names) for names in gold], answers, TYPES, groups or {})


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(TAGS, TAGS), min_size=1, max_size=5))
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_the_figures_are_seqevals_strict_ones(
    rows: list[tuple[list[tuple[str, str]], list[tuple[str, str]]]],
) -> None:
    from seqeval.metrics import f1_score, precision_score, recall_score
    from seqeval.scheme import IOB2

    gold = [tags(one) for one, _ in rows]
    found = [[*tags(other), *["O"] * len(one)][: len(one)] for one, other in rows]
    mine = {
        one.name: one
        for one in measure(
            scored(gold, found), ("entity_f1", "entity_precision", "entity_recall"), DRAWS
        )
    }
    for name, theirs in (
        ("f1", f1_score),
        ("precision", precision_score),
        ("recall", recall_score),
    ):
        value = mine[f"entity_{name}"].value
        expected = theirs(gold, found, mode="strict", scheme=IOB2, zero_division=0)
        assert (value or 0.0) == pytest.approx(expected)


def test_a_wrong_boundary_is_wrong_and_an_entity_beyond_the_model_counts() -> None:
    # TRAPS: a lenient scorer gives the first one 1.0, a scorer that forgets cut text the second one
    gold = [["B-ORG", "I-ORG", "O", "B-PER"]]
    read_strictly = scored(gold, [["O", "O", "O", "B-PER"]])
    assert measure(read_strictly, ("entity_f1",), DRAWS)[0].value == pytest.approx(2 / 3)
    six = ["B-PER", "I-PER", "O", "O", "O", "B-LOC"]
    half = {
        one.name: one.value
        for one in measure(
            scored([six], [["B-PER", "I-PER", "O", "O", "O", "O"]]),
            ("entity_f1", "entity_recall"),
            DRAWS,
        )
    }
    assert half["entity_recall"] == 0.5
    assert half["entity_f1"] == pytest.approx(2 / 3)


def test_types_groups_and_what_is_undefined() -> None:
    gold = [["B-PER", "O"], ["O", "B-LOC"], ["B-PER", "O"], ["O", "O"]]
    found = [["B-PER", "O"], ["O", "O"], ["B-LOC", "O"], ["O", "O"]]
    groups: dict[str, list[str | None]] = {"place": ["n", "s", "s", None]}
    names = ("entity_f1", "entity_precision", "entity_recall")
    figures = {
        (one.name, one.group): one for one in measure(scored(gold, found, groups), names, DRAWS)
    }
    assert figures["entity_f1", None].value == pytest.approx(0.4)
    assert figures["entity_f1", None].n == 3
    assert figures["entity_recall.PER", None].value == 0.5
    nothing = figures["entity_f1.ORG", None]
    assert (nothing.value, nothing.n, nothing.interval) == (None, 0, None)  # undefined, not 0
    assert figures["entity_recall", "place=n"].value == 1.0
    assert figures["entity_f1", "place=s"].value == 0.0
    assert figures["rows_without_place", None].value == 1
    perfect = measure(scored(gold, gold), ("entity_f1",), DRAWS)[0]
    assert perfect.interval is not None
    assert perfect.interval.low < 0.7 < perfect.interval.high == 1.0  # three entities prove little


def test_a_row_without_an_answer_is_not_finite_and_found_nothing() -> None:
    given_ = scored([["B-PER"]] * 2, [["B-PER"]] * 2)
    broken = ScoredSpans(given_.ids, given_.labels, [None, given_.found[1]], TYPES, {})
    assert broken.finite.tolist() == [False, True]
    assert broken.counts().tolist() == [[0, 0, 1], [1, 0, 0]]
    assert broken.columns()["prediction"] == [None, '[[0,1,"PER"]]']


class TestDictionary:
    """The baseline."""

    def find(self, train: list[tuple[str, list[Span]]], test: str) -> list[tuple[int, int, str]]:
        texts, labels = [text for text, _ in train], [one for _, one in train]
        [found] = dictionary(TrainingInputs(texts, labels, len(texts)), [test])
        return [one[:3] for one in found]

    def test_the_longest_whole_word_wins(self) -> None:
        train = [("New York", [Span(0, 8, "LOC")]), ("York", [Span(0, 4, "ORG")])]
        assert self.find(train, "New York, York and Yorkshire") == [(0, 8, "LOC"), (10, 14, "ORG")]

    def test_chinese_needs_no_spaces(self) -> None:
        assert self.find([("我在北京", [Span(2, 4, "LOC")])], "他去北京了") == [(2, 4, "LOC")]

    def test_what_is_mostly_no_entity_is_none(self) -> None:
        train = [("may", [Span(0, 3, "PER")]), ("may", []), ("it may", [])]
        assert self.find(train, "may") == []

    def test_no_entities_at_all(self) -> None:
        assert self.find([("a", [])], "a (?!) b") == []


def test_the_difference_is_paired_and_named() -> None:
    kind = kinds.get("spans")
    gold = [["B-PER", "O", "B-LOC"], ["O", "B-LOC", "O"]] * 40
    mine = scored(gold, gold)
    learnt = TrainingInputs(["a b c"], [(Span(0, 1, "PER"),)], 1)
    other = kind.answer(kind.baselines.get("dictionary"), learnt, ["a b c"] * 80, mine)
    found = kind.difference(mine, other, "dictionary", DRAWS)
    assert found.name == "entity_f1_minus_dictionary"
    assert found.n == 120
    assert found.value == pytest.approx(1 - statistics.pooled_f1(other.counts()))
    assert found.interval is not None
    assert 0 < found.interval.low < found.value


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_the_interval_holds_the_figure_and_narrows_with_rows(seed: int) -> None:
    draw = np.random.default_rng(seed)
    rows = draw.integers(0, 3, (60, 3))
    rows[0] = 1
    value = statistics.pooled_f1(rows)
    few = statistics.pooled_f1_interval(rows, samples=200, seed=0)
    many = statistics.pooled_f1_interval(np.tile(rows, (16, 1)), samples=200, seed=0)
    assert few is not None
    assert many is not None
    assert few.low <= value <= few.high
    assert many.high - many.low < (few.high - few.low) / 2
