"""A bound is passed by the unfavourable end only, and nothing missing or undefined passes."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lextune.policy.bounds import check_measurement, show
from lextune.policy.readings import Readings
from lextune.policy.schema import MeasurementRequirement
from lextune.records import Statement

DAY = datetime.date(2026, 11, 25)

Dump = Callable[..., dict[str, Any]]
Signed = Callable[..., tuple[str, Statement]]


def _need(bound: str, operator: str, value: float, minimum_n: int = 10) -> MeasurementRequirement:
    return MeasurementRequirement.model_validate(
        {"measurement": "m", "bound": bound, "operator": operator, "value": value,
         "minimum_n": minimum_n}
    )  # fmt: skip


def _check(need: MeasurementRequirement, *statements: Any) -> Any:
    return check_measurement(need, Readings(statements).measurement("m", DAY))


@pytest.mark.parametrize(
    ("operator", "low", "high", "status"),
    [
        (">=", 0.8, 0.9, "pass"),
        (">=", 0.79, 0.8, "insufficient"),
        (">=", 0.7, 0.79, "fail"),
        (">", 0.8, 0.9, "insufficient"),
        (">", 0.7, 0.8, "fail"),
        (">", 0.81, 0.9, "pass"),
        ("<=", 0.7, 0.8, "pass"),
        ("<=", 0.8, 0.9, "insufficient"),
        ("<=", 0.81, 0.9, "fail"),
        ("<", 0.7, 0.8, "insufficient"),
        ("<", 0.8, 0.9, "fail"),
        ("<", 0.7, 0.79, "pass"),
        ("==", 0.8, 0.8, "pass"),
        ("==", 0.7, 0.9, "insufficient"),
        ("==", 0.81, 0.9, "fail"),
        ("==", 0.7, 0.79, "fail"),
    ],
)
def test_the_interval_rule(
    measured: Dump, signed: Signed, operator: str, low: float, high: float, status: str
) -> None:
    value = low if low == high else (low + high) / 2
    statement = signed("evaluate", measured("m", value, (low, high)))
    found = _check(_need("interval", operator, 0.8), statement)
    assert found.status == status
    assert found.evidence == (statement[0],)
    assert bool(found.questions) == (status == "insufficient")


@pytest.mark.parametrize(
    ("operator", "low", "high", "status"),
    [
        (">=", -0.1, 0.0, "pass"),
        (">=", -0.2, -0.1, "fail"),
        (">", -0.1, 0.0, "fail"),
        ("<=", 0.0, 0.1, "pass"),
        ("<", 0.0, 0.1, "fail"),
        ("==", -0.1, 0.1, "pass"),
        ("==", 0.1, 0.2, "fail"),
    ],
)
def test_the_favourable_end(
    measured: Dump, signed: Signed, operator: str, low: float, high: float, status: str
) -> None:
    statement = signed("evaluate", measured("m", (low + high) / 2, (low, high)))
    assert _check(_need("favourable_end", operator, 0), statement).status == status


@pytest.mark.parametrize(("value", "status"), [(0.96, "pass"), (0.95, "fail")])
def test_a_fixed_sampling_rate_compares_the_point_and_shows_both(
    measured: Dump, signed: Signed, value: float, status: str
) -> None:
    found = _check(_need("point", ">=", 0.96), signed("audit", measured("m", value, (0.9, 0.99))))
    assert found.status == status
    assert f"m is {value}, 95 % interval 0.9 to 0.99 (wilson), n=1000" in found.reason
    bare = _check(_need("point", ">=", 0.96), signed("audit", measured("m", value)))
    assert bare.status == status
    assert "without an interval" in bare.reason


@pytest.mark.parametrize("bound", ["interval", "favourable_end", "point"])
@pytest.mark.parametrize("operator", [">=", ">", "<=", "<", "=="])
@pytest.mark.parametrize(
    "change",
    [
        {"value": None}, {"value": None, "problem": "one class only"}, {"value": math.nan},
        {"value": math.inf}, {"value": -math.inf}, {"value": "0.5"}, {"value": True},
        {"value": 10**400}, {"n": 9}, {"n": 0}, {"n": None}, {"n": "100"}, {"n": True},
        {"interval": "0 to 1"}, {"interval": {}}, {"interval": {"low": 0.5, "high": math.nan}},
        {"interval": {"low": -math.inf, "high": math.inf, "method": "x"}}, {"group": "sex=f"},
        {"surprise": 1}, {"unit": None},
    ],
)  # fmt: skip
def test_what_was_not_measured_never_passes(
    measured: Dump, signed: Signed, bound: str, operator: str, change: dict[str, Any]
) -> None:
    """Each change spoils a measurement that would pass under one of these operators."""
    dump = {**measured("m", 0.5, (0.5, 0.5)), **change}
    found = _check(_need(bound, operator, 0.5), signed("evaluate", dump))
    assert found.status == "insufficient"
    assert found.questions


@pytest.mark.parametrize("bound", ["interval", "favourable_end"])
@pytest.mark.parametrize(
    "interval",
    [
        None,
        {"low": 0.6, "high": 0.5, "level": 0.95, "method": "w"},
        {"low": 0.6, "high": 0.7, "level": 0.5, "method": "w"},
        {"low": 0.6, "high": 0.7, "level": 95.0, "method": "w"},
    ],
)
def test_an_interval_that_cannot_be_trusted_is_insufficient(
    measured: Dump, signed: Signed, bound: str, interval: Any
) -> None:
    dump = {**measured("m", 0.6), "interval": interval}
    assert _check(_need(bound, ">=", 0.1), signed("evaluate", dump)).status == "insufficient"


def test_missing_crashed_and_contradicting_measurements_are_insufficient(
    measured: Dump, signed: Signed
) -> None:
    need = _need("interval", ">=", 0.5)
    good = measured("m", 0.6, (0.6, 0.6))
    crashed = signed("evaluate", good, status="crashed")
    assert "was not measured" in _check(need).reason
    assert (
        "the room evaluate did not complete"
        in _check(need, signed("evaluate", status="crashed")).reason
    )
    assert _check(need, crashed).status == "insufficient"
    assert _check(need, crashed, signed("audit", good)).status == "insufficient"
    assert _check(need, signed("evaluate", good, status="who knows")).status == "insufficient"
    other = signed("audit", measured("m", 0.7, (0.7, 0.7)))
    assert "differently twice" in _check(need, signed("evaluate", good), other).reason
    assert _check(need, signed("evaluate", good), signed("audit", good)).status == "pass"


@pytest.mark.parametrize("dumps", [None, {}, "m", [None], [["m"]], [{"name": "m"}]])
def test_measurements_in_another_shape_are_missing(dumps: Any) -> None:
    predicate = {"room": "evaluate", "status": "complete", "measurements": dumps}
    statement = Statement(subject=(), predicate_type="t", predicate=predicate)
    assert _check(_need("point", ">=", 0), ("0" * 64, statement)).status == "insufficient"


numbers = st.floats(-2, 2) | st.sampled_from([-1.0, 0.0, 1.0])


@settings(max_examples=150, deadline=None)
@given(
    operator=st.sampled_from([">=", ">", "<=", "<", "=="]),
    bound=st.sampled_from(["interval", "favourable_end"]),
    ends=st.tuples(numbers, numbers).map(sorted),
    value=numbers,
    n=st.integers(0, 30),
)
@example(operator=">", bound="interval", ends=[0.0, 0.0], value=0.0, n=10)
def test_a_pass_means_that_every_value_of_the_interval_meets_the_bound(
    measured: Dump, signed: Signed, operator: str, bound: str, ends: Any, value: float, n: int
) -> None:
    low, high = ends
    dump = measured("m", low, (low, high), n=n)
    found = _check(_need(bound, operator, value), signed("evaluate", dump))
    meets = {">=": lambda x: x >= value, ">": lambda x: x > value, "<=": lambda x: x <= value,
             "<": lambda x: x < value, "==": lambda x: x == value}[operator]  # fmt: skip
    inside = [low, high, *([value] if low <= value <= high else [])]
    if n < 10:
        assert found.status == "insufficient"
    elif bound == "interval":
        expected = "insufficient" if any(map(meets, inside)) else "fail"
        assert found.status == ("pass" if all(map(meets, inside)) else expected)
    else:
        assert found.status == ("pass" if any(map(meets, inside)) else "fail")


def test_sentences_give_figure_interval_n_and_method(measured: Dump, signed: Signed) -> None:
    found = _check(_need("interval", ">", 0), signed("e", measured("m", 0.31, (0.27, 0.35), n=500)))
    assert found.reason == (
        "m is 0.31, 95 % interval 0.27 to 0.35 (wilson), n=500: the unfavourable end 0.27 meets > 0."
    )
    close = signed("e", measured("m", 0.79999999, (0.7, 0.79999999)))
    assert "0.79999999 violates >= 0.8" in _check(_need("interval", ">=", 0.8), close).reason
    assert [show(number) for number in (200.0, 0.1, 1e20, -0.0)] == ["200", "0.1", "1e+20", "0"]
