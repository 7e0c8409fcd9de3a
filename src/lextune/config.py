"""A run's config: one strict typed section per room, every error at once with its place; it loads no model and no data."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from lextune import strict_yaml
from lextune.config_training import (
    Count,
    NonEmptyWords,
    Section,
    Seed,
    Share,
    TrainConfig,
)
from lextune.errors import ConfigError, Problem
from lextune.records import Day
from lextune.rights import LAWFUL_BASES, ConsentConfig, Languages, rights_problems
from lextune.validation import Word, Words, listed, validate

#: How tags of tokens say where entities begin and end; IOB reads IOB1 and IOB2 alike, as conlleval does.
TagScheme = Literal["IOB1", "IOB2", "BIOES", "BILOU", "BMES", "IO", "IOB"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ModelConfig(Section):
    """Which pretrained model."""

    source: str = Field(
        min_length=1,
        description="A hub id (owner/name), a folder, pypi:PACKAGE, or init:NAME, which the run makes.",
    )
    revision: str | None = Field(
        None,
        pattern=r"^[0-9a-f]{40}$",
        description="The 40-digit commit of a hub id. Null takes the commit of the main branch and records it.",
    )
    licence: str | None = Field(
        None, description="SPDX id; only used where the model's own files state none."
    )
    sha256: dict[str, Sha256] = Field(
        default_factory=dict, description="Pinned digests: file name to SHA-256."
    )


class ColumnsConfig(Section):
    """Which columns of the data mean what."""

    text: str = Field("text", description="The column of the text.")
    image: str = Field("image", description="The column of the image's path.")
    audio: str = Field("audio", description="The column of the sound's path.")
    label: str = Field(
        "label",
        description="The column of the class, the boxes, the path of the mask or the words that are said.",
    )
    speaker: str | None = Field(
        None,
        description="Of sounds: the column of who speaks, whose rows stay in one part; null is `speaker` or "
        "`speaker_id` where there is one.",
    )
    user: str = Field("user", description="Of recommendation: the column of the user.")
    item: str = Field("item", description="Of recommendation: the column of the item.")
    time: str = Field("time", description="Of recommendation: the column of the event's time.")
    rating: str | None = Field(
        None, description="Of recommendation: the column of the rating; null reads none."
    )
    item_text: NonEmptyWords = Field(
        ("title", "genres"),
        description="Of recommendation: the columns of data.items that say in words what an item is.",
    )
    features: Words = Field(
        (),
        description="Of behaviour prediction: the columns to predict from; none named is all but the label, groups, "
        "the split group and the subject.",
    )
    group: Words = Field((), description="Columns whose groups are measured apart.")
    split_group: str | None = Field(
        None, description="Rows with the same value here stay in one part (an author, a clinic)."
    )
    subject: str | None = Field(
        None, description="Whom the row is about; the rows of one person stay in one part."
    )
    consent: str | None = Field(
        None, description="Whether the person consents; read where the lawful basis is consent."
    )
    sensitive: Words = Field(
        (), description="Columns of sensitive data (GDPR article 9, PIPL article 28); recorded."
    )

    @property
    def bonds(self) -> tuple[str, ...]:
        """The columns whose equal values bind rows to one part."""
        return tuple(
            dict.fromkeys(name for name in (self.split_group, self.subject) if name is not None)
        )


class SplitConfig(Section):
    """How parts are cut when no file is given for them."""

    test: Share = Field(0.2, description="Share of all rows for test, when data.test is null.")
    validation: Share = Field(
        0.2, description="Share of the other rows for validation, when data.validation is null."
    )
    seed: Seed = Field(42, description="Seed of the split.")
    method: Literal["auto", "random", "time", "leave_last_out"] = Field(
        "auto",
        description="Of recommendation: `time`, which is its `auto`, tests on what comes after one moment for all "
        "users; `leave_last_out` on each user's last event, whose leaks from the future are counted. Others are cut at "
        "random; of sounds `random` also lets a speaker stand in several parts.",
    )


class RedactionConfig(Section):
    """How personal data is taken out of texts as they are read."""

    method: Literal["remove", "mask", "hash", "pseudonym"] = Field(
        "mask",
        description="`remove` leaves nothing, `mask` [TYPE], `hash` a tag and `pseudonym` a datum of the same shape; "
        "of the last two equal data get equal ones, which only the secret can make.",
    )
    types: Words = Field((), description="Types of personal data; none named is all of them.")
    minimum_score: float = Field(0.5, ge=0, le=1, description="Detections below it stay.")
    secret_env: Word = Field(
        "LEXTUNE_REDACTION_SECRET",
        description="Of `hash` and `pseudonym`: the environment variable that holds the secret.",
    )


class PersonalDataConfig(Section):
    """How personal data is counted for the data report."""

    report: bool = Field(
        True, description="Whether to look; what was not looked at is not measured."
    )
    rows: Count | None = Field(
        2000,
        description="Look at so many rows, drawn with the split's seed, where there are more; null looks at all.",
    )
    minimum_score: float = Field(0.5, ge=0, le=1, description="Detections below it do not count.")


class QualityConfig(Section):
    """What is measured of the data's quality; `data check` runs every check unless told otherwise."""

    checks: Words = Field(
        ("coverage", "lengths", "near_duplicates", "screening", "manual_review"),
        description="Quality checks of a run; `languages` and `label_errors`, which take longer, are not among the "
        "default ones.",
    )
    near_duplicate_threshold: float = Field(
        0.8,
        ge=0.5,
        lt=1,
        description="Jaccard similarity from which two texts are near duplicates.",
    )
    max_rows: Count = Field(
        10_000,
        description="Rows, drawn with the seed, that languages and label errors are looked for in.",
    )
    screens: Words = Field(("keywords",), description="What looks for unlawful content.")
    keyword_lists: Words = Field(
        (), description="Files of keywords, one a line, with a risk behind a tab where it is known."
    )
    manual_review: Word | None = Field(
        None, description="CSV of `lextune data sample`, with the verdicts of its reviewers."
    )
    seed: Seed = Field(0, description="Of the samples.")


class CanaryConfig(Section):
    """Rows that are planted into training, so that audits can measure what the model keeps of a single row."""

    count: int = Field(
        0,
        ge=0,
        le=10**6,
        description="Canaries, of which a fair coin puts each into training or holds it back; 0 plants none.",
    )
    copies: int = Field(
        1, ge=1, le=1000, description="How often a planted canary stands in training."
    )
    seed: Seed = Field(0, description="Of the canaries and their coins.")


class DataConfig(Section):
    """Which data, whose, under which licence."""

    train: NonEmptyWords = Field(description="File, folder, list of files, or pypi:PACKAGE/PATH.")
    validation: NonEmptyWords | None = Field(None, description="The same; null cuts it from train.")
    test: NonEmptyWords | None = Field(None, description="The same; null cuts it from train first.")
    columns: ColumnsConfig = ColumnsConfig()
    format: str | None = Field(None, description="Name of the reader; null goes by the suffix.")
    encoding: str | None = Field(
        None,
        description="Text encoding; null honours a byte order mark, else strict UTF-8; `detect` reads other files "
        "in their likeliest encoding, which is recorded as a guess.",
    )
    delimiter: str | None = Field(
        None, min_length=1, max_length=1, description="Of delimited files; null finds it."
    )
    label_separator: str | None = Field(
        None,
        min_length=1,
        description="What stands between several classes of one cell; null is a JSON array.",
    )
    unreadable: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Share of the rows of a part that may be left out, listed and counted, because they cannot be read.",
    )
    tag_scheme: TagScheme | None = Field(
        None,
        description="Of tagged tokens: null finds the one that fits all tags. IOB lets an I- that continues nothing "
        "begin an entity.",
    )
    token_suffix: Literal["none", "position"] | None = Field(
        None,
        description="`position` takes the place in its word off each token; null does so, with a warning, where all have one.",
    )
    token_joiner: str | None = Field(
        None,
        description="What tokens are joined by to a text; null is a space, or nothing where words are written without.",
    )
    where: dict[str, str] = Field(
        default_factory=dict, description="Keep only rows whose column equals the value."
    )
    sample: Count | None = Field(
        None,
        description="Use so many rows, drawn with the split's seed, stratified by class.",
    )
    split: SplitConfig = SplitConfig()
    leakage: Literal["report", "drop_from_train"] = Field(
        "report", description="What to do with training rows that also stand in test."
    )
    duplicates: Literal["keep", "drop"] = Field(
        "keep", description="Whether repeated rows of train stay."
    )
    labels: dict[str, str] = Field(
        default_factory=dict, description="New names of classes: value in the data to name."
    )
    ignore_labels: Words = Field(
        (),
        description="Values or classes of pixels that nobody knows: they are neither taught nor measured.",
    )
    flat_boxes: Literal["error", "drop"] = Field(
        "error",
        description="What to do with boxes without an area, or whose corners are the wrong way round.",
    )
    images: Word | None = Field(
        None,
        description="The folder of the images that annotations name; null looks beside the annotations.",
    )
    audio: Word | None = Field(
        None,
        description="The folder of the sounds that a table names; null looks beside the table.",
    )
    items: Word | None = Field(
        None,
        description="Of recommendation: a file of the items with what is known of them in words; null is `movies.csv`, "
        "`movies.dat` or `u.item` beside the events.",
    )
    licence: str | None = Field(None, description="SPDX id of the data's licence; null is unknown.")
    lawful_basis: str | None = Field(
        None,
        description="Lawful basis of processing (GDPR article 6(1), PIPL article 13); null is unknown.",
        json_schema_extra={"examples": list(LAWFUL_BASES)},
    )
    manifest: str | None = Field(
        None, description="A YAML file that came with the data and states the keys of its origin."
    )
    source: Word | None = Field(None, description="Where the data comes from, in words or a URL.")
    purpose: Word | None = Field(None, description="What the data was collected for.")
    retention_until: Day | None = Field(None, description="Last day on which it may be kept.")
    language: Languages = Field((), description="Languages of the texts, as BCP 47 writes them.")
    consent: ConsentConfig | None = Field(
        None, description="What counts as live consent; null is yes, true or 1, without end."
    )
    erased: Literal["error", "exclude"] = Field(
        "error", description="What to do with rows of people who asked for erasure."
    )
    redact: RedactionConfig | None = Field(
        None, description="Take personal data out of texts as they are read; null leaves them."
    )
    personal_data: PersonalDataConfig = PersonalDataConfig()
    sha256: dict[str, Sha256] = Field(
        default_factory=dict, description="Pinned digests of pypi: files: path to SHA-256."
    )
    quality: QualityConfig = QualityConfig()
    canaries: CanaryConfig = CanaryConfig()
    report: Word | None = Field(
        None, description="The JSON of `data check`: other data than was checked are refused."
    )
    report_sha256: Sha256 | None = Field(None, description="Pinned digest of that file.")


class EvaluationConfig(Section):
    """How to measure."""

    bootstrap_samples: int = Field(
        1000, ge=200, le=10**6, description="Resamples of a bootstrap interval."
    )
    batch_size: Count = Field(64, description="Rows per forward pass.")
    top_k: Literal[5, 10, 20, 50] = Field(
        10,
        description="Of recommendation: lists of so many items are measured besides those of ten; names of figures say "
        "which (`ndcg_10`).",
    )
    seed: Seed = Field(0, description="Seed of the bootstrap.")
    test_time_augmentation: Literal["none", "flip"] = Field(
        "none",
        description="Of images: `flip` answers by the mean over the image and its mirror image, also when served.",
    )
    temperature_scaling: Literal["report", "apply", "none"] = Field(
        "report",
        description="Of tasks that score each row's classes: `report` fits a temperature on the validation part and "
        "stores it in the release, `apply` also answers with it, also when served, `none` fits none.",
    )
    text_normalisation: Literal["auto", "none", "basic", "english"] = Field(
        "auto",
        description="Of speech: the form in which texts are compared; auto is english where data.language or the model "
        "is English alone, else basic.",
    )


class ThresholdConfig(Section):
    """A bound that the user sets before anything is tested; both ends of the interval decide."""

    measurement: Word = Field(description="The name of a metric, or of a figure of an audit.")
    operator: Literal[">=", ">", "<=", "<"] = Field(description="How the figure is compared.")
    value: float = Field(allow_inf_nan=False, description="The bound.")
    minimum_n: int = Field(ge=1, description="Fewer rows behind the figure are not enough.")


def _path_alone(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


class DocumentConfig(Section):
    """A document that a pack asks for."""

    path: Word = Field(description="The file.")
    expires: Day | None = Field(None, description="Last day on which it counts; null does not end.")


class PolicyConfig(Section):
    """Which packs decide, and as of which day."""

    packs: NonEmptyWords = Field(
        ("house", "licences"), description="Ids of shipped packs, or paths of YAML files."
    )
    as_of: Day | None = Field(None, description="The day to decide for; null is today.")
    waivers: Words = Field((), description="Files of signed waivers.")
    attestations: Words = Field((), description="Files of signed attestations (`lextune attest`).")
    facts: Words = Field(
        (),
        description="Files of signed answers (`lextune policy facts`); what `use` leaves out is taken from them.",
    )
    documents: dict[
        Word,
        Annotated[
            DocumentConfig,
            BeforeValidator(_path_alone, json_schema_input_type=DocumentConfig | Word),
        ],
    ] = Field(
        default_factory=dict,
        description="Documents that packs ask for: name to path, or to `path` and `expires`.",
    )
    thresholds: Annotated[tuple[ThresholdConfig, ...], BeforeValidator(listed)] = Field(
        (), description="Bounds that you set yourself, before anything is tested."
    )


class ReleaseConfig(Section):
    """What to call the release."""

    name: str = Field(
        "model",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Letters, digits, dot, dash and underscore; begins with a letter or digit.",
    )
    version: str = Field(
        "1.0.0",
        pattern=r"^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.-]+)?$",
        description="MAJOR.MINOR.PATCH, as semver.org has it.",
    )
    licence: Word | None = Field(
        None,
        description="SPDX expression or hub id of the licence that the release is under; null is undecided.",
    )


class RunConfig(Section):
    """The whole config of a run."""

    task: str = Field(description="Name of the task: sentiment, image_classification, ...")
    model: ModelConfig
    data: DataConfig
    train: TrainConfig = TrainConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    audits: Words = Field(
        ("calibration", "group_fairness"),
        description="Audits to run, besides those whose figures a chosen pack asks for. What was not measured is "
        "insufficient.",
    )
    audit_parameters: dict[Word, dict[str, Any]] = Field(
        default_factory=dict,
        description="Parameters of audits, by the audit's name; a run states them, defaults too, before it reads the "
        "test part.",
    )
    use: dict[str, Any] = Field(
        default_factory=dict, description="Declared facts; null is unknown, not false."
    )
    policy: PolicyConfig = PolicyConfig()
    release: ReleaseConfig = ReleaseConfig()

    def for_other_data(self) -> dict[str, Any]:
        """As plain data, without what the run's own data was filtered by, read as, split by and pinned to."""
        found = self.model_dump(mode="json")
        found["data"]["columns"] |= {
            "split_group": None, "subject": None, "consent": None, "sensitive": [], "speaker": None,
        }  # fmt: skip
        found["data"] |= {
            "where": {}, "sha256": {}, "format": None, "encoding": None, "delimiter": None, "manifest": None,
            "source": None, "purpose": None, "lawful_basis": None, "retention_until": None,
            "language": [], "consent": None,
            "token_suffix": None, "token_joiner": None, "unreadable": 0.0, "audio": None,
        }  # fmt: skip
        return found


#: Keys that users of other tools bring; each is accepted and the new name is printed.
ALIASES: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("data", "path"): ("data", "train"),
    ("data", "train_file"): ("data", "train"),
    ("data", "test_file"): ("data", "test"),
    ("data", "validation_file"): ("data", "validation"),
    ("data", "column_mapping"): ("data", "columns"),
    ("data", "license"): ("data", "licence"),
    ("release", "license"): ("release", "licence"),
    ("data", "columns", "text_column"): ("data", "columns", "text"),
    ("data", "columns", "target_column"): ("data", "columns", "label"),
    ("model", "license"): ("model", "licence"),
    ("model", "model_name_or_path"): ("model", "source"),
    ("params",): ("train",),
    ("train", "lr"): ("train", "learning_rate"),
    ("train", "num_train_epochs"): ("train", "epochs"),
    ("train", "per_device_train_batch_size"): ("train", "batch_size"),
    ("train", "max_seq_length"): ("train", "max_length"),
    ("train", "scheduler"): ("train", "lr_scheduler_type"),
    ("train", "target_modules"): ("train", "lora_target_modules"),
    ("train", "gradient_accumulation"): ("train", "gradient_accumulation_steps"),
    ("train", "label_smoothing"): ("train", "label_smoothing_factor"),
    ("train", "activation_checkpointing"): ("train", "gradient_checkpointing"),
}

FactCheck = Callable[[Mapping[str, Any], strict_yaml.Document], list[Problem]]


def load_config(
    source: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    check: Callable[[strict_yaml.Document], list[Problem]] | None = None,
    notify: Callable[[str], None] | None = None,
) -> RunConfig:
    """Read a config from a YAML or JSON file, or from a mapping.

    Args:
        source: A path, or the config itself as plain data.
        overrides: `a.b=value` strings; the value is YAML.
        check: Finds further problems (declared facts that no pack knows), reported in the same go.
        notify: Told of each alias with its new name.

    Raises:
        ConfigError: Every problem with file, line and column.
    """
    if isinstance(source, Mapping):
        document = strict_yaml.Document(_plain(source), "config")
    else:
        path = Path(source)
        try:
            text = path.read_bytes()
        except OSError as error:
            raise ConfigError(
                Problem(f"the config {path} cannot be read", "check the path", str(error.strerror))
            ) from error
        document = strict_yaml.load(text, str(source))
    tell = notify or (lambda _: None)
    _rename(document, tell)
    problems = _override(document, overrides)
    _rename(document, tell)
    problems += rights_problems(document)
    if check is not None and isinstance(document.data, dict):
        problems += check(document)
    return validate(RunConfig, document, ConfigError, problems)


def json_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a run's config."""
    schema = RunConfig.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, (Path, datetime.date)) else value


def _override(document: strict_yaml.Document, overrides: Sequence[str]) -> list[Problem]:
    problems = []
    for text in overrides:
        name, sign, value = text.partition("=")
        where = f"--set {text}"
        if not sign or not re.fullmatch(r"[A-Za-z_][\w-]*(\.[\w-]+)*", name):
            problems.append(Problem("this is not KEY=VALUE", "write --set a.b=c", where=where))
            continue
        path = _renamed(tuple(name.split(".")))
        try:
            # What YAML would read as a comment or the start of a block is meant as it stands here.
            plain = value[:1] not in "\"'[{" and (" #" in value or value in ("|", ">"))
            parsed = value if plain else strict_yaml.load(value, where).data
        except ConfigError as error:
            problems += error.problems
            continue
        node = document.data
        if node is None:
            node = document.data = {}
        for depth, key in enumerate(path[:-1], 1):
            if not isinstance(node, dict):
                break
            if not isinstance(node.get(key), dict):
                node[key] = {}
                _forget(document, path[:depth], where)
            node = node[key]
        if isinstance(node, dict):
            node[path[-1]] = parsed
            _forget(document, path, where)
    return problems


def _forget(document: strict_yaml.Document, path: tuple[str, ...], where: str) -> None:
    """What is at `path` and below comes from `where` now, and from no line of the file."""
    for known in (document.places, document.origins):
        for inside in [one for one in known if one[: len(path)] == path]:
            del known[inside]
    document.origins[path] = where


def _renamed(path: tuple[str, ...]) -> tuple[str, ...]:
    """The path under its own name, where another tool's name was written."""
    for old, new in ALIASES.items():
        if path[: len(old)] == old:
            path = (*new, *path[len(old) :])
    return path


def _rename(document: strict_yaml.Document, notify: Callable[[str], None]) -> None:
    for old, new in ALIASES.items():
        parent = _at(document.data, old[:-1])
        target = _at(document.data, new[:-1])
        if not (isinstance(parent, dict) and isinstance(target, dict) and old[-1] in parent):
            continue
        if new[-1] in target:
            continue  # both given: the old name stays and is refused as an unknown key
        target[new[-1]] = parent.pop(old[-1])
        for known in (document.places, document.origins):
            moved = {
                (*new, *path[len(old) :]): place
                for path, place in known.items()
                if path[: len(old)] == old
            }
            known.update(moved)  # type: ignore[arg-type]
        notify(f"{'.'.join(old)} is read as {'.'.join(new)}")


def _at(node: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return node
