"""Lays a document out as GitHub Markdown; it knows no law."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from lextune.evidence.documents.base import Claim, Figures, Gap, Note, Part, Section
from lextune.evidence.documents.writing.marks import MARKDOWN, Written, embed, seal
from lextune.evidence.documents.writing.words import opening, stale_lines, word
from lextune.evidence.markdown import table, text


def to_markdown(written: Written) -> bytes:
    """The document, with what it says of its evidence in a comment at its end."""
    language = written.report.language
    lines = [f"# {text(written.report.title)}", ""]
    for one in opening(written):
        lines += [text(one), ""]
    for section in written.report.sections:
        lines += _section(section, 2, written)
    lines += _stale(written)
    lines += [f"## {word('statements', language)}", "", text(word("statements_note", language)), ""]
    for number, (digest, label) in enumerate(written.manifest.statements.items(), 1):
        lines.append(f"{number}. {text(label)}: `{digest}`")
    body = "\n".join(lines).rstrip() + "\n\n"
    # without the comment it ends as it does with it: a reader takes out exactly the comment
    whole = seal(written.manifest, f"{body}\n".encode())
    return f"{body}{MARKDOWN[0]}{embed(whole)}{MARKDOWN[1]}\n".encode()


def _section(section: Section, level: int, written: Written) -> list[str]:
    lines = [f"{'#' * level} {text(section.title)}", ""]
    for part, following in zip_longest(section.parts, section.parts[1:]):
        lines += _part(part, written)
        if isinstance(part, Claim) and isinstance(following, Claim):
            lines.pop()  # sentences that follow each other are one list
    if not section.parts and not section.sections:
        lines += [text(word("none", written.report.language)), ""]
    for inner in section.sections:
        lines += _section(inner, level + 1, written)
    return lines


def _part(part: Part, written: Written) -> Iterator[str]:
    language = written.report.language
    if isinstance(part, Claim):
        yield f"- {text(part.text)} {_marks(part.evidence, written)}"
    elif isinstance(part, Note):
        yield f"*{text(part.text)}*"
    elif isinstance(part, Gap):
        todo = f" ({word('remedy', language)}{text(part.remedy)})" if part.remedy else ""
        yield f"> **{word('gap', language)}:** {text(part.text)}{todo}"
    elif isinstance(part, Figures):
        rows = [
            [*(text(cell) for cell in row), _marks(evidence, written)]
            for row, evidence in zip(part.rows, part.evidence, strict=True)
        ]
        yield from table([*(text(one) for one in part.head), ""], rows)[:-1]
    yield ""


def _marks(evidence: Sequence[str], written: Written) -> str:
    return "".join(f"\\[{number}\\]" for number in sorted(written.mark(one) for one in evidence))


def _stale(written: Written) -> list[str]:
    lost, renewed = stale_lines(written)
    if not lost and not renewed:
        return []
    language = written.report.language
    lines = [f"## {word('stale', language)}", ""]
    if lost:
        lines += [text(word("stale_note", language)), ""]
    for one in lost:
        gone = word("gone", language, what=", ".join(one.gone)) if one.gone else ""
        lines.append(f"- ~~{text(one.text)}~~ {text(gone) if gone else ''}".rstrip())
    return [*lines, "", *([text(renewed), ""] if renewed else [])]
