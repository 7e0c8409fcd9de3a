"""The shape of a pack (`lextune.pack/v1`) as frozen values: a closed vocabulary, no code."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
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
#: Where a law is made: a place as facts write it, or GLOBAL for what no place makes.
Jurisdiction = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}|GLOBAL)$")]
#: What duties of several places are about, so that they can stand side by side.
Topic = Literal[
    "accuracy", "automated_decisions", "bias_testing", "biometrics", "children", "conformity",
    "consent", "content_labelling", "cross_border", "data_quality", "data_rights", "documentation",
    "employment", "governance", "human_oversight", "impact_assessment", "incident_reporting",
    "intellectual_property", "liability", "licence", "logging", "prohibited_practice",
    "recommendation", "registration", "retention", "robustness", "risk_management", "safety_testing",
    "security", "sensitive_data", "training_data", "transparency",
]  # fmt: skip
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
        implies: Yes/no facts that are true wherever this one is: an answer that denies one of them is refused.
    """

    id: FactName
    type: FactType
    choices: tuple[NonBlank, ...] | None = Field(default=None, min_length=1)
    question: Text
    definition: Text | None = None
    implies: tuple[FactName, ...] = ()


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
    "all": "<every>",
    "any": "<one>",
    "measurement": "<measurement>",
    "licence": "<licence>",
    "output_licence": "<output_licence>",
    "document": "<document>",
    "attestation": "<attestation>",
    "preregistered": "<preregistered>",
}


_REQUIREMENT_TAGS = {
    "EveryRequirement": "<every>",
    "OneRequirement": "<one>",
    "MeasurementRequirement": "<measurement>",
    "LicenceRequirement": "<licence>",
    "OutputLicenceRequirement": "<output_licence>",
    "DocumentRequirement": "<document>",
    "AttestationRequirement": "<attestation>",
    "PreregisteredRequirement": "<preregistered>",
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
    return _REQUIREMENT_TAGS.get(type(value).__name__)


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
        unit: The unit that the number must have; another one is not enough evidence. None takes any.
    """

    measurement: NonBlank
    bound: Bound
    operator: Operator
    value: Number
    minimum_n: Annotated[int, Strict(), Field(ge=1)]
    unit: NonBlank | None = None


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
    """A document of this name must be in the dossier, and must not say that it is not met."""

    document: NonBlank


class AttestationRequirement(Part):
    """A signed attestation of this name must be in the dossier, and must not say that it is not met."""

    attestation: NonBlank


class PreregisteredRequirement(Part):
    """Bounds that the user set before anything was tested (`policy.thresholds`): at least one, and all met.

    Attributes:
        of: Only the bounds of this measurement count; None takes all of them.
    """

    preregistered: Literal["thresholds"]
    of: NonBlank | None = None


class EveryRequirement(Part):
    """All of these; for one branch of an `any`."""

    requirements: tuple[Requirement, ...] = Field(alias="all", min_length=1)


class OneRequirement(Part):
    """One of these suffices; it fails only where each of them fails."""

    requirements: tuple[Requirement, ...] = Field(alias="any", min_length=1)


Requirement = Annotated[
    Annotated[MeasurementRequirement, Tag("<measurement>")]
    | Annotated[LicenceRequirement, Tag("<licence>")]
    | Annotated[OutputLicenceRequirement, Tag("<output_licence>")]
    | Annotated[DocumentRequirement, Tag("<document>")]
    | Annotated[AttestationRequirement, Tag("<attestation>")]
    | Annotated[PreregisteredRequirement, Tag("<preregistered>")]
    | Annotated[EveryRequirement, Tag("<every>")]
    | Annotated[OneRequirement, Tag("<one>")],
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


class Exemption(Part):
    """Whom or what the law leaves out although its scope would cover it.

    Attributes:
        when: Where it is true, the controls do not apply; unknown makes them insufficient.
        controls: The controls that it lifts; empty means all but `keeps`.
        keeps: Controls that apply all the same.
    """

    id: Identifier
    citation: NonBlank
    titles: Text
    when: Condition
    controls: tuple[Identifier, ...] = ()
    keeps: tuple[Identifier, ...] = ()

    def lifts(self, control: str) -> bool:
        """Whether the control of this id is one that it lifts."""
        return control not in self.keeps and (not self.controls or control in self.controls)


class Conflict(Part):
    """Another control that asks for something that goes badly with this one.

    Attributes:
        control: `PACK/CONTROL`.
    """

    control: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.-]+/[a-z0-9_.-]+$")]
    note: Text


class Control(Part):
    """One duty: when it applies, what evidence it needs, and what to do where that is missing.

    Attributes:
        source_version: The version of the text that was read, where laws are amended or standards redrafted.
        preemption_risk: Another power may displace it; shown, and it changes no decision.
        topic: What the duty is about, so that places can be compared.
        asks: What it asks for in few words, for tables that compare places.
        penalty: What a breach may cost.
        conflicts: Controls that go badly with it.
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
    source_version: NonBlank | None = None
    preemption_risk: Flag = False
    topic: Topic | None = None
    asks: Text | None = None
    penalty: Text | None = None
    conflicts: tuple[Conflict, ...] = ()

    @property
    def may_be_waived(self) -> bool:
        """A prohibition never; a requirement unless its pack says no."""
        return self.effect == "require" and self.waivable is not False


class Pack(Part):
    """One law, standard or house rule as data.

    Built by `lextune.policy.packs.parse_pack`, which also checks what single fields cannot show.

    Attributes:
        scope: What every control needs besides its own `applies`: the place, what the law covers at all.
        exemptions: What the law leaves out again.
        jurisdiction: Where the law is made; None for house rules.
    """

    schema_id: Literal["lextune.pack/v1"] = Field(alias="schema")
    id: Identifier
    version: Version
    titles: Text
    source: NonBlank
    checked_on: Day
    jurisdiction: Jurisdiction | None = None
    scope: Condition = "always"
    exemptions: tuple[Exemption, ...] = ()
    facts: tuple[Fact, ...] = ()
    licences: tuple[LicenceRow, ...] = ()
    controls: tuple[Control, ...] = Field(min_length=1)
    _text: bytes = PrivateAttr(default=b"")
    _digest: str = PrivateAttr(default="")

    @property
    def text(self) -> bytes:
        """The bytes of the file, as they were read."""
        return self._text

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the file's bytes."""
        if not self._digest:
            self._digest = sha256(self._text)
        return self._digest


def leaves(requirements: Iterable[Requirement]) -> Iterator[Requirement]:
    """Every single requirement, those inside `all` and `any` included."""
    for one in requirements:
        if isinstance(one, EveryRequirement | OneRequirement):
            yield from leaves(one.requirements)
        else:
            yield one


def figures(requirements: Iterable[Requirement]) -> Iterator[str]:
    """The measurements that they read by name, those that only the user bounds included."""
    for one in leaves(requirements):
        if isinstance(one, MeasurementRequirement):
            yield one.measurement
        elif isinstance(one, PreregisteredRequirement) and one.of is not None:
            yield one.of


for _model in (
    AllOf, AnyOf, Not, EveryRequirement, OneRequirement, LicenceRow, Exemption, Control, Pack,
):  # fmt: skip
    _model.model_rebuild()
