"""Makes a document from a dossier and lays it out in the form asked for; it knows no folder and no law."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from lextune.errors import ConfigError, Problem
from lextune.evidence.documents.base import (
    Claim,
    Document,
    DossierView,
    Figures,
    Gap,
    Language,
    Part,
    Report,
    Section,
)
from lextune.evidence.documents.writing.marks import (
    HTML,
    Manifest,
    Marked,
    Stale,
    Written,
    json_body,
    manifest_of,
    seal,
    stale_sentences,
)
from lextune.evidence.documents.writing.words import opening

Form = Literal["md", "html", "pdf", "json"]


def prepare(
    kind: Document, view: DossierView, language: Language, old: Manifest | None = None
) -> Written:
    """A text document made from the dossier, with what went stale of the version that it replaces.

    Raises:
        ConfigError: The kind is a file for machines, or cannot be written in the language; `old` is of another kind
            or in another language.
    """
    report = made(kind, view, language)
    if not isinstance(report, Report):
        raise ConfigError(
            Problem(
                f"{kind.name} is a file of its own form ({kind.suffix}), not a text",
                "write it without --format",
            )
        )
    manifest = manifest_of(kind, report, view)
    if old is None:
        return Written(kind, report, manifest)
    if (old.document, old.language) != (kind.name, language):
        raise ConfigError(
            Problem(
                f"what lies there is the document {old.document} in {old.language}",
                "give another file with --output",
                "its sentences can only be compared with the same ones",
            )
        )
    return _with_stale(Written(kind, report, manifest), stale_sentences(old, manifest, view))


def _with_stale(written: Written, stale: tuple[Stale, ...]) -> Written:
    marked = tuple(Marked(text=one.text, gone=one.gone, said=one.said) for one in stale)
    manifest = written.manifest.model_copy(update={"stale": marked})
    return replace(written, manifest=manifest, stale=stale)


def is_forged(data: bytes, old: Manifest, written: Written) -> bool:
    """Whether a document whose sentences all hold shows something else than these sentences.

    Its manifest is not signed, so that its own seal proves nothing: it is laid out anew and compared. A PDF is not,
    since fonts differ from machine to machine.

    Args:
        data: The document's bytes.
        old: Its manifest.
        written: The same document made from the dossier, with `old` as the version before it.
    """
    if data.startswith(b"%PDF") or written.stale:
        return False
    json_ = data.lstrip().startswith(b"{")
    form: Form = "json" if json_ else "html" if HTML[0].encode() in data else "md"
    shown = tuple(Stale(one.text, one.gone, one.said) for one in old.stale)
    return lay_out(_with_stale(written, shown), form)[""] != data


def made(kind: Document, view: DossierView, language: Language) -> Report | bytes:
    """What the maker of the document gives.

    Raises:
        ConfigError: It cannot be written in the language.
    """
    if language not in kind.languages:
        known = " or ".join(kind.languages)
        raise ConfigError(Problem(f"{kind.name} is not written in {language}", f"--lang {known}"))
    return kind.make(view, language)


def lay_out(written: Written, form: Form) -> dict[str, bytes]:
    """The files of a document by what is appended to its name: itself under "", and beside a PDF `.json`.

    Raises:
        MissingExtraError: A PDF is asked for, and the extra `documents` is not installed.
        EnvironmentProblem: A PDF is asked for, and this machine has no font for the language.
    """
    if form == "md":
        from lextune.evidence.documents.writing.markdown import to_markdown

        return {"": to_markdown(written)}
    if form == "json":
        return {"": to_json(written)}
    from lextune.evidence.documents.writing.html import to_html

    page = to_html(written)
    if form == "html":
        return {"": page}
    from lextune.evidence.documents.writing.pdf import to_pdf

    printed = to_pdf(page, written.report.language)
    beside = seal(written.manifest, printed).dumped()
    return {"": printed, ".json": json_body(beside) + b"\n"}


def to_json(written: Written) -> bytes:
    """The document as a tree, and its manifest under `manifest`."""
    report = written.report
    content: dict[str, Any] = {
        "title": report.title,
        "language": report.language,
        "opening": opening(written),
        "sections": [_section(one) for one in report.sections],
        "stale": [
            {"text": one.text, "rested_on": list(one.gone), "said_on_other_evidence": one.said}
            for one in written.stale
        ],
    }
    whole = seal(written.manifest, json_body(content))
    return json_body({**content, "manifest": whole.dumped()}) + b"\n"


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "parts": [_part(one) for one in section.parts],
        "sections": [_section(one) for one in section.sections],
    }


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, Claim):
        return {"kind": "claim", "text": part.text, "evidence": list(part.evidence)}
    if isinstance(part, Gap):
        return {"kind": "gap", "text": part.text, "remedy": part.remedy}
    if isinstance(part, Figures):
        rows = zip(part.rows, part.evidence, strict=True)
        return {
            "kind": "figures",
            "head": list(part.head),
            "rows": [{"cells": list(row), "evidence": list(found)} for row, found in rows],
        }
    return {"kind": "note", "text": part.text}


def gaps(report: Report) -> int:
    """How many gaps a document has."""
    return sum(_gaps(one) for one in report.sections)


def _gaps(section: Section) -> int:
    here = sum(isinstance(one, Gap) for one in section.parts)
    return here + sum(_gaps(one) for one in section.sections)
