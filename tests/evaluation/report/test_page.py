"""The page opens offline, says that it shows data, and cannot be broken by a name."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from lextune.evaluation.report.page import Page, Picture, make_page, measured
from lextune.records import Evaluation, Interval, Measurement

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
    assert not any("href" in one or "onload" in one for _, one in tags.tags)


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
