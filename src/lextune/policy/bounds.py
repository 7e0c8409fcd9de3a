"""Compares a measurement with a bound by the ends of its interval; it knows no law and no room."""

from __future__ import annotations

import operator
from collections.abc import Callable

from lextune.policy.findings import Finding, FindingStatus
from lextune.policy.readings import Reading
from lextune.policy.schema import MeasurementRequirement
from lextune.records import Interval, Measurement

#: An interval that covers less often than this is too narrow to decide on.
MINIMUM_LEVEL = 0.95

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
        why = measured.problem or "no reason given"
        return _insufficient(requirement, reading, f"{measured.name} is undefined ({why})")
    if requirement.unit is not None and measured.unit != requirement.unit:
        unit = f"{shown}: its unit is {measured.unit or 'not stated'}, not {requirement.unit}"
        return _insufficient(requirement, reading, unit)
    if measured.n < requirement.minimum_n:
        few = f"{shown}: at least n={requirement.minimum_n} is needed"
        return _insufficient(requirement, reading, few)
    if requirement.bound == "point":
        status, why = _point(requirement, measured.value)
        return Finding(status, f"{shown}: {why}.", evidence=reading.evidence)
    fault = _interval_fault(measured.interval)
    if fault or measured.interval is None:
        return _insufficient(requirement, reading, f"{shown}: {fault}")
    if requirement.bound == "interval":
        status, why = _interval(requirement, measured.value, measured.interval)
    else:
        status, why = _favourable_end(requirement, measured.interval)
    if status == "insufficient":
        return _insufficient(requirement, reading, f"{shown}: {why}")
    return Finding(status, f"{shown}: {why}.", evidence=reading.evidence)


def describe(measured: Measurement) -> str:
    """`accuracy is 0.91, 95 % interval 0.89 to 0.93 (wilson), n=800`."""
    value = "undefined" if measured.value is None else show(measured.value)
    interval = measured.interval
    if interval is None:
        return f"{measured.name} is {value}, without an interval, n={measured.n}"
    if interval.method == "exact" and interval.low == interval.high == measured.value:
        return f"{measured.name} is {value} (counted exactly, n={measured.n})"
    ends = f"{show(interval.low)} to {show(interval.high)}"
    level = f"{interval.level * 100:g} %"
    return (
        f"{measured.name} is {value}, {level} interval {ends} ({interval.method}), n={measured.n}"
    )


def show(number: float) -> str:
    """A number in six significant digits; whole numbers whole."""
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else f"{number:.6g}"


def _insufficient(requirement: MeasurementRequirement, reading: Reading, problem: str) -> Finding:
    kind = "" if requirement.bound == "point" else " with its interval"
    question = (
        f"{requirement.measurement}: measure it{kind} on n={requirement.minimum_n} or more, "
        f"to compare with {_bound(requirement)}"
    )
    return Finding("insufficient", f"{problem}.", (question,), reading.evidence)


def _bound(requirement: MeasurementRequirement) -> str:
    return f"{requirement.operator} {show(requirement.value)}"


def _interval_fault(interval: Interval | None) -> str:
    if interval is None:
        return "the bound needs an interval"
    if interval.low > interval.high:
        return "the interval is upside down"
    if not MINIMUM_LEVEL <= interval.level <= 1:
        return f"an interval of level {MINIMUM_LEVEL * 100:g} % or more is needed"
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
            return "pass", f"the value and both ends meet {bound}"
        if not interval.low <= requirement.value <= interval.high:
            return "fail", f"{bound} is violated, the bound lies outside the interval"
        return "insufficient", f"the interval is too wide to say whether {bound} holds"
    compare = _COMPARE[requirement.operator]
    unfavourable, favourable = _ends(requirement, interval)
    if compare(unfavourable, requirement.value):
        return "pass", f"the unfavourable end {_precise(unfavourable, requirement)} meets {bound}"
    if not compare(favourable, requirement.value):
        end = _precise(favourable, requirement)
        return "fail", f"even the favourable end {end} violates {bound}"
    return "insufficient", f"the interval is too wide to say whether {bound} holds"


def _favourable_end(
    requirement: MeasurementRequirement, interval: Interval
) -> tuple[FindingStatus, str]:
    bound = _bound(requirement)
    if requirement.operator == "==":
        inside = interval.low <= requirement.value <= interval.high
        where = "inside" if inside else "outside"
        return ("pass" if inside else "fail"), f"the bound of {bound} lies {where} the interval"
    _, favourable = _ends(requirement, interval)
    end = _precise(favourable, requirement)
    if _COMPARE[requirement.operator](favourable, requirement.value):
        return "pass", f"the favourable end {end} meets {bound}, so it is not clearly violated"
    return "fail", f"even the favourable end {end} violates {bound}"


def _point(requirement: MeasurementRequirement, value: float) -> tuple[FindingStatus, str]:
    point, bound = _precise(value, requirement), _bound(requirement)
    if _COMPARE[requirement.operator](value, requirement.value):
        return "pass", f"the point estimate {point} meets {bound}"
    return "fail", f"the point estimate {point} violates {bound}"


def _precise(number: float, requirement: MeasurementRequirement) -> str:
    """All digits where rounding would make the number look equal to the bound."""
    shown = show(number)
    same = shown == show(requirement.value) and number != requirement.value
    return repr(number) if same else shown
