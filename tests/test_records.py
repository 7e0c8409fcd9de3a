"""Records are frozen values in which a number that is none can never be mistaken for one."""

from __future__ import annotations

import datetime
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lextune.errors import (
    ExitCode,
    InsufficientError,
    LextuneError,
    Problem,
    RefusedError,
    TrainingError,
    VerificationError,
)
from lextune.records import FileDigest, Interval, Measurement, Record, Statement, parse_day


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_measurement_that_is_no_number_is_null_with_its_problem(value: float) -> None:
    around = Interval(low=0, high=1, method="m")
    found = Measurement(name="accuracy", value=value, interval=around, n=3, unit="proportion")
    assert found.value is None
    assert found.interval is None
    assert found.problem in ("not a number", "infinite")
    exact = Measurement.exact("rows", value, n=3, unit="rows")
    assert (exact.value, exact.interval) == (None, None)
    assert exact.problem


def test_an_exact_measurement_has_no_width() -> None:
    found = Measurement.exact("rows", 7, n=7, unit="rows")
    assert found.interval is not None
    assert (found.interval.low, found.interval.high, found.interval.level) == (7, 7, 1)
    assert found.interval.method == "exact"


@pytest.mark.parametrize(
    "wrong",
    [
        {"low": math.nan, "high": 1, "method": "m"},
        {"low": 0, "high": math.inf, "method": "m"},
        {"low": 0, "high": 1, "method": "m", "extra": 1},
    ],
)
def test_an_interval_of_no_numbers_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Interval.model_validate(wrong)


@given(st.one_of(st.none(), st.floats()), st.integers(0, 10**9), st.none() | st.text(max_size=5))
def test_a_measurement_survives_json(value: float | None, n: int, group: str | None) -> None:
    found = Measurement(name="x", value=value, n=n, unit="u", group=group)
    assert found.value is None or math.isfinite(found.value)
    assert Measurement.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize("n", [-1, 1.5])
def test_a_count_of_rows_is_a_whole_number(n: float) -> None:
    with pytest.raises(ValidationError):
        Measurement.model_validate({"name": "x", "value": 1, "n": n, "unit": "rows"})


@pytest.mark.parametrize("sha256", ["", "0" * 63, "0" * 65, "A" * 64, "0" * 64 + "\n"])
def test_a_digest_is_64_small_hex_signs(sha256: str) -> None:
    with pytest.raises(ValidationError):
        FileDigest(path="a", sha256=sha256, size=1)


def test_a_record_cannot_be_changed() -> None:
    one = FileDigest(path="a", sha256="0" * 64, size=1)
    with pytest.raises(ValidationError):
        one.path = "b"  # type: ignore[misc]


def test_a_statement_speaks_the_names_of_in_toto() -> None:
    statement = Statement(subject=(), predicate_type="t", predicate={})
    dumped = statement.model_dump(mode="json", by_alias=True)
    assert dumped["_type"] == "https://in-toto.io/Statement/v1"
    assert dumped["predicateType"] == "t"
    with pytest.raises(ValidationError):
        Statement.model_validate({**dumped, "_type": "https://in-toto.io/Statement/v0.1"})


def test_an_error_says_fact_reason_place_and_remedy() -> None:
    error = LextuneError([Problem("a", "b", "c", "d:1:2"), Problem("e", "f")])
    assert str(error) == "d:1:2: a (c). Remedy: b\ne. Remedy: f"
    with pytest.raises(ValueError, match="at least one"):
        LextuneError([])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LextuneError, ExitCode.USAGE),
        (RefusedError, ExitCode.REFUSED),
        (InsufficientError, ExitCode.INSUFFICIENT),
        (TrainingError, ExitCode.INSUFFICIENT),
        (VerificationError, ExitCode.UNVERIFIED),
    ],
)
def test_each_error_has_the_exit_code_of_its_kind(error: type[LextuneError], code: int) -> None:
    assert error(Problem("a", "b")).exit_code == code


def test_every_error_of_the_tree_has_a_known_exit_code() -> None:
    kinds = [LextuneError]
    for kind in kinds:
        kinds += kind.__subclasses__()
        assert kind.exit_code in set(ExitCode) - {ExitCode.DONE, ExitCode.BUG}
    assert len(kinds) >= 12
    assert issubclass(Measurement, Record)


@pytest.mark.parametrize(
    "value", ["2027-W01-1", "20301231", "2026-02-30", "2026-1-2", "", 20261125, 1e9, None, True]
)
def test_a_day_is_written_in_one_way(value: object) -> None:
    with pytest.raises(ValueError, match="is no date"):
        parse_day(value)


def test_a_day_is_a_day() -> None:
    day = datetime.date(2026, 11, 25)
    assert parse_day("2026-11-25") == parse_day(day) == day
    with pytest.raises(ValueError, match="is no date"):
        parse_day(datetime.datetime(2026, 11, 25))
