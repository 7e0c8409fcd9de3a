"""Makes one HTML page of an evaluation, which opens offline and fetches nothing; it knows no answers and no files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata, resources

from lextune.extras import need
from lextune.records import Evaluation, Measurement


@dataclass(frozen=True)
class Picture:
    """What is shown of one row.

    Attributes:
        shown: Title and `data:` URI of each view, side by side; of a sound the URI alone is shown, as a player.
        notes: What is right or wrong, a line each.
        file: Which image or sound it is.
        sound: Whether the views are sounds.
    """

    shown: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    file: str
    sound: bool = False


@dataclass(frozen=True)
class Page:
    """What a page is made of.

    Attributes:
        name: Of the release, with its version.
        task: Its name.
        run: Its id.
        rows: Of the part.
        unanswered: Rows that the model did not answer with finite numbers.
        evaluation: Metrics of model and baselines.
        headline: The name of the first metric.
        charts: SVG by name; those that cannot be drawn are left out.
        worst: Pictures of the worst answers.
        typical: Pictures of typical ones.
        confused: The most frequent confusions: true class, given class, how often.
        unit: What is confused: rows, objects or pixels.
        score: From which a box is taken for given; None where nothing is found.
        noun: What rows are, in English and Chinese, several of them.
        rows_shown: Whether the page shows rows of the data.
        beaten: Baselines that are clearly better on the same rows.
        undecided: Baselines of which nothing shows that they are worse.
    """

    name: str
    task: str
    run: str
    rows: int
    unanswered: int
    evaluation: Evaluation
    headline: str
    charts: Mapping[str, str]
    worst: Sequence[Picture]
    typical: Sequence[Picture]
    confused: Sequence[tuple[str, str, int]]
    unit: str
    score: float | None = None
    noun: tuple[str, str] = ("images", "图片")
    rows_shown: bool = True
    beaten: Sequence[str] = ()
    undecided: Sequence[str] = ()


def make_page(page: Page) -> str:
    """The HTML, in English and Chinese.

    Raises:
        MissingExtraError: The extra `report` is not installed.
    """
    jinja = need("report", "jinja2")
    markup = need("report", "markupsafe").Markup
    environment = jinja.Environment(
        autoescape=True, undefined=jinja.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["measured"] = measured
    folder = resources.files("lextune.evaluation.report")
    found = page.evaluation
    by_name = {one.name: one for one in found.measurements if one.group is None}
    made: str = environment.from_string(
        folder.joinpath("page.html.jinja").read_text("utf-8")
    ).render(
        page=page,
        charts={name: markup(svg) for name, svg in page.charts.items()},
        headline=by_name[page.headline],
        groups=[name for name in page.charts if name.startswith("group ")],
        metrics=_beside(found),
        differences=[one for one in found.measurements if "_minus_" in one.name],
        version=metadata.version("lextune"),
    )
    return made


def measured(one: Measurement | None) -> str:
    """A measurement's value with its interval, or why there is none."""
    if one is None:
        return ""
    if one.value is None:
        return f"not measured: {one.problem}"
    if one.interval is None:
        return f"{one.value:.4f} (no interval)"
    if one.interval.method == "exact":
        return f"{one.value:,.6g}"
    return f"{one.value:.4f} ({one.interval.low:.4f}–{one.interval.high:.4f})"


def _beside(found: Evaluation) -> list[tuple[Measurement, list[Measurement | None]]]:
    """Each metric of the model with those of the baselines in their order."""
    others = [{_key(one): one for one in some} for some in found.baselines.values()]
    return [
        (one, [some.get(_key(one)) for some in others])
        for one in found.measurements
        if "_minus_" not in one.name
    ]


def _key(one: Measurement) -> tuple[str, str | None]:
    return one.name, one.group
