"""Makes one HTML page of an evaluation, which opens offline and fetches nothing; it knows no answers and no files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata, resources
from typing import Any

from lextune.evaluation.report.figures import Point
from lextune.extras import need
from lextune.records import AuditResult, Evaluation, Measurement, Status, Verdict

#: Of an audit with very many groups, so many figures are written out.
_LINES = 400
#: Metrics that the cost curve is about.
_COSTS = ("normalised_expected_cost", "brier_score")
#: Words of a status in Chinese.
_ZH = {
    "pass": "通过", "fail": "未通过", "insufficient": "证据不足", "waived": "已豁免", "not_applicable": "不适用",
    "complete": "已完成", "crashed": "已崩溃", "block": "阻断", "warn": "警告",
}  # fmt: skip


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
class Figure:
    """A chart of an audit.

    Attributes:
        svg: Of it; empty where it could not be drawn.
        title: In English and Chinese.
        says: One sentence on what it shows, in both.
        drawn: Names of the measurements of all rows in it, which are those that controls read.
        left_out: Figures of groups that have no place in it.
        points: The same for a terminal.
    """

    svg: str
    title: tuple[str, str]
    says: tuple[str, str]
    drawn: tuple[str, ...]
    left_out: int = 0
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Audited:
    """What is shown of one audit.

    Attributes:
        result: What it measured.
        about: A sentence on what it measures.
        figures: Its charts.
    """

    result: AuditResult
    about: str = ""
    figures: Sequence[Figure] = ()

    @property
    def whole(self) -> list[Measurement]:
        """What it measured on all rows."""
        return [one for one in self.result.measurements if one.group is None]

    @property
    def grouped(self) -> list[Measurement]:
        """What it measured on some of them."""
        return [one for one in self.result.measurements if one.group is not None]


@dataclass(frozen=True)
class Privacy:
    """What training under differential privacy spent.

    Attributes:
        stated: Name to figure, as the statement of training has it.
        figure: ε by step; None where no curve is stated.
    """

    stated: Mapping[str, Any]
    figure: Figure | None = None


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
        verdict: Over all that was measured.
        uses: Measurement to the controls that read it, each with its status.
        audits: Those of the run.
        privacy: Of training under differential privacy.
        class_metric: The metric that is drawn by class.
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
    verdict: Verdict | None = None
    uses: Mapping[str, Sequence[tuple[str, Status]]] = field(default_factory=dict)
    audits: Sequence[Audited] = ()
    privacy: Privacy | None = None
    class_metric: str = ""


def make_page(page: Page) -> str:
    """The HTML, in English and Chinese.

    Raises:
        MissingExtraError: The extra `report` is not installed.
    """
    jinja = need("report", "jinja2")
    markup = need("report", "markupsafe").Markup
    folder = resources.files("lextune.evaluation.report")
    environment = jinja.Environment(
        autoescape=True, undefined=jinja.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        loader=jinja.FunctionLoader(lambda name: folder.joinpath(name).read_text("utf-8")),
    )  # fmt: skip
    environment.filters["measured"] = measured
    environment.filters["plain"] = _plain
    environment.filters["zh"] = lambda word: _ZH.get(word, word)
    found = page.evaluation
    by_name = {one.name: one for one in found.measurements if one.group is None}
    made: str = environment.get_template("page.html.jinja").render(
        page=page,
        svg=markup,
        charts={name: markup(svg) for name, svg in page.charts.items()},
        headline=by_name.get(page.headline),
        groups=[name for name in page.charts if name.startswith("group ")],
        metrics=_beside(found),
        differences=[one for one in found.measurements if "_minus_" in one.name],
        used=lambda names: used(page, names),
        classed=[name for name in by_name if name.startswith(f"{page.class_metric}.")],
        costs=[one.name for one in found.measurements if one.name.startswith(_COSTS)],
        lines=_LINES,
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
        return f"{number(one.value)} (no interval)"
    if one.interval.method == "exact":
        return f"{one.value:,.6g}"
    return f"{number(one.value)} ({number(one.interval.low)}–{number(one.interval.high)})"


def number(value: float) -> str:
    """Four decimals, or six digits where the figure is large, or two where it is next to 0."""
    if abs(value) >= 1000:
        return f"{value:,.6g}"
    return f"{value:.1e}" if 0 < abs(value) < 0.00005 else f"{value:.4f}"


def _plain(value: Any) -> str:
    """A value of a record in a few words."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_plain(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return "–" if value is None else str(value)


def used(page: Page, names: Iterable[str]) -> list[tuple[str, Status, list[str]]]:
    """The controls that read any of these measurements, each with its status and with which it read."""
    found: dict[tuple[str, Status], list[str]] = {}
    for name in dict.fromkeys(names):
        for one in page.uses.get(name, ()):
            found.setdefault((one[0], one[1]), []).append(name)
    return [(control, status, read) for (control, status), read in found.items()]


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
