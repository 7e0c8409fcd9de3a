"""Compares a measurement with a bound by the ends of its interval; it knows no law and no room."""

from __future__ import annotations

import operator
from collections.abc import Callable

from lextune.policy.findings import Finding, FindingStatus
from lextune.policy.readings import Reading
from lextune.policy.schema import MeasurementRequirement
from lextune.policy.wording import ended, tr
from lextune.records import Interval, Measurement

#: An interval that covers less often than this is too narrow to decide on.
MINIMUM_LEVEL = 0.95

_TOO_WIDE = "the interval is too wide to say whether {bound} holds"
_VIOLATED = "even the favourable end {end} violates {bound}"

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
}


def check_measurement(requirement: MeasurementRequirement, reading: Reading) -> Finding:
    """Pass, fail or insufficient, with the figures in one sentence.

    Whatever is missing, undefined, inconsistent or rests on too few rows is insufficient: it can neither
    pass nor fail.
    """
    measured = reading.value
    if measured is None:
        return _insufficient(requirement, reading, reading.problem)
    shown = describe(measured)
    if measured.value is None:
        why = measured.problem or tr("no reason given")
        undefined = tr("{name} is undefined ({why})", name=measured.name, why=why)
        return _insufficient(requirement, reading, undefined)
    if requirement.unit is not None and measured.unit != requirement.unit:
        unit = tr(
            "{shown}: its unit is {found}, not {unit}",
            shown=shown, found=measured.unit, unit=requirement.unit,
        )  # fmt: skip
        return _insufficient(requirement, reading, unit)
    if measured.n < requirement.minimum_n:
        few = tr("{shown}: at least n={n} is needed", shown=shown, n=requirement.minimum_n)
        return _insufficient(requirement, reading, few)
    if requirement.bound == "point":
        status, why = _point(requirement, measured.value)
        return Finding(status, ended(_told(shown, why)), evidence=reading.evidence)
    fault = _interval_fault(measured.interval)
    if fault or measured.interval is None:
        return _insufficient(requirement, reading, _told(shown, fault))
    if requirement.bound == "interval":
        status, why = _interval(requirement, measured.value, measured.interval)
    else:
        status, why = _favourable_end(requirement, measured.interval)
    if status == "insufficient":
        return _insufficient(requirement, reading, _told(shown, why))
    return Finding(status, ended(_told(shown, why)), evidence=reading.evidence)


def describe(measured: Measurement) -> str:
    """`accuracy is 0.91, 95 % interval 0.89 to 0.93 (wilson), n=800`."""
    name, n, interval = measured.name, measured.n, measured.interval
    value = tr("undefined") if measured.value is None else show(measured.value)
    if interval is None:
        return tr("{name} is {value}, without an interval, n={n}", name=name, value=value, n=n)
    if interval.method == "exact" and interval.low == interval.high == measured.value:
        return tr("{name} is {value} (counted exactly, n={n})", name=name, value=value, n=n)
    return tr(
        "{name} is {value}, {level} interval {low} to {high} ({method}), n={n}",
        name=name, value=value, level=f"{interval.level * 100:g} %", low=show(interval.low),
        high=show(interval.high), method=interval.method, n=n,
    )  # fmt: skip


def _told(shown: str, why: str) -> str:
    return tr("{shown}: {why}", shown=shown, why=why)


def show(number: float) -> str:
    """A number in six significant digits; whole numbers whole."""
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else f"{number:.6g}"


def _insufficient(requirement: MeasurementRequirement, reading: Reading, problem: str) -> Finding:
    values = {
        "name": requirement.measurement, "n": requirement.minimum_n, "bound": _bound(requirement),
    }  # fmt: skip
    if requirement.bound == "point":
        question = tr("{name}: measure it on n={n} or more, to compare with {bound}", **values)
    else:
        question = tr(
            "{name}: measure it with its interval on n={n} or more, to compare with {bound}",
            **values,
        )
    return Finding("insufficient", ended(problem), (question,), reading.evidence)


def _bound(requirement: MeasurementRequirement) -> str:
    return f"{requirement.operator} {show(requirement.value)}"


def _interval_fault(interval: Interval | None) -> str:
    if interval is None:
        return tr("the bound needs an interval")
    if interval.low > interval.high:
        return tr("the interval is upside down")
    if not MINIMUM_LEVEL <= interval.level <= 1:
        return tr(
            "an interval of level {level} % or more is needed", level=f"{MINIMUM_LEVEL * 100:g}"
        )
    return ""


def _ends(requirement: MeasurementRequirement, interval: Interval) -> tuple[float, float]:
    """(unfavourable, favourable) end for an inequality."""
    if requirement.operator in (">=", ">"):
        return interval.low, interval.high
    return interval.high, interval.low


def _interval(
    requirement: MeasurementRequirement, value: float, interval: Interval
) -> tuple[FindingStatus, str]:
    bound = _bound(requirement)
    if requirement.operator == "==":
        if interval.low == interval.high == value == requirement.value:
            return "pass", tr("the value and both ends meet {bound}", bound=bound)
        if not interval.low <= requirement.value <= interval.high:
            return "fail", tr(
                "{bound} is violated, the bound lies outside the interval", bound=bound
            )
        return "insufficient", tr(_TOO_WIDE, bound=bound)
    compare = _COMPARE[requirement.operator]
    unfavourable, favourable = _ends(requirement, interval)
    if compare(unfavourable, requirement.value):
        end = _precise(unfavourable, requirement)
        return "pass", tr("the unfavourable end {end} meets {bound}", end=end, bound=bound)
    if not compare(favourable, requirement.value):
        end = _precise(favourable, requirement)
        return "fail", tr(_VIOLATED, end=end, bound=bound)
    return "insufficient", tr(_TOO_WIDE, bound=bound)


def _favourable_end(
    requirement: MeasurementRequirement, interval: Interval
) -> tuple[FindingStatus, str]:
    bound = _bound(requirement)
    if requirement.operator == "==":
        if interval.low <= requirement.value <= interval.high:
            return "pass", tr("the bound of {bound} lies inside the interval", bound=bound)
        return "fail", tr("the bound of {bound} lies outside the interval", bound=bound)
    _, favourable = _ends(requirement, interval)
    end = _precise(favourable, requirement)
    if _COMPARE[requirement.operator](favourable, requirement.value):
        return "pass", tr(
            "the favourable end {end} meets {bound}, so it is not clearly violated",
            end=end,
            bound=bound,
        )
    return "fail", tr(_VIOLATED, end=end, bound=bound)


def _point(requirement: MeasurementRequirement, value: float) -> tuple[FindingStatus, str]:
    point, bound = _precise(value, requirement), _bound(requirement)
    if _COMPARE[requirement.operator](value, requirement.value):
        return "pass", tr("the point estimate {point} meets {bound}", point=point, bound=bound)
    return "fail", tr("the point estimate {point} violates {bound}", point=point, bound=bound)


def _precise(number: float, requirement: MeasurementRequirement) -> str:
    """All digits where rounding would make the number look equal to the bound."""
    shown = show(number)
    same = shown == show(requirement.value) and number != requirement.value
    return repr(number) if same else shown
