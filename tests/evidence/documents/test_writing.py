"""Every text document over every dossier: what it claims, what it carries, and that no word of others breaks it."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dossiers
from lextune.errors import ConfigError, VerificationError
from lextune.evidence.canonical import load_json
from lextune.evidence.documents.base import (
    Claim,
    Document,
    DossierView,
    Figures,
    Gap,
    Language,
    Note,
    Report,
    Section,
    documents,
)
from lextune.evidence.documents.writing.laying import Form, gaps, lay_out, prepare, to_json
from lextune.evidence.documents.writing.marks import (
    Written,
    manifest_of,
    parse_written,
    read_written,
    stale_sentences,
)
from lextune.evidence.keys import Signer
from lextune.evidence.markdown import one_line
from lextune.policy.profiles import FactProfile
from lextune.release import sign_facts

TEXTS = [
    (name, language) for name, one in documents if not one.suffix for language in one.languages
]
FORMS: tuple[Form, ...] = ("md", "html", "json")
FULL = dossiers.view()
NOTHING = DossierView((), None, {})


class _Page(HTMLParser):
    """The words of a page, the digests of its sentences, and whatever it would load or run."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.words: list[str] = []
        self.evidence: list[tuple[str, ...]] = []
        self.loads: list[str] = []
        self._silent = False
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self._silent = tag in ("style", "script")
        if tag in ("img", "link", "iframe", "object", "audio", "video", "form", "base"):
            self.loads.append(tag)
        if tag == "script" and found.get("type") != "application/json":
            self.loads.append(tag)
        self.loads += [
            name for name, value in attrs if name.startswith("on") or name in ("src", "srcset")
        ]
        if "href" in found and not str(found["href"]).startswith("#"):
            self.loads.append(str(found["href"]))
        if "data-evidence" in found:
            self.evidence.append(tuple(str(found["data-evidence"]).split()))

    def handle_endtag(self, tag: str) -> None:
        self._silent = False

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)


@pytest.mark.parametrize(("name", "language"), TEXTS)
def test_where_nothing_is_stated_nothing_is_claimed(name: str, language: Language) -> None:
    written = prepare(documents.get(name), NOTHING, language)
    assert written.manifest.sentences == ()
    assert gaps(written.report) > 0


@pytest.mark.parametrize(("name", "language"), TEXTS)
def test_every_form_carries_what_each_sentence_rests_on(
    name: str, language: Language, tmp_path: Path
) -> None:
    written = prepare(documents.get(name), FULL, language)
    assert {one.evidence for one in written.manifest.sentences}
    for form in FORMS:
        files = lay_out(written, form)
        assert list(files) == [""]
        assert (
            lay_out(prepare(documents.get(name), FULL, language), form) == files
        )  # no clock, no chance
        path = tmp_path / f"x.{form}"
        path.write_bytes(files[""])
        manifest, untouched = read_written(path)
        assert untouched
        assert manifest.model_copy(update={"sha256": None}) == written.manifest
        assert stale_sentences(manifest, written.manifest, FULL) == ()


@pytest.mark.parametrize(("name", "language"), TEXTS)
def test_a_page_loads_nothing_and_shows_every_word_as_it_is(name: str, language: Language) -> None:
    written = prepare(documents.get(name), FULL, language)
    page = _Page(lay_out(written, "html")[""])
    assert page.loads == []
    assert page.evidence == [one.evidence for one in written.manifest.sentences]
    shown = " ".join("".join(page.words).split())
    for one in written.manifest.sentences:
        for cell in one.text.split(" | "):
            assert one_line(cell) in shown


@pytest.mark.parametrize(("name", "language"), TEXTS)
@pytest.mark.parametrize("index", range(len(FULL.statements) - 1))
def test_without_a_statement_every_sentence_that_rests_on_it_is_stale(
    name: str, language: Language, index: int
) -> None:
    """The decision is left as it was signed: it rests on its own statement too."""
    gone = FULL.statements[index][0]
    kept = DossierView(
        tuple(one for one in FULL.statements if one[0] != gone), FULL.verdict, FULL.packs
    )
    kind = documents.get(name)
    old = prepare(kind, FULL, language).manifest
    if FULL.verdict is not None and any(gone in one.evidence for one in FULL.verdict.controls):
        kept = DossierView(kept.statements, None, {})
    written = prepare(kind, kept, language, old)
    rested = {one.text for one in old.sentences if gone in one.evidence}
    assert rested <= {one.text for one in written.stale if one.gone or not one.said}
    assert gone not in written.manifest.statements


def test_a_new_figure_makes_the_old_one_stale_and_words_may_stand_on_new_evidence() -> None:
    kind = documents.get("instructions_for_use")
    old = prepare(kind, FULL, "en").manifest
    now = dossiers.view(dossiers.predicates(accuracy=0.7))
    written = prepare(kind, now, "en", old)
    lost = [one for one in written.stale if not one.said]
    renewed = [one for one in written.stale if one.said]
    assert any(
        one.text.startswith("accuracy | 0.9 |") and one.gone == ("evaluate",) for one in lost
    )
    assert [one.gone for one in renewed if one.text == "All figures are of the part “test”."] == [
        ("evaluate",)
    ]
    for form in FORMS:
        text = lay_out(written, form)[""].decode()
        assert "accuracy | 0.9" in text.replace("\\|", "|")
    assert b"<del>accuracy | 0.9" in lay_out(written, "html")[""]


def test_the_crashed_audit_the_expired_and_the_unmet_paper_are_told_as_such() -> None:
    page = " ".join(
        _Page(lay_out(prepare(documents.get("annex_iv"), FULL, "en"), "html")[""]).words
    )
    assert "robustness to changed inputs crashed: nothing is known" in page
    assert "signed statement says that it is not met (risk_management_file)" in page
    assert "The oversight plan: in the dossier (oversight_plan" in page
    fria = " ".join(_Page(lay_out(prepare(documents.get("fria"), FULL, "en"), "html")[""]).words)
    assert "expired or unreadable (incident_procedure)" in fria
    assert "begin with `lextune document write dpia`" in fria


def test_the_table_of_ll144_has_each_category_once_and_calls_a_small_one_undefined() -> None:
    written = prepare(documents.get("ll144_table"), FULL, "en")
    (results,) = [one for one in written.report.sections if one.title == "Results"]
    (table,) = [one for one in results.parts if isinstance(one, Figures)]
    assert [row[:4] for row in table.rows] == [
        ("sex=f", "400", "0.4", "0.8"),
        ("sex=m", "400", "0.5", "1"),
        ("race=x,sex=f", "400", "undefined: too few rows", "undefined: too few rows"),
        ("race=x", "400", "0.45", "1"),
    ]


def test_facts_are_told_by_the_question_that_the_pack_asks() -> None:
    rows = [one.text for one in prepare(documents.get("verdict"), FULL, "zh").manifest.sentences]
    assert "是否抓取？ (scraped) | 否" in rows
    assert "recommender | 是" in rows


def test_an_empty_list_is_an_answer() -> None:
    stated = dossiers.predicates()
    stated["config"]["record"]["use"]["recommender"] = []
    for language, row in (("en", "recommender | none of them"), ("zh", "recommender | 均无")):
        written = prepare(documents.get("verdict"), dossiers.view(stated), language)
        assert row in [one.text for one in written.manifest.sentences]


def test_who_signed_answers_is_told() -> None:
    profile = FactProfile(
        person="Ada", day=dossiers.DAY, answers={"scraped": False}, asked={"scraped": "0" * 64}
    )
    envelope = load_json(sign_facts(profile, Signer.ephemeral()), "x")
    stated = {**dossiers.predicates(), "facts": {"record": {"envelope": envelope}}}
    written = prepare(documents.get("verdict"), dossiers.view(stated), "en")
    sentences = [one.text for one in written.manifest.sentences]
    assert "Ada answers for 1 of the facts, signed on 2026-11-25." in sentences
    stated["facts"] = {"record": {"envelope": {"payload": "no base64!"}}}
    unread = prepare(documents.get("verdict"), dossiers.view(stated), "en").manifest.sentences
    assert not any("answers for" in one.text for one in unread)


def test_a_decision_says_what_to_do_first() -> None:
    refused = dossiers.view(dossiers.predicates(accuracy=0.6))
    sentences = [
        one.text for one in prepare(documents.get("verdict"), refused, "en").manifest.sentences
    ]
    assert "As of 2026-11-25: refused: a blocking control is not met." in sentences
    assert "Accurate (gdpr/accurate) | blocks | not met | Train longer." in sentences
    assert "Pack gdpr 1.0, checked against its sources on 2026-11-25." in sentences


_DIGEST = FULL.statements[0][0]
_WORDS = st.text(min_size=1, max_size=40) | st.sampled_from(
    [dossiers.HOSTILE, "--> <script>", "]]>", "<!-- lextune.document/v1 {} -->", "\u2028|", '"}']
)


@settings(max_examples=40, deadline=None)
@given(title=_WORDS, text=_WORDS, cell=_WORDS, gap=_WORDS, note=_WORDS)
def test_no_word_breaks_a_form(title: str, text: str, cell: str, gap: str, note: str) -> None:
    table = Figures((title, text), ((cell, text),), ((_DIGEST,),))
    section = Section(title, (Claim(text, (_DIGEST,)), Gap(gap, note), Note(note), table))
    report = Report(title, "en", (section,))
    kind = Document("x", {"en": "x", "zh": "x"}, title, lambda *_: report)
    try:
        written = Written(kind, report, manifest_of(kind, report, FULL))
        sealed = {form: lay_out(written, form)[""] for form in FORMS}
    except (
        UnicodeEncodeError
    ):  # a lone surrogate is no text that UTF-8 has; records refuse it before
        return
    assert _Page(sealed["html"]).loads == []
    for data in sealed.values():
        manifest, untouched = parse_written(data, "x")
        assert untouched
        assert manifest.sentences == written.manifest.sentences


@pytest.mark.parametrize("form", FORMS)
def test_an_edited_document_is_known_as_one(form: Form, tmp_path: Path) -> None:
    path = tmp_path / "x"
    data = lay_out(prepare(documents.get("dpia"), FULL, "en"), form)[""]
    path.write_bytes(data.replace(b"Data protection impact", b"Data prediction impact", 1))
    assert read_written(path)[1] is False


@pytest.mark.parametrize(
    "data", [b"# Notes\n", b"{}", b"%PDF-1.7", b"", b"<!-- lextune.document/v1 {} -->"]
)
def test_what_lextune_did_not_write_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(VerificationError):
        read_written(path)


def test_a_document_of_another_kind_is_not_written_over() -> None:
    old = prepare(documents.get("fria"), FULL, "en").manifest
    with pytest.raises(ConfigError, match="fria"):
        prepare(documents.get("dpia"), FULL, "en", old)


def test_a_maker_that_names_evidence_which_is_not_there_is_a_fault() -> None:
    report = Report("x", "en", (Section("x", (Claim("x", ("0" * 64,)),)),))
    kind = Document("x", {"en": "x", "zh": "x"}, "", lambda *_: report)
    with pytest.raises(ValueError, match="not in the dossier"):
        prepare(kind, FULL, "en")


def test_the_tree_as_json_holds_gaps_and_figures() -> None:
    text = to_json(prepare(documents.get("ll144_table"), FULL, "en")).decode()
    assert '"kind": "gap"' in text
    assert '"kind": "figures"' in text
