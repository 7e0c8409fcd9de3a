"""The audit `calibration`: whether scores are as sure as they are right, and what may be done with them; it judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field

from lextune import statistics
from lextune.audits.base import AuditInput, Chart, audit
from lextune.audits.numbers import abstention, conformal, reliability, shifts
from lextune.config_training import Section
from lextune.records import AuditResult, Interval, Measurement
from lextune.temperature import SCALING, TEMPERATURE, fit_temperature, tempered
from lextune.validation import listed

_Share = Annotated[float, Field(gt=0, le=1)]
_Miss = Annotated[float, Field(gt=0, lt=1)]


class Parameters(Section):
    """How calibration is looked at."""

    bins: int = Field(15, ge=2, le=100, description="Bins of confidence.")
    coverages: Annotated[tuple[_Share, ...], BeforeValidator(listed)] = Field(
        (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0),
        description="Shares of the rows, the surest first, of which it is told how many answers are wrong.",
    )
    alphas: Annotated[tuple[_Miss, ...], BeforeValidator(listed)] = Field(
        (0.05, 0.1), description="How often a set of classes may miss the true one."
    )
    validation_rows: int = Field(
        2000, ge=1, description="Rows of the validation part that are answered, at most."
    )


@audit(
    "calibration", "2", parameters=Parameters, kinds=["class", "classes"],
    provides=[
        "audit_expected_calibration_error", "audit_brier_score", "overconfidence",
        "adaptive_calibration_error", "classwise_calibration_error", "area_under_risk_coverage",
        "temperature", "expected_calibration_error_with_temperature",
        "conformal_coverage.", "conformal_set_size.",
    ],
    charts=[
        Chart(
            "accuracy_at_confidence", "line", ("Reliability", "可靠性"),
            (
                "How often answers are right, by how sure the model is; on the diagonal it is as sure as it is right.",
                "按模型的把握程度看回答正确的比例；落在对角线上，说明把握与正确率一致。",
            ),
            axis=("Confidence", "置信度"), ideal="diagonal",
        ),
        Chart(
            "risk_at_coverage", "line", ("Errors when unsure rows are left to people", "把没有把握的样本交给人时的错误率"),
            (
                "What share of the answers is wrong if only so many rows, the surest, are answered.",
                "如果只回答这么多最有把握的样本，其中有多少答错。",
            ),
            axis=("Share of rows answered", "回答的样本比例"),
        ),
        Chart(
            "class_calibration_error", "bars", ("Calibration by class", "各类别的校准"),
            (
                "How far scores of a class are from how often the class is the true one.",
                "某一类别的分数与该类别实际出现比例相差多少。",
            ),
            ideal=0.0,
        ),
    ],
)  # fmt: skip
def calibration(given: AuditInput) -> AuditResult:
    """Calibration errors, reliability, the temperature, abstention and conformal sets.

    Expected calibration error: Guo et al. 2017 (arXiv:1706.04599). Brier 1950 (Monthly Weather Review 78), summed over
    the classes. The other sources stand in `audits.numbers`.
    """
    given.require_finite()
    asked: Parameters = given.parameters
    if given.answers.kind == "classes":
        return calibration.complete(given, _of_several(given))
    confidence = given.scores.max(axis=1)
    right = given.scores.argmax(axis=1) == given.labels
    measurements = [
        *_errors(given, confidence, right),
        *_reliability(confidence, right, asked.bins),
        *_adaptive(given, confidence, right),
    ]
    risks, levels = _abstention(given, confidence, ~right)
    findings = _overconfidence(measurements)
    heat, told = _temperature(given)
    sets, more, said = _conformal(given)
    return calibration.complete(
        given, [*measurements, *risks, *heat, *sets], [*findings, *told, *said],
        confidence_at_coverage=levels, conformal=more,
    )  # fmt: skip


def _of_several(given: AuditInput) -> list[Measurement]:
    """Of rows that have any number of classes: each class's scores against the rows that have it."""
    brier = np.square(given.scores - given.labels).sum(axis=1)
    return [
        _measured("audit_brier_score", given, lambda rows: float(brier[rows].mean())),
        *_classwise(given, given.labels),
    ]


def _errors(given: AuditInput, confidence: Any, right: Any) -> list[Measurement]:
    onehot = np.eye(len(given.classes))[given.labels]
    brier = np.square(given.scores - onehot).sum(axis=1)
    return [
        _expected_error("audit_expected_calibration_error", given, confidence, right),
        _measured("audit_brier_score", given, lambda rows: float(brier[rows].mean())),
        _measured(
            "overconfidence", given, lambda rows: float((confidence[rows] - right[rows]).mean())
        ),
    ]


def _expected_error(name: str, given: AuditInput, confidence: Any, right: Any) -> Measurement:
    bins = given.parameters.bins
    value = statistics.expected_calibration_error(confidence, right, bins)
    interval = statistics.calibration_error_interval(
        confidence, right, bins, samples=given.samples, seed=given.seed
    )
    return _share(name, value, interval, len(right))


def _reliability(confidence: Any, right: Any, bins: int) -> list[Measurement]:
    """The accuracy of each bin that has rows."""
    index, found = statistics.confidence_bins(confidence, bins), []
    for one in range(bins):
        inside = index == one
        if count := int(inside.sum()):
            hits = int(right[inside].sum())
            group = f"confidence={one / bins:.3f}-{(one + 1) / bins:.3f}"
            limits = statistics.wilson(hits, count)
            found.append(_share("accuracy_at_confidence", hits / count, limits, count, group))
    return found


def _adaptive(given: AuditInput, confidence: Any, right: Any) -> list[Measurement]:
    bins, n = given.parameters.bins, len(right)
    drawn = {"samples": given.samples, "seed": given.seed}
    value, limits = reliability.adaptive_error(confidence, right, bins, **drawn)
    onehot = given.labels[:, None] == np.arange(len(given.classes))
    return [_share("adaptive_calibration_error", value, limits, n), *_classwise(given, onehot)]


def _classwise(given: AuditInput, has: Any) -> list[Measurement]:
    """Of each class and of all; `has`: whether a row has the class, bool, shape (rows, classes)."""
    n, classes = len(has), given.classes
    single, joint = (
        [
            reliability.adaptive_error(
                given.scores[:, one], has[:, one], given.parameters.bins,
                samples=given.samples, seed=given.seed, level=level,
            )
            for one in range(len(classes))
        ]
        for level in (statistics.LEVEL, shifts.together(len(classes)))
    )  # fmt: skip
    return [
        _share("classwise_calibration_error", *reliability.classwise_error(joint), n),
        *(
            _share("class_calibration_error", *one, n, f"class={name}")
            for name, one in zip(classes, single, strict=True)
        ),
    ]


def _abstention(
    given: AuditInput, confidence: Any, wrong: Any
) -> tuple[list[Measurement], dict[str, float]]:
    """What is wrong among the surest answers, and from which confidence they are answered."""
    n = len(wrong)
    area = abstention.risk_area(confidence, wrong)
    limits = abstention.risk_area_interval(
        confidence, wrong, samples=given.samples, seed=given.seed
    )
    found, levels = [_share("area_under_risk_coverage", area, limits, n)], {}
    for coverage in given.parameters.coverages if n else ():
        least, rows = abstention.answered(confidence, coverage)
        count, errors = int(rows.sum()), int(wrong[rows].sum())
        group, limits = f"coverage={coverage:g}", statistics.wilson(errors, count)
        found.append(_share("risk_at_coverage", errors / count, limits, count, group))
        levels[f"{coverage:g}"] = least
    return found, levels


def _temperature(given: AuditInput) -> tuple[list[Measurement], list[str]]:
    """The temperature that the release holds, and the calibration error at it."""
    names = ("temperature", "expected_calibration_error_with_temperature")
    if given.bench is None:
        return [_undefined(name, "the release is not at hand") for name in names], []
    settings = given.bench.loaded.settings
    if TEMPERATURE not in settings:
        why = given.bench.trained.parameters.get("temperature_problem") or "none was to be fitted"
        problem = f"the release holds no temperature: {why}"
        return [_undefined(name, problem) for name in names], []
    value, applied = float(settings[TEMPERATURE]), settings.get(SCALING) == "apply"
    answers = _validation(given)
    plain = tempered(answers.scores, 1 / value) if applied else answers.scores
    limits = fit_temperature(answers.labels, plain).interval
    at_it = given.scores if applied else tempered(given.scores, value)
    right = at_it.argmax(axis=1) == given.labels
    error = _expected_error(names[1], given, at_it.max(axis=1), right)
    how = "the answers are given at it" if applied else "the answers are given without it"
    told = f"A temperature of {value:.3f} fits the validation part best; {how}."
    measured = Measurement(
        name=names[0], value=value, interval=limits, n=len(answers.ids), unit="ratio"
    )
    return [measured, error], [told]


def _conformal(given: AuditInput) -> tuple[list[Measurement], dict[str, Any], list[str]]:
    """Sets of classes by the validation part: how often they hold the true class, and how large they are."""
    asked: Parameters = given.parameters
    found: list[Measurement] = []
    more: dict[str, Any] = {}
    if given.bench is None:
        problem = "the validation part is not at hand"
        for miss in asked.alphas:
            found += [_undefined(name, problem) for name in _named(miss)]
        told = "Temperature and conformal sets need the release and its validation part; here are predictions alone."
        return found, more, [told]
    answers = _validation(given)
    n, rows = len(given.labels), len(answers.ids)
    true = answers.scores[np.arange(rows), answers.labels]
    for miss in asked.alphas:
        names = _named(miss)
        level = conformal.threshold(true, miss)
        if level is None:
            problem = (
                f"{rows} validation rows promise nothing; {conformal.rows_needed(miss)} are needed"
            )
            found += [_undefined(name, problem, rows) for name in names]
            continue
        sets = given.scores >= level.value
        held = int(sets[np.arange(n), given.labels].sum())
        limits = statistics.wilson(held, n)
        found.append(_share(names[0], held / n if n else float("nan"), limits, n))
        size, limits = conformal.mean_size(sets.sum(axis=1), len(given.classes))
        found.append(Measurement(name=names[1], value=size, interval=limits, n=n, unit="classes"))
        more[f"{miss:g}"] = {
            "threshold": level.value, "promised": 1 - miss, "least_coverage": level.least,
            "validation_rows": rows,
        }  # fmt: skip
    promise = (
        "Conformal sets hold the true class at least as often as promised for rows that are exchangeable with "
        f"{rows} validation rows, averaged over such parts. The validation part also chose the checkpoint and the "
        "temperature, so that the promise is nearly, not strictly, kept."
    )
    return found, more, [promise]


def _named(miss: float) -> tuple[str, str]:
    promised = f"{100 * (1 - miss):g}"
    return f"conformal_coverage.{promised}", f"conformal_set_size.{promised}"


def _validation(given: AuditInput) -> Any:
    """Answers to the validation part.

    Raises:
        ValueError: One is not finite; the pipeline records the audit as crashed.
    """
    answers = given.require_bench().part("validation", given.parameters.validation_rows).answers
    if not answers.finite.all():
        raise ValueError("a validation row has no finite score")
    return answers


def _overconfidence(measurements: Sequence[Measurement]) -> list[str]:
    over = next(one for one in measurements if one.name == "overconfidence")
    if over.value is None or over.interval is None or over.interval.low <= 0:
        return []
    return [
        f"The scores are too sure: on average {over.value:.3f} above the accuracy (n = {over.n})."
    ]


def _share(
    name: str, value: float, interval: Interval | None, n: int, group: str | None = None
) -> Measurement:
    return Measurement(
        name=name, value=value, interval=interval, n=n, unit="proportion", group=group
    )


def _undefined(name: str, problem: str, n: int = 0) -> Measurement:
    units = {"temperature": "ratio", "conformal_set_size": "classes"}
    unit = units.get(name.partition(".")[0])
    return Measurement(name=name, value=None, n=n, unit=unit or "proportion", problem=problem)


def _measured(name: str, given: AuditInput, statistic: statistics.Statistic) -> Measurement:
    n = len(given.labels)
    value = statistic(np.arange(n)) if n else float("nan")
    interval = statistics.bootstrap(statistic, n, samples=given.samples, seed=given.seed)
    return _share(name, value, interval, n)
