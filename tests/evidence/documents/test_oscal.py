from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oscal_bindings import OscalDocument

import recorded
from lextune.errors import InsufficientError
from lextune.evidence.documents.base import DossierView, Language, documents
from lextune.records import Verdict

_STATUSES = ("pass", "fail", "insufficient", "not_applicable", "waived")


def _make(view: DossierView, language: Language = "en") -> dict[str, Any]:
    data = documents.get("oscal").make(view, language)
    assert isinstance(data, bytes)
    made = json.loads(data)
    # A dict, not text: the bindings pass over wrong keys in text under some versions of pydantic.
    OscalDocument.model_validate(made)
    return made["assessment-results"]


def _view(verdict: Verdict | None) -> DossierView:
    config = {"release": {"name": "demo", "version": "1.0"}}
    return recorded.view_of({"config": config, "decide": {}}, verdict)


def _prop(part: dict[str, Any], name: str) -> list[str]:
    return [one["value"] for one in part["props"] if one["name"] == name]


def _identifiers(part: Any) -> list[str]:
    if isinstance(part, list):
        return [found for one in part for found in _identifiers(one)]
    if not isinstance(part, dict):
        return []
    own = [part["uuid"]] if "uuid" in part else []
    return own + [found for one in part.values() for found in _identifiers(one)]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_golden_run_is_valid_and_says_what_was_decided(language: Language) -> None:
    view = recorded.golden_view()
    assert view.verdict is not None
    made = _make(view, language)
    result = made["results"][0]
    assert made["metadata"]["oscal-version"] == "1.2.1"
    assert _prop(result, "outcome") == [view.verdict.outcome]
    found = {
        (_prop(one, "pack")[0], _prop(one, "control")[0]): _prop(one, "status")[0]
        for one in result["observations"]
    }
    assert found == {(one.pack, one.control): one.status for one in view.verdict.controls}
    titles = {one["title"] for one in result["observations"]}
    assert titles == {one.titles[language] for one in view.verdict.controls}
    assert documents.get("oscal").make(view, language) == documents.get("oscal").make(
        view, language
    )


def test_every_reference_leads_to_a_part_of_the_document() -> None:
    view = recorded.golden_view()
    made = _make(view)
    known = _identifiers(made)
    assert len(known) == len(set(known))
    text = json.dumps(made)
    for before in ('"href": "#', '"observation-uuid": "', '"risk-uuid": "'):
        parts = text.split(before)[1:]
        assert parts
        assert {part[:36] for part in parts} <= set(known)
    resources = made["back-matter"]["resources"]
    named = {one["document-ids"][0]["identifier"] for one in resources if "document-ids" in one}
    assert named == {f"urn:lextune:statement:sha256:{digest}" for digest, _ in view.statements}
    packs = [one["rlinks"][0] for one in resources if "rlinks" in one]
    hashes = {one["href"]: one["hashes"][0]["value"] for one in packs}
    assert view.verdict is not None
    assert hashes == {f"dossier/packs/{pack}.yaml": one for pack, one in view.verdict.packs.items()}


def test_only_a_pass_is_satisfied_and_what_does_not_apply_is_no_finding() -> None:
    controls = [recorded.decided(status, status) for status in _STATUSES]
    result = _make(_view(recorded.verdict_of(*controls)))["results"][0]
    states = {
        _prop(one, "status")[0]: (
            one["target"]["status"]["state"],
            one["target"]["status"]["reason"],
        )
        for one in result["findings"]
    }
    assert states == {
        "pass": ("satisfied", "pass"),
        "fail": ("not-satisfied", "fail"),
        "insufficient": ("not-satisfied", "other"),
        "waived": ("not-satisfied", "other"),
    }
    risks = {_prop(one, "status")[0]: one["status"] for one in result["risks"]}
    assert risks == {"fail": "open", "insufficient": "open", "waived": "deviation-approved"}
    assert {one["remediations"][0]["description"] for one in result["risks"]} == {"Do it."}
    selection = result["reviewed-controls"]["control-selections"][0]
    assert len(selection["include-controls"]) == len(_STATUSES)
    observed = {_prop(one, "status")[0] for one in result["observations"]}
    assert observed == set(_STATUSES)


def test_facts_questions_and_evidence_outside_the_dossier_are_kept() -> None:
    control = recorded.decided("insufficient", pack="2fast", evidence=("e" * 64,), questions=("gen: Is it so?",))  # fmt: skip
    verdict = recorded.verdict_of(control, places=["EU", "CN"], gen=None, adm=True)
    made = _make(_view(verdict))
    result = made["results"][0]
    assert set(_prop(result, "fact")) == {"places: EU, CN", "gen: unknown", "adm: true"}
    assert _prop(result["observations"][0], "question") == ["gen: Is it so?"]
    assert result["findings"][0]["target"]["target-id"] == "_2fast.c"
    identifiers = json.dumps(made["back-matter"])
    assert f"urn:lextune:statement:sha256:{'e' * 64}" in identifiers


def test_markup_in_texts_is_shown_and_names_stay_readable() -> None:
    control = recorded.decided(
        "fail", reasons=("macro_f1 of *x* [y](z) <b>",), titles={"en": "# A"}
    )
    finding = _make(_view(recorded.verdict_of(control)))["results"][0]["findings"][0]
    assert finding["description"] == r"macro_f1 of \*x\* \[y\](z) \<b>"
    assert finding["title"] == r"\# A"


def test_without_a_decision_there_are_no_results() -> None:
    for verdict in (None, recorded.verdict_of()):
        with pytest.raises(InsufficientError, match="nothing was decided"):
            documents.get("oscal").make(_view(verdict), "en")


_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=40, deadline=None)
@given(
    statuses=st.lists(st.sampled_from(_STATUSES), min_size=1, max_size=5),
    words=st.lists(_text, min_size=4, max_size=4),
    fact=st.none() | st.booleans() | _text | st.lists(_text, max_size=3),
)
def test_whatever_was_decided_the_file_is_valid(
    statuses: list[str], words: list[str], fact: Any
) -> None:
    said = {
        "citation": words[0],
        "titles": {"en": words[1]},
        "reasons": (words[2],),
        "questions": (words[3],),
        "remedy": {"en": words[0]},
    }
    controls = [recorded.decided(one, f"c{at}", **said) for at, one in enumerate(statuses)]
    made = _make(_view(recorded.verdict_of(*controls, fact=fact)))
    satisfied = [
        one for one in made["results"][0].get("findings", [])
        if one["target"]["status"]["state"] == "satisfied"
    ]  # fmt: skip
    assert len(satisfied) == statuses.count("pass")
