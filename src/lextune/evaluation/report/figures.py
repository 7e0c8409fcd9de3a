"""Says in Vega-Lite how measurements are drawn as bars or lines with their intervals; it knows no audit and draws nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lextune.records import Measurement

_WIDTH, _HEIGHT, _SQUARE = 560, 240, 320
_MOST_BARS, _MOST_LINES = 40, 8
#: Okabe and Ito's colours, as `data.report.charts` has them, and four more for many lines.
_COLOURS = ("#2B8CC4", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#8C6BB1", "#7F7F7F", "#B79F00")
_NUMBER = r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_PLACE = re.compile(rf"({_NUMBER})(?:-({_NUMBER}))?")
_BESIDE = {"orient": "right", "labelLimit": 180}
#: A title that may be long lies above its axis.
_ABOVE = {"titleAngle": 0, "titleAlign": "left", "titleX": -20, "titleY": -12}
_NOT_MEASURED = "not measured 未测得"


@dataclass(frozen=True)
class Style:
    """How one chart is drawn; `lextune.audits.base.Chart` explains form, ideal and logarithmic.

    Attributes:
        form: `bars` or `line`.
        title: Of the figures' axis.
        axis: Of what the line runs over.
        ideal: What figures should be.
        logarithmic: Whether the line runs over orders of magnitude.
    """

    form: Literal["bars", "line"]
    title: str
    axis: str = ""
    ideal: Literal["diagonal"] | float | None = None
    logarithmic: bool = False


@dataclass(frozen=True)
class Point:
    """One figure of a chart.

    Attributes:
        label: What it is of; of a line where it stands.
        value: None where it was not measured.
        low: Of its interval; None where it has none.
        high: Of its interval.
        ideal: What it should be; None where nothing says so.
    """

    label: str
    value: float | None
    low: float | None
    high: float | None
    ideal: float | None


@dataclass(frozen=True)
class Drawing:
    """A chart.

    Attributes:
        spec: In Vega-Lite.
        points: Its figures, in their order.
        drawn: Names of the measurements of all rows in it, each once.
        left_out: Figures of groups that have no place in it.
    """

    spec: dict[str, Any]
    points: tuple[Point, ...]
    drawn: tuple[str, ...]
    left_out: int = 0


def figure(measurements: Sequence[Measurement], name: str, style: Style) -> Drawing | None:
    """A chart of the measurements of one name; None where there is nothing to draw.

    Args:
        measurements: Of one audit.
        name: Of the measurements; with a dot at the end, what their names begin with.
        style: How.
    """
    family = name.endswith(".")
    some = [
        one for one in measurements if (one.name.startswith(name) if family else one.name == name)
    ]
    if style.form == "line":
        return _line(some, name, style)
    # of many names those of all rows, of one name those of groups, where there are such
    of_all = [one for one in some if (one.group is None) == family]
    return _bars(of_all or some, name, style)


def _bars(some: Sequence[Measurement], name: str, style: Style) -> Drawing | None:
    if not any(one.value is not None for one in some):
        return None
    kept = _most_telling(some, style.ideal)
    values = [_ends(one) | {"name": f"{_label(one, name)} (n = {one.n:,})"} for one in kept]
    place = {
        "y": {"field": "name", "type": "nominal", "sort": [one["name"] for one in values], "title": None,
              "axis": {"labelLimit": 320}},
    }  # fmt: skip
    axis = {"type": "quantitative", "title": style.title, "axis": {"format": "~g", "tickCount": 6}}
    layer: list[dict[str, Any]] = [
        {"transform": [{"filter": "datum.value !== null"}],
         "mark": {"type": "bar", "color": _COLOURS[0], "opacity": 0.75, "height": 15},
         "encoding": {**place, "x": {"field": "value", **axis}}},
        {"transform": [{"filter": "datum.low !== null"}],
         "mark": {"type": "rule", "color": "currentColor", "strokeWidth": 1.5},
         "encoding": {**place, "x": {"field": "low", **axis}, "x2": {"field": "high"}}},
        {"transform": [{"filter": "datum.value !== null"}],  # a bar of 0 has no end that is seen
         "mark": {"type": "circle", "color": "currentColor", "opacity": 1, "size": 24},
         "encoding": {**place, "x": {"field": "value", **axis}}},
        {"transform": [{"filter": "datum.value === null"}],
         "mark": {"type": "text", "color": "currentColor", "align": "left", "dx": 4, "fontStyle": "italic",
                  "opacity": 0.7, "text": _NOT_MEASURED},
         "encoding": {**place, "x": {"datum": 0, **axis}}},
    ]  # fmt: skip
    if isinstance(style.ideal, int | float):
        layer.append(_dashed({"x": {"datum": style.ideal, **axis}}))
    spec = {"data": {"values": values}, "width": _WIDTH, "height": {"step": 24}, "layer": layer}
    aim = None if style.ideal == "diagonal" else style.ideal
    points = tuple(Point(one["name"], one["value"], one["low"], one["high"], aim) for one in values)
    return Drawing(spec, points, _names(kept), len(some) - len(kept))


def _line(some: Sequence[Measurement], name: str, style: Style) -> Drawing | None:
    placed = [(one, place, series) for one in some if (found := _placed(one, name)) for place, series in [found]]  # fmt: skip
    kept = [
        (one, place, series) for one, place, series in placed
        if one.value is not None and (place > 0 or not style.logarithmic)
    ]  # fmt: skip
    lines = list(dict.fromkeys(series for _, _, series in kept))[:_MOST_LINES]
    drawn = [some for some in kept if some[2] in lines]
    if not drawn:
        return None
    values = [
        _ends(one) | {"at": place, "series": series, "n": one.n, "along": _along(one)}
        for one, place, series in drawn
    ]
    values.sort(key=lambda one: (lines.index(one["series"]), one["at"], one["value"]))
    for number, value in enumerate(values):
        value["order"] = number
    points = tuple(
        Point(
            ", ".join(filter(None, (one["series"], f"{one['along']}={one['at']:.6g}"))),
            one["value"], one["low"], one["high"],
            one["at"] if style.ideal == "diagonal" else style.ideal,
        )
        for one in values
    )  # fmt: skip
    return Drawing(
        _line_spec(values, lines, style), points, _names(one for one, _, _ in drawn),
        sum(one.group is not None for one in some) - len(drawn),
    )  # fmt: skip


def _line_spec(
    values: Sequence[dict[str, Any]], lines: Sequence[str], style: Style
) -> dict[str, Any]:
    diagonal = style.ideal == "diagonal"
    unit = {"domain": [0, 1]} if diagonal else {"zero": False}
    across = {"type": "log", "nice": False} if style.logarithmic else unit
    place = {
        "x": {"field": "at", "type": "quantitative", "title": style.axis, "scale": across,
              "axis": {"format": "~g", "tickCount": 6}},
        "y": {"field": "value", "type": "quantitative", "title": style.title, "scale": unit,
              "axis": {"format": "~g", "tickCount": 6, **_ABOVE}},
    }  # fmt: skip
    colour: dict[str, Any] = {"value": _COLOURS[0]}
    if len(lines) > 1:
        scale = {"domain": lines, "range": list(_COLOURS)}
        colour = {"field": "series", "type": "nominal", "scale": scale, "legend": _BESIDE}
    ends = {**place["y"], "field": "low"}
    layer: list[dict[str, Any]] = [
        {"mark": {"type": "line", "strokeWidth": 2},
         "encoding": {**place, "color": colour, "order": {"field": "order"}}},
        {"transform": [{"filter": "datum.low !== null"}], "mark": {"type": "rule", "strokeWidth": 1, "opacity": 0.7},
         "encoding": {**place, "y": ends, "y2": {"field": "high"}, "color": colour}},
        {"mark": {"type": "circle", "opacity": 0.85, "size": 34}, "encoding": {**place, "color": colour}},
    ]  # fmt: skip
    if diagonal:
        layer.insert(0, _diagonal([value["at"] for value in values], place, style))
    elif isinstance(style.ideal, int | float):
        layer.append(_dashed({"y": {**place["y"], "field": None, "datum": style.ideal}}))
    square = diagonal and not style.logarithmic
    size = {"width": _SQUARE if square else _WIDTH, "height": _SQUARE if square else _HEIGHT}
    return {"data": {"values": values}, **size, "layer": layer}


def _dashed(place: dict[str, Any]) -> dict[str, Any]:
    place = {channel: {key: value for key, value in one.items() if key != "field"} for channel, one in place.items()}  # fmt: skip
    return {
        "data": {"values": [{}]}, "encoding": place,
        "mark": {"type": "rule", "color": "currentColor", "strokeDash": [4, 4], "opacity": 0.7},
    }  # fmt: skip


def _diagonal(across: Sequence[float], place: dict[str, Any], style: Style) -> dict[str, Any]:
    """Where a figure equals what the line runs over."""
    points = [0.0, 1.0]
    if style.logarithmic:  # a curve there
        first, last = math.log(min(across)), max(math.log(max(across)), math.log(min(across)) + 1)
        points = [math.exp(first + (last - first) * step / 60) for step in range(61)]
        points = [one for one in points if one <= 1]
    return {
        "data": {"values": [{"at": one, "value": one} for one in points]}, "encoding": place,
        "mark": {"type": "line", "color": "currentColor", "strokeDash": [4, 4], "opacity": 0.6},
    }  # fmt: skip


def _ends(one: Measurement) -> dict[str, Any]:
    """Value and interval; a count has none."""
    seen = one.interval is not None and one.interval.method != "exact" and one.value is not None
    return {
        "value": one.value,
        "low": one.interval.low if seen and one.interval else None,
        "high": one.interval.high if seen and one.interval else None,
    }


def _label(one: Measurement, name: str) -> str:
    """What tells a bar from the others."""
    rest = one.name.removeprefix(name) if name.endswith(".") else ""
    return ", ".join(filter(None, (rest, one.group))) or one.name


def _placed(one: Measurement, name: str) -> tuple[float, str] | None:
    """Where on the axis a figure stands, and on which line; None where its group holds no number.

    The number is that of the last `column=…` of the group; what is before it, and the rest of the name, tell the line.
    """
    before, _, last = (one.group or "").rpartition(",")
    found = _PLACE.fullmatch(last.partition("=")[2])
    if found is None:
        return None
    first, second = float(found[1]), float(found[2] or found[1])
    if not math.isfinite(first + second):
        return None
    rest = one.name.removeprefix(name) if name.endswith(".") else ""
    return (first + second) / 2, ", ".join(filter(None, (rest, before)))


def _along(one: Measurement) -> str:
    """The column of the group's last number."""
    return (one.group or "").rpartition(",")[2].partition("=")[0]


def _most_telling(some: Sequence[Measurement], ideal: object) -> Sequence[Measurement]:
    """All of them, or of very many those that are farthest from what they should be, in their order."""
    if len(some) <= _MOST_BARS:
        return some
    aim = float(ideal) if isinstance(ideal, int | float) else 0.0
    away = [-1.0 if one.value is None else abs(one.value - aim) for one in some]
    ranked = sorted(range(len(some)), key=lambda at: -away[at])
    return [some[at] for at in sorted(ranked[:_MOST_BARS])]


def _names(some: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.name for one in some if one.group is None))
