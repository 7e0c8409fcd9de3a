"""Every request is either right or refused by its place, and nothing that was sent is repeated."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.serving import protocol
from lextune.serving.guard import Limits, RequestRefused
from lextune.serving.protocol import InferRequest, parse_json, parse_predict

SMALL = Limits(max_rows=3, max_text_chars=20)
OUTPUTS = tuple(protocol.OUTPUTS["class"])
SECRET = "Zebra4711"


def tensor(**changes: Any) -> dict[str, Any]:
    right = {"name": "text", "shape": [2], "datatype": "BYTES", "data": ["a", "b"]}
    return {key: value for key, value in {**right, **changes}.items() if value is not ...}


def infer(**changes: Any) -> bytes:
    right = {"inputs": [tensor()]}
    return json.dumps({**right, **changes}).encode()


def parse_infer(body: bytes, limits: Limits) -> InferRequest:
    return protocol.parse_infer(body, limits, OUTPUTS)


def refused(parse: Any, body: bytes) -> RequestRefused:
    with pytest.raises(RequestRefused) as caught:
        parse(body, SMALL)
    assert SECRET not in str(caught.value)
    assert all(problem.fact and problem.remedy for problem in caught.value.problems)
    return caught.value


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ({"text": "a"}, ["a"]),
        ({"text": ""}, [""]),
        ({"texts": ["a", "b", "b"]}, ["a", "b", "b"]),
        ({"texts": []}, []),
        ({"text": "好电影 😀"}, ["好电影 😀"]),
    ],
)
def test_both_forms_of_predict(body: dict[str, Any], texts: list[str]) -> None:
    assert parse_predict(json.dumps(body).encode(), SMALL) == texts


@pytest.mark.parametrize(
    ("body", "status", "fact"),
    [
        (b"", 400, "the body is not JSON (line 1, column 1)"),
        (f'{{"text": {SECRET}}}'.encode(), 400, "the body is not JSON (line 1, column 10)"),
        (b'{"text": "\xff"}', 400, "the body is not UTF-8 (byte 10)"),
        ('{"text": "a"}'.encode("utf-16"), 400, "the body is not UTF-8 (byte 0)"),
        (b'{"text": "a", "text": "b"}', 400, "an object of the body has the same key twice"),
        (b'{"text": NaN}', 400, "the body has NaN or Infinity, which JSON does not know"),
        (b"9" * 5000, 400, "the body has a number that is too long"),
        (b"[" * 100_000, 400, "the body is nested too deeply"),
        (b"[]", 400, "the body is no JSON object"),
        (b"{}", 400, "the body must have either text or texts"),
        (b'{"text": "a", "texts": []}', 400, "the body must have either text or texts"),
        (f'{{"{SECRET}": 1}}'.encode(), 400, "the body has a key that is not known"),
        (b'{"text": 1}', 400, "text 0 of text is no string of valid Unicode"),
        (b'{"text": null}', 400, "text 0 of text is no string of valid Unicode"),
        (b'{"text": "\\ud83d"}', 400, "text 0 of text is no string of valid Unicode"),
        (b'{"texts": "a"}', 400, "texts is no list"),
        (b'{"texts": ["a", ["b"]]}', 400, "text 1 of texts is no string of valid Unicode"),
        (b'{"texts": [1, 2, 3, 4]}', 413, "4 texts are more than the 3 of one request"),
        (
            json.dumps({"texts": ["a", SECRET * 3]}).encode(),
            413,
            "text 1 of texts has 27 characters, more than 20",
        ),
    ],
)
def test_a_wrong_predict_is_refused(body: bytes, status: int, fact: str) -> None:
    error = refused(parse_predict, body)
    assert (error.status, error.problems[0].fact) == (status, fact)


@pytest.mark.parametrize(
    ("changes", "texts", "outputs", "name"),
    [
        ({}, ["a", "b"], OUTPUTS, None),
        ({"id": "42"}, ["a", "b"], OUTPUTS, "42"),
        ({"id": None, "outputs": None, "parameters": None}, ["a", "b"], OUTPUTS, None),
        ({"outputs": []}, ["a", "b"], OUTPUTS, None),
        ({"outputs": [{"name": "scores"}]}, ["a", "b"], ("scores",), None),
        (
            {"outputs": [{"name": "score"}, {"name": "label", "parameters": {"binary_data": False}}]},
            ["a", "b"], ("score", "label"), None,
        ),
        ({"inputs": [tensor(shape=[2, 1])]}, ["a", "b"], OUTPUTS, None),
        ({"inputs": [tensor(shape=[2, 1], data=[["a"], ["b"]])]}, ["a", "b"], OUTPUTS, None),
        ({"inputs": [tensor(shape=[0], data=[])]}, [], OUTPUTS, None),
        ({"inputs": [tensor(parameters={"content_type": "str"})]}, ["a", "b"], OUTPUTS, None),
        ({"parameters": {"binary_data_output": False}}, ["a", "b"], OUTPUTS, None),
    ],
)  # fmt: skip
def test_right_inference_requests(
    changes: dict[str, Any], texts: list[str], outputs: tuple[str, ...], name: str | None
) -> None:
    found = parse_infer(infer(**changes), SMALL)
    assert (found.inputs, found.outputs, found.id) == (texts, outputs, name)


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"model": SECRET}, "the body has a key that is not known"),
        ({SECRET: 1, "b": 2}, "the body has 2 keys that are not known"),
        ({"id": 42}, "id is no string"),
        ({"id": "\ud83d"}, "id is no string"),
        ({"inputs": []}, "inputs is not a list of exactly one tensor"),
        ({"inputs": tensor()}, "inputs is not a list of exactly one tensor"),
        ({"inputs": [tensor(), tensor()]}, "inputs is not a list of exactly one tensor"),
        ({"inputs": [SECRET]}, "inputs[0] is no JSON object"),
        ({"inputs": [tensor(data=...)]}, "inputs[0] has no data"),
        ({"inputs": [tensor(more=SECRET)]}, "inputs[0] has a key that is not known"),
        ({"inputs": [tensor(name=SECRET)]}, "inputs[0].name is not text"),
        ({"inputs": [tensor(datatype="FP32")]}, "inputs[0].datatype is not BYTES"),
        ({"inputs": [tensor(shape=2)]}, "inputs[0].shape is neither [n] nor [n, 1]"),
        ({"inputs": [tensor(shape=[1, 2])]}, "inputs[0].shape is neither [n] nor [n, 1]"),
        ({"inputs": [tensor(shape=[True])]}, "inputs[0].shape is neither [n] nor [n, 1]"),
        ({"inputs": [tensor(data=SECRET)]}, "inputs[0].data is no list"),
        (
            {"inputs": [tensor(shape=[3])]},
            "inputs[0].shape is not that of inputs[0].data, which has 2 texts",
        ),
        (
            {"inputs": [tensor(data=[["a"], ["b"]])]},
            "text 0 of inputs[0].data is no string of valid Unicode",
        ),
        (
            {"inputs": [tensor(data=["a", 1])]},
            "text 1 of inputs[0].data is no string of valid Unicode",
        ),
        ({"outputs": {}}, "outputs is not a list of the model's tensors"),
        (
            {"outputs": [{"name": SECRET}]},
            "outputs[0].name is no output of the model, or is named twice",
        ),
        (
            {"outputs": [{"name": "label"}] * 2},
            "outputs[1].name is no output of the model, or is named twice",
        ),
        ({"outputs": [{"name": ["label"]}]},
            "outputs[0].name is no output of the model, or is named twice",
        ),
        ({"outputs": ["label"]}, "outputs[0] is no JSON object"),
        ({"parameters": []}, "parameters of the body is no object"),
        (
            {"parameters": {"priority": SECRET}},
            "parameters of the body asks for what this server does not do",
        ),
        (
            {"inputs": [tensor(parameters={"binary_data_size": 9})]},
            "parameters of inputs[0] asks for what this server does not do",
        ),
        (
            {"outputs": [{"name": "label", "parameters": {"binary_data": True}}]},
            "parameters of outputs[0] asks for what this server does not do",
        ),
    ],
)  # fmt: skip
def test_a_wrong_inference_request_is_refused(changes: dict[str, Any], fact: str) -> None:
    error = refused(parse_infer, infer(**changes))
    assert (error.status, error.problems[0].fact) == (400, fact)


@pytest.mark.parametrize("data", [["a", "b", "c", "d"], [["a"], ["b"], ["c"], ["d"]], ["x" * 21]])
def test_more_than_the_limits_allow_is_too_large(data: list[Any]) -> None:
    error = refused(parse_infer, infer(inputs=[tensor(data=data, shape=[len(data), 1])]))
    assert error.status == 413


def test_all_that_is_wrong_with_a_tensor_is_said_at_once() -> None:
    error = refused(
        parse_infer, infer(inputs=[tensor(name="x", datatype="FP32", shape=[], data=1)])
    )
    assert len(error.problems) == 4


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(SECRET),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["text", "texts", "inputs", "outputs", "id", "name", "shape", "data", SECRET]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def attempt(parse: Any, *given: Any) -> RequestRefused | None:
    """What it refuses with, if it does; any other exception is a fault."""
    try:
        parse(*given)
    except RequestRefused as error:
        return error
    return None


@given(value=_JSON)
def test_any_json_is_parsed_or_refused_without_being_repeated(value: Any) -> None:
    for parse in (parse_predict, parse_infer):
        error = attempt(parse, json.dumps(value).encode(), SMALL)
        assert error is None or (SECRET not in str(error) and error.status in (400, 413))


@given(body=st.binary(max_size=60))
def test_any_bytes_are_parsed_or_refused(body: bytes) -> None:
    error = attempt(parse_json, body)
    assert error is None or error.status == 400


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=3))
def test_every_right_request_is_read_as_it_is(texts: list[str]) -> None:
    assert parse_predict(json.dumps({"texts": texts}).encode(), SMALL) == texts
    one = tensor(data=texts, shape=[len(texts)])
    assert parse_infer(infer(inputs=[one]), SMALL).inputs == texts
