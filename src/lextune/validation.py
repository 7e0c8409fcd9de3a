"""Turns a loaded document into a typed value, or into every problem at once with its place; it knows no particular schema."""

from __future__ import annotations

import difflib
import types
import typing
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from lextune.errors import LextuneError, Problem
from lextune.strict_yaml import Document, Path

M = TypeVar("M", bound=BaseModel)


def listed(value: Any) -> Any:
    """YAML gives lists; frozen sections hold tuples; one word may stand for a list of one."""
    if isinstance(value, list):
        return tuple(value)
    return (value,) if isinstance(value, str) else value


Word = Annotated[str, Field(min_length=1)]
Words = Annotated[
    tuple[Word, ...], BeforeValidator(listed, json_schema_input_type=list[Word] | Word)
]


def validate(
    model: type[M],
    document: Document,
    error: type[LextuneError],
    extra: list[Problem] | None = None,
) -> M:
    """The document's data as `model`.

    Args:
        model: A pydantic model with `extra="forbid"`.
        document: From `strict_yaml.load`.
        error: What to raise.
        extra: Problems found elsewhere, to be reported in the same go.

    Raises:
        error: Every problem, each with file, line, column, reason and remedy.
    """
    problems = list(extra or [])
    data = document.data
    if not isinstance(data, dict):
        fact = "the file is empty" if data is None else "the file is not a mapping of keys"
        raise error([*problems, Problem(fact, "write `key: value` lines", where=document.name)])
    try:
        value = model.model_validate(data)
    except ValidationError as failed:
        found = [_problem(detail, model, document) for detail in failed.errors()]
        raise error([*problems, *dict.fromkeys(found)]) from None
    if problems:
        raise error(problems)
    return value


def _problem(detail: ErrorDetails, model: type[BaseModel], document: Document) -> Problem:
    path = _real_path(detail["loc"], document)
    where = document.where(path)
    name = ".".join(str(part) for part in path) or "the file"
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown_key(path, model, where)
    if kind == "missing":
        return Problem(f"{name} is missing", f"add the key {path[-1]!r}", where=where)
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return Problem(
            f"{name} is a section of keys, but found {_shown(detail['input'])}",
            "write its keys under it, or remove it",
            where=where,
        )
    message = detail["msg"].removeprefix("Value error, ").replace("valid tuple", "list")
    remedy = _wanted(detail, path, model)
    if kind in ("literal_error", "enum"):
        expected = str(detail.get("ctx", {}).get("expected", ""))
        near = difflib.get_close_matches(
            str(detail["input"]), expected.replace(" or ", ", ").replace("'", "").split(", "), 1
        )
        remedy = f"did you mean {near[0]!r}?" if near else f"use {expected}"
        message = f"{_shown(detail['input'])} is none of {expected}"
    elif kind == "finite_number":
        message = f"{_shown(detail['input'])} is not a finite number"
    elif kind != "value_error":
        message = f"{message[:1].lower()}{message[1:]}, but found {_shown(detail['input'])}"
    elif ". Remedy: " in message:
        message, _, remedy = message.partition(". Remedy: ")
    return Problem(f"{name}: {message}", remedy, where=where)


#: Beginnings of pydantic's error types, https://docs.pydantic.dev/latest/errors/validation_errors/
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "bool": "true or false",
    "too_short": "at least one, or leave the key out",
    "string_too_short": "text that is not empty, or leave the key out",
    "string_pattern": "text of that pattern",
    "string": "text, in quotes where YAML would read something else",
    "list": "a list in [ ]",
    "tuple": "a list in [ ]",
    "set": "a list in [ ]",
    "date": "a day as 2026-11-25",
}
_BOUNDS = {"gt": "above", "ge": "of at least", "lt": "below", "le": "of at most"}


def _wanted(detail: ErrorDetails, path: Path, model: type[BaseModel]) -> str:
    """What to write there: the kind or the bound, and the default where the key has one."""
    context = detail.get("ctx", {})
    bounds = [f"{word} {context[key]}" for key, word in _BOUNDS.items() if key in context]
    kind = next((word for start, word in _KINDS.items() if detail["type"].startswith(start)), "")
    wanted = " ".join(["write", kind or "a value", " and ".join(bounds) or "as it says"])
    if kind and not bounds:
        wanted = f"write {kind}"
    parent = _model_at(model, path[:-1]) if path and isinstance(path[-1], str) else None
    field = _field_info(parent, str(path[-1])) if parent else None
    if field is None or field.is_required() or field.default in (None, (), [], {}, detail["input"]):
        return wanted
    default = field.default
    shown = str(default).lower() if isinstance(default, bool) else _shown(default)
    if isinstance(default, tuple):
        shown = f"[{', '.join(map(str, default))}]"
    return f"{wanted}; the default is {shown}"


def _shown(value: Any) -> str:
    """A value for a message: short, and never the content of a longer text."""
    text = repr(value)
    return text if len(text) <= 40 else f"a {type(value).__name__} of {len(text)} characters"


def _unknown_key(path: Path, model: type[BaseModel], where: str) -> Problem:
    parent = _model_at(model, path[:-1])
    names = _key_names(parent) if parent else []
    near = difflib.get_close_matches(str(path[-1]), names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(names)}, or remove it"
    name = ".".join(str(part) for part in path)
    return Problem(
        f"unknown key {name!r}", hint, "a key that nothing reads would do nothing", where
    )


def _key_names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _real_path(loc: tuple[int | str, ...], document: Document) -> Path:
    """pydantic's location without the names of union members that it puts between keys."""
    path: list[int | str] = []
    node = document.data
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if isinstance(node, dict) and (part in node or last):
            node = node.get(part)
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
        elif not (isinstance(node, dict) and last):
            continue
        path.append(part)
    return tuple(path)


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    current: Any = model
    for part in path:
        if isinstance(part, int):
            continue
        options = [one for one in _models_in(current) if _field(one, part) is not None]
        if not options:
            return None
        current = _field(options[0], part)
    found = _models_in(current)
    return found[0] if found else None


def _field(model: type[BaseModel], key: str) -> Any:
    found = _field_info(model, key)
    return found.annotation if found else None


def _field_info(model: type[BaseModel], key: str) -> FieldInfo | None:
    for name, field in model.model_fields.items():
        if key in (name, field.alias):
            return field
    return None


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    if isinstance(annotation, typing.TypeAliasType) if hasattr(typing, "TypeAliasType") else False:
        return _models_in(annotation.__value__)
    return [model for part in typing.get_args(annotation) for model in _models_in(part)]
