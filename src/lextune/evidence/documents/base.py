"""What a document made from a dossier is made of, and the registry of them; it knows no document and no format.

A text document is a tree of parts. Each claim names the statements that it rests on, by the SHA-256 of their signed
envelopes; what no statement supports is a gap, and is printed as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lextune.evidence.statements import room_of
from lextune.records import Statement, Verdict
from lextune.registry import Registry

Language = Literal["en", "zh"]


@dataclass(frozen=True)
class Claim:
    """A sentence (or several) that statements support.

    Attributes:
        text: In the document's language, plain text.
        evidence: SHA-256 of the signed envelopes it rests on; at least one.
    """

    text: str
    evidence: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError(f"a claim that rests on nothing is no claim: {self.text!r}")


@dataclass(frozen=True)
class Gap:
    """What the document should say and no statement supports.

    Attributes:
        text: What is missing.
        remedy: What to bring, or empty.
    """

    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Note:
    """Words that claim nothing of this model: what the section is for, what the law asks."""

    text: str


@dataclass(frozen=True)
class Figures:
    """A table; each row rests on statements of its own."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    evidence: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if len(self.rows) != len(self.evidence) or not all(self.evidence):
            raise ValueError("each row of a table rests on statements")


Part = Claim | Gap | Note | Figures


@dataclass(frozen=True)
class Section:
    """A heading with parts and sections under it."""

    title: str
    parts: tuple[Part, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True)
class Report:
    """A text document, ready to be written as Markdown, HTML or PDF."""

    title: str
    language: Language
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Term:
    """What the licence of an input asks of the fine-tuned model.

    Attributes:
        source: `model` or `data`.
        licence: The id.
        share_alike: `yes` (the same licence), `flow` (the same terms of use) or `unknown`.
        note: What the table of licences says besides.
    """

    source: str
    licence: str
    share_alike: str
    note: str


@dataclass(frozen=True)
class DossierView:
    """What a document is made from: verified statements and what was decided over them, and nothing else.

    Attributes:
        statements: (SHA-256 of the signed envelope, statement), in the ledger's order, signatures already verified.
        verdict: The last decision, or None.
        packs: Bytes of the packs that decided, by id.
        terms: What the licences of the inputs ask of the model by the packs' tables; None where no table was asked.
    """

    statements: tuple[tuple[str, Statement], ...]
    verdict: Verdict | None
    packs: Mapping[str, bytes]
    terms: tuple[Term, ...] | None = None

    def last(self, room: str) -> tuple[str, Mapping[str, Any]] | None:
        """(digest, predicate) of the last complete statement of a room."""
        for digest, statement in reversed(self.statements):
            if room_of(statement) == room and statement.predicate.get("status") == "complete":
                return digest, statement.predicate
        return None

    def record(self, room: str) -> tuple[str, Mapping[str, Any]] | None:
        """(digest, record) of the last complete statement of a room."""
        found = self.last(room)
        if found is None or not isinstance(found[1].get("record"), Mapping):
            return None
        return found[0], found[1]["record"]

    def every(self, rooms: Iterable[str]) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        """(digest, predicate) of every statement of these rooms, crashed ones included."""
        wanted = frozenset(rooms)
        return tuple(
            (digest, one.predicate) for digest, one in self.statements if room_of(one) in wanted
        )


@dataclass(frozen=True)
class Document:
    """A kind of document.

    Attributes:
        name: As `lextune document write NAME` has it.
        titles: In English and Chinese.
        cites: The article or specification that asks for it.
        make: Gives a `Report` (text in the language asked for), or the bytes of a file of `suffix`.
        suffix: Of a file that is not text; empty for a `Report`.
        languages: In which `make` can write.
    """

    name: str
    titles: Mapping[Language, str]
    cites: str
    make: Callable[[DossierView, Language], Report | bytes]
    suffix: str = ""
    languages: tuple[Language, ...] = ("en", "zh")


documents: Registry[Document] = Registry("document", "lextune.evidence.documents")


def document(
    name: str,
    *,
    titles: Mapping[Language, str],
    cites: str,
    suffix: str = "",
    languages: tuple[Language, ...] = ("en", "zh"),
) -> Callable[[Callable[[DossierView, Language], Report | bytes]], Document]:
    """Register the decorated function as the maker of a document; one file of this folder holds one."""

    def register(make: Callable[[DossierView, Language], Report | bytes]) -> Document:
        made = Document(name, dict(titles), cites, make, suffix, languages)
        return documents.register(name)(made)

    return register
