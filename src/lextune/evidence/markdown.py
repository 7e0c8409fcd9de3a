"""Text, numbers and tables for Markdown documents, safe whatever the text says; it knows no document."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

#: What a document prints where the statements say nothing.
GAP = "not stated"

_SPECIAL = frozenset("\\`*_{}[]()#+-!|~$")


def text(value: Any) -> str:
    """User text on one line: Markdown and HTML in it are shown, not obeyed; nothing becomes `GAP`."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return GAP
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{text(key)}: {text(item)}" for key, item in value.items()) or GAP
    if isinstance(value, list | tuple):
        return ", ".join(text(item) for item in value) or GAP
    return "".join(_escaped(character) for character in one_line(str(value)))


def code(value: Any) -> str:
    """User text as a code span on one line; nothing becomes `GAP`."""
    if value is None or value == "":
        return GAP
    # HTML is safe in a code span; a backtick would end it and a pipe would end the table's cell.
    shown = one_line(str(value)).replace("`", "'").replace("|", "\\|")
    return f"`{shown}`"


def number(value: Any) -> str:
    """A number with four significant digits, or `GAP`."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return GAP
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    return f"{value:.4g}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table; cells must be safe already. Without rows, one line that says `GAP`."""
    if not rows:
        return [f"{GAP}.", ""]
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]


def fields(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """The lines of a list of named values; values must be safe already."""
    return [*(f"- {name}: {value}" for name, value in pairs), ""]


def one_line(value: str) -> str:
    """The text on one line, without characters that only change how others are read."""
    # Bidirectional and other format characters could make a text read as another one.
    kept = (
        " " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character
        for character in value
        if unicodedata.category(character) not in ("Cf", "Cs")
    )
    return " ".join("".join(kept).split())


def _escaped(character: str) -> str:
    html = {"<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;"}
    if character in html:
        return html[character]
    return f"\\{character}" if character in _SPECIAL else character
