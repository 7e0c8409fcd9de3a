"""A document as PDF: the same bytes each time, in a font that has its signs, and nothing loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import dossiers
from lextune.errors import EnvironmentProblem, MissingExtraError, VerificationError
from lextune.evidence.documents.base import documents
from lextune.evidence.documents.writing import pdf
from lextune.evidence.documents.writing.laying import lay_out, prepare
from lextune.evidence.documents.writing.marks import read_written


def _has_font() -> bool:
    try:
        pdf.require_font("zh")
    except EnvironmentProblem:
        return False
    return True


def test_a_page_gives_the_same_pdf_each_time() -> None:
    pytest.importorskip("weasyprint", exc_type=ImportError)
    page = b"<html lang='en'><title>x</title><h1>Decision</h1><p>met</p></html>"
    assert pdf.to_pdf(page, "en") == pdf.to_pdf(page, "en")


def test_the_evidence_of_a_pdf_lies_beside_it(tmp_path: Path) -> None:
    pytest.importorskip("weasyprint", exc_type=ImportError)
    if not _has_font():
        pytest.skip("no Chinese font on this machine")
    few = {name: one for name, one in dossiers.predicates().items() if name == "config"}
    written = prepare(documents.get("verdict"), dossiers.view(few), "zh")
    files = lay_out(written, "pdf")
    assert files[""].startswith(b"%PDF-")
    path = tmp_path / "x.pdf"
    path.write_bytes(files[""])
    with pytest.raises(VerificationError, match=r"x\.pdf"):
        read_written(path)
    (tmp_path / "x.pdf.json").write_bytes(files[".json"])
    manifest, untouched = read_written(path)
    assert untouched
    assert manifest.sentences == written.manifest.sentences
    path.write_bytes(files[""] + b"\n")
    assert read_written(path)[1] is False


def test_a_page_that_would_load_something_loads_nothing(tmp_path: Path) -> None:
    weasyprint = pytest.importorskip("weasyprint", exc_type=ImportError)
    secret = tmp_path / "secret.css"
    secret.write_text("p { color: red }")
    page = f'<link rel="stylesheet" href="{secret.as_uri()}"><p>x</p>'
    with pytest.raises(weasyprint.urls.FatalURLFetchingError):
        pdf.to_pdf(page.encode(), "en")


def test_without_the_extra_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(MissingExtraError, match="documents"):
        pdf.to_pdf(b"<p>x</p>", "en")


def test_without_a_chinese_font_no_empty_boxes_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = subprocess.CompletedProcess([], 0, "", "")
    monkeypatch.setattr(pdf.subprocess, "run", lambda *_, **__: nothing)
    monkeypatch.setattr(pdf.shutil, "which", lambda _: "/usr/bin/fc-list")
    with pytest.raises(EnvironmentProblem, match="apt install fonts-noto-cjk"):
        pdf.require_font("zh")
    monkeypatch.setattr(pdf.shutil, "which", lambda _: None)
    with pytest.raises(EnvironmentProblem, match="fontconfig"):
        pdf.require_font("zh")
