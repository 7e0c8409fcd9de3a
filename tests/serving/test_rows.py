"""Histories and records are taken as JSON has them, and whatever the model does not know is told, not guessed."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from askable import Encoded, predictor_of
from lextune.errors import ConfigError, DataError, ModelError, Problem
from lextune.histories import Event, HistoryInput
from lextune.serving.answers import ItemsPrediction, Prediction
from lextune.serving.rows import MOST_ITEMS, TOP_K, Asking, history_input, record_input

ITEMS = ("a", "b", "c", "d")
FEATURES = ("age", "plan")
COLUMNS = json.dumps([{"name": name} for name in FEATURES])


def liked(inputs):
    """The more often an item is met the better is its neighbour; nothing that was met comes again."""
    found = []
    for one in inputs:
        scores = np.array([0.4, 0.3, 0.2, 0.3], np.float32)
        for event in one.events:
            scores[ITEMS.index(event.item)] = -np.inf
        found.append(SimpleNamespace(scores=scores))
    return found


@pytest.fixture
def shop():
    return predictor_of(
        ("history", "items"), ITEMS, find=liked, settings={"items": '{"b": "Bee. insect", "c": ""}'}
    )


def test_the_best_items_come_with_their_words(shop) -> None:
    (found,) = shop.predict([{"user": "u1", "events": [["a", 1], ["a", 2.5]], "k": 2}])
    assert isinstance(found, ItemsPrediction)
    assert [(one.item, one.text) for one in found.items] == [("b", "Bee. insect"), ("d", None)]
    assert found.items[0].score == pytest.approx(0.3)


def test_ties_go_to_the_earlier_and_what_was_met_does_not_come_again(shop) -> None:
    events = [["a", 1], ["b", 2, 4.5], ["d", 3]]
    whole, few = shop.predict([{"events": []}, {"events": events, "k": 4}])
    assert [one.item for one in whole.items] == ["a", "b", "d", "c"]
    assert [one.item for one in few.items] == ["c"]


def test_without_personal_features_no_event_is_looked_at(shop) -> None:
    asked = {"events": [["a", 1]], "k": 1}
    with_, without = shop.predict([asked, asked | {"personalised": False}])
    assert (with_.items[0].item, without.items[0].item) == ("b", "a")
    assert history_input(asked | {"personalised": False}, ITEMS).history.events == ()


@pytest.mark.parametrize(
    ("request_", "fact"),
    [
        ({"events": [["secret", 1]]}, "1 of its 1 events are of items that the release does not know; the first is event 0"),
        ({"events": [["a", 2], ["b", 1]]}, "has events that cannot be read"),
        ({"events": [["a", "secret"]]}, "has events that cannot be read"),
        ({"events": [["a", math.nan]]}, "has events that cannot be read"),
        ({"events": [[7, 1]]}, "has events that cannot be read"),
        ({"events": None}, "has events that cannot be read"),
        ({"events": {1, 2}}, "has events that cannot be read"),
        ({"secret": 1, "events": []}, "has 1 keys that are not known"),
        ({}, "has no events"),
        ({"events": [], "k": 0}, "k is no number of items"),
        ({"events": [], "k": True}, "k is no number of items"),
        ({"events": [], "k": 2.0}, "k is no number of items"),
        ({"events": [], "k": MOST_ITEMS + 1}, "k is no number of items"),
        ({"events": [], "personalised": "no"}, "personalised is neither true nor false"),
        ({"events": [], "user": ["secret"]}, "user is no id"),
    ],
)  # fmt: skip
def test_a_wrong_history_is_told_and_the_others_are_answered(shop, request_, fact) -> None:
    found = shop.predict_each([request_, {"events": []}])
    assert isinstance(found[0], Problem)
    assert found[0].fact == fact
    assert isinstance(found[1], ItemsPrediction)
    with pytest.raises(DataError, match="item 0 ") as caught:
        shop.predict([request_])
    assert "secret" not in str(caught.value)


def test_what_is_no_mapping_is_no_history(shop) -> None:
    with pytest.raises(ConfigError, match="item 1 is no history"):
        shop.predict([{"events": []}, "a"])
    with pytest.raises(ConfigError, match="the histories are one history"):
        shop.predict({"events": []})
    asked = Asking(HistoryInput((Event("a", 1.0),)), 1)
    assert shop.predict([asked, asked.history])[0].items[0].item == "b"
    assert history_input(asked.history, ITEMS).k == TOP_K


def test_scores_that_are_no_numbers_are_no_answer() -> None:
    for scores in (np.array([math.nan, 1.0]), None):
        made = [None if scores is None else SimpleNamespace(scores=scores)]
        broken = predictor_of(("history", "items"), ("a", "b"), find=lambda _, made=made: made)
        with pytest.raises(ModelError, match="not a finite number"):
            broken.predict([{"events": []}])


@pytest.fixture
def churn():
    return predictor_of(
        ("record", "class"), ("stays", "goes"), settings={"columns": COLUMNS},
        scores=lambda encoded: np.array([[0.9, 0.1] if json.loads(one)["plan"] else [0.3, 0.7] for one in encoded], np.float32),
    )  # fmt: skip


def test_records_are_answered_as_classes(churn) -> None:
    found = churn.predict([{"plan": "gold", "age": 30}, '{"age": null, "plan": ""}'])
    assert [one.label for one in found] == ["stays", "goes"]
    assert all(isinstance(one, Prediction) for one in found)


@pytest.mark.parametrize(
    ("record", "fact"),
    [
        ({"age": 3}, "lacks 1 features (plan)"),
        ({"age": 3, "plan": "x", "secret": 1}, "has 1 features that the release does not know"),
        (
            {"secret": 1},
            "lacks 2 features (age, plan) and has 1 features that the release does not know",
        ),
        ({"age": math.inf, "plan": "x"}, "has a value that JSON does not know"),
        ({"age": {1}, "plan": "x"}, "has a value that JSON does not know"),
        ({7: 1}, "is no record"),
        ("secret", "is no record"),
        ("[1]", "is no record"),
    ],
)
def test_a_wrong_record_is_told_and_the_others_are_answered(churn, record, fact) -> None:
    found = churn.predict_each([record, {"age": 1, "plan": "x"}])
    assert isinstance(found[0], Problem)
    assert found[0].fact == fact
    assert "secret" not in str(found[0])
    assert isinstance(found[1], Prediction)


def test_a_record_that_the_model_cannot_read_is_told_alone() -> None:
    def encode(inputs):
        if any("bad" in one for one in inputs):
            raise DataError(Problem("a number is infinite", "mend it"))
        return Encoded(inputs)

    picky = predictor_of(
        ("record", "class"), ("x",), settings={"columns": COLUMNS}, encode=encode,
        scores=lambda encoded: np.ones((len(encoded), 1), np.float32),
    )  # fmt: skip
    good, bad = {"age": 1, "plan": "x"}, {"age": 1, "plan": "bad"}
    found = picky.predict_each([good, bad, good])
    assert [isinstance(one, Problem) for one in found] == [False, True, False]


CELLS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()  # fmt: skip


@given(st.dictionaries(st.text(), CELLS, max_size=4))
def test_a_record_is_its_cell_whatever_the_order(record) -> None:
    cell = record_input(record, record.keys())
    assert isinstance(cell, str)
    assert cell == record_input(dict(reversed(record.items())), record.keys())
    assert json.loads(cell).keys() == record.keys()
    assert record_input(cell, record.keys()) == cell
