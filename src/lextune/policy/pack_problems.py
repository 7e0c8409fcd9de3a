"""Turns pydantic's errors on a pack into problems with a place and the nearest right word."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from lextune.errors import Problem
from lextune.policy import schema
from lextune.strict_yaml import Document, Path

#: The last word of a location that names the kind of mapping in which a key stands.
_MAPPINGS: Mapping[str, type[BaseModel]] = {
    "facts": schema.Fact,
    "licences": schema.LicenceRow,
    "controls": schema.Control,
    "exemptions": schema.Exemption,
    "conflicts": schema.Conflict,
    "titles": schema.Text,
    "question": schema.Text,
    "definition": schema.Text,
    "remedy": schema.Text,
    "note": schema.Text,
    "asks": schema.Text,
    "penalty": schema.Text,
    "<all>": schema.AllOf,
    "<any>": schema.AnyOf,
    "<not>": schema.Not,
    "<is>": schema.FactIs,
    "<includes>": schema.FactIncludes,
    "<measurement>": schema.MeasurementRequirement,
    "<licence>": schema.LicenceRequirement,
    "<output_licence>": schema.OutputLicenceRequirement,
    "<document>": schema.DocumentRequirement,
    "<attestation>": schema.AttestationRequirement,
    "<preregistered>": schema.PreregisteredRequirement,
    "<every>": schema.EveryRequirement,
    "<one>": schema.OneRequirement,
}


def did_you_mean(word: Any, choices: Iterable[str]) -> str:
    """`did you mean 'x'?`, or the whole list where nothing is near."""
    known = sorted(choices)
    # Signs (`=>`) are as near to the wrong operator as to the right one: show the whole list.
    near = _near(word, known) if any(sign.isalnum() for sign in str(word)) else []
    return f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(known)}"


def shape_problems(document: Document, errors: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """One problem for each error; a missing key that a misspelt one explains is left out."""
    explained = {
        (_parent(error), near)
        for error in errors
        if error["type"] == "extra_forbidden"
        for near in _near(error["loc"][-1], _keys(error["loc"]))
    }
    return [
        _problem(document, error)
        for error in errors
        if not (error["type"] == "missing" and (_parent(error), error["loc"][-1]) in explained)
        # pydantic counts only the valid items, so a list of one wrong item is also "too short".
        and not (error["type"] == "too_short" and error["input"])
    ]


def place_of(document: Document, loc: Sequence[int | str]) -> Path:
    """The path in the document for a location of pydantic, which also names kinds (`<all>`)."""
    path: list[int | str] = []
    value = document.data
    for step in loc:
        if isinstance(step, str) and step.startswith("<"):
            continue
        path.append(step)
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
    return tuple(path)


def _parent(error: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(error["loc"][:-1])


def _near(word: Any, choices: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(str(word), sorted(choices), n=1)


def _keys(loc: Sequence[Any]) -> set[str]:
    """The keys that the mapping around the last step of `loc` may have."""
    words = [step for step in loc[:-1] if isinstance(step, str)]
    model = _MAPPINGS.get(words[-1], schema.Pack) if words else schema.Pack
    return {field.alias or name for name, field in model.model_fields.items()}


def _problem(document: Document, error: Mapping[str, Any]) -> Problem:
    kind, loc, found = error["type"], error["loc"], error.get("input")
    where = document.where(place_of(document, loc))
    words = [step for step in loc if isinstance(step, str) and not step.startswith("<")]
    name = words[-1] if words else "the pack"
    if kind == "missing":
        named = len(loc) > 1 and isinstance(loc[-2], str) and not loc[-2].startswith("<")
        inside = f" in {loc[-2]!r}" if named else ""
        return Problem(f"the key {name!r} is missing{inside}", "add it", where=where)
    if kind == "extra_forbidden":
        return Problem(f"{name!r} is no key here", did_you_mean(name, _keys(loc)), where=where)
    if kind == "literal_error":
        name = "condition" if loc[-1] == "<always>" else name
        allowed = re.findall(r"'([^']*)'", error["ctx"]["expected"])
        return Problem(f"{found!r} is no {name}", did_you_mean(found, allowed), where=where)
    if kind.startswith("union_tag"):
        return _kind_problem("requires" not in words, found, where)
    if kind == "finite_number":
        return Problem(
            f"{name} is NaN or infinite", "write a finite number",
            "a bound that is no number would decide nothing", where,
        )  # fmt: skip
    if kind == "string_pattern_mismatch":
        return Problem(
            f"{name} {found!r} is not written as it must be", _written(name), where=where
        )
    shown = error["msg"][0].lower() + error["msg"][1:]
    if isinstance(found, str | int | float | bool) or found is None:
        shown = f"{shown}; found {found!r}"
    remedy = "mend the value (docs/policy-packs.md)"
    if kind == "string_type":
        remedy = "put it between quotes"
    elif kind == "greater_than_equal":
        remedy = f"write {error['ctx']['ge']} or more"
    elif kind == "not_a_date":
        remedy = "write year, month and day of a day that exists"
    return Problem(f"{name}: {shown}", remedy, where=where)


def _written(name: str) -> str:
    """How an id or a version is written."""
    if name == "version":
        return "write numbers and dots, as in 1.0"
    if name in ("id", "fact"):
        return "use lower-case letters, digits, _ (in ids of controls also . and -)"
    return "write some words"


def _kind_problem(is_condition: bool, found: Any, where: str) -> Problem:
    """A condition or a requirement of which no key says what kind it is."""
    noun = "condition" if is_condition else "requirement"
    kinds = schema.CONDITION_KEYS if is_condition else schema.REQUIREMENT_KEYS
    if not isinstance(found, dict):
        return Problem(f"{found!r} is no {noun}", f"use one of {', '.join(kinds)}", where=where)
    near = [key for key in found if _near(key, kinds)]
    wrong = near[0] if near else ", ".join(map(str, found)) or "{}"
    return Problem(f"{wrong!r} is no kind of {noun}", did_you_mean(wrong, kinds), where=where)
