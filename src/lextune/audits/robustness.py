"""The audit `robustness`: how many right answers are lost when inputs change a little and labels do not; it judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, Field, field_validator

from lextune import statistics
from lextune.audits.base import AuditInput, Bench, Chart, Part, audit
from lextune.audits.numbers.paired import joint_level, joint_maximum, mean_rise
from lextune.audits.perturbations import substitutes
from lextune.audits.perturbations.attack import Attempt, Budget, attack
from lextune.audits.perturbations.base import Perturbation, Perturbed
from lextune.audits.perturbations.choosing import NAMES, fitting
from lextune.config_training import Section
from lextune.records import AuditResult, Interval, Measurement
from lextune.validation import listed

#: Texts out of which substitutes come, at most.
_MOST_TEXTS = 20_000
#: Substitutes of a word that are tried.
_TRIED = 5
#: Cosine of two rows of the word table. Of an English encoder's nearest words these are inflections and synonyms.
_ALIKE = 0.45
#: Rows that a finding names.
_NAMED = 10


class Parameters(Section):
    """What is changed, and how much."""

    rows: int = Field(300, ge=1, description="Test rows that are changed, drawn with the seed.")
    severity: float = Field(
        1.0, gt=0, le=5, description="How much of each change: 2 is twice as much."
    )
    perturbations: Annotated[tuple[str, ...], BeforeValidator(listed)] = Field(
        (), description="Which ones; none named is all that fit the inputs and labels."
    )
    minimum_rows: int = Field(
        10, ge=2, description="Changed rows below which the drop of a perturbation is undefined."
    )
    attack: Literal["words", "characters"] = Field(
        "words", description="Substitutes in the attack on texts: near words, or misspelt ones."
    )
    attack_rows: int = Field(
        50, ge=0, description="Rightly answered texts that are attacked; 0 attacks none."
    )
    attack_queries: int = Field(40, ge=2, description="Questions to the model for each of them.")
    attack_words: float = Field(
        0.1, gt=0, le=1, description="Share of a text's words that the attack may change."
    )

    @field_validator("perturbations")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(value) - set(NAMES))
        if unknown:
            raise ValueError(
                f"there is no perturbation {', '.join(unknown)}. Remedy: use {', '.join(sorted(NAMES))}"
            )
        return tuple(dict.fromkeys(value))


@dataclass(frozen=True)
class _Outcome:
    """What a perturbation did to the rows that it changed.

    Attributes:
        name: Of the perturbation.
        errors: Of each changed row, 0 right to 1 wrong, before and after.
        sure: Whether rows are right or wrong and nothing between.
    """

    name: str
    errors: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
    sure: bool

    @property
    def n(self) -> int:
        return len(self.errors[0])

    def rise(self, level: float = statistics.LEVEL) -> tuple[float, Interval] | None:
        """How much more is wrong, with its interval."""
        before, after = self.errors
        if self.sure:
            return statistics.paired_difference(before == 0, after == 0, level)
        return mean_rise(before, after, level)


@audit(
    "robustness", parameters=Parameters, needs=["model"],
    provides=["accuracy_drop.", "error_rise.", "worst_perturbation_drop", "attack_success_rate"],
    charts=[
        Chart(
            "accuracy_drop.", "bars", ("Accuracy lost to small changes", "细微改动造成的准确率损失"),
            (
                "Each bar is the accuracy before a change minus after it, over the rows that it changed.",
                "每个条形为改动前的准确率减去改动后的准确率，仅计被改动的行。",
            ),
            ideal=0,
        ),
        Chart(
            "error_rise.", "bars", ("Error added by small changes", "细微改动增加的错误"),
            (
                "Each bar is the mean error of a row after a change minus before it, over the rows that it changed.",
                "每个条形为改动后每行的平均错误减去改动前的平均错误，仅计被改动的行。",
            ),
            ideal=0,
        ),
    ],
)  # fmt: skip
def robustness(given: AuditInput) -> AuditResult:
    """Accuracy lost to each perturbation of the test rows, the worst of them, and an attack on texts.

    Differences are paired: the same rows before and after. Hendrycks and Dietterich 2019 (arXiv:1903.12261).
    """
    bench = given.require_bench()
    given.require_finite()
    asked: Parameters = given.parameters
    part = bench.part("test", asked.rows)
    kind = given.answers.kind
    hows = fitting(bench.task.input_kind, kind, part.inputs, bench.loaded) if len(part.rows) else ()
    chosen = [one for one in hows if not asked.perturbations or one.name in asked.perturbations]
    advance = bench.bar("changing inputs", len(chosen))
    outcomes: list[_Outcome] = []
    for how in chosen:
        outcomes.append(_changed(given, bench, part, how))
        advance(1)
    unfit = sorted(set(asked.perturbations) - {one.name for one in chosen})
    measurements, findings = _figures(given, outcomes, unfit, len(part.rows))
    if kind == "class" and bench.task.input_kind == "text" and asked.attack_rows:
        figure, told = _attacked(given, bench, part)
        measurements.append(figure)
        findings += told
    return robustness.complete(given, measurements, findings)


def _changed(given: AuditInput, bench: Bench, part: Part, how: Perturbation) -> _Outcome:
    """The rows that a perturbation changes, answered before and after.

    Raises:
        ValueError: The model gives a changed row no finite score.
    """
    inputs: Sequence[Any] = Perturbed(
        part.inputs, part.rows, how, given.parameters.severity, given.seed
    )
    answers = part.answers
    if how.told:
        changed = list(inputs)
        mask = np.array([one != other for one, other in zip(changed, part.inputs, strict=True)], bool)  # fmt: skip
        inputs, answers = [changed[row] for row in np.flatnonzero(mask)], answers.keep(mask)
    sure = answers.kind == "class"
    if not inputs:
        return _Outcome(how.name, (np.zeros(0), np.zeros(0)), sure)
    after = bench.answer(inputs, answers)
    if not after.finite.all():
        raise ValueError("a changed row has no finite score")
    return _Outcome(how.name, (_errors(bench, answers), _errors(bench, after)), sure)


def _errors(bench: Bench, answers: Any) -> npt.NDArray[np.float64]:
    """Of each row, 0 to 1: nothing to find and nothing found is no error, and more wrong than all is all wrong."""
    return np.clip(np.nan_to_num(bench.row_errors(answers), nan=0.0), 0.0, 1.0)


def _figures(
    given: AuditInput, outcomes: Sequence[_Outcome], unfit: Sequence[str], rows: int
) -> tuple[list[Measurement], list[str]]:
    """The rise of each perturbation, how many rows it changed, and the worst of all."""
    word = "accuracy_drop" if given.answers.kind == "class" else "error_rise"
    least = given.parameters.minimum_rows
    found = [
        _undefined(f"{word}.{name}", 0, "it does not fit inputs and labels of these kinds")
        for name in unfit
    ]
    measured = [one for one in outcomes if one.n >= least]
    for one in outcomes:
        rise = one.rise()
        if one.n < least or rise is None:
            why = f"it changes {one.n} of {rows} rows, and {least} are needed"
            found.append(_undefined(f"{word}.{one.name}", one.n, why))
        else:
            found.append(_proportion(f"{word}.{one.name}", *rise, one.n))
        found.append(
            Measurement.exact("rows_changed", one.n, n=rows, unit="rows").model_copy(
                update={"group": f"perturbation={one.name}"}
            )
        )
    worst, told = _worst(measured)
    return [*found, worst], told


def _worst(measured: Sequence[_Outcome]) -> tuple[Measurement, list[str]]:
    """The largest rise, between limits that hold for the largest of all."""
    name = "worst_perturbation_drop"
    level = joint_level(max(len(measured), 1))
    rises = [rise for one in measured if (rise := one.rise(level)) is not None]
    if not rises:
        return _undefined(name, 0, "no perturbation changes enough rows"), []
    at = int(np.argmax([value for value, _ in rises]))
    limits = joint_maximum([interval for _, interval in rises])
    told = (
        f"Of {len(rises)} perturbations the worst is {measured[at].name}: {rises[at][0]:.3f} "
        f"(joint limits {limits.low:.3f} to {limits.high:.3f}, n = {measured[at].n})."
    )
    return _proportion(name, rises[at][0], limits, measured[at].n), [told]


def _attacked(given: AuditInput, bench: Bench, part: Part) -> tuple[Measurement, list[str]]:
    """How many rightly answered texts are answered wrong after the attack."""
    asked: Parameters = given.parameters
    name = "attack_success_rate"
    right = np.flatnonzero(part.answers.scores.argmax(axis=1) == part.answers.labels)
    order = np.random.default_rng([given.seed, 1]).permutation(len(right))
    rows = np.sort(right[order[: asked.attack_rows]])
    if not len(rows):
        return _undefined(name, 0, "no row is answered right"), []
    stand_ins = _substitutes(given, bench)
    if stand_ins is None:
        return _undefined(name, 0, "the model has no word table; set attack: characters"), []
    texts = [part.inputs[row] for row in rows]
    made = attack(
        [(text, substitutes.read_of(bench.loaded, text)) for text in texts],
        part.answers.labels[rows], part.answers.scores[rows], bench.scores, stand_ins,
        Budget(asked.attack_queries, asked.attack_words),
    )  # fmt: skip
    tried = [(part.answers.ids[row], one) for row, one in zip(rows, made, strict=True) if one.found]
    if not tried:
        return _undefined(name, 0, "no text has a word with a substitute"), []
    turned = [(id_, one) for id_, one in tried if one.turned]
    figure = _proportion(
        name,
        len(turned) / len(tried),
        statistics.clopper_pearson(len(turned), len(tried)),
        len(tried),
    )
    spared = len(made) - len(tried)
    told = [f"{spared} of {len(made)} texts have no word with a substitute: not attacked."]
    return figure, (told if spared else []) + _told(given, turned, len(tried))


def _told(
    given: AuditInput, turned: Sequence[tuple[str, Attempt]], of: int
) -> list[str]:  # fmt: skip
    """What an attack that turned answers took, and which."""
    if not turned:
        return []
    words = float(np.median([one.changed for _, one in turned]))
    queries = float(np.median([one.queries for _, one in turned]))
    ids = ", ".join(id_ for id_, _ in turned[:_NAMED])
    more = f" and {len(turned) - _NAMED} more" if len(turned) > _NAMED else ""
    return [
        f"The attack by {given.parameters.attack} turned {len(turned)} of {of} right answers, in the median with "
        f"{words:g} words changed and {queries:g} questions: rows {ids}{more}."
    ]


def _substitutes(given: AuditInput, bench: Bench) -> substitutes.Substitutes | None:
    """As the parameters ask; None where the model has no word table."""
    if given.parameters.attack == "characters":
        return substitutes.misspelt(given.seed, _TRIED)
    vectors = substitutes.word_vectors(bench.loaded)
    if vectors is None:
        return None
    train = bench.labelled("train")
    rows = np.arange(len(train.inputs))
    if len(rows) > _MOST_TEXTS:
        draw = np.random.default_rng([given.seed, 2])
        rows = np.sort(draw.choice(len(rows), _MOST_TEXTS, replace=False))
    texts = [train.inputs[int(row)] for row in rows]
    return substitutes.neighbouring(texts, train.labels[rows], vectors, alike=_ALIKE, most=_TRIED)


def _proportion(name: str, value: float, interval: Interval | None, n: int) -> Measurement:
    return Measurement(name=name, value=value, interval=interval, n=n, unit="proportion")


def _undefined(name: str, n: int, why: str) -> Measurement:
    return Measurement(name=name, value=None, n=n, unit="proportion", problem=why)
