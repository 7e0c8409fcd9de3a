"""The verb `data check`: what is wrong or odd in data, before anything is trained on it."""

from __future__ import annotations

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
        report = check_path(config.data, terminal.tell, make_gate(config.data, config.policy.as_of))
    if as_json:
        print_json(report.document())
    else:
        _show(report)
    raise typer.Exit(int(ExitCode.USAGE if report.errors() else ExitCode.DONE))


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
