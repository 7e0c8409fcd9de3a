"""The lists that come with lextune are whole, and a list with a fault is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from lextune.audits.terms.lists import known_languages, read_terms, terms_of
from lextune.errors import DataError


@pytest.mark.parametrize("language", known_languages())
def test_every_list_has_attributes_templates_and_terms_that_are_found(language: str) -> None:
    terms = terms_of(language)
    assert terms.language == language
    assert {"gender", "religion", "nationality", "age", "disability", "sexual_orientation"} <= set(
        terms.attributes
    )
    assert len(terms.templates) == len(set(terms.templates)) >= 20
    for name, attribute in terms.attributes.items():
        assert len(set(attribute.groups)) == len(attribute.groups)
        assert all(terms.patterns[name].fullmatch(word) for word in attribute.places)
        protected = {one.casefold() for one in terms.protected}
        assert protected.isdisjoint(attribute.places)


def test_groups_of_gender_are_called_alike_in_all_languages() -> None:
    assert {terms_of(one).attributes["gender"].groups for one in known_languages()} == {
        ("female", "male")
    }


def test_a_list_of_ones_own_is_read(tmp_path: Path) -> None:
    path = tmp_path / "de.yaml"
    path.write_text(
        "language: de\nattributes:\n  gender:\n    groups: [female, male]\n"
        "    people: [eine Frau, ein Mann]\n    words:\n      - [Frau, Mann]\n"
        "templates: ['Ich traf {}.']\n"
    )
    assert read_terms(str(path)).attributes["gender"].places["frau"] == ((0, 0),)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("      - [Frau]\n", "one word for each"),
        ("      - [Frau, Mann]\ntemplates: [nobody]\n", "does not hold"),
        ("      - [Frau, Mann]\nextra: 1\n", "unknown key"),
        ("      - {words: [Frau, Mann], before: verb}\n", "before"),
    ],
)
def test_a_list_with_a_fault_is_refused(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "de.yaml"
    head = "language: de\nattributes:\n  gender:\n    groups: [female, male]\n    people: [a, b]\n"
    path.write_text(f"{head}    words:\n{line}")
    with pytest.raises(DataError, match=said):
        read_terms(str(path))


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_terms(str(tmp_path / "none.yaml"))
