"""Reads and writes the JSON of `POST /predict` and of the Open Inference Protocol v2; it knows no HTTP server and no model.

The protocol: https://github.com/open-inference/open-inference-protocol (REST). Its model has one input tensor (BYTES, one
element per input): `text`, `image` or `audio` (the file of each in base64), `history` or `record` (a JSON object each).
Its output tensors go by what it says of each input, and all but numbers are a JSON array for each: `label`, `score` and
`scores` where that is one class, `labels` and `scores` where it is any number of classes, `entities` where it is
entities, `labels`, `scores` and `boxes` where it is objects, `mask` (a PNG in base64) and `segments` where it is pixels,
`text`, `score` and `segments` where it is what is said, `items` and `scores` where it is items.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from lextune.errors import Problem
from lextune.labels import InputKind, LabelKind
from lextune.serving.guard import Limits, RequestRefused
from lextune.serving.predictor import is_unicode

if TYPE_CHECKING:
    from lextune.serving.explanations import Explanation
    from lextune.serving.predictor import AnyPrediction, Predictor

#: Output tensors in the order in which they are answered, with their types, by what a model says.
OUTPUTS: Mapping[LabelKind, Mapping[str, str]] = {
    "class": {"label": "BYTES", "score": "FP32", "scores": "FP32"},
    "classes": {"labels": "BYTES", "scores": "FP32"},
    "spans": {"entities": "BYTES"},
    "boxes": {"labels": "BYTES", "scores": "BYTES", "boxes": "BYTES"},
    "mask": {"mask": "BYTES", "segments": "BYTES"},
    "transcript": {"text": "BYTES", "score": "FP32", "segments": "BYTES"},
    "items": {"items": "BYTES", "scores": "BYTES"},
}

#: An output tensor that is answered only where it is asked for: a JSON object for each input.
EXPLANATION = "explanation"

#: Parameters that clients send by habit and that ask for nothing but what is done anyway.
_REQUEST_PARAMETERS: Mapping[str, Any] = {"binary_data_output": False}
_INPUT_PARAMETERS: Mapping[InputKind, Mapping[str, Any]] = {
    "text": {"content_type": "str"}, "image": {"content_type": "base64"}, "audio": {"content_type": "base64"},
    "history": {"content_type": "str"}, "record": {"content_type": "str"},
}  # fmt: skip
_OUTPUT_PARAMETERS: Mapping[str, Any] = {"binary_data": False, "content_type": "str"}

#: Of each kind of input: the key of several, one as `/predict` takes it, and one as a tensor's element.
_FORMS: Mapping[InputKind, tuple[str, str, str]] = {
    "text": ("texts", '"…"', '"a text"'),
    "image": ("images", '"BASE64"', '"BASE64"'),
    "audio": ("audios", '"BASE64"', '"BASE64"'),
    "history": (
        "histories",
        '{"events": [["ITEM", 1.0]]}',
        '"{\\"events\\": [[\\"ITEM\\", 1.0]]}"',
    ),
    "record": ("records", '{"FEATURE": "VALUE"}', '"{\\"FEATURE\\": \\"VALUE\\"}"'),
}


def _example(kind: InputKind) -> str:
    return f'{{"name": "{kind}", "shape": [1], "datatype": "BYTES", "data": [{_FORMS[kind][2]}]}}'


@dataclass(frozen=True)
class InferRequest:
    """An inference request that keeps all rules.

    Attributes:
        inputs: To predict: texts, the bytes of images or sounds, or JSON objects.
        id: The client's name for the request, given back to it.
        outputs: Which tensors to answer.
    """

    inputs: list[Any]
    id: str | None
    outputs: tuple[str, ...]


def parse_predict(body: bytes, limits: Limits, kind: InputKind = "text") -> list[Any]:
    """The inputs of `{"text": "…"}` or `{"texts": ["…", …]}`, and so of every kind: files in base64, rows as objects.

    Raises:
        RequestRefused: 400 where it is neither, 413 where it is more than the limits allow.
    """
    many, one, _ = _FORMS[kind]
    found = _object(parse_json(body), "the body", optional=(kind, many))
    if len(found) != 1:
        _refuse(
            f"the body must have either {kind} or {many}",
            f'send {{"{kind}": {one}}} or {{"{many}": [{one}]}}',
        )
    values, where = ([found[kind]], kind) if kind in found else (found[many], many)
    return _inputs(values, where, limits, kind)


@dataclass(frozen=True)
class Wish:
    """What `/predict` is asked for besides predictions.

    Attributes:
        explain: Whether to explain the answers.
        label: The class to explain; None leaves it to the release.
    """

    explain: bool = False
    label: str | None = None


def parse_wish(body: bytes, limits: Limits, predictor: Predictor) -> tuple[Wish, bytes]:
    """`explain` and `explain_class` of a body, and the body without them.

    Raises:
        RequestRefused: 400 where they are no truth value and no class of a model whose answers are explained, 413
            where more inputs are to be explained than the limits allow.
    """
    if b'"explain' not in body:  # most requests are read once
        return Wish(), body
    found = parse_json(body)
    if not isinstance(found, dict) or not {"explain", "explain_class"} & found.keys():
        return Wish(), body
    asked, label = found.pop("explain", True), found.pop("explain_class", None)
    if not isinstance(asked, bool) or (label is not None and label not in predictor.classes):
        _refuse(
            "explain is no truth value, or explain_class is no class of the model",
            'send "explain": true, and a class only where another than usual is to be explained',
        )
    values = found.get(_FORMS[predictor.input_kind][0])
    if asked:
        check_explained(predictor, len(values) if isinstance(values, list) else 1, limits)
    return Wish(asked, label), json.dumps(found).encode()


def check_explained(predictor: Predictor, count: int, limits: Limits) -> None:
    """Refuse to explain what cannot be, and too much.

    Raises:
        RequestRefused: 400 or 413.
    """
    if not predictor.explains:
        _refuse("answers of this model are not explained", "leave explain out")
    if count > limits.max_explained:
        raise RequestRefused(
            413,
            Problem(
                f"{count} inputs are more than the {limits.max_explained} that one request may have explained",
                "send several requests, or use lextune predict --explain",
            ),
        )


def parse_file(body: bytes, limits: Limits, kind: InputKind) -> list[bytes]:
    """The one image or sound that a body is.

    Raises:
        RequestRefused: 400 where it is none, 413 where it is larger than the limits allow.
    """
    return (_images if kind == "image" else _sounds)([body], "the body", limits)


def predict_document(
    predictor: Predictor, predictions: Sequence[AnyPrediction], explanations: Sequence[Explanation] = ()
) -> dict[str, Any]:  # fmt: skip
    """The answer of `POST /predict`; explanations stand in their predictions."""
    answers = [one.model_dump(mode="json") for one in predictions]
    for answer, explanation in zip(answers, explanations, strict=bool(explanations)):
        answer["explanation"] = explanation.model_dump(mode="json")
    return {
        "predictions": answers,
        "model": predictor.name,
        "version": predictor.version,
    }


def parse_infer(
    body: bytes, limits: Limits, outputs: Collection[str], kind: InputKind = "text"
) -> InferRequest:
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
    asked = _requested_outputs(found.get("outputs"), tuple(outputs), (EXPLANATION,))
    return InferRequest(_tensor(found["inputs"], limits, kind), name, asked)


def infer_document(
    predictor: Predictor, request: InferRequest, predictions: Sequence[AnyPrediction],
    explanations: Sequence[Explanation] = (),
) -> dict[str, Any]:  # fmt: skip
    """The inference response; `scores` is flat, row after row, with the classes in the model's order."""
    rows, types = len(predictions), {**OUTPUTS[predictor.label_kind], EXPLANATION: "BYTES"}
    dumps = [_columns(one.model_dump(mode="json"), predictor.label_kind) for one in predictions]
    for dump, explanation in zip(dumps, explanations, strict=bool(explanations)):
        dump[EXPLANATION] = explanation.model_dump_json()
    tensors: dict[str, dict[str, Any]] = {}
    for name in request.outputs:
        data = [dump[name] for dump in dumps]
        flat = types[name] == "FP32" and name == "scores"
        if flat:
            data = [score for scores in data for score in scores.values()]
        data = [
            json.dumps(one, ensure_ascii=False) if isinstance(one, list) else one for one in data
        ]
        shape = [rows, len(predictor.classes)] if flat else [rows]
        tensors[name] = {"shape": shape, "datatype": types[name], "data": data}
    answer: dict[str, Any] = {"model_name": predictor.name, "model_version": predictor.version}
    if request.id is not None:
        answer["id"] = request.id
    return answer | {"outputs": [{"name": name, **tensors[name]} for name in request.outputs]}


def _columns(dump: dict[str, Any], kind: LabelKind) -> dict[str, Any]:
    """An answer by the names of its tensors."""
    if kind == "items":
        return {
            "items": [one["item"] for one in dump["items"]],
            "scores": [one["score"] for one in dump["items"]],
        }
    if kind != "boxes":
        return dump
    return {
        "labels": [one["label"] for one in dump["boxes"]],
        "scores": [one["score"] for one in dump["boxes"]],
        "boxes": [[*one["box"].values()] for one in dump["boxes"]],
    }


def model_document(predictor: Predictor) -> dict[str, Any]:
    """The model's metadata; `properties` (strings only, as the protocol asks) ties it to its evidence."""
    return {
        "name": predictor.name,
        "versions": [predictor.version],
        "platform": "pytorch_safetensors",
        "inputs": [{"name": predictor.input_kind, "datatype": "BYTES", "shape": [-1]}],
        "outputs": [
            {
                "name": name,
                "datatype": datatype,
                "shape": [-1, len(predictor.classes)]
                if (name, datatype) == ("scores", "FP32")
                else [-1],
            }
            for name, datatype in OUTPUTS[predictor.label_kind].items()
        ],
        "properties": {
            "task": predictor.task,
            **_classes(predictor),
            "run": predictor.run_id,
            "release_sha256": predictor.release_digest,
            "signers": ", ".join(predictor.verification.evidence.signers),
        },
    }


#: More names make the metadata longer than most answers.
_MOST_CLASSES = 1000


def _classes(predictor: Predictor) -> dict[str, str]:
    """The names that answers are among: of items there may be millions, and then there are none here."""
    if predictor.label_kind == "items" and len(predictor.classes) > _MOST_CLASSES:
        return {"items": str(len(predictor.classes))}
    return {"classes": json.dumps(predictor.classes, ensure_ascii=False)}


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


def _tensor(inputs: Any, limits: Limits, kind: InputKind) -> list[Any]:
    example, many = _example(kind), _FORMS[kind][0]
    if not isinstance(inputs, list) or len(inputs) != 1:
        _refuse("inputs is not a list of exactly one tensor", f"send [{example}]")
    where = "inputs[0]"
    tensor = _object(
        inputs[0], where, ("name", "shape", "datatype", "data"), optional=("parameters",)
    )
    _parameters(tensor, where, _INPUT_PARAMETERS[kind])
    problems = [
        Problem(f"{where}.{key} is not {wanted}", f"send {example}")
        for key, wanted in (("name", kind), ("datatype", "BYTES"))
        if tensor[key] != wanted
    ]
    shape, data = tensor["shape"], tensor["data"]
    if not _is_shape(shape):
        problems.append(
            Problem(f"{where}.shape is neither [n] nor [n, 1]", f"n is the number of {many}")
        )
    if not isinstance(data, list):
        problems.append(Problem(f"{where}.data is no list", "send a list of strings"))
    if problems:
        raise RequestRefused(400, problems)
    # Rows first: nothing is built from more of them than is allowed.
    _check_rows(data, limits, kind)
    if len(shape) == 2 and all(isinstance(row, list) and len(row) == 1 for row in data):
        data = [row[0] for row in data]
    if shape[0] != len(data):
        _refuse(
            f"{where}.shape is not that of {where}.data, which has {len(data)} {many}",
            f"send the shape [{len(data)}]",
        )
    where = f"{where}.data"
    if kind in _ROWS:
        data = [_from_text(one, f"{kind} {index} of {where}") for index, one in enumerate(data)]
    return _inputs(data, where, limits, kind)


def _is_shape(shape: Any) -> bool:
    """[n] as the metadata says, or [n, 1] as clients that think in columns send it."""
    return (
        isinstance(shape, list)
        and all(isinstance(size, int) and not isinstance(size, bool) for size in shape)
        and (len(shape) == 1 or (len(shape) == 2 and shape[1] == 1))
    )


def _requested_outputs(
    outputs: Any, usual: Sequence[str], others: Sequence[str]
) -> tuple[str, ...]:
    if outputs is None or outputs == []:
        return tuple(usual)
    known = [*usual, *others]
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


def _inputs(values: Any, where: str, limits: Limits, kind: InputKind) -> list[Any]:
    if not isinstance(values, list):
        _refuse(f"{where} is no list", "send a list of strings" if kind not in _ROWS else "send a list of objects")  # fmt: skip
    _check_rows(values, limits, kind)
    if kind == "text":
        return _texts(values, where, limits)
    if kind in _ROWS:
        return _objects(values, where, limits, kind)
    files = [_from_base64(one, f"{kind} {i} of {where}", kind) for i, one in enumerate(values)]
    return (_images if kind == "image" else _sounds)(files, where, limits)


#: Inputs that are JSON objects.
_ROWS = ("history", "record")


def _from_text(value: Any, where: str) -> Any:
    """The object of a tensor's element."""
    if not isinstance(value, str):
        _refuse(f"{where} is no string", "send the JSON of an object as a string")
    return parse_json(value.encode("utf-8", "surrogatepass"))


def _objects(values: list[Any], where: str, limits: Limits, kind: InputKind) -> list[Any]:
    """Objects that are no larger than is allowed; what is in them the predictor looks at."""
    wrong = [
        Problem(f"{kind} {index} of {where} is no object", f"send {_FORMS[kind][1]}")
        for index, one in enumerate(values)
        if not isinstance(one, dict)
    ]
    if wrong:
        raise RequestRefused(400, wrong[:10])
    events = [one.get("events") for one in values] if kind == "history" else []
    count = sum(len(one) for one in events if isinstance(one, list))
    if count > limits.max_events:
        raise RequestRefused(
            413,
            Problem(
                f"the histories of the request have {count} events, more than {limits.max_events}",
                "leave out the oldest events, or send several requests",
            ),
        )
    return values


def _texts(values: list[Any], where: str, limits: Limits) -> list[str]:
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


def _from_base64(value: Any, where: str, kind: InputKind) -> bytes:
    format_ = "PNG or JPEG" if kind == "image" else "WAV, FLAC, OGG or MP3"
    remedy = f"send the bytes of a {format_} file in base64, and nothing before or after them"
    if not isinstance(value, str):
        _refuse(f"{where} is no string", remedy)
    try:
        return base64.b64decode(value.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        _refuse(f"{where} is no base64", remedy)


def _refuse_large(values: list[bytes], noun: str, where: str, most: int, remedy: str) -> None:
    large = [
        Problem(f"{noun} {index} of {where} has {len(data)} bytes, more than {most}", remedy)
        for index, data in enumerate(values)
        if len(data) > most
    ]
    if large:
        raise RequestRefused(413, large[:10])


def _images(values: list[bytes], where: str, limits: Limits) -> list[bytes]:
    """Images whose headers say that they are images of no more pixels than are allowed."""
    from lextune.images import UnfitImageError
    from lextune.serving.pictures import pixels_of, unfit

    _refuse_large(
        values, "image", where, limits.max_image_bytes, "scale it down, or save it as JPEG"
    )
    pixels, wrong, bomb = 0, [], False
    for index, data in enumerate(values):
        try:
            pixels += pixels_of(data)
        except UnfitImageError as error:
            bomb |= error.kind == "image_too_large"
            told = unfit(error)
            wrong.append(Problem(f"image {index} of {where} {told.fact}", told.remedy, told.reason))
    if wrong:
        raise RequestRefused(413 if bomb else 400, wrong[:10])
    if pixels > limits.max_pixels:
        raise RequestRefused(
            413,
            Problem(
                f"the images of the request have {pixels} pixels, more than {limits.max_pixels}",
                "scale them down, or send several requests",
            ),
        )
    return values


def _sounds(values: list[bytes], where: str, limits: Limits) -> list[bytes]:
    """Sounds whose headers say that they are sounds of no more seconds than are allowed."""
    from lextune.audio import UnfitAudioError
    from lextune.serving.sounds import seconds_of, unfit

    remedy = "cut it into pieces, or save it as FLAC, OGG or MP3"
    _refuse_large(values, "sound", where, limits.max_sound_bytes, remedy)
    total, wrong = 0.0, []
    for index, data in enumerate(values):
        try:
            seconds = seconds_of(data)
        except UnfitAudioError as error:
            told = unfit(error)
            wrong.append(Problem(f"sound {index} of {where} {told.fact}", told.remedy, told.reason))
            continue
        if seconds is None:
            wrong.append(
                Problem(
                    f"sound {index} of {where} does not say how long it is",
                    "save it again as WAV or FLAC, in a file and not in a stream",
                )
            )
        total += seconds or 0.0
    if wrong:
        raise RequestRefused(400, wrong[:10])
    if total > limits.max_seconds:
        raise RequestRefused(
            413,
            Problem(
                f"the sounds of the request have {total:.0f} seconds, more than {limits.max_seconds:g}",
                "cut them into pieces and send several requests, or use lextune predict",
            ),
        )
    return values


def _check_rows(values: list[Any], limits: Limits, kind: InputKind) -> None:
    if len(values) > limits.max_rows:
        raise RequestRefused(
            413,
            Problem(
                f"{len(values)} {_FORMS[kind][0]} are more than the {limits.max_rows} of one request",
                "send several requests",
            ),
        )


def _listed(names: Collection[str]) -> str:
    return ", ".join(names)


def _refuse(fact: str, remedy: str, reason: str = "") -> NoReturn:
    raise RequestRefused(400, Problem(fact, remedy, reason))
