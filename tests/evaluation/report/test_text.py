"""The report as text fits 80 columns, draws to scale, and holds nothing that a terminal would obey."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.evaluation.report.figures import Point
from lextune.evaluation.report.page import Audited, Figure, Page, Privacy
from lextune.evaluation.report.text import make_text, plot
from lextune.records import AuditResult, ControlResult, Evaluation, Interval, Measurement, Verdict

FINITE = st.none() | st.floats(-1e6, 1e6)
POINTS = (
    Point("g=a (n = 7)", 0.5, 0.25, 0.75, 0.0), Point("g=b (n = 0)", None, None, None, 0.0),
    Point("g=c (n = 9)", 1.0, 1.0, 1.0, 0.0),
)  # fmt: skip


def control(name: str, status: str) -> ControlResult:
    return ControlResult.model_validate({
        "pack": "house", "control": name, "citation": "c", "titles": {"en": name, "zh": "标题"}, "basis": "house",
        "severity": "block", "status": status, "reasons": ("Because " + "it is so " * 20,),
        "remedy": {"en": f"mend {name}", "zh": "补救"},
    })  # fmt: skip


def one(name: str, group: str | None = None) -> Measurement:
    ends = Interval(low=0.5, high=0.9, method="wilson")
    return Measurement(name=name, value=0.75, interval=ends, n=8, unit="proportion", group=group)


def text(**changes: Any) -> str:
    evaluation = Evaluation(
        status="complete", split="test", predictions=None, measurements=(one("accuracy"), one("accuracy", "g=中文")),
        baselines={},
    )  # fmt: skip
    result = AuditResult(
        audit="robustness", version="1", status="complete", parameters={}, measurements=(one("worst"),),
        findings=("It is \x1b[31mred " + "and so on " * 20,),
    )  # fmt: skip
    verdict = Verdict.model_validate({
        "outcome": "fail", "as_of": "2026-11-29", "facts": {}, "packs": {},
        "controls": [control("good", "pass"), control("bad", "fail"), control("idle", "not_applicable")],
    })  # fmt: skip
    figure = Figure("", ("Title", "标题"), ("It shows this.", "如图。"), (), 3, POINTS)
    about = {
        "name": "x 1", "task": "ner", "run": "r", "rows": 8, "unanswered": 0, "evaluation": evaluation, "headline": "accuracy",
        "charts": {}, "worst": (), "typical": (), "confused": (), "unit": "", "noun": ("texts", "文本"),
        "uses": {"worst": [("house/bad", "fail")]}, "verdict": verdict, "audits": [Audited(result, "What it is.", [figure])],
        "privacy": Privacy({"epsilon": 3.0}, figure),
    }  # fmt: skip
    return make_text(Page(**{**about, **changes}))


def test_it_says_what_the_page_says_in_80_columns() -> None:
    said = text()
    assert all(len(line) <= 80 for line in said.splitlines())
    assert said.index("house/bad (blocks)") < said.index("house/good (blocks)")
    assert "Remedy: mend bad" in said
    assert "mend good" not in said
    assert "1 controls do not apply" in said
    assert "0.7500 (0.5000–0.9000), n = 8; read by house/bad (fail)" in said
    assert "beside them, house/bad reads worst\n(fail)" in said
    assert "3 further figures were not measured, or have no place in it" in said
    assert "epsilon: 3.0" in said


def test_nothing_that_a_terminal_would_obey_is_in_it() -> None:
    assert "\x1b" not in text()
    assert "\ufffd[31mred" in text()


def test_a_chart_in_letters_is_to_scale() -> None:
    first, second, third = plot(POINTS)
    room = 80 - len("g=a (n = 7)") - 12
    cells = {line[0:3]: line[12 : 12 + room] for line in (first, second, third)}
    middle = round(0.5 * (room - 1))
    assert cells["g=a"].index("●") == middle
    assert cells["g=a"].index("─") == round(0.25 * (room - 1))
    assert cells["g=a"].rindex("─") == round(0.75 * (room - 1))
    assert cells["g=c"].index("●") == room - 1
    assert cells["g=b"].strip() == "┆"
    assert second.endswith("undefined")


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "a", "中文" * 30, "g=a " * 20]), FINITE, FINITE, FINITE, FINITE),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_any_points_fit_and_are_few(some: list[tuple[Any, ...]]) -> None:
    ends = [(label, value, *sorted((low, high)), ideal) if None not in (low, high) else (label, value, None, None, ideal)
            for label, value, low, high, ideal in some]  # fmt: skip
    lines = list(plot([Point(*one) for one in ends]))
    assert len(lines) <= 25
    wide = [len(line) + sum(letter == "中" for letter in line) for line in lines]
    assert all(width <= 80 for width in wide)


@pytest.mark.parametrize(("count", "lines"), [(24, 24), (25, 13), (400, 25)])
def test_very_many_points_are_thinned_out_and_the_last_stays(count: int, lines: int) -> None:
    points = [Point(f"x={at}", float(at), None, None, None) for at in range(count)]
    made = list(plot(points))
    assert len(made) == lines
    assert made[-1].startswith(f"x={count - 1} ")


@pytest.mark.parametrize(
    ("status", "said"), [("crashed", "did not pass"), ("not_applicable", "Not applicable: Why")]
)
def test_an_audit_that_measured_nothing_says_so(status: str, said: str) -> None:
    result = AuditResult.model_validate(
        {"audit": "a", "version": "1", "status": status, "parameters": {}, "measurements": (), "findings": ("Why",)}
    )  # fmt: skip
    assert said in " ".join(text(audits=[Audited(result)]).split())


def test_an_evaluation_that_crashed_is_told() -> None:
    crashed = Evaluation(
        status="crashed", split="test", predictions=None, measurements=(), baselines={}, problem="KeyError while evaluating"
    )  # fmt: skip
    assert "The evaluation crashed: KeyError while evaluating. Nothing is proven." in text(evaluation=crashed)  # fmt: skip
