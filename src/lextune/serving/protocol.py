"""Reads and writes the JSON of `POST /predict` and of the Open Inference Protocol v2; it knows no HTTP server and no model.

The protocol: https://github.com/open-inference/open-inference-protocol (REST). Its model has one input
tensor, `text` (BYTES, one element per text), and output tensors by what it says of a text: `label`, `score` and
`scores` where that is one class, `labels` (a JSON array each) and `scores` where it is any number of classes,
`entities` (a JSON array each) where it is entities.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from lextune.errors import Problem
from lextune.labels import LabelKind
from lextune.serving.guard import Limits, RequestRefused
from lextune.serving.predictor import is_unicode

if TYPE_CHECKING:
    from lextune.serving.predictor import AnyPrediction, Predictor

#: Output tensors in the order in which they are answered, by what a model says of a text.
OUTPUTS: Mapping[LabelKind, tuple[str, ...]] = {
    "class": ("label", "score", "scores"),
    "classes": ("labels", "scores"),
    "spans": ("entities",),
}

_DATATYPES = {
    "label": "BYTES", "labels": "BYTES", "entities": "BYTES", "score": "FP32", "scores": "FP32",
}  # fmt: skip
#: Answered as JSON arrays, one for each text.
_LISTS = ("labels", "entities")

#: Parameters that clients send by habit and that ask for nothing but what is done anyway.
_REQUEST_PARAMETERS: Mapping[str, Any] = {"binary_data_output": False}
_INPUT_PARAMETERS: Mapping[str, Any] = {"content_type": "str"}
_OUTPUT_PARAMETERS: Mapping[str, Any] = {"binary_data": False, "content_type": "str"}

_EXAMPLE = '{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a text"]}'


@dataclass(frozen=True)
class InferRequest:
    """An inference request that keeps all rules.

    Attributes:
        texts: To predict.
        id: The client's name for the request, given back to it.
        outputs: Which tensors to answer.
    """

    texts: list[str]
    id: str | None
    outputs: tuple[str, ...]


def parse_predict(body: bytes, limits: Limits) -> list[str]:
    """The texts of `{"text": "…"}` or `{"texts": ["…", …]}`.

    Raises:
        RequestRefused: 400 where it is neither, 413 where it is more than the limits allow.
    """
    found = _object(parse_json(body), "the body", optional=("text", "texts"))
    if len(found) != 1:
        _refuse("the body must have either text or texts", 'send {"text": "…"} or {"texts": ["…"]}')
    if "text" in found:
        return _texts([found["text"]], "text", limits)
    return _texts(found["texts"], "texts", limits)


def predict_document(predictor: Predictor, predictions: Sequence[AnyPrediction]) -> dict[str, Any]:
    """The answer of `POST /predict`."""
    return {
        "predictions": [one.model_dump() for one in predictions],
        "model": predictor.name,
        "version": predictor.version,
    }


def parse_infer(body: bytes, limits: Limits, outputs: Sequence[str]) -> InferRequest:
    """An inference request of the Open Inference Protocol v2, to a model with these output tensors.

    Raises:
        RequestRefused: 400 where it breaks the protocol, names a tensor that the model does not have, or
            asks for an extension; 413 where it is more than the limits allow.
    """
    found = _object(
        parse_json(body), "the body", ("inputs",), optional=("id", "parameters", "outputs")
    )
    _parameters(found, "the body", _REQUEST_PARAMETERS)
    name = found.get("id")
    if name is not None and not (isinstance(name, str) and is_unicode(name)):
        _refuse("id is no string", "send a string, or leave id out")
    asked = _requested_outputs(found.get("outputs"), outputs)
    return InferRequest(_input_texts(found["inputs"], limits), name, asked)


def infer_document(
    predictor: Predictor, request: InferRequest, predictions: Sequence[AnyPrediction]
) -> dict[str, Any]:
    """The inference response; `scores` is flat, row after row, with the classes in the model's order."""
    rows = len(predictions)
    dumps = [one.model_dump(mode="json") for one in predictions]
    tensors: dict[str, dict[str, Any]] = {}
    for name in request.outputs:
        data = [dump[name] for dump in dumps]
        if name == "scores":
            data = [score for scores in data for score in scores.values()]
        elif name in _LISTS:
            data = [json.dumps(items, ensure_ascii=False) for items in data]
        shape = [rows, len(predictor.classes)] if name == "scores" else [rows]
        tensors[name] = {"shape": shape, "datatype": _DATATYPES[name], "data": data}
    answer: dict[str, Any] = {"model_name": predictor.name, "model_version": predictor.version}
    if request.id is not None:
        answer["id"] = request.id
    return answer | {"outputs": [{"name": name, **tensors[name]} for name in request.outputs]}


def model_document(predictor: Predictor) -> dict[str, Any]:
    """The model's metadata; `properties` (strings only, as the protocol asks) ties it to its evidence."""
    return {
        "name": predictor.name,
        "versions": [predictor.version],
        "platform": "pytorch_safetensors",
        "inputs": [{"name": "text", "datatype": "BYTES", "shape": [-1]}],
        "outputs": [
            {
                "name": name,
                "datatype": _DATATYPES[name],
                "shape": [-1, len(predictor.classes)] if name == "scores" else [-1],
            }
            for name in OUTPUTS[predictor.label_kind]
        ],
        "properties": {
            "task": predictor.task,
            "classes": json.dumps(predictor.classes, ensure_ascii=False),
            "run": predictor.run_id,
            "release_sha256": predictor.release_digest,
            "signers": ", ".join(predictor.verification.evidence.signers),
        },
    }


def parse_json(body: bytes) -> Any:
    """A JSON document in UTF-8; a repeated key, NaN and Infinity are refused.

    Raises:
        RequestRefused: 400; it names a place, never what stands there.
    """
    try:
        return json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        fact = f"the body is not UTF-8 (byte {error.start})"
    except json.JSONDecodeError as error:
        fact = f"the body is not JSON (line {error.lineno}, column {error.colno})"
    except ValueError:
        fact = "the body has a number that is too long"
    except RecursionError:
        fact = "the body is nested too deeply"
    _refuse(fact, "send one JSON object, encoded in UTF-8")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        _refuse("an object of the body has the same key twice", "send each key once")
    return found


def _no_constant(_: str) -> NoReturn:
    _refuse("the body has NaN or Infinity, which JSON does not know", "send numbers")


def _input_texts(inputs: Any, limits: Limits) -> list[str]:
    if not isinstance(inputs, list) or len(inputs) != 1:
        _refuse("inputs is not a list of exactly one tensor", f"send [{_EXAMPLE}]")
    where = "inputs[0]"
    tensor = _object(
        inputs[0], where, ("name", "shape", "datatype", "data"), optional=("parameters",)
    )
    _parameters(tensor, where, _INPUT_PARAMETERS)
    problems = [
        Problem(f"{where}.{key} is not {wanted}", f"send {_EXAMPLE}")
        for key, wanted in (("name", "text"), ("datatype", "BYTES"))
        if tensor[key] != wanted
    ]
    shape, data = tensor["shape"], tensor["data"]
    if not _is_shape(shape):
        problems.append(
            Problem(f"{where}.shape is neither [n] nor [n, 1]", "n is the number of texts")
        )
    if not isinstance(data, list):
        problems.append(Problem(f"{where}.data is no list", "send a list of strings"))
    if problems:
        raise RequestRefused(400, problems)
    # Rows first: nothing is built from more of them than is allowed.
    _check_rows(data, limits)
    if len(shape) == 2 and all(isinstance(row, list) and len(row) == 1 for row in data):
        data = [row[0] for row in data]
    if shape[0] != len(data):
        _refuse(
            f"{where}.shape is not that of {where}.data, which has {len(data)} texts",
            f"send the shape [{len(data)}]",
        )
    return _texts(data, f"{where}.data", limits)


def _is_shape(shape: Any) -> bool:
    """[n] as the metadata says, or [n, 1] as clients that think in columns send it."""
    return (
        isinstance(shape, list)
        and all(isinstance(size, int) and not isinstance(size, bool) for size in shape)
        and (len(shape) == 1 or (len(shape) == 2 and shape[1] == 1))
    )


def _requested_outputs(outputs: Any, known: Sequence[str]) -> tuple[str, ...]:
    if outputs is None or outputs == []:
        return tuple(known)
    if not isinstance(outputs, list) or len(outputs) > len(known):
        _refuse("outputs is not a list of the model's tensors", f"name some of {_listed(known)}")
    names = []
    for index, one in enumerate(outputs):
        where = f"outputs[{index}]"
        wanted = _object(one, where, ("name",), optional=("parameters",))
        _parameters(wanted, where, _OUTPUT_PARAMETERS)
        if wanted["name"] not in known or wanted["name"] in names:
            _refuse(
                f"{where}.name is no output of the model, or is named twice",
                f"name some of {_listed(known)}, each once",
            )
        names.append(wanted["name"])
    return tuple(names)


def _parameters(parent: Mapping[str, Any], where: str, known: Mapping[str, Any]) -> None:
    found = parent.get("parameters")
    if found is None:
        return
    if not isinstance(found, dict):
        _refuse(f"parameters of {where} is no object", "leave it out")
    if any(key not in known or found[key] != known[key] for key in found):
        _refuse(
            f"parameters of {where} asks for what this server does not do",
            f"leave it out; the server accepts only {json.dumps(known)}",
            "it offers no extension of the protocol",
        )


def _object(
    value: Any, where: str, required: Collection[str] = (), *, optional: Collection[str] = ()
) -> dict[str, Any]:
    """An object with all required keys and no unknown one. An unknown key is counted, not repeated."""
    known = [*required, *optional]
    if not isinstance(value, dict):
        _refuse(f"{where} is no JSON object", f"send an object with {_listed(known)}")
    problems = []
    unknown = len(value.keys() - set(known))
    if unknown:
        keys = "a key that is" if unknown == 1 else f"{unknown} keys that are"
        problems.append(Problem(f"{where} has {keys} not known", f"send only {_listed(known)}"))
    problems += [Problem(f"{where} has no {key}", "add it") for key in required if key not in value]
    if problems:
        raise RequestRefused(400, problems)
    return value


def _texts(values: Any, where: str, limits: Limits) -> list[str]:
    if not isinstance(values, list):
        _refuse(f"{where} is no list", "send a list of strings")
    _check_rows(values, limits)
    wrong = [
        Problem(f"text {index} of {where} is no string of valid Unicode", "send strings")
        for index, text in enumerate(values)
        if not (isinstance(text, str) and is_unicode(text))
    ]
    if wrong:
        raise RequestRefused(400, wrong[:10])
    long = [
        Problem(
            f"text {index} of {where} has {len(text)} characters, more than {limits.max_text_chars}",
            "shorten it; the model reads only its beginning anyway",
        )
        for index, text in enumerate(values)
        if len(text) > limits.max_text_chars
    ]
    if long:
        raise RequestRefused(413, long[:10])
    return values


def _check_rows(values: list[Any], limits: Limits) -> None:
    if len(values) > limits.max_rows:
        raise RequestRefused(
            413,
            Problem(
                f"{len(values)} texts are more than the {limits.max_rows} of one request",
                "send several requests",
            ),
        )


def _listed(names: Collection[str]) -> str:
    return ", ".join(names)


def _refuse(fact: str, remedy: str, reason: str = "") -> NoReturn:
    raise RequestRefused(400, Problem(fact, remedy, reason))
