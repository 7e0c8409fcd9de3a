from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from hypothesis import strategies as st

import recorded
from lextune.errors import InsufficientError
from lextune.evidence.documents.base import DossierView, documents
from lextune.records import Verdict

_VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)
_FILE = {"path": "model.safetensors", "sha256": "a" * 64, "size": 3}
_CONFIG = {"task": "sentiment", "release": {"name": "demo", "version": "1.0", "licence": "MIT"}}


def _make(view: DossierView) -> dict[str, Any]:
    data = documents.get("cyclonedx").make(view, "en")
    assert isinstance(data, bytes)
    assert _fault(data) is None
    return json.loads(data)


def _fault(data: bytes) -> Any:
    return _VALIDATOR.validate_str(data.decode())


def _gaps(made: dict[str, Any]) -> list[str]:
    return _values(made["metadata"], "lextune:gap")


def _values(part: dict[str, Any], name: str) -> list[str]:
    return [one["value"] for one in part.get("properties", []) if one["name"] == name]


def test_the_golden_run_is_valid_and_keeps_its_model_card() -> None:
    view = recorded.golden_view()
    made = _make(view)
    model, (base, data) = made["metadata"]["component"], made["components"]
    assert (model["type"], model["name"], model["version"]) == (
        "machine-learning-model", "tiny", "1.2.3",
    )  # fmt: skip
    card = model["modelCard"]
    assert card["modelParameters"] == {
        "approach": {"type": "supervised"},
        "task": "sentiment",
        "architectureFamily": "bert",
        "datasets": [{"ref": data["bom-ref"]}],
    }
    assert card["considerations"] == {"useCases": ["test the tests"]}
    assert base["licenses"] == [{"license": {"id": "Apache-2.0", "acknowledgement": "declared"}}]
    assert data["data"][0]["name"] == "reviews.csv"
    assert made["metadata"]["timestamp"] == "2026-11-25T07:45:29Z"
    assert documents.get("cyclonedx").make(view, "en") == documents.get("cyclonedx").make(
        view, "en"
    )


def test_every_figure_and_digest_is_that_of_its_statement() -> None:
    view = recorded.golden_view()
    made = _make(view)
    model, (base, data) = made["metadata"]["component"], made["components"]
    for component, room in ((model, "train"), (base, "select"), (data, "prepare")):
        record = view.record(room)
        assert record is not None
        listed = {one["name"]: one["hashes"][0]["content"] for one in component["components"]}
        assert listed == {one["path"]: one["sha256"] for one in record[1]["files"]}
        assert f"urn:lextune:statement:sha256:{record[0]}" in _values(component, "lextune:evidence")
    stated = {
        (one["name"], one.get("group"), json.dumps(one["value"]))
        for _, predicate in view.every(["evaluate", "audit"])
        for one in predicate["measurements"]
    }
    metrics = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert {(one["type"], one.get("slice"), one["value"]) for one in metrics} == stated
    text = json.dumps(made)
    named = {part[:64] for part in text.split("urn:lextune:statement:sha256:")[1:]}
    assert named <= {digest for digest, _ in view.statements}


@pytest.mark.parametrize(
    ("stated", "written"),
    [
        ("apache-2.0", [{"license": {"id": "Apache-2.0", "acknowledgement": "declared"}}]),
        ("llama3.2", [{"license": {"name": "llama3.2", "acknowledgement": "declared"}}]),
        ("Terms (v2)", [{"license": {"name": "Terms (v2)", "acknowledgement": "declared"}}]),
        (
            "MIT AND openrail",
            [{"expression": "MIT AND LicenseRef-openrail", "acknowledgement": "declared"}],
        ),
        ("NONE", None),
        ("NOASSERTION", None),
        (None, None),
    ],
)
def test_a_licence_is_written_as_stated_and_none_is_made_up(stated: Any, written: Any) -> None:
    config = {**_CONFIG, "release": {**_CONFIG["release"], "licence": stated}}  # type: ignore[dict-item]
    made = _make(recorded.view_of({"config": config}))
    assert made["metadata"]["component"].get("licenses") == written
    assert any(gap.startswith("the licence of the model") for gap in _gaps(made)) is (
        written is None
    )


@pytest.mark.parametrize(
    ("source", "name", "revision", "url"),
    [
        ("pypi:gt_Mini/onnx", "gt-mini", "0.1.0", "pkg:pypi/gt-mini@0.1.0"),
        ("org/model", "org/model", "a" * 40, f"pkg:huggingface/org/model@{'a' * 40}"),
        ("org/model", "org/model", "main", None),
        ("./folder", "folder", "b" * 64, None),
        ("folder", "folder", "b" * 64, None),
    ],
)
def test_a_package_url_stands_only_where_one_pins_the_model(
    source: str, name: str, revision: str, url: str | None
) -> None:
    base = {"source": source, "id": name, "revision": revision, "files": [_FILE]}
    made = _make(recorded.view_of({"config": _CONFIG, "select": base}))
    assert made["components"][0].get("purl") == url
    assert made["metadata"]["component"]["pedigree"]["ancestors"][0].get("purl") == url


def test_what_was_not_measured_is_a_gap_and_no_figure() -> None:
    complete = {"_measurements": [recorded.measured("roc_auc", None), recorded.measured("f1", 0.5)]}
    crashed = {"audit": "robustness", "_status": "crashed", "_measurements": [recorded.measured("x", 1.0)]}  # fmt: skip
    view = recorded.view_of({"config": _CONFIG, "evaluate": complete, "audit-robustness": crashed})
    made = _make(view)
    metrics = made["metadata"]["component"]["modelCard"]["quantitativeAnalysis"]
    assert [one["type"] for one in metrics["performanceMetrics"]] == ["f1"]
    assert "roc_auc: one class only" in _gaps(made)
    assert "robustness did not complete: it proves nothing" in _gaps(made)


def test_a_figure_of_an_attestation_that_is_over_is_a_gap() -> None:
    entry = {"name": "red_team", "sha256": "a" * 64, "expires": "2020-01-01"}
    brought = {"attestations": [entry], "_measurements": [recorded.measured("leak_rate", 0.1)]}
    verdict = Verdict(
        outcome="pass", as_of=datetime.date(2026, 11, 25), facts={}, packs={}, controls=()
    )
    made = _make(recorded.view_of({"config": _CONFIG, "attestation": brought}, verdict))
    assert "the attestation red_team does not count any more" in _gaps(made)
    assert "leak_rate" not in json.dumps(made)


def test_a_figure_that_a_person_attests_is_told_apart() -> None:
    brought = {"attestations": [], "_measurements": [recorded.measured("leak_rate", 0.1)]}
    view = recorded.view_of({"config": _CONFIG, "attestation": brought})
    card = _make(view)["metadata"]["component"]["modelCard"]
    assert [one["type"] for one in card["quantitativeAnalysis"]["performanceMetrics"]] == [
        "leak_rate"
    ]
    (basis,) = _values(card, "lextune:measurement:leak_rate")
    assert "attested by a person" in basis
    assert view.statements[1][0] in basis


def test_without_rooms_nothing_is_claimed() -> None:
    made = _make(recorded.view_of({"config": {}}))
    model = made["metadata"]["component"]
    assert model["name"] == "not stated"
    assert set(model) == {"type", "bom-ref", "name", "modelCard", "properties"}
    assert model["modelCard"]["modelParameters"] == {}
    assert made["components"] == []
    gaps = _gaps(made)
    for room in ("select", "prepare", "train", "evaluate"):
        assert f"there is no complete statement of the room {room}" in gaps
    assert "nothing was decided on this model" in gaps
    with pytest.raises(InsufficientError):
        documents.get("cyclonedx").make(DossierView((), None, {}), "en")


_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_any = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1, 1) | _text | st.lists(_text)


@settings(max_examples=40, deadline=None)
@given(
    licence=st.sampled_from(["MIT", "mit OR x", "x WITH y", "NONE", "许可", "GPL-2.0+"]) | _text,
    words=st.lists(_any, min_size=6, max_size=6),
    value=st.none() | st.floats(allow_nan=False, allow_infinity=False),
)
def test_whatever_statements_say_the_file_is_valid(licence: str, words: Any, value: Any) -> None:
    base = {"id": words[0], "source": words[1], "licence": {"spdx": licence, "note": words[2]}}
    data = {"sources": words[3], "classes": words[4], "splits": {"train": {"rows": 1}}}
    evaluate = {"_measurements": [recorded.measured("f1", value, group=words[5])]}
    rooms = {"config": _CONFIG, "select": base, "prepare": data, "evaluate": evaluate}
    written = documents.get("cyclonedx").make(recorded.view_of(rooms), "en")
    assert isinstance(written, bytes)
    assert _fault(written) is None
