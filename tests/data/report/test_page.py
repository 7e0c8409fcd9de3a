"""The page opens offline, shows every section, and shows nobody's text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from lextune.config import ColumnsConfig, DataConfig, QualityConfig
from lextune.data.checks import check_path
from lextune.data.quality.base import quality_checks
from lextune.data.report.charts import class_bars, draw, heat_map, length_lines
from lextune.data.report.page import make_page

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def document(write):
    lines = ["text,label,place"]
    for n in range(60):
        for label, place in (("好评", "north"), (EVIL, "south & west")):
            lines.append(f"a secret story about number {n} and {label[:2]},{label},{place}")
    path = write.bytes("rows.csv", "\n".join(lines).encode())
    words = write.bytes("words.txt", b"story\tA.1.6\n")
    config = DataConfig(
        train=(path,),
        columns=ColumnsConfig(group=("place",)),
        quality=QualityConfig(checks=quality_checks.names(), keyword_lists=(words,)),
    )
    return json.loads(json.dumps(check_path(config).document()))


class Page(HTMLParser):
    """What a page's tags are and whether all are closed."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_fetches_nothing(document):
    text = make_page(document)
    page = Page(text)
    assert page.open == []
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed"}
    for _, attributes in page.tags:
        assert not {"src", "href", "xlink:href", "onclick", "onload"} & set(attributes)
    addresses = set(re.findall(r"\w+://[^\s\"'<)]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "url(" not in text
    assert "@import" not in text


def test_every_section_has_both_languages_and_no_text_of_the_data_is_shown(document):
    text = make_page(document)
    heads = re.findall(r"<h2>(.*?) <span lang=\"zh\">(.*?)</span></h2>", text)
    assert len(heads) == len(re.findall("<h2>", text)) >= 11
    assert all(re.search("[\u4e00-\u9fff]", chinese) for _, chinese in heads)
    assert "secret story" not in text
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert document["fingerprints"]["train"] in text
    assert text.count("<svg") >= 4


def test_what_did_not_run_is_said_not_to_be_measured(document):
    text = make_page({**document, "quality": [], "personal_data": None})
    assert text.count("Not measured") == 7
    assert "Not looked for" in text


def test_rights_and_personal_data_are_shown_as_they_are_given(document):
    reference = {"sources": ["a.csv"], "licence": {"spdx": "CC-BY-4.0", "note": None}, "lawful_basis": "consent",
                 "fingerprint": "x", "purpose": ["research"]}  # fmt: skip
    text = make_page({**document, "reference": reference, "personal_data": {"EMAIL_ADDRESS": 3}})
    for word in ("CC-BY-4.0", "consent", "research", "EMAIL_ADDRESS"):
        assert word in text


def test_plots_take_the_colour_of_the_text_and_escape_names():
    svg = draw(class_bars({"train": {EVIL: 3, "好评": 4}}))
    assert "currentColor" in svg
    assert "<script" not in svg
    assert "好评" in svg


def test_plots_of_nothing_are_none_and_too_many_cells_too():
    assert class_bars({"train": {}}) is None
    assert length_lines({}, "words", "words") is None
    names = [str(n) for n in range(30)]
    assert heat_map(names, names, [[0] * 30] * 30, (None, "x")) is None
    assert heat_map([], [], [], (None, "x")) is None
