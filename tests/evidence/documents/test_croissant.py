from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlcroissant
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import recorded
import tiny
from lextune.errors import InsufficientError
from lextune.evidence.documents.base import DossierView, documents
from lextune.files import sha256

# rdflib warns of itself, wherever mlcroissant uses it.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:rdflib.*", "ignore::DeprecationWarning:mlcroissant.*"
)

_FILE = {"path": "rows.csv", "sha256": "a" * 64, "size": 3}
_DATA = {
    "sources": ["rows.csv"],
    "files": [_FILE],
    "fingerprint": "f" * 64,
    "columns": {"text": "review", "label": "stars", "image": "image", "group": ["age", "age"]},
    "classes": ["neg", "pos"],
    "splits": {"train": {"rows": 8, "fingerprint": "e" * 64}},
}


def _bytes(view: DossierView) -> bytes:
    data = documents.get("croissant").make(view, "en")
    assert isinstance(data, bytes)
    return data


def _make(view: DossierView) -> dict[str, Any]:
    made = json.loads(_bytes(view))
    assert _errors(made) == set()
    return made


def _errors(made: dict[str, Any]) -> set[str]:
    found: set[str] = mlcroissant.Dataset(made).metadata.issues.errors
    return found


def _view(task: str = "sentiment", **data: Any) -> DossierView:
    return recorded.view_of({"config": {"task": task}, "prepare": {**_DATA, **data}})


def test_the_golden_run_describes_its_data_and_the_rows_can_be_read(tmp_path: Path) -> None:
    view = recorded.golden_view()
    described = tmp_path / "croissant.json"
    described.write_bytes(_bytes(view))
    rows = tiny.write_reviews(tmp_path / "reviews.csv")
    made = _make(view)
    assert made["distribution"][0]["sha256"] == sha256(rows.read_bytes())
    assert made["license"] == "https://spdx.org/licenses/CC0-1.0"
    dataset = mlcroissant.Dataset(described)
    read = list(dataset.records("rows-1"))
    assert len(read) == 1200
    assert {field.name for field in dataset.metadata.record_sets[2].fields} == {"text", "label", "place"}  # fmt: skip
    parts = {one["parts/name"]: one["parts/rows"] for one in dataset.records("parts")}
    assert parts == {"train": 765, "validation": 135, "test": 300}
    assert [one["classes/name"] for one in dataset.records("classes")] == ["negative", "positive"]


def test_nothing_that_no_statement_says_is_filled_in() -> None:
    made = _make(recorded.golden_view())
    for name in ("url", "version", "datePublished", "citeAs", "creator", "inLanguage"):
        assert name not in made
    for name in ("url", "version", "rai:annotatorDemographics", "rai:dataCollection", "inLanguage"):
        assert name in made["lextune:gap"]
    stated = {name for name in made if name.startswith("rai:")}
    assert stated.isdisjoint(made["lextune:gap"])


def test_responsible_fields_say_what_was_declared_and_measured() -> None:
    origin = {
        "source": "a shop",
        "purpose": "service",
        "retention_until": "2030-01-01",
        "language": ["en", "zh"],
        "consent": {"given": ["yes"]},
        "sensitive": ["health"],
        "excluded": {"erased": 2},
    }
    found = [
        recorded.measured("personal_data_rows", 3.0),
        recorded.measured("consent_share", None),
        recorded.measured("personal_data_rows", 1.0, group="age=old"),
    ]
    made = _make(_view(origin=origin, lawful_basis="consent", _measurements=found))
    personal = made["rai:personalSensitiveInformation"]
    assert personal[0].startswith("personal_data_rows is 3.0 (n=100")
    assert personal[1] == "consent_share: one class only"
    assert personal[2:] == [
        "Lawful basis, as declared: consent",
        'Columns of sensitive data, as declared: ["health"]',
        'What counts as consent, as declared: {"given": ["yes"]}',
    ]
    assert made["inLanguage"] == ["en", "zh"]
    assert made["rai:dataCollection"] == "Source, as declared: a shop"
    assert made["rai:dataReleaseMaintenancePlan"].endswith("2030-01-01")
    assert made["rai:dataPreprocessingProtocol"] == ['Rows left out: {"erased": 2}']


def test_only_columns_that_the_task_reads_are_claimed() -> None:
    rows = next(one for one in _make(_view())["recordSet"] if one["@id"] == "rows-1")
    assert [one["name"] for one in rows["field"]] == ["review", "stars", "age"]
    for view in (_view("recommendation"), _view(files=[{**_FILE, "path": "a.conll"}])):
        made = _make(view)
        assert [one["@id"] for one in made["recordSet"]] == ["classes", "parts"]
        assert any(gap.startswith("the structure of") for gap in made["lextune:gap"])


def test_a_folder_is_no_file_and_no_folder_of_the_machine_is_told() -> None:
    files = [{**_FILE, "path": "/home/ada/train"}, {**_FILE, "path": "/home/ada/rows.csv"}]
    sources = [one["path"] for one in files]
    view = _view(files=files, sources=sources)
    made = _make(view)
    assert [one["contentUrl"] for one in made["distribution"]] == ["rows.csv"]
    assert "the files in train" in made["lextune:gap"]
    for name in ("croissant", "cyclonedx", "spdx"):
        text = documents.get(name).make(view, "en")
        assert isinstance(text, bytes)
        assert b"/home" not in text
    bom = json.loads(documents.get("cyclonedx").make(view, "en"))  # type: ignore[arg-type]
    folder, table = bom["components"][0]["components"]
    assert "hashes" not in folder
    assert table["hashes"]


@pytest.mark.parametrize(
    ("sources", "licence", "url", "link"),
    [
        (["hub:org/set"], "mit", "https://huggingface.co/datasets/org/set", "https://spdx.org/licenses/MIT"),
        (["hub:org/set", "b.csv"], "llama3.2", None, "llama3.2"),
        (["b.csv"], "NONE", None, None),
    ],
)  # fmt: skip
def test_links_stand_only_where_a_statement_leads_to_them(
    sources: list[str], licence: str, url: str | None, link: str | None
) -> None:
    made = _make(_view(sources=sources, licence={"spdx": licence}))
    assert (made.get("url"), made.get("license")) == (url, link)


def test_without_data_there_is_no_description() -> None:
    with pytest.raises(InsufficientError, match="what the data are"):
        documents.get("croissant").make(recorded.view_of({"config": {}}), "en")


_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=10, deadline=None)
@given(
    licence=st.none() | _text,
    words=st.lists(_text, max_size=3),
    origin=st.dictionaries(st.sampled_from(["source", "purpose", "language"]), _text | st.none()),
)
def test_whatever_statements_say_the_file_is_valid(
    licence: Any, words: list[str], origin: Any
) -> None:
    files = [{**_FILE, "path": f"{one}.csv"} for one in words]
    columns = {"text": words[:1], "group": words}
    data = {"sources": words, "classes": words, "files": files, "columns": columns}
    view = _view(**data, origin=origin, licence={"spdx": licence})
    assert _errors(json.loads(_bytes(view))) == set()
