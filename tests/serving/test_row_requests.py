"""Requests with sounds, histories and records: every form of them, what is refused, and that nothing sent is repeated."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace

import numpy as np
import pytest
from fastapi.testclient import TestClient

from askable import heard, predictor_of
from lextune.serving import protocol
from lextune.serving.app import create_app
from lextune.serving.guard import Limits, RequestRefused, usual_limits
from lextune.serving.sounds import silence

SOUND = silence()
TEXT = base64.b64encode(SOUND).decode()
SMALL = Limits(max_rows=3, max_sound_bytes=100_000, max_seconds=2.5, max_events=3)
ITEMS = ("a", "b")


def client(predictor) -> TestClient:
    return TestClient(create_app(predictor, SMALL), raise_server_exceptions=False)


@pytest.fixture
def speech() -> TestClient:
    return client(predictor_of(("audio", "transcript"), (), find=heard))


@pytest.fixture
def shop() -> TestClient:
    def liked(inputs):
        return [SimpleNamespace(scores=np.array([0.5, -np.inf], np.float32)) for _ in inputs]

    return client(predictor_of(("history", "items"), ITEMS, find=liked))


@pytest.fixture
def churn() -> TestClient:
    return client(
        predictor_of(
            ("record", "class"), ("no", "yes"), settings={"columns": '[{"name": "plan"}]'},
            scores=lambda encoded: np.array([[0.25, 0.75]] * len(encoded), np.float32),
        )
    )  # fmt: skip


def infer(name, *data, **more):
    tensor = {"name": name, "shape": [len(data)], "datatype": "BYTES", "data": [*data]}
    return {"inputs": [tensor], **more}


def test_a_sound_is_a_body_or_base64(speech) -> None:
    raw = speech.post("/predict", content=SOUND, headers={"content-type": "audio/wav"})
    one = speech.post("/predict", json={"audio": TEXT})
    many = speech.post("/predict", json={"audios": [TEXT, TEXT]})
    assert raw.json() == one.json()
    assert raw.json()["predictions"][0]["text"] == "1.0 seconds"
    assert len(many.json()["predictions"]) == 2
    answer = speech.post("/v2/models/tiny/infer", json=infer("audio", TEXT, id="x")).json()
    found = {one["name"]: one for one in answer["outputs"]}
    assert {name: one["datatype"] for name, one in found.items()} == {
        "text": "BYTES", "score": "FP32", "segments": "BYTES",
    }  # fmt: skip
    assert found["text"]["data"] == ["1.0 seconds"]
    assert json.loads(found["segments"]["data"][0])[0]["text"] == "1.0 seconds"


def test_a_history_is_an_object(shop) -> None:
    asked = {"events": [["b", 1]], "k": 1}
    one = shop.post("/predict", json={"history": asked}).json()
    assert [item["item"] for item in one["predictions"][0]["items"]] == ["a"]
    many = shop.post("/predict", json={"histories": [asked, {"events": []}]}).json()
    assert len(many["predictions"]) == 2
    answer = shop.post("/v2/models/tiny/infer", json=infer("history", json.dumps(asked))).json()
    assert {one["name"]: one["data"] for one in answer["outputs"]} == {
        "items": ['["a"]'], "scores": ["[0.5]"],
    }  # fmt: skip
    metadata = shop.get("/v2/models/tiny").json()
    assert metadata["inputs"] == [{"name": "history", "datatype": "BYTES", "shape": [-1]}]
    assert metadata["properties"]["classes"] == '["a", "b"]'


def test_of_very_many_items_the_metadata_has_the_number() -> None:
    large = client(predictor_of(("history", "items"), tuple(map(str, range(2000)))))
    properties = large.get("/v2/models/tiny").json()["properties"]
    assert properties["items"] == "2000"
    assert "classes" not in properties


def test_a_record_is_an_object(churn) -> None:
    one = churn.post("/predict", json={"record": {"plan": None}}).json()
    assert one["predictions"][0]["label"] == "yes"
    answer = churn.post("/v2/models/tiny/infer", json=infer("record", '{"plan": "x"}')).json()
    assert answer["outputs"][0]["data"] == ["yes"]
    assert answer["outputs"][2] == {
        "name": "scores", "shape": [1, 2], "datatype": "FP32", "data": [0.25, 0.75],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "body", "status", "fact"),
    [
        ("audio", {"audio": "c2VjcmV0"}, 400, "sound 0 of audio cannot be read (not a sound)"),
        ("audio", {"audio": 1}, 400, "audio 0 of audio is no string"),
        ("audio", {"audio": TEXT + "\n"}, 400, "audio 0 of audio is no base64"),
        ("audio", {"audios": [TEXT] * 3}, 413, "have 3 seconds, more than 2.5"),
        ("audio", {"audios": [TEXT] * 4}, 413, "4 audios are more than the 3 of one request"),
        ("audio", {"audio": base64.b64encode(silence(4)).decode()}, 413, "more than 100000"),
        ("history", {"history": "secret"}, 400, "history 0 of history is no object"),
        ("history", {"histories": {"events": []}}, 400, "histories is no list"),
        ("history", {"history": {"events": [["a", 1]] * 4}}, 413, "have 4 events, more than 3"),
        ("history", {"events": []}, 400, "the body has a key that is not known"),
        ("record", {"records": [{}, 7]}, 400, "record 1 of records is no object"),
        ("record", {}, 400, "the body must have either record or records"),
    ],
)
def test_a_wrong_request_is_refused(kind, body, status, fact) -> None:
    with pytest.raises(RequestRefused) as caught:
        protocol.parse_predict(json.dumps(body).encode(), SMALL, kind)
    assert caught.value.status == status
    assert fact in str(caught.value)
    assert "secret" not in str(caught.value)


def test_what_the_model_does_not_know_is_counted_and_not_repeated(shop, churn) -> None:
    for asked, body in (
        (shop, {"history": {"events": [["secret", 1]]}}),
        (churn, {"record": {"plan": "x", "secret": 1}}),
    ):
        answer = asked.post("/predict", json=body)
        assert answer.status_code == 400
        assert "does not know" in answer.json()["error"]
        assert "secret" not in answer.text


@pytest.mark.parametrize("element", ["not json", '["secret"]', 7])
def test_an_element_that_is_no_object_is_refused(shop, element) -> None:
    answer = shop.post("/v2/models/tiny/infer", json=infer("history", element))
    assert answer.status_code == 400
    assert "secret" not in answer.text


def test_sounds_have_larger_bodies_than_texts() -> None:
    assert usual_limits("audio").max_body_bytes == 32 << 20
    assert usual_limits("history").max_body_bytes == usual_limits("text").max_body_bytes
