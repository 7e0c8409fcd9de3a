"""The licences of model and data, read together, say what the release must be under: a table that a lawyer can read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lextune.policy.facts import all_facts
from lextune.policy.findings import Finding
from lextune.policy.licences import LicenceTable, alternatives
from lextune.policy.output_licence import check_output_licence, output_terms
from lextune.policy.packs import load_pack
from lextune.policy.readings import Readings
from lextune.policy.schema import OutputLicenceRequirement
from lextune.records import Statement

Signed = Callable[..., tuple[str, Statement]]
PACK = load_pack("licences")
ROWS = {row.id.casefold(): row for row in PACK.licences}
NEED = OutputLicenceRequirement(output_licence="compatible", unstated="warn")


@pytest.fixture
def check(licensed: Signed, signed: Signed) -> Callable[..., Finding]:
    """Model, data and declared licence to what the requirement comes to."""

    def run(model: str, data: str, declared: str | None, name: str = "reviews") -> Finding:
        statements = [
            licensed("model", model),
            licensed("data", data),
            signed("config", release={"name": name, "licence": declared}),
        ]
        readings = Readings(statements)
        inputs: Any = {of: readings.licence(of) for of in ("model", "data")}  # type: ignore[arg-type]
        return check_output_licence(
            NEED, inputs, readings.release(), LicenceTable(ROWS, all_facts([PACK]), {})
        )

    return run


#: model, data, declared, expected, what the reason must say.
COMBINATIONS = [
    # Nothing asks for anything but attribution: any licence does.
    ("Apache-2.0", "CC-BY-4.0", None, "pass", "asks for a particular licence"),
    ("Apache-2.0", "CC-BY-4.0", None, "pass", "attribution is due under Apache-2.0 of the model, CC-BY-4.0 of the data"),
    ("MIT", "CC0-1.0", "LicenseRef-ours", "pass", "release.licence is LicenseRef-ours"),
    # Share-alike on one side wins.
    ("Apache-2.0", "CC-BY-SA-4.0", None, "insufficient", "CC-BY-SA-4.0 of the data (section 3(b)) decides"),
    ("Apache-2.0", "CC-BY-SA-4.0", "CC-BY-SA-4.0", "pass", "must be under CC-BY-SA-4.0 or GPL-3.0-only"),
    ("Apache-2.0", "CC-BY-SA-4.0", "cc-by-sa-4.0", "pass", "decides"),
    ("Apache-2.0", "CC-BY-SA-4.0", "GPL-3.0-only", "pass", "decides"),
    ("Apache-2.0", "CC-BY-SA-4.0", "Apache-2.0", "fail", "release.licence is Apache-2.0, which is not among them"),
    ("Apache-2.0", "CC-BY-SA-4.0", "CC-BY-SA-4.0 OR MIT", "fail", "release.licence is MIT"),
    ("GPL-3.0-only", "CC-BY-4.0", "GPL-3.0-only", "pass", "GPL-3.0-only of the model (section 5(c)) decides"),
    ("GPL-3.0-only", "CC-BY-4.0", "MIT", "fail", "not among them"),
    ("AGPL-3.0-only", "MIT", None, "insufficient", "release.licence is not declared"),
    # Two share-alike licences: the one that the other is compatible with, or none.
    ("GPL-3.0-only", "CC-BY-SA-4.0", "GPL-3.0-only", "pass", "must be under GPL-3.0-only"),
    ("GPL-3.0-only", "CC-BY-SA-4.0", "CC-BY-SA-4.0", "fail", "not among them"),
    ("GPL-2.0-only", "CC-BY-SA-4.0", "GPL-2.0-only", "insufficient", "no licence satisfies both"),
    ("GPL-3.0-only", "AGPL-3.0-only", "AGPL-3.0-only", "insufficient", "no licence satisfies both"),
    ("CC-BY-SA-4.0", "CC-BY-NC-SA-4.0", "CC-BY-NC-SA-4.0", "insufficient", "no licence satisfies both"),
    ("CC-BY-SA-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "pass", "must be under CC-BY-SA-4.0"),
    # Share-alike beside limits of use that it lets nobody add.
    ("gemma", "CC-BY-SA-4.0", "CC-BY-SA-4.0", "insufficient", "without further limits"),
    ("deepseek", "GPL-3.0-only", "GPL-3.0-only", "insufficient", "limits the use"),
    ("CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-SA-4.0", "insufficient", "limits the use"),
    ("CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "CC-BY-NC-SA-4.0", "pass", "decides"),
    # Nobody passes on a right that they do not have.
    ("Apache-2.0", "CC-BY-NC-4.0", None, "pass", "asks for a particular licence"),
    ("Apache-2.0", "CC-BY-NC-4.0", "MIT", "fail", "permits commercial use, which CC-BY-NC-4.0 of the data"),
    ("Apache-2.0", "CC-BY-NC-4.0", "CC-BY-NC-4.0", "pass", "release.licence is CC-BY-NC-4.0"),
    ("Apache-2.0", "CC-BY-NC-4.0", "LicenseRef-ours", "insufficient", "limits the use"),
    # Terms of use flow down.
    ("bigscience-openrail-m", "MIT", None, "insufficient", "must be passed on"),
    ("bigscience-openrail-m", "MIT", "bigscience-openrail-m", "pass", "must be passed on"),
    ("gemma", "CC-BY-4.0", "gemma", "pass", "the terms of use of gemma of the model (sections 3.1, 3.2) must be passed on"),
    ("gemma", "CC-BY-4.0", "Apache-2.0", "insufficient", "limits the use"),
    ("deepseek", "MIT", None, "insufficient", "release.licence is not declared"),
    # What nobody stated, or what is open, never passes.
    ("Apache-2.0", "NONE", None, "insufficient", "no licence of the data is stated"),
    ("Apache-2.0", "NOASSERTION", "MIT", "insufficient", "the table does not know NOASSERTION of the data"),
    ("LicenseRef-x", "MIT", "MIT", "insufficient", "does not know LicenseRef-x of the model"),
    ("Apache-2.0 WITH LLVM-exception", "MIT", "MIT", "insufficient", "does not know"),
    ("Apache 2.0", "MIT", "MIT", "insufficient", "does not know"),
    ("Apache-2.0", "ODbL-1.0", "ODbL-1.0", "insufficient", "is not settled"),
    ("Apache-2.0", "CC-BY-SA-4.0", "not (", "insufficient", "no expression that can be read"),
    ("LicenseRef-x", "CC-BY-SA-4.0", "MIT", "fail", "not among them"),
    # Alternatives: one suffices; what binds together binds together.
    ("MIT OR GPL-3.0-only", "CC-BY-4.0", "MIT", "pass", "asks for a particular licence"),
    ("MIT OR GPL-2.0-only", "CC-BY-SA-4.0", "CC-BY-SA-4.0", "pass", "CC-BY-SA-4.0 of the data"),
    ("MIT", "CC-BY-4.0 AND CC-BY-SA-4.0", "MIT", "fail", "not among them"),
    ("MIT", "CC-BY-4.0 AND CC-BY-SA-4.0", "CC-BY-SA-4.0", "pass", "decides"),
    ("MIT", "LicenseRef-x OR CC0-1.0", None, "pass", "asks for a particular licence"),
    ("MIT", "NONE OR CC-BY-4.0", None, "pass", "attribution"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "data", "declared", "status", "says"), COMBINATIONS)
def test_model_and_data_together(
    check: Any, model: str, data: str, declared: str | None, status: str, says: str
) -> None:
    found = check(model, data, declared)
    assert found.status == status, found.reason
    assert says in found.reason
    assert found.reason.endswith(".")
    assert len(found.evidence) == 3
    if status == "insufficient":
        assert found.questions
        assert all(one.startswith("release.licence:") for one in found.questions)


@pytest.mark.parametrize(
    ("model", "name", "status"),
    [
        ("llama3.1", "reviews", "fail"),
        ("llama3.1", "my-llama-reviews", "fail"),
        ("llama3.1", "Llama-reviews", "pass"),
        ("llama3.1", "llamareviews", "pass"),
        ("llama3", "Llama-reviews", "fail"),
        ("llama3", "Llama-3-reviews", "pass"),
        ("glm-4-9b", "GLM-4-reviews", "pass"),
        ("llama2", "reviews", "pass"),
    ],
)
def test_the_name_begins_as_the_licence_asks(
    check: Any, model: str, name: str, status: str
) -> None:
    found = check(model, "CC0-1.0", None, name)
    assert found.status == status
    if status == "fail":
        assert "asks that the model's name begin with" in found.reason
        assert "section" in found.reason or model == "glm-4-9b"


def test_what_is_only_unstated_warns_and_a_real_demand_blocks(check: Any) -> None:
    assert not check("Apache-2.0", "NONE", None).blocking
    assert check("CC-BY-SA-4.0", "NONE", None).blocking
    assert check("GPL-2.0-only", "CC-BY-SA-4.0", None).blocking


def test_nothing_is_settled_while_a_statement_is_missing(licensed: Signed) -> None:
    readings = Readings([licensed("data", "MIT")])
    inputs: Any = {of: readings.licence(of) for of in ("model", "data")}  # type: ignore[arg-type]
    found = check_output_licence(
        NEED, inputs, readings.release(), LicenceTable(ROWS, all_facts([PACK]), {})
    )
    assert (found.status, found.evidence) == ("insufficient", ())
    assert "no statement of the room select" in found.reason
    assert "no statement of the room config" in found.reason


def test_two_configs_that_differ_state_no_release(licensed: Signed, signed: Signed) -> None:
    both = [signed("config", release={"name": name}) for name in ("a", "b")]
    assert "different releases" in Readings(both).release().problem
    odd = Readings([signed("config", release={"name": "a", "licence": 3})]).release()
    assert "no release that can be read" in odd.problem


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ("MIT", [("MIT",)]),
        ("MIT OR (A AND B)", [("MIT",), ("A", "B")]),
        ("(A OR B) AND (C OR D)", [("A", "C"), ("A", "D"), ("B", "C"), ("B", "D")]),
        ("A AND A", [("A",)]),
        ("A WITH x", [("A WITH x",)]),
        ("not an ( expression", [("not an ( expression",)]),
        ("", [("NOASSERTION",)]),
    ],
)
def test_alternatives(text: str, ways: list[tuple[str, ...]]) -> None:
    assert sorted(alternatives(text)) == sorted(ways)


def test_an_expression_of_too_many_ways_is_one_that_nobody_knows() -> None:
    text = " AND ".join(f"(A{n} OR B{n})" for n in range(12))
    assert alternatives(text) == [(text,)]


IDS = st.sampled_from([*(row.id for row in PACK.licences), "NONE", "NOASSERTION", "LicenseRef-x"])


@given(model=IDS, data=IDS, declared=st.none() | IDS)
def test_what_passes_is_permitted_and_no_input_is_unknown(
    model: str, data: str, declared: str | None
) -> None:
    """Whatever is combined: a pass needs known inputs, no contradiction, and a permitted declaration."""
    (terms,) = output_terms(model, data, ROWS)
    found = _finding(model, data, declared)
    if terms.unlisted or terms.unsettled or terms.conflict:
        assert found.status != "pass"
    if found.status == "pass" and terms.permitted is not None:
        assert declared is not None
        assert declared in terms.permitted
    if found.status == "pass" and terms.carried:
        assert declared is not None


def _finding(model: str, data: str, declared: str | None) -> Finding:
    from lextune.policy.readings import StatedLicence, StatedRelease
    from lextune.records import Licence

    def stated(spdx: str) -> StatedLicence:
        return StatedLicence(Licence(spdx=spdx, found_in="a file"), "it", "", ("d",))

    release = StatedRelease("Llama 3", declared, "", ("d",))
    inputs: Any = {"model": stated(model), "data": stated(data)}
    return check_output_licence(NEED, inputs, release, LicenceTable(ROWS, {}, {}))
