"""What a written document carries of its evidence, and which of its sentences are stale; it knows no layout.

Format `lextune.document/v1`: the kind of document, the run, and of each sentence the SHA-256 of the signed envelopes it
rests on. It lies inside Markdown, HTML and JSON, and beside a PDF in FILE.pdf.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from lextune import files
from lextune.errors import Problem, VerificationError
from lextune.evidence.canonical import load_json
from lextune.evidence.documents.base import (
    Claim,
    Document,
    DossierView,
    Figures,
    Report,
    Section,
)
from lextune.evidence.documents.parts.reading import label_of
from lextune.records import Record

#: Around the manifest in Markdown and in HTML; the sentences before and after are the document.
MARKDOWN = ("<!-- lextune.document/v1 ", " -->")
HTML = ('<script type="application/json" id="lextune-document">', "</script>")
_DIGEST = r"^[0-9a-f]{64}$"


class Sentence(Record):
    """A sentence, or a table's row with its cells joined, and the envelopes it rests on."""

    text: str
    evidence: tuple[str, ...] = Field(min_length=1)


class Marked(Record):
    """A sentence of an earlier version that the document shows as stale; as `Stale`."""

    text: str
    gone: tuple[str, ...]
    said: bool


class Manifest(Record):
    """What a document says and why.

    Attributes:
        document: Its name in the registry.
        language: `en` or `zh`.
        run: Whose dossier it was made from.
        statements: SHA-256 of the envelopes to what the statement is (`evaluate`, `audit calibration`).
        sentences: In the document's order.
        stale: What the document shows as stale of the version before it.
        sha256: Of the written document without this manifest; null while it is not written.
    """

    schema_id: Literal["lextune.document/v1"] = Field(default="lextune.document/v1", alias="schema")
    document: str
    language: Literal["en", "zh"]
    run: str
    statements: dict[str, str]
    sentences: tuple[Sentence, ...]
    stale: tuple[Marked, ...] = ()
    sha256: str | None = Field(default=None, pattern=_DIGEST)

    def dumped(self) -> dict[str, Any]:
        """As it is written: without `stale` where there is nothing."""
        dump = self.model_dump(mode="json", by_alias=True)
        return dump if self.stale else {name: one for name, one in dump.items() if name != "stale"}


@dataclass(frozen=True)
class Stale:
    """A sentence of a written document that the dossier does not bear out as it stands.

    Attributes:
        text: The sentence.
        gone: What the statements were that are not in the dossier any more.
        said: Whether the dossier bears out the same words, on other evidence.
    """

    text: str
    gone: tuple[str, ...]
    said: bool


@dataclass(frozen=True)
class Written:
    """A document ready to be laid out.

    Attributes:
        kind: The kind of document.
        report: What it says.
        manifest: Its sentences with their evidence.
        stale: Sentences of the version that it replaces that are not borne out any more.
    """

    kind: Document
    report: Report
    manifest: Manifest
    stale: tuple[Stale, ...] = ()

    def mark(self, digest: str) -> int:
        """The number, from 1, under which a statement is listed at the end."""
        return [*self.manifest.statements].index(digest) + 1


def manifest_of(kind: Document, report: Report, view: DossierView) -> Manifest:
    """The sentences of a document with their evidence; statements in the ledger's order.

    Raises:
        ValueError: A sentence rests on a statement that is not in the dossier: a fault of the document's maker.
    """
    sentences = tuple(sentence for section in report.sections for sentence in _sentences(section))
    used = {digest for one in sentences for digest in one.evidence}
    known = {digest: label_of(statement) for digest, statement in view.statements}
    if used - known.keys():
        raise ValueError(f"{kind.name} names evidence that is not in the dossier")
    runs = sorted({str(one.predicate.get("run")) for _, one in view.statements})
    return Manifest(
        document=kind.name,
        language=report.language,
        run=", ".join(runs),
        statements={digest: label for digest, label in known.items() if digest in used},
        sentences=sentences,
    )


def _sentences(section: Section) -> Iterator[Sentence]:
    for part in section.parts:
        if isinstance(part, Claim):
            yield Sentence(text=part.text, evidence=part.evidence)
        elif isinstance(part, Figures):
            for row, evidence in zip(part.rows, part.evidence, strict=True):
                yield Sentence(text=" | ".join(row), evidence=evidence)
    for inner in section.sections:
        yield from _sentences(inner)


def stale_sentences(old: Manifest, new: Manifest, view: DossierView) -> tuple[Stale, ...]:
    """Sentences of `old` whose evidence changed or is gone, or that the dossier does not bear out any more.

    Args:
        old: Of the written document.
        new: Of the same kind of document, made from the dossier as it is now, in the same language.
        view: The dossier as it is now.
    """
    known = {digest for digest, _ in view.statements}
    now = {one.text for one in new.sentences}
    found = []
    for one in old.sentences:
        lost = [digest for digest in one.evidence if digest not in known]
        said = one.text in now
        if lost or not said:
            labels = dict.fromkeys(old.statements.get(digest, digest) for digest in lost)
            found.append(Stale(one.text, tuple(labels), said))
    return tuple(found)


def embed(manifest: Manifest) -> str:
    """The manifest on one line that ends no HTML comment and no script."""
    shown = json.dumps(manifest.dumped(), ensure_ascii=False)
    for character in "<>&-\u2028\u2029":
        shown = shown.replace(character, f"\\u{ord(character):04x}")
    return shown


def seal(manifest: Manifest, data: bytes) -> Manifest:
    """The manifest with the digest of the document that it belongs to."""
    return manifest.model_copy(update={"sha256": files.sha256(data)})


def read_written(path: Path) -> tuple[Manifest, bool]:
    """The manifest of a written document, and whether the document is still as it was written.

    Raises:
        VerificationError: It carries no manifest that can be read.
    """
    data = files.read_regular(path)
    if not data.startswith(b"%PDF"):
        return parse_written(data, str(path))
    beside = path.with_name(f"{path.name}.json")
    if not beside.is_file():
        raise _unreadable(str(path), f"{beside.name} is not beside it")
    manifest = _parsed(load_json(files.read_regular(beside), str(beside)), str(path))
    return manifest, manifest.sha256 == files.sha256(data)


def parse_written(data: bytes, where: str) -> tuple[Manifest, bool]:
    """As `read_written`, of the bytes of a document that carries its manifest inside."""
    if data.lstrip().startswith(b"{"):
        value = load_json(data, where)
        carried = value.get("manifest") if isinstance(value, dict) else None
        manifest = _parsed(carried, where)
        content = json_body({k: v for k, v in value.items() if k != "manifest"})
        return manifest, manifest.sha256 == files.sha256(content)
    text = data.decode("utf-8", "replace")
    for before, after in (HTML, MARKDOWN):
        match = re.search(re.escape(before) + "(.*?)" + re.escape(after), text)
        if match is not None:
            manifest = _parsed(load_json(match[1].encode(), where), where)
            body = text[: match.start()] + text[match.end() :]
            return manifest, manifest.sha256 == files.sha256(body.encode())
    raise _unreadable(where, "it names no evidence")


def json_body(content: dict[str, Any]) -> bytes:
    """A document's content as JSON, as it is hashed."""
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True).encode()


def _parsed(value: Any, where: str) -> Manifest:
    try:
        return Manifest.model_validate(value)
    except ValidationError as error:
        raise _unreadable(where, "what it says of its evidence cannot be read") from error


def _unreadable(where: str, reason: str) -> VerificationError:
    return VerificationError(
        Problem(
            f"{where} holds no document of lextune that can be checked",
            "give a text of `lextune document write`, with its .json beside a PDF; write a file for programs anew",
            reason,
        )
    )
