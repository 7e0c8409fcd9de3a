from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

import recorded
from lextune.evidence.documents.base import DossierView, documents

_FILE = {"path": "model.safetensors", "sha256": "a" * 64, "size": 3}


def _make(view: DossierView) -> dict[str, Any]:
    data = documents.get("spdx").make(view, "en")
    assert isinstance(data, bytes)
    made = json.loads(data)
    assert _faults(made) == []
    return made


def _faults(made: dict[str, Any]) -> list[Any]:
    return validate_full_spdx_document(JsonLikeDictParser().parse(made))


def _packages(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["SPDXID"].removeprefix("SPDXRef-"): one for one in made["packages"]}


def _licensed(model: Any, base: Any = "MIT", data: Any = "CC0-1.0") -> DossierView:
    release = {"name": "demo", "version": "1.0", "licence": model}
    return recorded.view_of(
        {
            "config": {"release": release},
            "select": {"id": "base", "licence": {"spdx": base, "found_in": "LICENSE"}},
            "prepare": {"sources": ["a.csv"], "licence": {"spdx": data, "packaging": "MIT"}},
            "train": {"files": [_FILE]},
        }
    )


def test_the_golden_run_states_three_licences_and_concludes_none() -> None:
    made = _make(recorded.golden_view())
    packages = _packages(made)
    declared = {name: one["licenseDeclared"] for name, one in packages.items()}
    assert declared == {"Model": "NOASSERTION", "BaseModel": "Apache-2.0", "Dataset": "CC0-1.0"}
    assert {one["licenseConcluded"] for one in packages.values()} == {"NOASSERTION"}
    assert packages["BaseModel"]["licenseComments"] == "Found in: model card (README.md)"
    assert "the licence of SPDXRef-Model" in made["comment"]
    kinds = {one["relationshipType"] for one in made["relationships"]}
    assert kinds == {"DESCRIBES", "DESCENDANT_OF", "GENERATED_FROM"}


def test_files_and_statements_are_named_by_their_digests() -> None:
    view = recorded.golden_view()
    found = {}
    for name, package in _packages(_make(view)).items():
        for one in package["externalRefs"]:
            found.setdefault((name, one["referenceType"]), []).append(one["referenceLocator"])
    for name, room in (("Model", "train"), ("BaseModel", "select"), ("Dataset", "prepare")):
        record = view.record(room)
        assert record is not None
        files = [f"sha256:{one['sha256']}" for one in record[1]["files"]]
        assert found[name, "lextune-file"] == files
        assert f"urn:lextune:statement:sha256:{record[0]}" in found[name, "lextune-statement"]


def test_licences_outside_the_list_are_references_that_say_they_hold_no_text() -> None:
    made = _make(_licensed("MIT AND llama3.2", base="llama3.2", data="商业许可"))
    declared = {name: one["licenseDeclared"] for name, one in _packages(made).items()}
    assert declared["Model"] == "MIT AND LicenseRef-llama3.2"
    assert declared["BaseModel"] == "LicenseRef-llama3.2"
    named = {one["licenseId"]: one for one in made["hasExtractedLicensingInfos"]}
    assert set(named) == {"LicenseRef-llama3.2", declared["Dataset"]}
    assert named[declared["Dataset"]]["name"] == "商业许可"
    assert all("not in the dossier" in one["extractedText"] for one in named.values())
    other = _make(_licensed("MIT", data="学术许可"))
    assert _packages(other)["Dataset"]["licenseDeclared"] != declared["Dataset"]


def test_none_and_unknown_keep_their_own_words() -> None:
    packages = _packages(_make(_licensed(None, base="NONE", data="NOASSERTION")))
    declared = {name: one["licenseDeclared"] for name, one in packages.items()}
    assert declared == {"Model": "NOASSERTION", "BaseModel": "NONE", "Dataset": "NOASSERTION"}
    assert packages["Dataset"]["licenseComments"] == "The packaging says of itself: MIT"


def test_what_was_decided_on_the_licences_together_is_quoted_not_concluded() -> None:
    view = _licensed("MIT")
    control = recorded.decided("fail", "output_licence", reasons=("It may not be passed on.",))
    decided = DossierView(view.statements, recorded.verdict_of(control, outcome="fail"), {})
    model = _packages(_make(decided))["Model"]
    assert "trial/output_licence: fail. It may not be passed on." in model["licenseComments"]
    assert model["licenseConcluded"] == "NOASSERTION"


def test_without_rooms_only_the_gaps_are_named() -> None:
    made = _make(recorded.view_of({"audit-x": {}}))
    assert [one["SPDXID"] for one in made["packages"]] == ["SPDXRef-Model"]
    assert made["packages"][0]["name"] == "not stated"
    for room in ("config", "select", "prepare", "train"):
        assert f"no complete statement of the room {room}" in made["comment"]


_licences = st.sampled_from(
    ["MIT", "apache-2.0", "GPL-2.0", "MIT OR (llama3.2 AND x)", "GPL-2.0-only WITH nobody", "NONE"]
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@settings(max_examples=60, deadline=None)
@given(model=_licences, base=_licences, data=_licences)
def test_whatever_licences_are_stated_the_file_is_valid(model: str, base: str, data: str) -> None:
    written = documents.get("spdx").make(_licensed(model, base, data), "en")
    assert isinstance(written, bytes)
    assert _faults(json.loads(written)) == []
