"""Makes one HTML page of a data report's JSON, which opens offline and fetches nothing; it knows no data and no law."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata, resources
from typing import Any

from lextune.data.report.charts import class_bars, draw, heat_map, language_bars, length_lines
from lextune.extras import need

#: Fields of a `DatasetRef` that have a place of their own on the page, or none.
_SHOWN = {"fingerprint", "files", "columns", "classes", "splits", "encodings"}
#: Of one kind of finding or one list, so many places are written out.
_PLACES = 50


def make_page(document: Mapping[str, Any]) -> str:
    """The page, in English and Chinese.

    Args:
        document: As `DataReport.document` gives it; `reference`, a `DatasetRef`, may stand beside.

    Raises:
        MissingExtraError: The extra `report` is not installed.
    """
    jinja = need("report", "jinja2")
    environment = jinja.Environment(
        autoescape=True, undefined=jinja.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["measured"] = _measured
    environment.filters["plain"] = _plain
    text = resources.files("lextune.data.report").joinpath("page.html.jinja").read_text("utf-8")
    quality = {one["check"]: one for one in document.get("quality", ())}
    page: str = environment.from_string(text).render(
        report=document,
        quality=quality,
        details={name: one["details"] for name, one in quality.items()},
        measurements=[one for found in quality.values() for one in found["measurements"]],
        rights=_rights(document.get("reference") or {}),
        personal=document.get("personal_data"),
        counts=_counts(document),
        charts=_charts(document, quality),
        places=_PLACES,
        version=metadata.version("lextune"),
    )
    return page


def _charts(document: Mapping[str, Any], quality: Mapping[str, Any]) -> dict[str, Any]:
    """SVG by name; a plot of nothing is left out."""
    details = {name: one["details"] for name, one in quality.items() if one["status"] == "complete"}
    specs: dict[str, Any] = {"classes": class_bars(document["classes"])}
    if "lengths" in details:
        specs["characters"] = length_lines(details["lengths"], "characters", "characters 字符数")
        specs["words"] = length_lines(details["lengths"], "words", "words 词数")
    if "sounds" in details:
        specs["seconds"] = length_lines(details["sounds"], "seconds", "seconds 秒")
    if "languages" in details:
        specs["languages"] = language_bars(details["languages"])
    if "coverage" in details:
        for column, table in details["coverage"]["groups"].items():
            specs[f"group {column}"] = heat_map(
                table["groups"], table["classes"], table["rows"], (None, "class 类别")
            )
    if "label_errors" in details:
        found = details["label_errors"]
        specs["joint"] = heat_map(
            found["classes"], found["classes"], found["joint"], ("label 标注", "likely 可能的类别")
        )
    markup = need("report", "markupsafe").Markup
    return {name: markup(draw(spec)) for name, spec in specs.items() if spec is not None}


def _counts(document: Mapping[str, Any]) -> dict[str, int]:
    found = {"error": 0, "warning": 0, "info": 0}
    for problem in document["problems"]:
        found[problem["severity"]] += 1
    return found


def _rights(reference: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the reference says of licence and rights, whichever fields it has."""
    found: list[tuple[str, str]] = []
    for key, value in reference.items():
        if key in _SHOWN or value in (None, [], {}, ""):
            continue
        if isinstance(value, Mapping):
            found += [
                (f"{key}.{inner}", _plain(one)) for inner, one in value.items() if one is not None
            ]
        else:
            found.append((key, _plain(value)))
    return found


def _plain(value: Any) -> str:
    """A value of the JSON as a few words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_plain(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    if isinstance(value, bool) or value is None:
        return str(value).lower() if value is not None else "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _measured(one: Mapping[str, Any]) -> str:
    """A measurement's value with its interval, or why there is none."""
    value, interval = one["value"], one["interval"]
    if value is None:
        return f"not measured: {one['problem']}"
    written = f"{value:.4f}" if one["unit"] == "proportion" else f"{value:,.6g}"
    if interval is None or interval["method"] == "exact":
        return written
    return f"{written} ({interval['low']:.4f}–{interval['high']:.4f})"
