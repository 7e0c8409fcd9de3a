"""The audit `group_fairness`: figures of each declared group, and how far groups are apart; it judges nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
from pydantic import Field

from lextune.audits.base import AuditInput, Chart, audit
from lextune.audits.groups.grouping import Grouping, groupings
from lextune.audits.groups.telling import MOST_GROUPS, Teller, Told, minus, over_columns, told_apart
from lextune.audits.numbers.comparison import Figure, Means, Proportions
from lextune.audits.numbers.means import Sums
from lextune.config_training import Section
from lextune.errors import ConfigError, Problem
from lextune.records import AuditResult, Measurement
from lextune.validation import Words

Figures = Callable[[Grouping], Iterator[tuple[str, Figure]]]


class Parameters(Section):
    """What counts as selected, and which groups are compared."""

    positive: Words = Field(
        (),
        description="Class, or classes, that count as selected, against all others; empty is the last class.",
    )
    intersections: bool = Field(
        True, description="Whether groups of each two columns are looked at, too: race=x,sex=y."
    )
    minimum_rows: int = Field(
        10,
        ge=1,
        description="Rows that a rate must be of: of fewer it is undefined, and with it the gap of its column. No law "
        "sets such a number.",
    )
    minimum_share: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Groups with a smaller share of the rows that have a group are measured, but left out of gaps and "
        "ratios, and named. LL144 allows 0.02, with reasons.",
    )
    most_groups_paired: int = Field(
        14,
        ge=2,
        le=MOST_GROUPS,
        description="Up to so many groups of a column are compared pair by pair; of more each is compared with the rest.",
    )


#: Of each figure in the order in which they are told.
_TOLD = {
    "group_accuracy": Told("accuracy_range"),
    "group_error_rate": Told(difference=False, ratio=True),
    "selection_rate": Told("selection_rate_range", ratio=True, impact="impact_ratio"),
    "true_positive_rate": Told("true_positive_rate_range", ratio=True),
    "false_positive_rate": Told("false_positive_rate_range", ratio=True),
    "positive_predictive_value": Told("positive_predictive_value_range", ratio=True),
    "calibration_gap": Told("calibration_gap_range"),
    "scoring_rate": Told(difference=False, impact="scoring_impact_ratio"),
    "group_row_error": Told("row_error_range"),
}
_GIVES = [
    "rows_without_group.",
    *(f"largest_{one.gap}" for one in _TOLD.values() if one.gap),
    *(f"least_{one.impact}{what}" for one in _TOLD.values() if one.impact for what in ("", "_p_value")),
    *(f"{one.gap}." for one in _TOLD.values() if one.gap),
    *(f"{one.impact}_{what}." for one in _TOLD.values() if one.impact for what in ("minimum", "p_value")),
]  # fmt: skip


def _bars(
    name: str, en: str, zh: str, says_en: str, says_zh: str, ideal: float | None = None
) -> Chart:
    return Chart(name, "bars", (en, zh), (says_en, says_zh), ideal=ideal)


_CHARTS = (
    _bars(
        "group_accuracy", "Accuracy by group", "各群体的准确率",
        "How often the model is right in each group, with the 95 % interval of that group alone.",
        "模型在各群体中判断正确的比例，附该群体自身的 95 % 区间。",
    ),
    _bars(
        "selection_rate", "Selection rate by group", "各群体的入选率",
        "The share of each group to which the model gives the positive class.",
        "模型将各群体判为正类的比例。",
    ),
    _bars(
        "true_positive_rate", "True positive rate by group", "各群体的真阳性率",
        "Of the rows of each group that are positive, the share that the model finds.",
        "各群体的正类样本中被模型找出的比例。",
    ),
    _bars(
        "false_positive_rate", "False positive rate by group", "各群体的假阳性率",
        "Of the rows of each group that are not positive, the share that the model takes for positive.",
        "各群体的非正类样本中被模型误判为正类的比例。",
    ),
    _bars(
        "calibration_gap", "Score minus positive rate by group", "各群体的分数与实际正类率之差",
        "Above 0 the model's scores of the positive class are too high for that group, below 0 too low.",
        "大于 0 表示模型对该群体的正类分数偏高，小于 0 表示偏低。",
        0.0,
    ),
    _bars(
        "impact_ratio", "Impact ratio by group", "各群体的影响比",
        "The selection rate of each group over that of the group that is selected most.",
        "各群体的入选率与入选率最高群体之比。",
        1.0,
    ),
    _bars(
        "group_row_error", "Error by group", "各群体的误差",
        "How wrong the answers to the rows of each group are on average: 0 is all right, 1 all wrong.",
        "模型对各群体样本的平均误差：0 为全对，1 为全错。",
    ),
)  # fmt: skip


@audit("group_fairness", "2", parameters=Parameters, provides=_GIVES, charts=_CHARTS)
def group_fairness(given: AuditInput) -> AuditResult:
    """Rates, errors and calibration of each group of each column and of each two columns, pair by pair and as gaps.

    Of one class a row: accuracy, error rate, selection rate, true and false positive rate, positive predictive value, the
    mean score minus the positive rate, and impact ratios of the selection rate and of the rate of scores above the median
    (6 RCNY 5-301; 29 CFR 1607.4(D)). Of other kinds: the error of the rows and the task's first metric.

    Raises:
        ConfigError: `positive` names no class of the model.
    """
    if not given.groups:
        return group_fairness.not_applicable(
            given, "No group column is declared (data.columns.group), so no group was measured."
        )
    kind = given.answers.kind
    if kind != "class" and given.bench is None:
        return group_fairness.not_applicable(
            given,
            f"Errors in {kind} are measured with the model and its run; here are predictions alone.",
        )
    given.require_finite()
    parameters = given.parameters
    positive = _positive(given) if kind == "class" else ()
    figures = _of_classes(given, positive) if kind == "class" else _of_errors(given)
    measurements: list[Measurement] = []
    findings: list[str] = []
    columns: dict[str, list[tuple[Teller, Figure]]] = {}
    for grouping in groupings(given.groups, intersections=parameters.intersections):
        column, rows = grouping.column, len(grouping.member)
        if grouping.of_two and len(grouping.names) > MOST_GROUPS:
            findings.append(
                f"{column} has {len(grouping.names)} groups, too many to be measured together."
            )
            continue
        teller = Teller(
            grouping,
            parameters.minimum_rows,
            parameters.minimum_share,
            parameters.most_groups_paired,
        )
        missing = int((grouping.member < 0).sum())
        if missing and not grouping.of_two:
            findings.append(f"{missing} of {rows} rows have no value in {column}.")
        found = [Measurement.exact(f"rows_without_group.{column}", missing, n=rows, unit="rows")]
        for name, figure in figures(grouping):
            found += teller.tell(name, _TOLD[name], figure)
            if not grouping.of_two:
                columns.setdefault(name, []).append((teller, figure))
        if kind != "class":
            found += _headlines(given, teller)
        measurements += found
        findings += [*teller.notes(), *told_apart(found, column)]
    for name, parts in columns.items():
        measurements += over_columns(_TOLD[name], parts)
    more = {"positive_class": ", ".join(positive)} if positive else {}
    return group_fairness.complete(
        given, measurements, findings, columns=sorted(given.groups), **more
    )


def _positive(given: AuditInput) -> tuple[str, ...]:
    """Classes that count as selected."""
    named: tuple[str, ...] = given.parameters.positive or given.classes[-1:]
    unknown = [one for one in named if one not in given.classes]
    if unknown:
        raise ConfigError(
            Problem(
                f"audit_parameters.group_fairness.positive: {unknown[0]!r} is no class of the model",
                f"use some of {', '.join(given.classes)}",
            )
        )
    return named


def _of_classes(given: AuditInput, positive: tuple[str, ...]) -> Figures:
    """Rates by what counts and of which rows, and the calibration of the score of the positive classes."""
    chosen = np.array([one in positive for one in given.classes])
    predicted = given.scores.argmax(axis=1)
    truth, selected, right = chosen[given.labels], chosen[predicted], predicted == given.labels
    score = given.scores[:, chosen].sum(axis=1)
    above = score > np.median(score) if len(score) else selected
    every = np.ones(len(score), bool)
    rates = {
        "group_accuracy": (right, every),
        "group_error_rate": (~right, every),
        "selection_rate": (selected, every),
        "true_positive_rate": (selected, truth),
        "false_positive_rate": (selected, ~truth),
        "positive_predictive_value": (truth, selected),
        "scoring_rate": (above, every),
    }

    def figures(grouping: Grouping) -> Iterator[tuple[str, Figure]]:
        for name, (counts, among) in rates.items():
            yield name, Proportions(grouping.count(counts & among), grouping.count(among))
        sums = Sums.of(score - truth, grouping.member, len(grouping.names), (-1.0, 1.0))
        yield "calibration_gap", Means(sums)

    return figures


def _of_errors(given: AuditInput) -> Figures:
    """How wrong rows are, of any kind."""
    errors = given.require_bench().row_errors(given.answers)
    known = errors[np.isfinite(errors)]
    bounds = (0.0, max(1.0, float(known.max(initial=0.0))))

    def figures(grouping: Grouping) -> Iterator[tuple[str, Figure]]:
        sums = Sums.of(errors, grouping.member, len(grouping.names), bounds)
        yield "group_row_error", Means(sums)

    return figures


def _headlines(given: AuditInput, teller: Teller) -> Iterator[Measurement]:
    """The task's first metric of each group, and its differences pair by pair."""
    bench, grouping = given.require_bench(), teller.grouping
    if len(grouping.names) > MOST_GROUPS:
        return
    found = []
    for at, name in enumerate(grouping.names):
        mask = grouping.member == at
        if problem := teller.too_few(int(mask.sum())):
            whole = {"value": None, "interval": None, "problem": problem, "n": int(mask.sum())}
            one = bench.headline(given.answers).model_copy(update=whole)
        else:
            one = bench.headline(given.answers.keep(mask))
        found.append(one.model_copy(update={"name": f"group_{one.name}", "group": name}))
    yield from found
    compared = [one for one, here in zip(found, teller.compared, strict=True) if here]
    if teller.paired:
        yield from (minus(first, second) for first, second in combinations(compared, 2))
