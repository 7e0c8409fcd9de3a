"""What an owner states of data (origin, basis, consent, retention), in a config or a file of its own; it reads no row."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from lextune import strict_yaml
from lextune.errors import ConfigError, Problem
from lextune.records import Day
from lextune.validation import Word, Words, listed, validate

_Strict = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


#: A language tag (RFC 5646, section 2.1) without extensions: `en`, `zh-Hans-CN`, `es-419`.
LanguageTag = Annotated[
    str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?$")
]
Languages = Annotated[
    tuple[LanguageTag, ...],
    BeforeValidator(listed, json_schema_input_type=list[LanguageTag] | LanguageTag),
]


@dataclass(frozen=True)
class Basis:
    """A lawful basis and where it stands; None where that law has no such basis."""

    gdpr: str | None
    pipl: str | None


#: GDPR article 6(1); 个人信息保护法 (PIPL) article 13(1), which knows no legitimate interests.
LAWFUL_BASES: Mapping[str, Basis] = {
    "consent": Basis("6(1)(a)", "13(1)(1)"),
    "contract": Basis("6(1)(b)", "13(1)(2)"),
    "legal_obligation": Basis("6(1)(c)", "13(1)(3)"),
    "vital_interests": Basis("6(1)(d)", "13(1)(4)"),
    "public_task": Basis("6(1)(e)", "13(1)(3)"),
    "legitimate_interests": Basis("6(1)(f)", None),
    "human_resources": Basis(None, "13(1)(2)"),
    "public_health_emergency": Basis(None, "13(1)(4)"),
    "news_reporting": Basis(None, "13(1)(5)"),
    "public_information": Basis(None, "13(1)(6)"),
    "other_law": Basis(None, "13(1)(7)"),
    "not_personal": Basis(None, None),
}


class ConsentConfig(BaseModel):
    """What counts as live consent. Words are compared without case, width and outer spaces."""

    model_config = _Strict

    given: Annotated[Words, Field(min_length=1)] = Field(
        ("yes", "true", "1"), description="Words of the consent column that mean given."
    )
    refused: Words = Field(
        ("no", "false", "0"),
        description="Words that mean not given. Any other word counts as not given too, and is reported.",
    )
    withdrawn_at: str | None = Field(
        None, description="Column of the day of withdrawal; an empty cell means not withdrawn."
    )
    valid_until: str | None = Field(
        None, description="Column of the last day of consent; an empty cell means without end."
    )

    @model_validator(mode="after")
    def _no_word_means_both(self) -> ConsentConfig:
        both = sorted(set(self.given) & set(self.refused))
        if both:
            raise ValueError(f"{both[0]!r} means both given and refused. Remedy: keep it in one")
        return self


class ManifestColumns(BaseModel):
    """The columns that a manifest may name."""

    model_config = _Strict

    subject: str | None = None
    consent: str | None = None
    sensitive: Words = ()


class Manifest(BaseModel):
    """A file that is handed over together with the data: the same keys as `data` in a config."""

    model_config = _Strict

    source: Word | None = None
    licence: Word | None = None
    purpose: Word | None = None
    lawful_basis: Word | None = None
    retention_until: Day | None = None
    language: Languages = ()
    columns: ManifestColumns = ManifestColumns()
    consent: ConsentConfig | None = None


def rights_problems(document: strict_yaml.Document) -> list[Problem]:
    """Merge the manifest that `data.manifest` names into a config; gives what is wrong with what was declared.

    The basis is checked here and not by its type, so that evidence of older runs, where it was free text,
    stays readable.
    """
    data = document.data.get("data") if isinstance(document.data, dict) else None
    if not isinstance(data, dict):
        return []
    problems = _merge_manifest(document, data)
    return [*problems, *_basis_problems(document, data)]


def _merge_manifest(document: strict_yaml.Document, data: dict[str, Any]) -> list[Problem]:
    name, where = data.get("manifest"), document.where(("data", "manifest"))
    if not isinstance(name, str):
        return []
    try:
        given = strict_yaml.load(Path(name).read_bytes(), name)
        validate(Manifest, given, ConfigError)
    except OSError as error:
        fact, reason = f"the data manifest {name} cannot be read", str(error.strerror)
        return [Problem(fact, "check data.manifest", reason, where)]
    except ConfigError as error:
        return list(error.problems)
    problems: list[Problem] = []
    _merge(given, (), given.data, data, document, problems)
    return problems


def _merge(
    given: strict_yaml.Document,
    path: tuple[str, ...],
    source: Mapping[str, Any],
    target: dict[str, Any],
    document: strict_yaml.Document,
    problems: list[Problem],
) -> None:
    for key, value in source.items():
        here, inside = (*path, key), ("data", *path, key)
        stated = target.get(key)
        if isinstance(value, dict) and isinstance(stated, dict):
            _merge(given, here, value, stated, document, problems)
        elif stated in (None, []) or stated == ():
            target[key] = value
            document.origins[inside] = given.where(here)
        elif value is not None and listed(stated) != listed(value):
            problems.append(
                Problem(
                    f"the config and the data manifest differ in data.{'.'.join(here)}",
                    f"keep it in one of them; the config says it at {document.where(inside)}",
                    "nobody could say which of the two holds",
                    given.where(here),
                )
            )


def _basis_problems(document: strict_yaml.Document, data: Mapping[str, Any]) -> list[Problem]:
    basis, columns = data.get("lawful_basis"), data.get("columns")
    named = columns.get("consent") if isinstance(columns, dict) else None
    at = ("data", "lawful_basis")
    if isinstance(basis, str) and basis not in LAWFUL_BASES:
        near = difflib.get_close_matches(basis.casefold().replace(" ", "_"), LAWFUL_BASES, 1)
        remedy = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(LAWFUL_BASES)}"
        fact = f"data.lawful_basis: {_shown(basis)} is no lawful basis"
        reason = "the list is closed: GDPR article 6(1) and PIPL article 13"
        return [Problem(fact, remedy, reason, document.where(at))]
    if basis == "consent" and named is None:
        return [
            Problem(
                "the lawful basis is consent, and no column says who gave it",
                "name the column in data.columns.consent",
                "rows without live consent must not be used",
                document.where(at),
            )
        ]
    idle = [
        f"data.{key}"
        for key, value in (("columns.consent", named), ("consent", data.get("consent")))
        if value is not None and basis != "consent"
    ]
    return [
        Problem(
            f"{key} is set, but data.lawful_basis is {_shown(basis) if basis else 'not declared'}",
            f"set data.lawful_basis: consent, or remove {key}",
            "consent is asked for only where it is the basis",
            document.where(("data",)),
        )
        for key in idle
    ]


def _shown(word: Any) -> str:
    text = repr(word)
    return text if len(text) <= 40 else f"a text of {len(text)} characters"


def retention_problem(until: datetime.date | None, on: datetime.date) -> Problem | None:
    """Why data may not be used any more on a day (GDPR article 5(1)(e), PIPL article 19)."""
    if until is None or on <= until:
        return None
    return Problem(
        f"the data may be kept until {until}, which is past on {on}",
        "delete the data, or have its owner state a new data.retention_until with its reason",
        "data must not be kept longer than its purpose needs (GDPR article 5(1)(e), PIPL article 19)",
    )
