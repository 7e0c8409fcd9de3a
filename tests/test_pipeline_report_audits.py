"""The page of a run on texts shows what its audits drew and which controls read it, and no text."""

from __future__ import annotations

import datetime
import json
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lextune.audits.base import AuditInput, Chart, audits
from lextune.evaluation.evaluate import evaluate
from lextune.evaluation.kinds import Resampling
from lextune.evaluation.predict import Scored
from lextune.listener import Listener
from lextune.pipeline_report import REPORT, REPORT_TEXT, write_report
from lextune.pipeline_report_audits import Judged, audited, privacy_of
from lextune.policy.uses import Use
from lextune.records import AuditResult, Evaluation, Predictions, Verdict
from lextune.tasks.base import tasks

CHINESE = re.compile("[\u4e00-\u9fff]")
CLASSES = ("bad", "good")
DRAWS = Resampling(100, 0)


@pytest.fixture(scope="module")
def answers() -> Scored:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    sure = np.clip(labels * 0.4 + rng.random(200) * 0.6, 0.01, 0.99)
    groups = {"place": ["north", "south"] * 100}
    return Scored(tuple(f"r{at}" for at in range(200)), labels, np.stack([1 - sure, sure], 1), CLASSES, groups)  # fmt: skip


@pytest.fixture(scope="module")
def results(answers: Scored) -> list[AuditResult]:
    made = []
    for name in ("calibration", "group_fairness"):
        one = audits.get(name)
        made.append(one(AuditInput(answers, samples=100, parameters=one.parameters())))
    return made


def written(
    folder: Any, answers: Scored | None, judged: Judged | None, task: str = "sentiment"
) -> str:
    files = {"lextune.json": json.dumps({"task": task}).encode()}
    rows = 200 if answers is None else len(answers.ids)
    table = pa.table({"id": [f"r{at}" for at in range(rows)], "text": ["a secret"] * rows})
    predictions = Predictions(path="p", sha256="0" * 64, split="test", rows=rows, classes=CLASSES)
    evaluation = Evaluation(
        status="crashed", split="test", predictions=None, measurements=(), baselines={}, problem="KeyError while evaluating"
    )  # fmt: skip
    if answers is not None:
        evaluation = evaluate(answers, predictions, tasks.get(task).metrics, DRAWS)
    made = write_report(folder, ("x 1", "r"), files, table, (evaluation, answers), Listener(), judged)  # fmt: skip
    assert made == folder / REPORT
    return made.read_text()


def test_of_texts_figures_audits_and_controls_are_shown_and_no_text(
    tmp_path: Any, answers: Scored, results: list[AuditResult]
) -> None:
    day = datetime.date(2026, 11, 29)
    verdict = Verdict(outcome="pass", as_of=day, facts={}, packs={}, controls=())
    crashed = results[0].model_copy(update={"status": "crashed", "measurements": (), "findings": ("KeyError",)})  # fmt: skip
    read = next(one.name for one in results[0].measurements if one.group is None)
    uses = {read: (Use("house/calibrated", "fail"),)}
    text = written(tmp_path, answers, Judged(verdict, uses, [*results, crashed]))
    assert "secret" not in text
    assert "This page shows no row of the data" in text
    assert "verdict as of 2026-11-29" in text
    assert "Confusion" in text
    assert "Worst mistakes" not in text
    assert "house/calibrated" in text
    assert "place=north minus place=south" in text
    assert "This audit crashed: KeyError" in text
    letters = (tmp_path / REPORT_TEXT).read_text()
    assert all(len(line) <= 80 for line in letters.splitlines())
    assert "secret" not in letters
    assert "read by house/calibrated (fail)" in letters
    assert "figures of groups, bins or pairs are in the dossier" in letters
    assert "This audit crashed: KeyError" in letters


@pytest.mark.parametrize("name", sorted(name for name, _ in audits))
def test_every_declared_chart_names_figures_that_its_audit_may_give(name: str) -> None:
    for chart in audits.get(name).charts:
        assert all(chart.title), chart
        assert all(said.endswith((".", "。")) for said in chart.says), chart
        for english, chinese in (chart.title, chart.says):
            assert not CHINESE.search(english), chart
            assert CHINESE.search(chinese), chart
        assert (chart.form == "line") == any(chart.axis), chart


def test_a_chart_is_drawn_from_its_measurements_and_one_of_nothing_is_left_out(
    results: list[AuditResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    charts = tuple(
        Chart(name, "line", ("Reliability", "可靠性"), ("It is so.", "如图。"), ("confidence", "置信度"), "diagonal")
        for name in ("accuracy_at_confidence", "nothing")
    )  # fmt: skip
    one = audits.get("calibration")
    original = one.charts
    object.__setattr__(one, "charts", charts)
    try:
        (section,) = audited(results[:1])
    finally:
        object.__setattr__(one, "charts", original)
    assert len(section.figures) == 1
    assert section.figures[0].svg.startswith("<svg")
    assert section.figures[0].drawn == ()
    assert section.about


def test_an_evaluation_that_crashed_still_has_its_page(
    tmp_path: Any, results: list[AuditResult]
) -> None:
    text = written(tmp_path, None, Judged(audits=results[:1]))
    assert "The evaluation crashed" in text
    assert "Confusion" not in text


def test_the_curve_of_a_privacy_budget_is_drawn_where_it_is_stated() -> None:
    assert privacy_of(None) is None
    plain = privacy_of({"epsilon": 3.0})
    assert plain is not None
    assert plain.figure is None
    curved = privacy_of({"epsilon": 3.0, "delta": 1e-5, "curve": [[0, 0.0], [10, 2.0], [20, 3.0]]})
    assert curved is not None
    assert curved.figure is not None
    assert curved.figure.drawn == ("privacy_epsilon",)
    assert dict(curved.stated) == {"epsilon": 3.0, "delta": 1e-5}
