"""The verb `decide`: a refused run is decided again over what people bring, without training again."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from lextune.cli.app import app
from lextune.cli.given import parsed_day
from lextune.cli.output import (
    Html,
    Json,
    Language,
    Tongue,
    print_json,
    program,
    say,
    say_law,
    show_controls,
    show_unmet,
    use_html,
    use_json,
)
from lextune.errors import ConfigError, Problem

_DAY = re.compile(r"@[0-9-]+$")


@app.command("decide")
def decide_command(
    run: Annotated[Path, typer.Argument(help="The run's folder.")],
    attestations: Annotated[
        list[str] | None, typer.Option("--attestation", help="File of `lextune attest`.")
    ] = None,
    documents: Annotated[
        list[str] | None,
        typer.Option(
            "--document",
            metavar="NAME=FILE[@DAY]",
            help="A document that a pack asks for, and the last day it counts.",
        ),
    ] = None,
    waivers: Annotated[
        list[str] | None, typer.Option("--waiver", help="File of `lextune approve`.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="YYYY-MM-DD", help="The day; today by default.")
    ] = None,
    lang: Language = Tongue.EN,
    html: Html = None,
    as_json: Json = False,
) -> None:
    """Decide a run again over what it measured and what you bring now; release it if it passes."""
    use_json(as_json)
    use_html(html, lang)
    from lextune.pipeline_deciding import decide_again
    from lextune.policy.verdict import exit_code

    papers = _papers(documents or ())
    day = parsed_day(as_of)
    decided = decide_again(
        run,
        waivers=waivers or (),
        attestations=attestations or (),
        documents=papers,
        as_of=day,
        language=lang.value,
    )
    show_controls(decided.told, lang)
    show_unmet(
        [one for one in decided.told.controls if one.status in ("fail", "insufficient")], lang
    )
    if decided.release is None:
        say_law("refused", lang, outcome=decided.verdict.outcome, folder=run / "dossier")
    else:
        say_law("released", lang, release=decided.release)
        say("")
        say_law("next", lang)
        say(f"  {program()} verify {decided.release}")
    if as_json:
        print_json(
            {
                "run": decided.run,
                "release": str(decided.release) if decided.release else None,
                "verdict": decided.told.model_dump(mode="json"),
            }
        )
    raise typer.Exit(int(exit_code(decided.verdict)))


def _papers(texts: Sequence[str]) -> dict[str, tuple[str, datetime.date | None]]:
    papers = dict(map(_paper, texts))
    if len(papers) < len(texts):
        raise ConfigError(
            Problem("a document is given twice", "give one file for each --document NAME")
        )
    return papers


def _paper(text: str) -> tuple[str, tuple[str, datetime.date | None]]:
    name, _, path = text.partition("=")
    path, _, last = path.partition("@") if _DAY.search(path) else (path, "", "")
    if not name or not path:
        raise ConfigError(
            Problem(f"{text!r} names no document", "write NAME=FILE, or NAME=FILE@YYYY-MM-DD")
        )
    return name, (path, parsed_day(last or None))
