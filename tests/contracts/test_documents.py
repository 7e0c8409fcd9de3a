"""Every kind of document over a full dossier and over none: it is written, the same each time, and says what it is."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

import dossiers
from lextune.errors import InsufficientError
from lextune.evidence.documents.base import DossierView, Language, Report, documents

KINDS = [(name, language) for name, one in documents for language in one.languages]


@pytest.mark.parametrize(("name", "language"), KINDS)
def test_a_document_is_written_from_any_dossier(name: str, language: Language) -> None:
    one = documents.get(name)
    for view in (dossiers.view(), dossiers.view(decided=False), DossierView((), None, {})):
        try:
            made = one.make(view, language)
        except InsufficientError:  # a file for machines has no gaps to print: it is refused instead
            assert one.suffix
            assert view.verdict is None
            continue
        assert made == one.make(view, language)
        if isinstance(made, Report):
            assert one.suffix == ""
            assert made.language == language
            assert made.sections
        else:
            assert one.suffix.startswith(".")


@pytest.mark.parametrize("name", documents.names())
def test_a_kind_of_document_has_titles_in_both_languages(name: str) -> None:
    one = documents.get(name)
    assert one.name == name
    assert all(one.titles[language].strip() for language in ("en", "zh"))
    assert one.languages


def test_packs_name_documents_that_there_are() -> None:
    named = {
        name
        for pack in files("lextune.policies").iterdir()
        if pack.name.endswith(".yaml")
        for name in re.findall(r"lextune document write ([a-z0-9_]+)", pack.read_text("utf-8"))
    }
    assert named
    assert named <= set(documents.names())
