"""Says in Vega-Lite what charts of an evaluation show: bars beside baselines, reliability, cost curves; it draws none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lextune.records import Measurement

_WIDTH, _SQUARE, _MOST_BARS = 560, 280, 40
_COLOUR = "#2B8CC4"
#: Of reliability, as `statistics.expected_calibration_error` has them.
_BINS = 15


def bars(found: Sequence[tuple[str, Measurement]], title: str) -> dict[str, Any] | None:
    """A bar and its interval for each name, on an axis that begins at 0; None where nothing was measured.

    Args:
        found: Names with what was measured; what has no value is left out.
        title: Of the axis.
    """
    values = [
        {
            "name": name, "value": one.value,
            "low": one.interval.low if one.interval else one.value,
            "high": one.interval.high if one.interval else one.value,
        }
        for name, one in found
        if one.value is not None
    ][:_MOST_BARS]  # fmt: skip
    if not values:
        return None
    names = {
        "y": {"field": "name", "type": "nominal", "sort": [one["name"] for one in values], "title": None}
    }  # fmt: skip
    axis = {"type": "quantitative", "title": title, "axis": {"format": "~g", "tickCount": 6}}
    return {
        "data": {"values": values}, "width": _WIDTH, "height": {"step": 24},
        "layer": [
            {"mark": {"type": "bar", "color": _COLOUR, "opacity": 0.75, "height": 15},
             "encoding": {**names, "x": {"field": "value", **axis}}},
            {"mark": {"type": "rule", "color": "currentColor", "strokeWidth": 1.5},
             "encoding": {**names, "x": {"field": "low", **axis}, "x2": {"field": "high"}}},
        ],
    }  # fmt: skip


def reliability(
    certain: npt.NDArray[np.floating[Any]], right: npt.NDArray[np.bool_]
) -> dict[str, Any] | None:
    """How often answers of a certainty are right, in 15 bins of equal width, beside the diagonal; None without answers.

    Args:
        certain: Of each answer, 0 to 1, shape (n,).
        right: Whether it is, shape (n,).
    """
    if not len(certain):
        return None
    place = np.minimum((np.asarray(certain, np.float64) * _BINS).astype(np.int64), _BINS - 1)
    rows = np.bincount(place, minlength=_BINS)
    sure = np.bincount(place, weights=certain, minlength=_BINS)
    good = np.bincount(place, weights=right, minlength=_BINS)
    values = [
        {"certain": sure[i] / rows[i], "right": good[i] / rows[i], "rows": int(rows[i])}
        for i in np.flatnonzero(rows).tolist()
    ]
    scale = {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": {"format": ".1f", "tickCount": 6}}  # fmt: skip
    place_of = {
        "x": {"field": "certain", "title": "certainty 置信度", **scale},
        "y": {"field": "right", "title": "share right 正确比例", **scale},
    }
    return {
        "width": _SQUARE, "height": _SQUARE,
        "layer": [
            {"data": {"values": [{"certain": 0, "right": 0}, {"certain": 1, "right": 1}]},
             "mark": {"type": "line", "color": "currentColor", "strokeDash": [4, 4], "opacity": 0.6}, "encoding": place_of},
            {"data": {"values": values}, "mark": {"type": "line", "color": _COLOUR, "strokeWidth": 2}, "encoding": place_of},
            {"data": {"values": values}, "mark": {"type": "circle", "color": _COLOUR, "opacity": 0.8},
             "encoding": {**place_of, "size": {"field": "rows", "type": "quantitative", "legend": None,
                                               "scale": {"domainMin": 0, "range": [15, 260]}}}},
        ],
    }  # fmt: skip


def cost_lines(curves: Mapping[str, npt.NDArray[np.floating[Any]]]) -> dict[str, Any] | None:
    """Cost curves (Drummond and Holte 2006): the least cost by how much the positive class matters.

    Args:
        curves: Name to the curve as `evaluation.costs.cost_curve` gives it, shape (points, 2).
    """
    values = [
        {"weight": float(weight), "cost": float(cost), "name": name}
        for name, curve in curves.items()
        for weight, cost in curve.tolist()
        if np.isfinite(cost)
    ]
    if not values:
        return None
    constant = [
        {"weight": weight, "cost": min(weight, 1 - weight), "name": "one answer for all 一律同答"}
        for weight in (0.0, 0.5, 1.0)
    ]
    return {
        "data": {"values": values + constant}, "width": _WIDTH, "height": 220,
        "mark": {"type": "line", "strokeWidth": 2},
        "encoding": {
            "x": {"field": "weight", "type": "quantitative", "scale": {"domain": [0, 1]},
                  "title": "weight of missed positives 漏判权重", "axis": {"format": ".1f", "tickCount": 6}},
            "y": {"field": "cost", "type": "quantitative", "title": "normalised cost 归一化成本",
                  "axis": {"format": ".2f", "tickCount": 5}},
            "color": {"field": "name", "type": "nominal", "sort": [*curves, constant[0]["name"]]},
        },
    }  # fmt: skip
