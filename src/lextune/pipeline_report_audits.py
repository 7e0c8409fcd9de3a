"""Makes of verdict, audits and privacy budget what the page of a run shows; it measures nothing and decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lextune.audits.base import audits
from lextune.evaluation.report.figures import Drawing, Style, figure
from lextune.evaluation.report.page import Audited, Figure, Privacy
from lextune.extras import missing
from lextune.records import AuditResult, Measurement, Status, Verdict

if TYPE_CHECKING:
    from lextune.audits.base import Chart


@dataclass(frozen=True)
class Judged:
    """What a run came to after its evaluation.

    Attributes:
        verdict: Over all rooms.
        uses: Measurement to the controls that read it, each with its status.
        audits: What each measured.
        privacy: What training says that it spent, if it trained under differential privacy.
    """

    verdict: Verdict | None = None
    uses: Mapping[str, Sequence[tuple[str, Status]]] = field(default_factory=dict)
    audits: Sequence[AuditResult] = ()
    privacy: Mapping[str, Any] | None = None


def audited(results: Sequence[AuditResult]) -> list[Audited]:
    """Each audit with the charts that it declares; a chart of nothing is left out."""
    return [_audited(one) for one in results]


def _audited(result: AuditResult) -> Audited:
    one = audits.get(result.audit)
    about = " ".join((one.__doc__ or "").split("\n\n")[0].replace("`", "").split())
    drawn = [_drawn(chart, result.measurements) for chart in one.charts]
    return Audited(result, about, [chart for chart in drawn if chart is not None])


def _drawn(chart: Chart, measurements: Sequence[Measurement]) -> Figure | None:
    style = Style(
        chart.form, " ".join(chart.title), " ".join(filter(None, chart.axis)), chart.ideal,
        chart.logarithmic,
    )  # fmt: skip
    made = figure(measurements, chart.measurement, style)
    if made is None:
        return None
    return Figure(_svg(made), chart.title, chart.says, made.drawn, made.left_out, made.points)


def _svg(drawing: Drawing) -> str:
    """Empty where what draws is not installed: there is no page then."""
    from lextune.data.report.charts import draw

    return "" if missing("report") else draw(drawing.spec)


#: ε of training, as the statement of the room `train` names it.
_EPSILON = "privacy_epsilon"
_CURVE_TITLE = ("ε spent by step", "各步已消耗的 ε")
_CURVE_SAYS = (
    "How much of the privacy budget training had spent after each step; the last point is what it claims.",
    "训练各步之后已消耗的隐私预算；最后一点即为其声明值。",
)


def privacy_of(stated: Mapping[str, Any] | None) -> Privacy | None:
    """What training under differential privacy spent, with ε by step where a curve is stated."""
    if not stated:
        return None
    curve = [
        Measurement.exact(_EPSILON, float(epsilon), n=int(step), unit="epsilon").model_copy(
            update={"group": f"step={int(step)}"}
        )
        for step, epsilon in stated.get("curve") or ()
    ]
    made = figure(curve, _EPSILON, Style("line", "ε", "step 步"))
    shown = None
    if made is not None:
        shown = Figure(_svg(made), _CURVE_TITLE, _CURVE_SAYS, (_EPSILON,), points=made.points)
    return Privacy({key: value for key, value in stated.items() if key != "curve"}, shown)
