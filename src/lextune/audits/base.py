"""The contract of an audit: answers, parameters and a bench in, measurements and findings out; it knows no bound and no audit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator

from lextune.config_training import Section
from lextune.labels import InputKind, LabelKind
from lextune.records import AuditResult, Measurement, TrainedModel
from lextune.registry import Registry
from lextune.validation import Word

if TYPE_CHECKING:
    from lextune.canaries import Canaries


def _there(value: str) -> str:
    if not value.startswith("pypi:") and not Path(value).exists():
        raise ValueError(f"{value} is not there. Remedy: check the path")
    return value


#: A file, a folder or `pypi:PACKAGE/PATH` that a parameter names: one that is not there stops a run before it trains.
Source = Annotated[Word, AfterValidator(_there)]
PartName = Literal["train", "validation", "test"]
#: What an audit needs beyond the answers of the test part; a run has all of it, a file of predictions nothing.
Need = Literal["model", "train", "validation", "refit"]


@dataclass(frozen=True)
class Part:
    """Rows of one part with what the model answers to them.

    Attributes:
        answers: Of these rows, in their order.
        inputs: What the model took: texts, `ImageInput`s, `AudioInput`s, JSON of features, `HistoryInput`s.
        rows: Which rows of the part they are, shape (rows,): all of them, or some that were drawn.
    """

    answers: Any
    inputs: Sequence[Any]
    rows: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Labelled:
    """Rows of one part as they were given, before any model saw them.

    Attributes:
        ids: Of the rows.
        inputs: What a model takes.
        labels: As answers hold them.
    """

    ids: tuple[str, ...]
    inputs: Sequence[Any]
    labels: Any


class Fitted(Protocol):
    """A model that was trained again."""

    def __call__(self, inputs: Sequence[Any], like: Any) -> Any:
        """Its answers to inputs, with the ids, labels and groups of other answers to as many rows."""
        ...


class Bench(Protocol):
    """What an audit may ask of the model that is audited and of its run. Each call may take long; none is signed by itself."""

    @property
    def task(self) -> Any:
        """Of the run, as `tasks.base.Task`."""
        ...

    @property
    def language(self) -> tuple[str, ...]:
        """Languages that the config declares; empty where it declares none."""
        ...

    @property
    def inputs(self) -> Sequence[Any]:
        """Of the test part, in the order of the answers."""
        ...

    @property
    def trained(self) -> TrainedModel:
        """What training said of itself: method, parameters, cost, privacy budget."""
        ...

    @property
    def loaded(self) -> Any:
        """The model as `models.loading.LoadedModel`, for gradients and counts."""
        ...

    @property
    def canaries(self) -> Canaries | None:
        """What was planted into training, and what was held back; None where nothing was."""
        ...

    @property
    def folder(self) -> Path:
        """For files that are gone after the audits."""
        ...

    @property
    def pretraining(self) -> tuple[float, str] | None:
        """Floating-point operations of the base model's pretraining and who says so; None where the catalogue has none."""
        ...

    def part(self, name: PartName, most: int | None = None) -> Part:
        """A part with its answers; of more than `most` rows so many, drawn with the seed of the evaluation."""
        ...

    def labelled(self, name: PartName) -> Labelled:
        """A part without the model's answers: nothing is predicted."""
        ...

    def answer(self, inputs: Sequence[Any], like: Any) -> Any:
        """The model's answers to other inputs, with the ids, labels and groups of answers to as many rows."""
        ...

    def answer_labelled(self, inputs: Sequence[Any], labels: Sequence[str]) -> Any:
        """The model's answers to rows that are in no part, with their label cells; they have no groups."""
        ...

    def scores(self, inputs: Sequence[Any]) -> npt.NDArray[np.float64]:
        """Of a model that scores rows: probabilities, shape (inputs, classes)."""
        ...

    def features(self, inputs: Sequence[Any], *, base: bool = False) -> npt.NDArray[np.float32]:
        """What the head reads of each input, shape (inputs, hidden); `base`: of the pretrained model.

        Raises:
            ModelError: It is not known where the head begins.
        """
        ...

    def row_errors(self, answers: Any) -> npt.NDArray[np.float64]:
        """How wrong each row is, 0 to 1 (of transcripts also above), shape (rows,); NaN where that is undefined."""
        ...

    def headline(self, answers: Any) -> Measurement:
        """The task's first metric of some answers, with its interval."""
        ...

    def refit(
        self, rows: npt.NDArray[np.int64], seed: int, labels: Sequence[str] | None = None
    ) -> Fitted:
        """The pretrained model trained again as in this run, on some rows of train; at most 128 of validation choose its epoch.

        Args:
            rows: Which, shape (rows,).
            seed: In place of the run's own.
            labels: Their label cells, where they are others than in the data.
        """
        ...

    def read(self, source: str) -> Part:
        """Other labelled data, named as in `data.test`, with the model's answers.

        Raises:
            DataError: It has faults, or a class that the model does not know.
        """
        ...

    def unlabelled(self, source: str) -> Sequence[Any]:
        """What a model takes of other data: of texts no label is read, of other inputs the data is read as by `read`.

        Raises:
            DataError: It has faults.
        """
        ...

    def tell(self, text: str) -> None:
        """A line for whoever watches; no text of the data."""
        ...

    def bar(self, words: str, total: int) -> Callable[[int], None]:
        """A progress bar: told of each step."""
        ...


@dataclass(frozen=True)
class Chart:
    """How figures of an audit are drawn on the run's page, from its measurements alone.

    Attributes:
        measurement: Their name; `accuracy_drop.` with a dot at the end stands for all names that begin so.
        form: `bars`: one bar with its interval for each group, or for each name; `line`: the number in the group
            (`coverage=0.9`, or the middle of `confidence=0.8-0.9`) is where a figure stands.
        title: In English and Chinese.
        says: One sentence on what it shows, in English and Chinese.
        axis: What the line runs over, in English and Chinese; empty for bars.
        ideal: `diagonal` where figures should equal that number, or the number that they should be.
        logarithmic: Whether the line runs over orders of magnitude.
    """

    measurement: str
    form: Literal["bars", "line"]
    title: tuple[str, str]
    says: tuple[str, str]
    axis: tuple[str, str] = ("", "")
    ideal: Literal["diagonal"] | float | None = None
    logarithmic: bool = False


class NoParameters(Section):
    """An audit without parameters."""


@dataclass(frozen=True)
class AuditInput:
    """What an audit may look at.

    Attributes:
        answers: Of the test part, as its kind of label holds them. Of one class a row they have `labels`, true class
            numbers, int64, shape (rows,), and `scores`, probabilities, float64, shape (rows, classes).
        samples: Bootstrap resamples.
        seed: Seed of everything random.
        parameters: The audit's own, an instance of the class that it registered, fixed before the test part is read.
        bench: The model and its run; None where there is a file of predictions alone.
    """

    answers: Any
    samples: int = 1000
    seed: int = 0
    parameters: Any = field(default_factory=NoParameters)
    bench: Bench | None = None

    @property
    def labels(self) -> Any:
        """True class numbers, int64, shape (rows,); of other kinds what their answers hold."""
        return self.answers.labels

    @property
    def scores(self) -> npt.NDArray[np.float64]:
        """Of the kind `class`: probabilities, shape (rows, classes)."""
        found: npt.NDArray[np.float64] = self.answers.scores
        return found

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the columns of `scores`."""
        found: tuple[str, ...] = self.answers.classes
        return found

    @property
    def groups(self) -> Mapping[str, Sequence[str | None]]:
        """Column to the group of each row, null where the row has none."""
        found: Mapping[str, Sequence[str | None]] = self.answers.groups
        return found

    def require_finite(self) -> None:
        """Stop an audit that would count rows without a score.

        Raises:
            ValueError: A score is NaN or infinite; the pipeline records the audit as crashed.
        """
        if not self.answers.finite.all():
            raise ValueError("a row has no finite score")

    def require_bench(self) -> Bench:
        """The model and its run, of an audit that says that it needs them."""
        if self.bench is None:
            raise ValueError("this audit needs the model, and there are predictions alone")
        return self.bench


Measure = Callable[[AuditInput], AuditResult]


@dataclass(frozen=True)
class Audit:
    """One audit as it is registered. Calling it measures.

    Attributes:
        name: Its id.
        version: Rises when the same input would give other figures.
        measure: From its input to its result; `complete` makes that.
        parameters: A section of the config, every key with a default and a description.
        kinds: Kinds of labels that it can look at; None is all.
        input_kinds: Kinds of inputs; None is all.
        needs: What a run must give it beyond the answers of the test part.
        provides: Names of its measurements of all rows, by which packs demand it; `accuracy_drop.` with a dot at the
            end stands for all names that begin so.
        extra: What must be installed for it, as `lextune.extras` names it.
        charts: Its figures that people look at.
    """

    name: str
    version: str
    measure: Measure
    parameters: type[Section] = NoParameters
    kinds: frozenset[LabelKind] | None = None
    input_kinds: frozenset[InputKind] | None = None
    needs: frozenset[Need] = frozenset()
    provides: frozenset[str] = frozenset()
    extra: str | None = None
    charts: tuple[Chart, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "__doc__", self.measure.__doc__)
        object.__setattr__(self, "__module__", self.measure.__module__)

    def __call__(self, given: AuditInput) -> AuditResult:
        """Measure, where this audit fits the answers; else say that it does not apply, and why."""
        why = self.idle(given)
        return self.not_applicable(given, why) if why else self.measure(given)

    def idle(self, given: AuditInput) -> str:
        """Why it has nothing to look at, or nothing where it has."""
        if self.kinds is not None and given.answers.kind not in self.kinds:
            return f"It looks at answers of the kind {' or '.join(sorted(self.kinds))}, not at {given.answers.kind}."
        if self.needs and given.bench is None:
            return "It needs the model and its run; here are predictions alone."
        if self.input_kinds is not None and given.bench is not None:
            found = given.bench.task.input_kind
            if found not in self.input_kinds:
                return f"It looks at inputs of the kind {' or '.join(sorted(self.input_kinds))}, not at {found}."
        return ""

    def not_applicable(self, given: AuditInput, why: str) -> AuditResult:
        """The result of an audit that has nothing to look at."""
        return AuditResult(
            audit=self.name, version=self.version, status="not_applicable",
            parameters=self.record(given), measurements=(), findings=(why,),
        )  # fmt: skip

    def complete(
        self, given: AuditInput, measurements: Iterable[Measurement],
        findings: Iterable[str] = (), **more: Any,
    ) -> AuditResult:  # fmt: skip
        """The result of an audit that measured.

        Args:
            given: What it looked at.
            measurements: With intervals.
            findings: Sentences without any text of the data.
            more: What was decided besides the parameters, such as the positive class.
        """
        return AuditResult(
            audit=self.name, version=self.version, status="complete",
            parameters={**self.record(given), **more},
            measurements=tuple(measurements), findings=tuple(findings),
        )  # fmt: skip

    def record(self, given: AuditInput) -> dict[str, Any]:
        """Parameters as they go into the evidence."""
        own: dict[str, Any] = given.parameters.model_dump(mode="json")
        return {**own, "bootstrap_samples": given.samples, "seed": given.seed}

    def gives(self, measurement: str) -> bool:
        """Whether a measurement of this name may come from it."""
        return any(
            measurement.startswith(one) if one.endswith(".") else measurement == one
            for one in self.provides
        )


audits: Registry[Audit] = Registry("audit", "lextune.audits")


def audit(
    name: str, version: str = "1", *, parameters: type[Section] = NoParameters,
    kinds: Collection[LabelKind | InputKind] = (), needs: Collection[Need] = (),
    provides: Collection[str] = (), extra: str | None = None,
    charts: Sequence[Chart] = (),
) -> Callable[[Measure], Audit]:  # fmt: skip
    """Decorator of the one function of an audit's file: registers it under its name; see `Audit`.

    `kinds` may name kinds of labels and kinds of inputs; where it names none of a sort, all of it will do.
    """
    labels: frozenset[Any] = frozenset(kinds) & frozenset(get_args(LabelKind))
    inputs: frozenset[Any] = frozenset(kinds) - labels

    def add(measure: Measure) -> Audit:
        made = Audit(
            name, version, measure, parameters,
            labels or None, inputs or None,
            frozenset(needs), frozenset(provides), extra, tuple(charts),
        )  # fmt: skip
        return audits.register(name)(made)

    return add


def demanded(measurements: Iterable[str]) -> list[str]:
    """Names of the audits that give any of these measurements, sorted."""
    wanted = set(measurements)
    return [name for name, one in audits if any(one.gives(name_) for name_ in wanted)]
