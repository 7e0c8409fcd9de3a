"""The shape of a pack (`lextune.pack/v1`) as frozen values: a closed vocabulary, no code."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    Strict,
    StringConstraints,
    Tag,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from lextune.files import sha256
from lextune.records import Record, parse_day

SCHEMA_ID = "lextune.pack/v1"

FactType = Literal["bool", "text", "list", "choice"]
Basis = Literal["statute", "standard", "guidance", "house"]
ControlStatus = Literal[
    "in_force", "staged", "draft", "repealed", "rescission_pending", "stayed", "unconfirmed"
]
Effect = Literal["require", "prohibit"]
Operator = Literal[">=", ">", "<=", "<", "=="]
Bound = Literal["interval", "favourable_end", "point"]
Permission = Literal["commercial_use", "derivatives"]
LicenceOf = Literal["model", "data"]
Permitted = Literal["yes", "no", "conditional", "unknown"]


def _iso_date(value: Any) -> Any:
    """`2026-11-25` to a date; timestamps and numbers are not dates here."""
    try:
        return parse_day(value)
    except ValueError as error:
        raise PydanticCustomError(
            "not_a_date", "a date is written 2026-11-25 and must exist"
        ) from error


def _word_or_bool(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, str) and value.strip()):
        return value
    raise PydanticCustomError("not_a_word", "compare with true, false or one word")


NonBlank = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
FactName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)*$")]
Day = Annotated[datetime.date, BeforeValidator(_iso_date)]
Flag = Annotated[bool, Strict()]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Comparable = Annotated[
    Any,
    BeforeValidator(_word_or_bool),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "string"}]}),
]


class Part(Record):
    """A part of a pack; only the documented key names are accepted."""

    model_config = ConfigDict(populate_by_name=False)


class Text(Part):
    """The same words in English and in Chinese."""

    en: NonBlank
    zh: NonBlank


class Fact(Part):
    """A question that only the user can answer, and how the answer is typed.

    Attributes:
        choices: The closed list of answers of a `choice`, or of the items of a `list`.
        definition: What the law means by it, where the question alone is not enough.
    """

    id: FactName
    type: FactType
    choices: tuple[NonBlank, ...] | None = Field(default=None, min_length=1)
    question: Text
    definition: Text | None = None


class AllOf(Part):
    """True when every condition is true."""

    conditions: tuple[Condition, ...] = Field(alias="all", min_length=1)


class AnyOf(Part):
    """True when at least one condition is true."""

    conditions: tuple[Condition, ...] = Field(alias="any", min_length=1)


class Not(Part):
    """True when the condition is false; unknown stays unknown."""

    condition: Condition = Field(alias="not")


class FactIs(Part):
    """True when the declared fact is exactly this value."""

    fact: FactName
    value: Comparable = Field(alias="is")


class FactIncludes(Part):
    """True when the declared list holds this item."""

    fact: FactName
    item: NonBlank = Field(alias="includes")


#: The key that tells which kind of condition a mapping is, and its tag in error locations.
CONDITION_KEYS = {"all": "<all>", "any": "<any>", "not": "<not>", "fact": "<is>"}
#: The same for requirements.
REQUIREMENT_KEYS = {
    "measurement": "<measurement>",
    "licence": "<licence>",
    "output_licence": "<output_licence>",
    "document": "<document>",
    "attestation": "<attestation>",
}


_CONDITION_TAGS = {
    "AllOf": "<all>",
    "AnyOf": "<any>",
    "Not": "<not>",
    "FactIs": "<is>",
    "FactIncludes": "<includes>",
}


def _condition_kind(value: Any) -> str | None:
    if isinstance(value, str):
        return "<always>"
    if isinstance(value, dict):
        if "includes" in value and not {"all", "any", "not"} & value.keys():
            return "<includes>"
        if "is" in value and not {"all", "any", "not"} & value.keys():
            return "<is>"
        return next((tag for key, tag in CONDITION_KEYS.items() if key in value), None)
    return _CONDITION_TAGS.get(type(value).__name__)


def _requirement_kind(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((tag for key, tag in REQUIREMENT_KEYS.items() if key in value), None)
    name = type(value).__name__.removesuffix("Requirement")
    return REQUIREMENT_KEYS.get("output_licence" if name == "OutputLicence" else name.lower())


Condition = Annotated[
    Annotated[Literal["always"], Tag("<always>")]
    | Annotated[AllOf, Tag("<all>")]
    | Annotated[AnyOf, Tag("<any>")]
    | Annotated[Not, Tag("<not>")]
    | Annotated[FactIs, Tag("<is>")]
    | Annotated[FactIncludes, Tag("<includes>")],
    Discriminator(_condition_kind),
]


class MeasurementRequirement(Part):
    """A measured number must meet a bound.

    Attributes:
        bound: What is compared: `interval` (both ends), `favourable_end`, or `point` (a sampling
            rate that a standard fixes).
        minimum_n: Fewer rows (or tensors, groups) behind the number are not enough evidence.
    """

    measurement: NonBlank
    bound: Bound
    operator: Operator
    value: Number
    minimum_n: Annotated[int, Strict(), Field(ge=1)]


class LicenceRequirement(Part):
    """The stated licence of the model or of the data must permit something.

    Attributes:
        unstated: What a licence does that nobody states or the table does not list: `block` (as the
            control says) or `warn` (the result is shown at severity warn).
    """

    licence: LicenceOf
    permits: Permission
    unstated: Literal["block", "warn"] = "block"


class OutputLicenceRequirement(Part):
    """The licence declared for the release must satisfy those of the model and of the data together.

    Attributes:
        unstated: As of a `LicenceRequirement`, for inputs that nobody licensed or the table does not list.
    """

    output_licence: Literal["compatible"]
    unstated: Literal["block", "warn"] = "block"


class DocumentRequirement(Part):
    """A document of this name must be in the dossier."""

    document: NonBlank


class AttestationRequirement(Part):
    """A signed attestation of this name must be in the dossier."""

    attestation: NonBlank


Requirement = Annotated[
    Annotated[MeasurementRequirement, Tag("<measurement>")]
    | Annotated[LicenceRequirement, Tag("<licence>")]
    | Annotated[OutputLicenceRequirement, Tag("<output_licence>")]
    | Annotated[DocumentRequirement, Tag("<document>")]
    | Annotated[AttestationRequirement, Tag("<attestation>")],
    Discriminator(_requirement_kind),
]


class LicenceRow(Part):
    """What one licence permits; `conditional` is decided by the facts of the `_when` condition.

    Attributes:
        id: SPDX id, or the id that model hubs use where SPDX has none (`hub`).
        share_alike: `flow` means that terms of use, not the licence itself, pass on to derivatives.
        unconfirmed: The row was not checked against the licence text.
        clause: Where the licence says so.
        compatible: Of a share-alike licence: others that what is made from the work may be under instead.
        name_prefix: What the name of a model that is made from the work must begin with.
    """

    id: NonBlank
    hub: Flag = False
    commercial_use: Permitted
    commercial_use_when: Condition | None = None
    derivatives: Permitted
    derivatives_when: Condition | None = None
    share_alike: Literal["yes", "no", "flow", "unknown"]
    attribution: Literal["yes", "no", "unknown"]
    use_restrictions: Literal["yes", "no", "unknown"]
    note: Text
    unconfirmed: Flag = False
    clause: NonBlank | None = None
    compatible: tuple[NonBlank, ...] = ()
    name_prefix: NonBlank | None = None


class Control(Part):
    """One duty: when it applies, what evidence it needs, and what to do where that is missing.

    Attributes:
        from_day: First day on which it binds.
        until_day: Last day on which it binds.
        waivable: Null means yes for `require`, and always no for `prohibit`.
    """

    id: Identifier
    citation: NonBlank
    titles: Text
    basis: Basis
    status: ControlStatus
    from_day: Day | None = Field(default=None, alias="from")
    until_day: Day | None = Field(default=None, alias="until")
    applies: Condition
    effect: Effect
    requires: tuple[Requirement, ...] = ()
    severity: Literal["block", "warn"]
    waivable: Flag | None = None
    remedy: Text

    @property
    def may_be_waived(self) -> bool:
        """A prohibition never; a requirement unless its pack says no."""
        return self.effect == "require" and self.waivable is not False


class Pack(Part):
    """One law, standard or house rule as data.

    Built by `lextune.policy.packs.parse_pack`, which also checks what single fields cannot show.
    """

    schema_id: Literal["lextune.pack/v1"] = Field(alias="schema")
    id: Identifier
    version: Version
    titles: Text
    source: NonBlank
    checked_on: Day
    facts: tuple[Fact, ...] = ()
    licences: tuple[LicenceRow, ...] = ()
    controls: tuple[Control, ...] = Field(min_length=1)
    _text: bytes = PrivateAttr(default=b"")

    @property
    def text(self) -> bytes:
        """The bytes of the file, as they were read."""
        return self._text

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the file's bytes."""
        return sha256(self._text)


for _model in (AllOf, AnyOf, Not, LicenceRow, Control, Pack):
    _model.model_rebuild()
