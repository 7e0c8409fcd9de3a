"""The verb `plan`: what a run would use, take and be bound by, before anything is spent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lextune.cli.app import app
from lextune.cli.output import Json, Set, Terminal, print_json, say, show_unmet, table, use_json

if TYPE_CHECKING:
    from lextune.pipeline_plan import Plan
    from lextune.records import ControlResult


@app.command("plan")
def plan_command(
    config: Annotated[Path, typer.Argument(help="The config, YAML or JSON.")],
    overrides: Set = None,
    as_json: Json = False,
) -> None:
    """Say the model, time, memory and duties of a run; a few steps are tried and nothing is kept."""
    use_json(as_json)
    from lextune.pipeline_plan import plan

    with Terminal() as terminal:
        made = plan(config, overrides=overrides or [], listener=terminal)
    _show(made)
    if as_json:
        print_json(made.document())
    raise typer.Exit(made.code)


def _show(made: Plan) -> None:
    rows = ", ".join(f"{name} {count:,}" for name, count in made.rows.items())
    say(f"Model: {made.model.id}, licence {made.model.licence.spdx}")
    say(f"Rows: {rows}")
    table(
        f"Controls as of {made.verdict.as_of}",
        ["control", "effect", "so far"],
        [(f"{one.pack}/{one.control}", f"{one.severity}s" if one.severity == "block" else "warns",
          _so_far(one, made)) for one in made.verdict.controls],
    )  # fmt: skip
    if made.blocked:
        show_unmet(made.blocked)
        say("\nThis run would be refused before training: no training can mend this.")
        return
    show_unmet([one for one in made.verdict.controls if one.status == "fail"])
    total, memory = made.total_seconds, made.peak_memory_bytes
    if total is None or memory is None:
        return
    table(
        "Time",
        ["part", "seconds"],
        [(name.replace("_", " "), f"{one:,.1f}") for name, one in made.seconds.items()],
    )
    say(
        f"About {_time(total)} in all, {made.steps:,} steps in {made.precision}, peak memory "
        f"{memory / 1e9:.1f} GB. Early stopping may end it sooner."
    )
    if made.config.audits:
        say(
            f"The audits come on top, and are not in these figures: {', '.join(made.config.audits)}. Those that train again or "
            "ask the model about many rows may take as long as the training."
        )


def _so_far(one: ControlResult, made: Plan) -> str:
    if one.status == "insufficient" and one not in made.blocked:
        return "not measured yet"
    return one.status.replace("_", " ")


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
