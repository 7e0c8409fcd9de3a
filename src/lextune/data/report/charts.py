"""Draws the plots of a data report as SVG from its JSON; it knows Vega-Lite and no data.

Lines and letters have the colour of the page's text (`currentColor`), so that one SVG is right on light and dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lextune.extras import need

#: Okabe and Ito's colours, which colour-blind people can tell apart; their blue is lighter here, for dark pages.
_COLOURS = ("#2B8CC4", "#E69F00", "#009E73", "#CC79A7")
_MOST_CLASSES, _MOST_LANGUAGES, _MOST_CELLS = 30, 12, 400
_WIDTH = 560
_TEXT = {
    "labelColor": "currentColor", "titleColor": "currentColor", "labelFontSize": 12,
    "titleFontSize": 12, "titleFontWeight": "normal",
}  # fmt: skip
_LINES = {"domainColor": "currentColor", "tickColor": "currentColor"}
_CONFIG = {
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        **_TEXT,
        **_LINES,
        "gridColor": "currentColor",
        "gridOpacity": 0.15,
        "labelLimit": 220,
    },
    "legend": {**_TEXT, "orient": "top", "title": None},
    "range": {"category": list(_COLOURS)},
}


def draw(spec: Mapping[str, Any]) -> str:
    """The SVG of a Vega-Lite specification; nothing is fetched."""
    whole = {**spec, "config": _CONFIG}
    svg: str = need("report", "vl_convert").vegalite_to_svg(whole, allowed_base_urls=[])
    return svg


def class_bars(classes: Mapping[str, Mapping[str, int]]) -> dict[str, Any] | None:
    """Rows of each class, by part; the most frequent classes where there are many."""
    total: dict[str, int] = {}
    for counts in classes.values():
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count
    kept = sorted(total, key=lambda name: -total[name])[:_MOST_CLASSES]
    values = [
        {"class": name, "rows": counts.get(name, 0), "part": part, "number": number}
        for number, (part, counts) in enumerate(classes.items())
        for name in kept
    ]
    if not values:
        return None
    return {
        "data": {"values": values}, "mark": "bar", "width": _WIDTH, "height": {"step": 22},
        "encoding": {
            "y": {"field": "class", "type": "nominal", "sort": kept, "title": None},
            "x": {"field": "rows", "type": "quantitative", "title": "rows 行数", "axis": {"format": ",d", "tickCount": 6}},
            "color": {"field": "part", "type": "nominal", "sort": list(classes)},
            "order": {"field": "number"},
        },
    }  # fmt: skip


def length_lines(parts: Mapping[str, Any], what: str, title: str) -> dict[str, Any] | None:
    """The share of rows by length, on a logarithmic axis, one line a part.

    Args:
        parts: `details` of the check `lengths` or `sounds`.
        what: `characters`, `words` or `seconds`.
        title: Of the axis.
    """
    values = []
    for part, found in parts.items():
        one = found[what]
        for left, right, count in zip(
            one["edges"][:-1], one["edges"][1:], one["counts"], strict=True
        ):
            # of bins of different width, the share on each step of the logarithm can be compared
            values.append(
                {"from": left, "to": right, "share": count / max(one["n"], 1), "part": part}
            )
    if not values:
        return None
    return {
        "data": {"values": values}, "width": _WIDTH, "height": 180,
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2},
        "encoding": {
            "x": {"field": "from", "type": "quantitative", "scale": {"type": "log", "nice": False}, "title": title,
                  "axis": {"format": "~s", "tickCount": 6}},
            "y": {"field": "share", "type": "quantitative", "title": "share 占比", "axis": {"format": ".0%", "tickCount": 5}},
            "color": {"field": "part", "type": "nominal", "sort": list(parts)},
        },
    }  # fmt: skip


def language_bars(parts: Mapping[str, Any]) -> dict[str, Any] | None:
    """The share of each language, by part."""
    kept: dict[str, float] = {}
    for found in parts.values():
        for name, count in found["languages"].items():
            kept[name] = max(kept.get(name, 0.0), count / found["n"])
    names = sorted(kept, key=lambda name: -kept[name])[:_MOST_LANGUAGES]
    values = [
        {"language": name, "share": found["languages"].get(name, 0) / found["n"], "part": part}
        for part, found in parts.items()
        if found["n"]
        for name in names
    ]
    if not values:
        return None
    return {
        "data": {"values": values}, "mark": "bar", "width": _WIDTH, "height": {"step": 14},
        "encoding": {
            "y": {"field": "language", "type": "nominal", "sort": names, "title": None},
            "yOffset": {"field": "part", "sort": list(parts)},
            "x": {"field": "share", "type": "quantitative", "title": "share 占比", "axis": {"format": ".0%", "tickCount": 5}},
            "color": {"field": "part", "type": "nominal", "sort": list(parts)},
        },
    }  # fmt: skip


def heat_map(
    lines: Sequence[str],
    columns: Sequence[str],
    rows: Sequence[Sequence[int]],
    titles: tuple[str | None, str],
) -> dict[str, Any] | None:
    """Counts as shaded cells with their figures; None where there are too many to read.

    Args:
        lines: Names of the lines.
        columns: Names of the columns.
        rows: Shape (lines, columns).
        titles: Of lines, which may go without, and of columns.
    """
    if not 0 < len(lines) * len(columns) <= _MOST_CELLS:
        return None
    values = [
        {"line": line, "column": column, "rows": count}
        for line, counts in zip(lines, rows, strict=True)
        for column, count in zip(columns, counts, strict=True)
    ]
    place = {
        "y": {"field": "line", "type": "nominal", "sort": list(lines), "title": titles[0], "axis": {"titlePadding": 14}},
        "x": {"field": "column", "type": "nominal", "sort": list(columns), "title": titles[1],
              "axis": {"orient": "top", "labelAngle": 0 if len(columns) <= 8 else -45}},
    }  # fmt: skip
    shade = {
        "field": "rows",
        "type": "quantitative",
        "scale": {"range": [0.04, 0.55]},
        "legend": None,
    }
    return {
        "data": {"values": values}, "height": {"step": 26},
        "width": {"step": max(44, min(120, _WIDTH // len(columns)))},
        "layer": [
            {"mark": {"type": "rect", "color": _COLOURS[0]}, "encoding": {**place, "fillOpacity": shade}},
            {"mark": {"type": "text", "color": "currentColor", "fontSize": 12},
             "encoding": {**place, "text": {"field": "rows", "type": "quantitative", "format": ",d"}}},
        ],
    }  # fmt: skip


def confusion_map(
    names: Sequence[str], counts: Sequence[Sequence[int]], titles: tuple[str, str], *, shares: bool
) -> dict[str, Any] | None:
    """Counts by true and given class, each line shaded by its shares; None where there are too many to read.

    Args:
        names: Of lines and columns.
        counts: Shape (names, names); a line is a true class.
        titles: Of lines and columns.
        shares: Whether the shares are written into the cells, for counts too large to be read there.
    """
    if not 0 < len(names) ** 2 <= _MOST_CELLS:
        return None
    values = [
        {"line": line, "column": column, "count": count, "share": count / max(sum(row), 1)}
        for line, row in zip(names, counts, strict=True)
        for column, count in zip(names, row, strict=True)
    ]
    place = {
        "y": {"field": "line", "type": "nominal", "sort": list(names), "title": titles[0], "axis": {"titlePadding": 14}},
        "x": {"field": "column", "type": "nominal", "sort": list(names), "title": titles[1],
              "axis": {"orient": "top", "labelAngle": 0 if len(names) <= 5 else -45}},
    }  # fmt: skip
    shade = {
        "field": "share", "type": "quantitative", "scale": {"domain": [0, 1], "range": [0.03, 0.75]}, "legend": None,
    }  # fmt: skip
    text = {"field": "share", "format": ".1%"} if shares else {"field": "count", "format": ",d"}
    return {
        "data": {"values": values}, "height": {"step": 30},
        "width": {"step": max(52 if shares else 38, min(120, _WIDTH // len(names)))},
        "layer": [
            {"mark": {"type": "rect", "color": _COLOURS[0]}, "encoding": {**place, "fillOpacity": shade}},
            {"mark": {"type": "text", "color": "currentColor", "fontSize": 12},
             "encoding": {**place, "text": {"type": "quantitative", **text}}},
        ],
    }  # fmt: skip


def interval_bars(values: Sequence[Mapping[str, Any]], title: str) -> dict[str, Any] | None:
    """A bar and its interval for each name, of proportions.

    Args:
        values: Each with `name`, `value`, `low` and `high`; the last two may be None.
        title: Of the axis.
    """
    kept = list(values)[:_MOST_CLASSES]
    if not kept:
        return None
    names = {
        "y": {
            "field": "name",
            "type": "nominal",
            "sort": [one["name"] for one in kept],
            "title": None,
        }
    }
    scale = {"scale": {"domain": [0, 1]}, "title": title, "axis": {"format": ".1f", "tickCount": 6}}
    return {
        "data": {"values": kept}, "width": _WIDTH, "height": {"step": 24},
        "layer": [
            {"mark": {"type": "bar", "color": _COLOURS[0], "opacity": 0.75, "height": 15},
             "encoding": {**names, "x": {"field": "value", "type": "quantitative", **scale}}},
            {"mark": {"type": "rule", "color": "currentColor", "strokeWidth": 1.5},
             "encoding": {**names, "x": {"field": "low", "type": "quantitative", **scale}, "x2": {"field": "high"}}},
        ],
    }  # fmt: skip
