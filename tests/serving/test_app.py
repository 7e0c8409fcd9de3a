"""Every route, against a real release; what is refused is JSON and says what to do."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

import lextune
import tiny
from lextune.serving.app import create_app
from lextune.serving.guard import Limits
from lextune.serving.predictor import Predictor

SECRET = "Zebra4711"
MODEL = "/v2/models/tiny"
PATHS = [MODEL, f"{MODEL}/versions/1.2.3"]
READY = ["/ready", "/v2/health/ready", *PATHS, *(f"{path}/ready" for path in PATHS)]


def tensor(texts: list[Any]) -> dict[str, Any]:
    return {"name": "text", "shape": [len(texts)], "datatype": "BYTES", "data": texts}


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/health", {"status": "live"}),
        ("/ready", {"status": "ready"}),
        ("/v2", {"name": "lextune", "version": lextune.__version__, "extensions": []}),
        ("/v2/", {"name": "lextune", "version": lextune.__version__, "extensions": []}),
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True}),
        ("/v2/models/tiny/ready", {"name": "tiny", "ready": True}),
        ("/v2/models/tiny/versions/1.2.3/ready", {"name": "tiny", "ready": True}),
    ],
)
def test_what_is_asked_with_get(client: TestClient, path: str, answer: dict[str, Any]) -> None:
    response = client.get(path)
    assert (response.status_code, response.json()) == (200, answer)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PATHS)
def test_the_metadata_ties_the_model_to_its_evidence(
    client: TestClient, predictor: Predictor, path: str
) -> None:
    found = client.get(path).json()
    properties = found.pop("properties")
    assert found == {
        "name": "tiny",
        "versions": ["1.2.3"],
        "platform": "pytorch_safetensors",
        "inputs": [{"name": "text", "datatype": "BYTES", "shape": [-1]}],
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
            {"name": "score", "datatype": "FP32", "shape": [-1]},
            {"name": "scores", "datatype": "FP32", "shape": [-1, 2]},
        ],
    }
    assert properties == {
        "task": "sentiment",
        "classes": '["negative", "positive"]',
        "run": predictor.run_id,
        "release_sha256": predictor.release_digest,
        "signers": "default",
    }


@pytest.mark.parametrize("path", PATHS)
def test_infer_answers_all_tensors(client: TestClient, predictor: Predictor, path: str) -> None:
    texts = ["a superb film", "awful", "a really very long and delightful summer evening"]
    response = client.post(f"{path}/infer", json={"id": "7", "inputs": [tensor(texts)]})
    expected = predictor.predict(texts)
    assert response.status_code == 200
    found = response.json()
    assert {key: found[key] for key in ("model_name", "model_version", "id")} == {
        "model_name": "tiny",
        "model_version": "1.2.3",
        "id": "7",
    }
    label, score, scores = found["outputs"]
    assert label == {
        "name": "label",
        "shape": [3],
        "datatype": "BYTES",
        "data": ["positive", "negative", "positive"],
    }
    assert (score["name"], score["shape"], score["datatype"]) == ("score", [3], "FP32")
    assert score["data"] == pytest.approx([one.score for one in expected])
    assert (scores["name"], scores["shape"], scores["datatype"]) == ("scores", [3, 2], "FP32")
    assert scores["data"] == pytest.approx([v for one in expected for v in one.scores.values()])


def test_infer_answers_only_what_is_asked_for_and_no_id_of_its_own(client: TestClient) -> None:
    body = {"inputs": [tensor(["superb"])], "outputs": [{"name": "label"}]}
    found = client.post(f"{MODEL}/infer", json=body).json()
    assert "id" not in found
    assert [one["name"] for one in found["outputs"]] == ["label"]


def test_infer_of_nothing(client: TestClient) -> None:
    found = client.post(f"{MODEL}/infer", json={"inputs": [tensor([])]}).json()
    assert [(one["shape"], one["data"]) for one in found["outputs"]] == [
        ([0], []), ([0], []), ([0, 2], []),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "labels"),
    [
        ({"text": "a superb film"}, ["positive"]),
        ({"texts": ["awful", "superb", "awful"]}, ["negative", "positive", "negative"]),
        ({"texts": []}, []),
    ],
)
def test_predict(client: TestClient, body: dict[str, Any], labels: list[str]) -> None:
    response = client.post("/predict", json=body)
    assert response.status_code == 200
    found = response.json()
    assert (found["model"], found["version"]) == ("tiny", "1.2.3")
    assert [one["label"] for one in found["predictions"]] == labels
    for one in found["predictions"]:
        assert set(one) == {"label", "score", "scores"}
        assert one["score"] == one["scores"][one["label"]]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/predict", f'{{"text": {SECRET}'.encode(), 400),
        ("POST", "/predict", json.dumps({"text": "a", SECRET: 1}).encode(), 400),
        ("POST", "/predict", json.dumps({"texts": [SECRET, 5]}).encode(), 400),
        ("POST", "/predict", json.dumps({"texts": [SECRET] * 5}).encode(), 413),
        ("POST", "/predict", json.dumps({"text": SECRET * 50}).encode(), 413),
        ("POST", "/predict", json.dumps({"text": SECRET * 500}).encode(), 413),
        ("POST", f"{MODEL}/infer", json.dumps({"text": SECRET}).encode(), 400),
        ("POST", f"{MODEL}/infer", json.dumps({"inputs": [tensor([SECRET] * 5)]}).encode(), 413),
        ("POST", f"{MODEL}/infer", json.dumps({"inputs": [tensor([SECRET * 500])]}).encode(), 413),
        ("POST", f"/v2/models/{SECRET}/infer", json.dumps({"inputs": [tensor([])]}).encode(), 404),
        ("POST", f"{MODEL}/versions/{SECRET}/infer", b"", 404),
        ("GET", f"/v2/models/{SECRET}", b"", 404),
        ("GET", f"/v2/models/{SECRET}/ready", b"", 404),
        ("GET", f"{MODEL}/versions/2.0.0", b"", 404),
        ("GET", f"{MODEL}/versions/1.2.3/", b"", 404),
        ("GET", "/v2/models/TINY", b"", 404),
        ("GET", f"/{SECRET}", b"", 404),
        ("GET", "/docs", b"", 404),
        ("GET", "/redoc", b"", 404),
        ("GET", "/openapi.json", b"", 404),
        ("GET", "/predict", b"", 405),
        ("POST", "/health", b"", 405),
        ("PUT", f"{MODEL}/infer", b"", 405),
    ],
)
def test_every_refusal_is_json_with_a_remedy_and_repeats_nothing(
    client: TestClient, caplog: pytest.LogCaptureFixture,
    method: str, path: str, body: bytes, status: int,
) -> None:  # fmt: skip
    response = client.request(method, path, content=body)
    assert response.status_code == status
    found = response.json()
    assert set(found) == {"error"}
    assert "Remedy: " in found["error"]
    assert SECRET not in response.text + str(response.headers)
    # The client's own library logs the address that it asked for; the server logs nothing at all.
    assert [one for one in caplog.records if not one.name.startswith("http")] == []


def test_a_path_without_the_method_says_which_it_has(client: TestClient) -> None:
    assert client.get("/predict").headers["allow"] == "POST"


def test_a_compressed_body_is_refused(client: TestClient) -> None:
    response = client.post("/predict", content=b"x", headers={"Content-Encoding": "gzip"})
    assert response.status_code == 415
    assert "Content-Encoding" in response.json()["error"]


def test_it_is_alive_but_not_ready_until_the_model_is_loaded(predictor: Predictor) -> None:
    app = create_app(None)
    client = TestClient(app)
    assert client.get("/health").status_code == 200
    assert client.get("/v2/health/live").status_code == 200
    for path in READY:
        response = client.get(path)
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert "not loaded yet" in response.json()["error"]
    for path in ("/predict", f"{MODEL}/infer"):
        assert client.post(path, json={"text": "a"}).status_code == 503
    app.state.predictor = predictor
    assert {client.get(path).status_code for path in READY} == {200}
    assert client.post("/predict", json={"text": "superb"}).status_code == 200


def test_an_unforeseen_failure_says_nothing_of_the_text(
    stub: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(texts: list[str]) -> None:
        raise RuntimeError(f"cannot stomach {texts[0]}")

    response = TestClient(create_app(stub(fail))).post("/predict", json={"text": SECRET})
    assert response.status_code == 500
    assert "Remedy: " in response.json()["error"]
    logged = [one.getMessage() for one in caplog.records if one.name == "lextune.serving"]
    assert len(logged) == 1
    assert logged[0].startswith("RuntimeError at ")
    assert SECRET not in response.text + caplog.text


def test_a_score_that_is_no_number_is_an_error_of_the_server(stub: Any) -> None:
    from lextune.errors import ModelError, Problem

    def fail(texts: list[str]) -> None:
        raise ModelError(Problem("the model gave no number", "evaluate it again"))

    response = TestClient(create_app(stub(fail))).post("/predict", json={"text": "a"})
    assert response.status_code == 500
    assert "evaluate it again" in response.json()["error"]


def test_health_answers_while_it_predicts_and_a_crowd_is_told_to_come_again(stub: Any) -> None:
    began, go_on = threading.Event(), threading.Event()

    def wait(texts: list[str]) -> list[Any]:
        began.set()
        assert go_on.wait(10)
        return []

    app = create_app(stub(wait), Limits(max_pending=1))

    async def scene() -> tuple[list[int], httpx.Response, httpx.Response, httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            first = asyncio.create_task(client.post("/predict", json={"texts": []}))
            while not began.is_set():
                await asyncio.sleep(0.001)
            alive = [(await client.get(path)).status_code for path in ("/health", *READY[:2])]
            crowd = await client.post("/predict", json={"texts": []})
            go_on.set()
            return alive, crowd, await first, await client.post("/predict", json={"texts": []})

    alive, crowd, first, later = asyncio.run(scene())
    assert alive == [200, 200, 200]
    assert (crowd.status_code, crowd.headers["retry-after"]) == (503, "1")
    assert (first.status_code, later.status_code) == (200, 200)


def test_many_clients_each_get_their_own_answers(predictor: Predictor) -> None:
    app = create_app(predictor)
    words = (tiny.GOOD + tiny.BAD) * 3

    async def scene() -> list[list[str]]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            bodies = [
                {"texts": [word, "film " * (index % 7) + word]} for index, word in enumerate(words)
            ]
            found = await asyncio.gather(*(client.post("/predict", json=one) for one in bodies))
        return [[one["label"] for one in each.json()["predictions"]] for each in found]

    expected = ["positive" if word in tiny.GOOD else "negative" for word in words]
    assert asyncio.run(scene()) == [[label, label] for label in expected]
