"""Explanations of answers, in Python, through both routes of the server, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from askable import predictor_of
from lextune.errors import ConfigError, Problem
from lextune.serving.app import create_app
from lextune.serving.guard import Limits
from lextune.serving.predictor import Prediction, Predictor

TEXT = "the plot was awful and we saw it at home"


def test_the_reasons_are_the_words_that_decide(predictor: Predictor) -> None:
    (found,) = predictor.explain([TEXT])
    assert not isinstance(found, Problem)
    assert (found.label, found.answered, found.method) == ("negative", True, "integrated_gradients")
    assert found.complete
    assert found.baseline_log_odds is not None
    total = sum(one.weight for one in found.parts)
    assert total == pytest.approx(found.log_odds - found.baseline_log_odds, abs=0.3)
    best = max(found.parts, key=lambda one: one.weight)
    assert best.part == "“awful”"
    assert found.reasons[0].startswith("“awful” moved the answer towards 'negative' by ")
    assert len(found.reasons) <= 4
    assert best.place is not None
    assert TEXT[int(best.place["start"]) : int(best.place["end"])] == "awful"
    assert predictor.explain([TEXT]) == [found]


def test_another_class_and_the_declared_one(predictor: Predictor) -> None:
    (other,) = predictor.explain([TEXT], "positive")
    (own,) = predictor.explain([TEXT])
    assert not isinstance(other, Problem)
    assert not isinstance(own, Problem)
    assert (other.label, other.answered) == ("positive", False)
    np.testing.assert_allclose(
        [one.weight for one in other.parts], [-one.weight for one in own.parts], atol=1e-4
    )
    with pytest.raises(ConfigError, match="none of the model's"):
        predictor.explain([TEXT], "sideways")


def test_the_release_s_adverse_class_is_explained(predictor: Predictor) -> None:
    config = predictor.config
    declared = {"explanation": {"adverse_class": "positive"}}
    predictor.config = config.model_copy(update={"audit_parameters": declared})
    try:
        (found,) = predictor.explain([TEXT])
        assert not isinstance(found, Problem)
        assert found.label == "positive"
    finally:
        predictor.config = config


def test_answers_that_are_no_classes_are_not_explained() -> None:
    finds = predictor_of(("text", "spans"), ("PER",))
    assert not finds.explains
    with pytest.raises(ConfigError, match="not explained"):
        finds.explain([TEXT])


def test_predict_explains_where_it_is_asked_to(client: TestClient) -> None:
    plain = client.post("/predict", json={"text": TEXT}).json()
    found = client.post("/predict", json={"text": TEXT, "explain": True}).json()
    explanation = found["predictions"][0].pop("explanation")
    assert found == plain
    assert explanation["reasons"][0].startswith("“awful” moved the answer towards 'negative'")
    several = {"texts": [TEXT, "superb"], "explain_class": "positive"}
    answers = client.post("/predict", json=several).json()["predictions"]
    assert [one["explanation"]["label"] for one in answers] == ["positive", "positive"]
    assert [one["explanation"]["answered"] for one in answers] == [False, True]
    assert client.post("/predict", json={"text": TEXT, "explain": False}).json() == plain
    # a text may speak of explaining without asking for it
    assert "explanation" not in client.post("/predict", json={"text": '"explain": true'}).json()["predictions"][0]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "status"),
    [({"explain": "yes"}, 400), ({"explain": 1}, 400), ({"explain_class": "sideways"}, 400),
     ({"explain_class": ["positive"]}, 400), ({"explain": True, "texts": [TEXT] * 3}, 413)],
)  # fmt: skip
def test_what_cannot_be_explained_is_refused(
    predictor: Predictor, more: dict[str, Any], status: int
) -> None:
    with TestClient(create_app(predictor, Limits(max_explained=2))) as client:
        body = more if "texts" in more else {"text": TEXT, **more}
        response = client.post("/predict", json=body)
    assert response.status_code == status
    assert "sideways" not in response.text
    assert "awful" not in response.text


def test_a_model_without_explanations_refuses(stub: Any) -> None:
    one = stub(lambda texts: [Prediction(label="a", score=1.0, scores={"a": 1.0})] * len(texts))
    one.explains = False
    with TestClient(create_app(one)) as client:
        assert client.post("/predict", json={"text": "x", "explain": True}).status_code == 400
        assert client.post("/predict", json={"text": "x", "explain": False}).status_code == 200


def test_the_protocol_s_tensor_is_answered_where_it_is_named(client: TestClient) -> None:
    tensor = {"name": "text", "shape": [2], "datatype": "BYTES", "data": [TEXT, "superb"]}
    usual = client.post("/v2/models/tiny/infer", json={"inputs": [tensor]}).json()
    assert [one["name"] for one in usual["outputs"]] == ["label", "score", "scores"]
    asked = {"inputs": [tensor], "outputs": [{"name": "label"}, {"name": "explanation"}]}
    found = client.post("/v2/models/tiny/infer", json=asked).json()["outputs"]
    assert (found[1]["datatype"], found[1]["shape"]) == ("BYTES", [2])
    first, second = map(json.loads, found[1]["data"])
    assert (first["label"], second["label"]) == ("negative", "positive")
