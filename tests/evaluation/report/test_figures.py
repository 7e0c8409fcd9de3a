"""Figures are drawn where their groups say, with their intervals, and what was not measured is written, not drawn as 0."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.evaluation.report.figures import Drawing, Style, figure
from lextune.records import Interval, Measurement

BARS = Style("bars", "rate 比率")


def line(**changes: Any) -> Style:
    return Style("line", "y", "x", **changes)


def one(name: str, value: float | None, group: str | None = None, n: int = 50) -> Measurement:
    ends = None if value is None else Interval(low=value - 0.1, high=value + 0.1, method="wilson")
    problem = "too few" if value is None else None
    return Measurement(
        name=name, value=value, interval=ends, n=n, unit="proportion", group=group, problem=problem
    )


def made(some: list[Measurement], name: str, style: Style) -> Drawing:
    found = figure(some, name, style)
    assert found is not None
    return found


def values(drawing: Drawing) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = drawing.spec["data"]["values"]
    return found


def test_bars_of_one_name_are_its_groups_and_of_many_names_those_of_all_rows() -> None:
    some = [
        one("rate", 0.5),
        one("rate", 0.4, "g=a", 7),
        one("rate", None, "g=b", 0),
        one("other", 1.0),
    ]
    of_groups = made(some, "rate", BARS)
    assert [bar["name"] for bar in values(of_groups)] == ["g=a (n = 7)", "g=b (n = 0)"]
    assert [bar["value"] for bar in values(of_groups)] == [0.4, None]
    assert of_groups.drawn == ()
    family = [
        one("drop.typos", 0.1),
        one("drop.case", 0.2),
        one("drop.case", 0.3, "g=a"),
        one("drops", 1.0),
    ]
    of_names = made(family, "drop.", BARS)
    assert [bar["name"] for bar in values(of_names)] == ["typos (n = 50)", "case (n = 50)"]
    assert of_names.drawn == ("drop.typos", "drop.case")
    assert [bar["name"] for bar in values(made([one("rate", 0.5)], "rate", BARS))] == ["rate (n = 50)"]  # fmt: skip


def test_of_very_many_bars_the_farthest_from_the_ideal_stay() -> None:
    some = [one("ratio", 1 + at / 100, f"g={at}") for at in range(60)]
    drawing = made(some, "ratio", Style("bars", "ratio", ideal=1.0))
    assert [bar["name"] for bar in values(drawing)] == [f"g={at} (n = 50)" for at in range(20, 60)]
    assert drawing.left_out == 20


@pytest.mark.parametrize(
    ("group", "place", "series"),
    [
        ("coverage=0.9", 0.9, ""), ("confidence=0.8-0.9", 0.85, ""), ("fpr=1e-05", 1e-05, ""),
        ("rows=1e2-1e3", 550.0, ""), ("class=a-b,confidence=0.25-0.75", 0.5, "class=a-b"), ("shift=-1--0.5", -0.75, ""),
    ],
)  # fmt: skip
def test_a_line_runs_where_the_last_number_of_a_group_says(
    group: str, place: float, series: str
) -> None:
    (point,) = values(made([one("f", 0.5, group)], "f", line()))
    assert point["at"] == pytest.approx(place)
    assert point["series"] == series


@given(place=st.floats(-1e9, 1e9))
def test_any_number_in_a_group_is_read_back(place: float) -> None:
    (point,) = values(made([one("f", 0.5, f"x={place!r}")], "f", line()))
    assert point["at"] == place


def test_what_a_line_has_no_place_for_is_counted() -> None:
    some = [
        one("roc", 0.0, "fpr=0"), one("roc", 0.5, "fpr=0.1"), one("roc", None, "fpr=0.2"), one("roc", 0.7, "fpr=low"),
        one("roc", 0.9, "fpr=1"), one("roc", 0.9),
    ]  # fmt: skip
    drawing = made(some, "roc", line(ideal="diagonal", logarithmic=True))
    assert [point["at"] for point in values(drawing)] == [0.1, 1.0]
    assert drawing.left_out == 3  # the figure of all rows needs no place on a line
    diagonal = drawing.spec["layer"][0]["data"]["values"]
    assert all(point["at"] == point["value"] for point in diagonal)
    assert diagonal[0]["at"] == pytest.approx(0.1)
    assert diagonal[-1]["at"] == pytest.approx(1.0)
    assert [point["at"] for point in values(made(some, "roc", line()))] == [0.0, 0.1, 1.0]


def test_more_lines_than_colours_are_left_out_and_counted() -> None:
    some = [one("f", 0.5, f"class={name},x={at}") for name in "abcdefghij" for at in (2, 1)]
    drawing = made(some, "f", line())
    assert {point["series"] for point in values(drawing)} == {f"class={name}" for name in "abcdefgh"}  # fmt: skip
    assert [point["at"] for point in values(drawing)][:2] == [1.0, 2.0]
    assert drawing.left_out == 4


@pytest.mark.parametrize("style", [BARS, line()])
def test_of_nothing_measured_there_is_no_chart(style: Style) -> None:
    assert figure([], "rate", style) is None
    assert figure([one("rate", None, "x=1")], "rate", style) is None


def test_what_was_not_measured_is_written_and_the_ideal_is_a_line() -> None:
    draw = pytest.importorskip("lextune.data.report.charts").draw
    some = [one("d", 0.3, "g=a"), one("d", None, "g=b")]
    svg = draw(made(some, "d", Style("bars", "difference", ideal=0.0)).spec)
    assert "not measured" in svg
    assert "stroke-dasharray" in svg
    curve = [one("f", 0.2, "x=1"), one("f", 0.4, "x=10"), one("f", 0.4, "x=100")]
    for style in (
        line(ideal="diagonal"), line(ideal=0.1, logarithmic=True), line(ideal="diagonal", logarithmic=True),
    ):  # fmt: skip
        assert "stroke-dasharray" in draw(made(curve, "f", style).spec)
