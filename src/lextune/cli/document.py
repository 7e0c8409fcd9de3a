"""The verbs `document list`, `write` and `check`: papers made from a dossier alone, and what of them is stale."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lextune.cli.app import group
from lextune.cli.output import Json, Trust, print_json, say, table, use_json
from lextune.errors import ConfigError, ExitCode, Problem

if TYPE_CHECKING:
    from lextune.evidence.documents.base import Document, DossierView, Language
    from lextune.evidence.documents.writing.laying import Form
    from lextune.evidence.documents.writing.marks import Manifest

document = group("document", "Papers that laws ask for, made from a dossier alone.")


class Tongue(StrEnum):
    """The languages of documents."""

    EN = "en"
    ZH = "zh"


class Format(StrEnum):
    """How a text document is laid out."""

    MD = "md"
    HTML = "html"
    PDF = "pdf"
    JSON = "json"


Source = Annotated[Path, typer.Argument(metavar="DOSSIER", help="A run's folder, or a release.")]
Lang = Annotated[
    Tongue | None, typer.Option("--lang", help="Language; by default the document's first one.")
]


#: Names that promise a form which no document has.
_FOREIGN = ("doc", "docx", "odt", "rtf", "xls", "xlsx", "csv", "xml", "htm")
_HEADS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "en": ("Documents", ("document", "files", "title")),
    "zh": ("文件", ("文件", "格式", "标题")),
}


_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "written": "sentences on evidence: {sentences}, gaps: {gaps}",
        "lost": "sentences of the earlier version that do not hold any more, marked at the end: {count}",
        "stale": "stale sentences: {count} of {sentences}",
        "holds": "the words hold on new evidence", "gone": "it does not hold any more",
        "rested": "; it rested on {rooms}",
        "edited": "It was edited since: what it shows is not what is checked here.",
    },
    "zh": {
        "written": "有证据支持的语句 {sentences} 条，缺口 {gaps} 处",
        "lost": "先前版本中有 {count} 条语句不再成立，已在文末标出",
        "stale": "{sentences} 条语句中有 {count} 条已过时",
        "holds": "按新的证据，原文仍成立", "gone": "已不再成立", "rested": "；原先依据 {rooms}",
        "edited": "文件其后经过编辑：此处检查的并非其现有内容。",
    },
}  # fmt: skip


@document.command("list")
def list_documents(lang: Lang = None, as_json: Json = False) -> None:
    """The kinds of documents."""
    use_json(as_json)
    from lextune.evidence.documents.base import documents

    tongue = _language(lang or Tongue.EN)
    if as_json:
        print_json(
            {
                "documents": [
                    {
                        "name": name, "titles": dict(one.titles), "cites": one.cites,
                        "languages": list(one.languages), "suffix": one.suffix,
                    }
                    for name, one in documents
                ]
            }
        )  # fmt: skip
        return
    rows = [
        (name, one.suffix or ".md .html .pdf .json", one.titles[tongue]) for name, one in documents
    ]
    table(*_HEADS[tongue], rows)


@document.command("write")
def write(
    name: Annotated[str, typer.Argument(help="As `document list` has it.")],
    source: Source,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file; the default is NAME.SUFFIX.")
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", help="Layout of a text; the default goes by --output, else md."),
    ] = None,
    lang: Lang = None,
    trust: Trust = None,
    as_json: Json = False,
) -> None:
    """Write a document; over an earlier version of it, what has gone stale is marked."""
    use_json(as_json)
    from lextune.evidence.documents.base import documents
    from lextune.evidence.documents.writing.laying import gaps, lay_out, made, prepare

    kind = documents.get(name)
    language = _language(lang or Tongue(kind.languages[0]))
    chosen = _form(kind, form, output)
    path = output or Path(f"{name}{kind.suffix or f'.{chosen}'}")
    view = _view(source, trust, language)
    if kind.suffix:
        content = made(kind, view, language)
        assert isinstance(content, bytes)
        _write(path, content)
        if as_json:
            print_json({"document": name, "file": str(path)})
        else:
            say(f"{path}: {kind.titles[language]}")
        return
    written = prepare(kind, view, language, _earlier(path))
    # the sidecar goes first: a PDF without its own is no document, and is refused
    for suffix, data in sorted(lay_out(written, chosen).items(), reverse=True):
        _write(path.with_name(path.name + suffix), data)
    lost = [one for one in written.stale if not one.said]
    counts = {
        "sentences": len(written.manifest.sentences), "gaps": gaps(written.report), "stale": len(lost),
    }  # fmt: skip
    if as_json:
        print_json({"document": name, "file": str(path), **counts})
        return
    say(f"{path}: {kind.titles[language]}")
    words = _WORDS[language]
    say("  " + words["written"].format(**counts))
    if lost:
        say("  " + words["lost"].format(count=len(lost)))


@document.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="A document that `document write` wrote.")],
    source: Source,
    trust: Trust = None,
    as_json: Json = False,
) -> None:
    """List the sentences of a document whose evidence changed or is gone; ends with 4 where there is one."""
    use_json(as_json)
    from lextune.evidence.documents.base import documents
    from lextune.evidence.documents.writing.laying import is_forged, prepare
    from lextune.evidence.documents.writing.marks import read_written
    from lextune.files import read_regular

    manifest, untouched = read_written(_existing(file))
    kind = documents.get(manifest.document)
    written = prepare(kind, _view(source, trust, manifest.language), manifest.language, manifest)
    stale = written.stale
    untouched = untouched and not is_forged(read_regular(file), manifest, written)
    if as_json:
        print_json(
            {
                "document": kind.name, "sentences": len(manifest.sentences), "edited": not untouched,
                "stale": [
                    {"text": one.text, "rested_on": list(one.gone), "said_on_other_evidence": one.said}
                    for one in stale
                ],
            }
        )  # fmt: skip
    else:
        words = _WORDS[manifest.language]
        sentences = len(manifest.sentences)
        say(f"{file}: {words['stale'].format(count=len(stale), sentences=sentences)}")
        for one in stale:
            gone = words["rested"].format(rooms=", ".join(one.gone)) if one.gone else ""
            say(f"  ✗ {one.text}\n    {words['holds' if one.said else 'gone']}{gone}")
        if not untouched:
            say(words["edited"])
    if stale or not untouched:
        raise typer.Exit(int(ExitCode.INSUFFICIENT))


def _language(lang: Tongue) -> Language:
    return "zh" if lang is Tongue.ZH else "en"


def _form(kind: Document, form: Format | None, output: Path | None) -> Form:
    if kind.suffix and form is not None:
        raise ConfigError(
            Problem(f"{kind.name} has a form of its own ({kind.suffix})", "leave --format out")
        )
    suffix = "" if output is None else output.suffix.removeprefix(".").lower()
    if form is None and suffix in _FOREIGN:
        allowed = kind.suffix or ", ".join(f".{one}" for one in Format)
        raise ConfigError(
            Problem(f"a {kind.name} cannot be written as .{suffix}", f"end --output in {allowed}")
        )
    if form is not None:
        return form.value
    return Format(suffix).value if suffix in [*Format] else "md"


def _view(source: Path, trust: str | None, language: Language) -> DossierView:
    from lextune.evidence.keys import load_trust
    from lextune.release import view_dossier

    return view_dossier(source, load_trust(Path(trust) if trust else None), language)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ConfigError(Problem(f"there is no file {path}", "check the path"))
    return path


def _earlier(path: Path) -> Manifest | None:
    """The manifest of the version that is written over; a file that is not ours, or was edited, is left alone."""
    from lextune.evidence.documents.writing.marks import read_written

    if not path.is_file():
        return None
    manifest, untouched = read_written(path)
    if not untouched:
        raise ConfigError(
            Problem(
                f"{path} was edited after lextune wrote it",
                "give another file with --output, and carry your words over",
                "what somebody wrote by hand would be lost",
            )
        )
    return manifest


def _write(path: Path, data: bytes) -> None:
    from lextune.files import disk_problems, open_output

    with open_output(path) as stream, disk_problems(path):
        stream.write(data)
