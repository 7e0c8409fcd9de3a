"""The page opens offline, says that it shows data, and cannot be broken by a name."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from lextune.evaluation.report.page import (
    Audited,
    Figure,
    Page,
    Picture,
    Privacy,
    make_page,
    measured,
)
from lextune.records import AuditResult, ControlResult, Evaluation, Interval, Measurement, Verdict

EVIL = "<script>alert(1)</script>"


class Tags(HTMLParser):
    """What a page's tags are and whether all are closed."""

    VOID = frozenset({"meta", "br", "img"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def page(**changes):
    interval = Interval(low=0.5, high=0.9, level=0.95, method="wilson")
    found = (
        Measurement(name="accuracy", value=0.75, interval=interval, n=8, unit="proportion"),
        Measurement(name="recall", value=None, n=0, unit="proportion", problem="no row"),
        Measurement(
            name="accuracy_minus_majority", value=0.25, interval=interval, n=8, unit="proportion"
        ),
    )
    evaluation = Evaluation(
        status="complete", split="test", predictions=None, measurements=found,
        baselines={"majority": found[:1]},
    )  # fmt: skip
    picture = Picture((("truth", "data:image/jpeg;base64,AA=="),), (EVIL,), f"{EVIL}.jpg")
    about = {
        "name": f"images {EVIL}", "task": "image_classification", "run": "r-1", "rows": 8, "unanswered": 0,
        "evaluation": evaluation, "headline": "accuracy",
        "charts": {"confusion": "<svg></svg>", "classes": "<svg></svg>"},
        "worst": [picture], "typical": [], "confused": [(EVIL, "b", 3)], "unit": "rows",
    }  # fmt: skip
    return make_page(Page(**{**about, **changes}))


def test_it_is_whole_fetches_nothing_and_runs_nothing():
    text = page()
    tags = Tags(text)
    assert tags.open == []
    assert "script" not in {tag for tag, _ in tags.tags}
    assert EVIL not in text
    policy = next(one["content"] for tag, one in tags.tags if "http-equiv" in one)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:"
    assert all(one["src"].startswith("data:") for tag, one in tags.tags if tag == "img")
    assert all(one.get("href", "#").startswith("#") for _, one in tags.tags)
    assert not any("onload" in one for _, one in tags.tags)


def test_it_says_that_it_shows_data_in_both_languages():
    text = page()
    assert "shows pictures of the test data" in text
    assert "测试数据中的图片" in text


def test_figures_have_their_intervals_and_n_and_what_is_missing_is_said():
    text = page()
    assert text.count("0.7500 (0.5000–0.9000)") == 3  # tile, model, baseline
    assert "not measured: no row" in text
    assert "0.2500 (0.5000–0.9000)" in text


def test_what_is_not_there_is_said():
    text = page(worst=[], charts={}, confused=[], unanswered=2)
    assert "There are none." in text
    assert "too many classes" in text
    assert "not answered" in text
    gone = page(worst=[Picture((), ("missed: a",), "x.png")])
    assert "The image is not there any more" in gone


@pytest.mark.parametrize("score", [None, 0.538])
def test_the_score_of_boxes_is_named(score):
    assert ("from a score of 0.54" in page(score=score)) == (score is not None)


def test_counts_have_no_interval():
    assert measured(Measurement.exact("rows", 8, n=8, unit="rows")) == "8"
    assert measured(None) == ""
    assert measured(Measurement(name="m", value=0.00001, n=8, unit="1")) == "1.0e-05 (no interval)"


def control(name, status, **changes):
    given = {
        "pack": "house", "control": name, "citation": "c", "titles": {"en": name, "zh": "标题"}, "basis": "house",
        "severity": "block", "status": status, "reasons": (f"{EVIL} {name} it is.",),
        "remedy": {"en": f"mend {name}", "zh": "补救"},
    }  # fmt: skip
    return ControlResult(**{**given, **changes})


def verdict(*controls):
    return Verdict(outcome="fail", as_of="2026-11-29", facts={}, packs={}, controls=controls)


def result(status="complete", measurements=(), findings=(), audit="a_made_up_one"):
    return AuditResult(
        audit=audit, version="1", status=status, parameters={"rows": 300},
        measurements=measurements, findings=findings,
    )  # fmt: skip


def figures(*drawn):
    return [Figure("<svg></svg>", ("Title", "标题"), ("It shows this.", "如图。"), drawn)]


WHOLE = Measurement(name="drop.worst", value=0.2, n=8, unit="proportion")
OF_GROUP = Measurement(name="rate", value=0.2, n=8, unit="proportion", group="g=a")


def test_what_is_not_met_comes_first_with_its_remedy_and_what_does_not_apply_is_counted():
    controls = (control("good", "pass"), control("bad", "fail"), control("idle", "not_applicable"))
    text = page(verdict=verdict(*controls))
    assert text.index("house/bad") < text.index("house/good")
    assert "mend bad" in text
    assert "mend good" not in text
    assert "house/idle" not in text
    assert "1 do not apply" in text
    assert "不适用" in text
    assert EVIL not in text
    assert Tags(text).open == []


def test_each_chart_of_an_audit_says_which_control_read_its_figures():
    uses = {"drop.worst": [("house/robust", "fail")], "accuracy": [("house/good", "pass")]}
    made = result(measurements=(WHOLE, OF_GROUP), findings=(f"{EVIL} is found.",))
    read = page(uses=uses, audits=[Audited(made, "What it is.", figures("drop.worst"))])
    caption = read[read.index("It shows this.") :].split("</figcaption>")[0]
    assert "<code>house/robust</code> (fail 未通过)" in caption
    beside = page(uses=uses, audits=[Audited(made, "What it is.", figures())])
    caption = beside[beside.index("It shows this.") :].split("</figcaption>")[0]
    assert "No control reads these figures themselves" in caption
    assert "reads <code>drop.worst</code>" in caption
    nobody = page(audits=[Audited(made, "", figures("drop.worst"))])
    assert "No control of this run reads them" in nobody
    assert EVIL not in read
    assert Tags(read).open == []


def test_figures_of_groups_are_not_what_a_control_of_all_rows_read():
    uses = {"rate": [("house/rates", "pass")]}
    text = page(uses=uses, audits=[Audited(result(measurements=(OF_GROUP,)))])
    assert "1 figures of groups" in text
    assert "house/rates" not in text


@pytest.mark.parametrize("status", ["crashed", "not_applicable"])
def test_an_audit_that_measured_nothing_says_so(status):
    text = page(audits=[Audited(result(status, findings=("KeyError",)))])
    said = text[text.index("a made up one</h2>") :]
    assert "KeyError" in said
    assert ("what was not measured did not pass" in said) == (status == "crashed")
    assert ("未测量即未通过" in said) == (status == "crashed")


def test_very_many_figures_are_cut_and_that_is_said():
    many = tuple(OF_GROUP.model_copy(update={"group": f"g={at}"}) for at in range(450))
    text = page(audits=[Audited(result(measurements=many))])
    assert text.count("<code>rate</code>") == 400
    assert "50 more are in the dossier" in text


def test_what_training_under_differential_privacy_spent_is_shown():
    spent = Privacy({"epsilon": 3.0, "delta": 1e-05}, figures("privacy_epsilon")[0])
    text = page(privacy=spent, uses={"privacy_epsilon": [("house/private", "pass")]})
    said = text[text.index('id="privacy"') :]
    assert "<td>1e-05</td>" in said
    assert "house/private" in said


def test_an_evaluation_that_crashed_is_told_and_nothing_else_is_claimed():
    crashed = Evaluation(
        status="crashed", split="test", predictions=None, measurements=(), baselines={}, problem="KeyError while evaluating"
    )  # fmt: skip
    text = page(evaluation=crashed, charts={}, confused=[], unit="", rows_shown=False)
    assert "The evaluation crashed: KeyError while evaluating" in text
    assert "accuracy" not in text
