"""The verb `data check`: what is wrong or odd in data, before anything is trained on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lextune.cli.app import group
from lextune.cli.output import Json, Set, Terminal, print_json, say, table, use_json
from lextune.errors import ExitCode
from lextune.extras import require

data = group("data", "Data before training.")


@data.command("check")
def check(
    path: Annotated[str, typer.Argument(help="File, folder, or pypi:PACKAGE/PATH.")],
    test: Annotated[str | None, typer.Option(help="A test part, to find leakage.")] = None,
    text_column: Annotated[str, typer.Option(help="Column of the text.")] = "text",
    label_column: Annotated[str, typer.Option(help="Column of the class.")] = "label",
    overrides: Set = None,
    as_json: Json = False,
) -> None:
    """Read and check data; ends with 2 when something would stop a run."""
    use_json(as_json)
    require("data")
    from lextune.config import load_config
    from lextune.data.checks import check_path
    from lextune.pipeline_subjects import make_gate

    columns = {"text": text_column, "label": label_column}
    given = {"train": [path], "test": None if test is None else [test], "columns": columns}
    config = load_config(
        {"task": "text_classification", "model": {"source": "auto"}, "data": given}, overrides or []
    )
    with Terminal() as terminal:
        gate = make_gate(config.data, config.policy.as_of)
        report = check_path(config.data, terminal.tell, gate=gate)
    if as_json:
        print_json(report.document())
    else:
        _show(report)
    raise typer.Exit(int(ExitCode.USAGE if report.errors() else ExitCode.DONE))


@data.command("redact")
def redact(  # noqa: PLR0913, PLR0917 - a verb has as many options as there are things to say
    path: Annotated[str, typer.Argument(help="File, folder, pypi:PACKAGE/PATH, or - for JSONL.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File or folder of that format.")],
    method: Annotated[str, typer.Option(help="mask, remove, hash or pseudonym.")] = "mask",
    types: Annotated[str, typer.Option(help="Types of personal data, with commas.")] = "",
    text_column: Annotated[str, typer.Option(help="Column of the text.")] = "text",
    columns: Annotated[str, typer.Option(help="More columns to redact, with commas.")] = "",
    span_columns: Annotated[
        str, typer.Option(help="Columns that may hold spans of the text, with commas.")
    ] = "label,labels,spans,entities,ner",
    secret_file: Annotated[
        Path | None, typer.Option(help="Holds the secret of hash and pseudonym.")
    ] = None,
    overrides: Set = None,
    as_json: Json = False,
) -> None:
    """Write PATH again without personal data in its texts; spans stay aligned, other columns stay."""
    use_json(as_json)
    require("data")
    from lextune.config import load_config
    from lextune.data.redaction.files import describe, redact_config
    from lextune.data.redaction.rewriting import Wanted
    from lextune.data.redaction.secret import secret_from_file

    given = {
        "train": [path],
        "columns": {"text": text_column},
        "redact": {"method": method, "types": _listed(types)},
    }
    config = load_config(
        {"task": "text_classification", "model": {"source": "auto"}, "data": given}, overrides or []
    ).data
    secret = None if secret_file is None else secret_from_file(secret_file)
    wanted = Wanted((config.columns.text, *_listed(columns)), tuple(_listed(span_columns)))
    with Terminal() as terminal:
        made = redact_config(config, output, wanted, secret, terminal.tell)
    document = describe(made)
    if as_json:
        print_json(document)
        return
    counts = [(kind, f"{count:,}") for kind, count in document["detections"].items()]
    table(
        f"{made.counts.rows:,} rows, {made.counts.changed_rows:,} changed",
        ["type", "replaced"],
        counts,
    )
    for one in document["problems"]:
        say(f"{one['severity']}: {one['fact']} ({one['count']:,} {one['unit']})")
        say(f"  Remedy: {one['remedy']}")
    say(f"Written: {output}")


def _listed(words: str) -> list[str]:
    return [word for word in words.replace(",", " ").split() if word]


def _show(report: object) -> None:
    from lextune.data.findings import DataReport

    assert isinstance(report, DataReport)
    counts = [
        (part, name, f"{count:,}")
        for part, classes in report.classes.items()
        for name, count in classes.items()
    ]
    table(f"{report.rows:,} rows", ["part", "class", "rows"], counts)
    for one in report.problems:
        say(f"{one.severity}: {one}")
        if one.rows:
            shown = ", ".join(one.rows[:5])
            say(f"  at {shown}" + (" ..." if one.count > len(one.rows[:5]) else ""))
        say(f"  Remedy: {one.remedy}")
    if not report.problems:
        say("Nothing is wrong.")
