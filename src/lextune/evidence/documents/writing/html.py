"""Lays a document out as one HTML file that loads nothing and runs nothing; light, dark and on paper; it knows no law."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from html import escape
from importlib.resources import files

from lextune.evidence.documents.base import Claim, Figures, Gap, Note, Part, Section
from lextune.evidence.documents.parts.found import STATUSES
from lextune.evidence.documents.writing.marks import HTML, Written, embed, seal
from lextune.evidence.documents.writing.words import opening, stale_lines, word
from lextune.evidence.markdown import one_line

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
#: Results of controls stand out, in whatever table.
_CLASSES = {word: f' class="{status}"' for status, words in STATUSES.items() for word in words}
_LANGUAGES = {"en": "en", "zh": "zh-Hans"}


def to_html(written: Written) -> bytes:
    """The document; each sentence carries the digests it rests on, and all of them stand in a block of JSON at its end."""
    head, foot = _head(written), "\n</body>\n</html>\n"
    body = "\n".join([head, *_body(written)])
    whole = seal(written.manifest, f"{body}\n{foot}".encode())
    return f"{body}\n{HTML[0]}{embed(whole)}{HTML[1]}{foot}".encode()


def _head(written: Written) -> str:
    title, language = _text(written.report.title), written.report.language
    return (
        f'<!doctype html>\n<html lang="{_LANGUAGES[language]}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{title}</title>\n<style>\n{_style()}</style>\n</head>\n<body>\n<h1>{title}</h1>"
    )


def _body(written: Written) -> Iterator[str]:
    language = written.report.language
    for one in opening(written):
        yield f'<p class="quiet">{_text(one)}</p>'
    for section in written.report.sections:
        yield from _section(section, 2, written)
    yield from _stale(written)
    yield f"<h2>{word('statements', language)}</h2>"
    yield f'<p class="quiet">{_text(word("statements_note", language))}</p>\n<ol>'
    for number, (digest, label) in enumerate(written.manifest.statements.items(), 1):
        yield f'<li id="s{number}">{_text(label)} <code>{digest}</code></li>'
    yield "</ol>"


def _section(section: Section, level: int, written: Written) -> Iterator[str]:
    yield f"<h{level}>{_text(section.title)}</h{level}>"
    for part in section.parts:
        yield from _part(part, written)
    if not section.parts and not section.sections:
        yield f'<p class="note">{word("none", written.report.language)}</p>'
    for inner in section.sections:
        yield from _section(inner, min(level + 1, 6), written)


def _part(part: Part, written: Written) -> Iterator[str]:
    language = written.report.language
    if isinstance(part, Claim):
        marks = _marks(part.evidence, written)
        yield f'<p data-evidence="{" ".join(part.evidence)}">{_text(part.text)} {marks}</p>'
    elif isinstance(part, Note):
        yield f'<p class="note">{_text(part.text)}</p>'
    elif isinstance(part, Gap):
        todo = f' <span class="quiet">({word("remedy", language)}{_text(part.remedy)})</span>'
        shown = todo if part.remedy else ""
        yield f'<p class="gap"><b>{word("gap", language)}</b> {_text(part.text)}{shown}</p>'
    elif isinstance(part, Figures):
        yield from _table(part, written)


def _table(part: Figures, written: Written) -> Iterator[str]:
    heads = "".join(f"<th>{_text(one)}</th>" for one in part.head)
    yield f'<div class="scroll"><table>\n<thead><tr>{heads}<th class="marks"></th></tr></thead>\n<tbody>'
    for row, evidence in zip(part.rows, part.evidence, strict=True):
        cells = "".join(f"<td{_CLASSES.get(cell, '')}>{_text(cell)}</td>" for cell in row)
        marks = _marks(evidence, written)
        yield f'<tr data-evidence="{" ".join(evidence)}">{cells}<td class="marks">{marks}</td></tr>'
    yield "</tbody></table></div>"


def _marks(evidence: Sequence[str], written: Written) -> str:
    numbers = sorted(written.mark(one) for one in evidence)
    return "<sup>" + " ".join(f'<a href="#s{one}">[{one}]</a>' for one in numbers) + "</sup>"


def _stale(written: Written) -> Iterator[str]:
    lost, renewed = stale_lines(written)
    language = written.report.language
    if lost or renewed:
        yield f"<h2>{word('stale', language)}</h2>"
    if lost:
        yield f"<p>{_text(word('stale_note', language))}</p>\n<ul>"
        for one in lost:
            gone = word("gone", language, what=", ".join(one.gone)) if one.gone else ""
            yield f'<li><del>{_text(one.text)}</del> <span class="quiet">{_text(gone)}</span></li>'
        yield "</ul>"
    if renewed:
        yield f"<p>{_text(renewed)}</p>"


def _text(value: str) -> str:
    return escape(one_line(value))


@lru_cache(maxsize=1)
def _style() -> str:
    return files(__package__).joinpath("page.css").read_text("utf-8")
