"""Requests with images: every form of them, what is refused and with which words, and the answers of each kind."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lextune.serving import protocol
from lextune.serving.answers import boxes_answer, mask_answer
from lextune.serving.app import create_app
from lextune.serving.guard import Limits, RequestRefused, usual_limits
from lextune.serving.pictures import blank
from lextune.serving.predictor import load_release
from lextune.tasks.vision.found import FoundMask, ScoredBox
from pictures import encoded

SECRET = "c2VjcmV0IHdvcmRz"  # "secret words"
IMAGE = blank()
TEXT = base64.b64encode(IMAGE).decode()
SMALL = Limits(max_rows=3, max_image_bytes=2000, max_pixels=3 * 64 * 64)


def tensor(**changes):
    right = {"name": "image", "shape": [1], "datatype": "BYTES", "data": [TEXT]}
    return {"inputs": [{**right, **changes}]}


def predict(body):
    return protocol.parse_predict(json.dumps(body).encode(), SMALL, "image")


def infer(body, outputs=("label",)):
    return protocol.parse_infer(json.dumps(body).encode(), SMALL, outputs, "image")


@pytest.mark.parametrize(
    ("body", "images"),
    [({"image": TEXT}, [IMAGE]), ({"images": [TEXT, TEXT]}, [IMAGE] * 2), ({"images": []}, [])],
)
def test_both_forms_of_predict(body, images):
    assert predict(body) == images


@pytest.mark.parametrize(
    ("body", "status", "fact"),
    [
        ({"text": "a"}, 400, "the body has a key that is not known"),
        ({}, 400, "the body must have either image or images"),
        ({"image": TEXT, "images": []}, 400, "the body must have either image or images"),
        ({"images": TEXT}, 400, "images is no list"),
        ({"image": None}, 400, "image 0 of image is no string"),
        ({"image": "é"}, 400, "image 0 of image is no base64"),
        ({"image": f"data:image/png;base64,{TEXT}"}, 400, "image 0 of image is no base64"),
        ({"image": TEXT + "\n"}, 400, "image 0 of image is no base64"),
        ({"image": ""}, 400, "image 0 of image cannot be read (empty image)"),
        ({"images": [TEXT, SECRET]}, 400, "image 1 of images cannot be read (not an image)"),
        ({"images": [TEXT] * 4}, 413, "4 images are more than the 3 of one request"),
        ({"image": base64.b64encode(b"x" * 2001).decode()}, 413, "has 2001 bytes, more than 2000"),
    ],
)
def test_a_wrong_request_is_refused(body, status, fact):
    with pytest.raises(RequestRefused) as caught:
        predict(body)
    assert caught.value.status == status
    assert fact in str(caught.value)
    assert "Remedy" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_many_pixels_are_refused_however_few_their_bytes():
    large = encoded(Image.new("1", (100, 100)))
    body = {"images": [base64.b64encode(large).decode()] * 2}
    with pytest.raises(RequestRefused, match="have 20000 pixels, more than 12288") as caught:
        predict(body)
    assert caught.value.status == 413
    huge = encoded(Image.new("1", (10001, 10000)))
    with pytest.raises(RequestRefused, match="image too large") as caught:
        protocol.parse_file(huge, Limits(), "image")
    assert caught.value.status == 413


@given(junk=st.binary(max_size=80))
@settings(max_examples=60, deadline=None)
def test_no_bytes_do_anything_but_be_refused(junk):
    for read in (
        lambda: protocol.parse_file(junk, SMALL, "image"),
        lambda: predict({"image": base64.b64encode(junk).decode()}),
        lambda: predict({"image": junk.decode("latin-1")}),
    ):
        with pytest.raises(RequestRefused) as caught:
            read()
        assert caught.value.status in {400, 413}


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({}, 1),
        ({"shape": [2, 1], "data": [[TEXT], [TEXT]]}, 2),
        ({"parameters": {"content_type": "base64"}}, 1),
    ],
)
def test_right_tensors(changes, count):
    assert infer(tensor(**changes)).inputs == [IMAGE] * count


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"name": "text"}, "inputs[0].name is not image"),
        ({"datatype": "UINT8"}, "inputs[0].datatype is not BYTES"),
        ({"shape": [2]}, "is not that of inputs[0].data, which has 1 images"),
        ({"parameters": {"content_type": "str"}}, "asks for what this server does not do"),
        ({"data": [SECRET]}, "image 0 of inputs[0].data cannot be read"),
    ],
)
def test_wrong_tensors(changes, fact):
    with pytest.raises(RequestRefused) as caught:
        infer(tensor(**changes))
    assert fact in str(caught.value)
    assert caught.value.status == 400


def served(kind):
    return SimpleNamespace(
        name="m", version="1", label_kind=kind, input_kind="image", classes=("a", "b")
    )


def test_the_tensors_of_boxes():
    answers = [
        boxes_answer([ScoredBox(1, 2, 3, 4, "b", 0.75), ScoredBox(0, 0, 9, 9, "a", 0.5)], 0.5),
        boxes_answer([], 0.5),
    ]
    asked = infer(tensor(), tuple(protocol.OUTPUTS["boxes"]))
    document = protocol.infer_document(served("boxes"), asked, answers)
    found = {one["name"]: one for one in document["outputs"]}
    assert {one["datatype"] for one in found.values()} == {"BYTES"}
    assert all(one["shape"] == [2] for one in found.values())
    assert [json.loads(one) for one in found["labels"]["data"]] == [["b", "a"], []]
    assert [json.loads(one) for one in found["scores"]["data"]] == [[0.75, 0.5], []]
    assert [json.loads(one) for one in found["boxes"]["data"]] == [[[1, 2, 3, 4], [0, 0, 9, 9]], []]


def test_the_tensors_of_masks():
    values = np.array([[0, 1], [1, 1]], np.uint8)
    answer = mask_answer(FoundMask(values, 0.5, np.full((2, 2), 51, np.uint8)), ("a", "b"))
    asked = infer(tensor(), tuple(protocol.OUTPUTS["mask"]))
    document = protocol.infer_document(served("mask"), asked, [answer])
    found = {one["name"]: one["data"] for one in document["outputs"]}
    assert base64.b64decode(found["mask"][0]) == answer.mask
    assert [one["share"] for one in json.loads(found["segments"][0])] == [0.75, 0.25]


def test_images_may_have_larger_bodies_than_texts():
    assert usual_limits("image").max_body_bytes == 16 * usual_limits("text").max_body_bytes
    assert usual_limits("image", {"max_body_bytes": 7, "max_rows": 2}) == Limits(
        max_body_bytes=7, max_rows=2
    )


@pytest.fixture(scope="module")
def client(picture_run):
    predictor = load_release(picture_run.release, picture_run.trust)
    with TestClient(create_app(predictor), raise_server_exceptions=False) as one:
        yield one


@pytest.fixture(scope="module")
def sea(picture_run):
    return (picture_run.folder / "test" / "sea" / "003.png").read_bytes()


def test_the_three_ways_to_ask_have_one_answer(client, sea):
    text = base64.b64encode(sea).decode()
    by_json = client.post("/predict", json={"image": text}).json()["predictions"][0]
    for kind in ("image/png", "image/jpeg", "IMAGE/PNG; x=1"):  # content decides, not its name
        raw = client.post("/predict", content=sea, headers={"content-type": kind})
        assert raw.json()["predictions"][0]["label"] == by_json["label"] == "sea"
        assert raw.json()["model"] == "colours"
    v2 = client.post("/v2/models/colours/infer", json=tensor(data=[text])).json()
    found = {one["name"]: one["data"] for one in v2["outputs"]}
    assert found["label"] == ["sea"]
    assert found["scores"] == pytest.approx([*by_json["scores"].values()], abs=1e-5)


def test_the_metadata_names_the_tensor(client):
    document = client.get("/v2/models/colours").json()
    assert document["inputs"] == [{"name": "image", "datatype": "BYTES", "shape": [-1]}]
    assert document["properties"]["task"] == "image_classification"


def test_a_damaged_image_is_the_fault_of_the_request(client, sea):
    answer = client.post("/predict", content=sea[:700], headers={"content-type": "image/png"})
    assert answer.status_code == 400
    assert "item 0 cannot be read (damaged image)" in answer.json()["error"]


def test_a_body_that_is_no_image_is_refused(client):
    answer = client.post("/predict", content=b"secret words", headers={"content-type": "image/png"})
    assert answer.status_code == 400
    assert "secret" not in answer.text
    assert client.post("/predict", json={"text": "a film"}).status_code == 400
