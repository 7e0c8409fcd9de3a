"""What an owner states of data: a manifest is merged strictly, a basis is one of a closed list, consent has its column."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from lextune.config import RunConfig, load_config
from lextune.errors import ConfigError, Problem
from lextune.release import parse_config_record
from lextune.rights import LAWFUL_BASES, retention_problem

MANIFEST = """
source: https://example.org/reviews
licence: CC-BY-SA-4.0
purpose: to rate restaurants
lawful_basis: consent
retention_until: 2027-01-01
language: [en, zh-Hans]
columns: {subject: user, consent: agreed, sensitive: [health]}
consent: {given: [agreed, 同意], withdrawn_at: left}
"""


def config(**data: Any) -> RunConfig:
    return load_config(
        {"task": "sentiment", "model": {"source": "a/b"}, "data": {"train": "x.csv", **data}}
    )


def problems(**data: Any) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        config(**data)
    assert all(one.remedy for one in caught.value.problems)
    return caught.value.problems


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "data.yaml"
    path.write_text(MANIFEST, encoding="utf-8")
    return path


def test_a_manifest_is_merged_and_the_config_holds_it_all(manifest: Path) -> None:
    found = config(manifest=str(manifest), columns={"text": "review"}).data
    assert (found.source, found.licence) == ("https://example.org/reviews", "CC-BY-SA-4.0")
    assert (found.purpose, found.lawful_basis) == ("to rate restaurants", "consent")
    assert found.retention_until == datetime.date(2027, 1, 1)
    assert found.language == ("en", "zh-Hans")
    columns = found.columns
    assert (columns.text, columns.subject, columns.consent) == ("review", "user", "agreed")
    assert columns.sensitive == ("health",)
    assert found.consent is not None
    assert found.consent.given == ("agreed", "同意")
    assert found.consent.withdrawn_at == "left"


def test_the_same_words_in_both_are_no_contradiction(manifest: Path) -> None:
    found = config(manifest=str(manifest), licence="CC-BY-SA-4.0", columns={"sensitive": "health"})
    assert found.data.licence == "CC-BY-SA-4.0"


def test_a_config_that_was_merged_is_the_same_when_it_is_merged_again(manifest: Path) -> None:
    once = config(manifest=str(manifest))
    assert load_config(once.model_dump(mode="json")) == once


@pytest.mark.parametrize(
    "data",
    [
        {"licence": "MIT"},
        {"lawful_basis": "contract"},
        {"language": ["en"]},
        {"columns": {"subject": "person"}},
        {"retention_until": "2028-01-01"},
    ],
)
def test_a_contradiction_is_an_error_that_names_both_places(
    manifest: Path, data: dict[str, Any]
) -> None:
    found = problems(manifest=str(manifest), **data)
    assert "differ in data." in found[0].fact
    assert found[0].where.startswith(f"{manifest}:")
    assert "the config says it at" in found[0].remedy


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("licens: MIT", "unknown key 'licens'"),
        ("columns: {text: review}", "unknown key 'columns.text'"),
        ("language: [english]", "language"),
        ("retention_until: tomorrow", "retention_until"),
        ("consent: {given: []}", "consent.given"),
        ("consent: {given: [yes], refused: [yes]}", "means both given and refused"),
        ("purpose: [", "not YAML"),
        ("", "empty"),
    ],
)
def test_a_manifest_is_strict(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "data.yaml"
    path.write_text(text, encoding="utf-8")
    (found,) = problems(manifest=str(path))
    assert says in found.fact
    assert found.where.startswith(str(path))


def test_a_manifest_that_is_not_there_is_told() -> None:
    (found,) = problems(manifest="gone.yaml")
    assert "gone.yaml cannot be read" in found.fact


@pytest.mark.parametrize("basis", sorted(set(LAWFUL_BASES) - {"consent"}))
def test_each_basis_of_the_list_is_one(basis: str) -> None:
    assert config(lawful_basis=basis).data.lawful_basis == basis


def test_pipl_knows_no_legitimate_interests() -> None:
    assert LAWFUL_BASES["legitimate_interests"].pipl is None
    named = {basis.gdpr for basis in LAWFUL_BASES.values()} - {None}
    assert named == {f"6(1)({letter})" for letter in "abcdef"}
    assert {basis.pipl for basis in LAWFUL_BASES.values()} >= {f"13(1)({n})" for n in range(1, 8)}


@pytest.mark.parametrize(
    ("word", "remedy"),
    [("Consent", "'consent'"), ("legitimate interest", "'legitimate_interests'"), ("x", "use one")],
)
def test_another_basis_is_refused_with_the_nearest(word: str, remedy: str) -> None:
    (found,) = problems(lawful_basis=word)
    assert "no lawful basis" in found.fact
    assert remedy in found.remedy


def test_evidence_of_an_older_run_with_a_basis_in_free_text_stays_readable() -> None:
    record = config().model_dump(mode="json")
    record["data"]["lawful_basis"] = "Art. 6 I a DSGVO"
    assert parse_config_record(record).data.lawful_basis == "Art. 6 I a DSGVO"


def test_consent_needs_its_column_and_its_column_needs_consent() -> None:
    (found,) = problems(lawful_basis="consent")
    assert "data.columns.consent" in found.remedy
    (found,) = problems(lawful_basis="contract", columns={"consent": "agreed"})
    assert "data.columns.consent is set" in found.fact
    (found,) = problems(consent={"given": "y"})
    assert "data.consent is set" in found.fact
    assert config(lawful_basis="consent", columns={"consent": "agreed"}).data.columns.consent


def test_other_data_has_rights_of_its_own(manifest: Path) -> None:
    found = config(manifest=str(manifest)).for_other_data()["data"]
    assert found["lawful_basis"] is found["consent"] is found["manifest"] is None
    assert found["columns"]["consent"] is None


def test_the_last_day_of_retention_counts() -> None:
    last = datetime.date(2026, 11, 28)
    assert retention_problem(last, last) is None
    assert retention_problem(None, last) is None
    late = retention_problem(last, datetime.date(2026, 11, 29))
    assert late is not None
    assert "2026-11-28" in late.fact
