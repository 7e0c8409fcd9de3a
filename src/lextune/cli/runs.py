"""The verbs `runs list` and `runs show`: the index of runs on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from lextune.cli.app import group
from lextune.cli.output import Json, measured, print_json, say, table, use_json

runs = group("runs", "The runs of this machine.")


@runs.command("list")
def list_runs(as_json: Json = False) -> None:
    """Every run, the newest first."""
    use_json(as_json)
    from lextune.files import home_folder
    from lextune.store.runs import RunStore

    with RunStore(home_folder()) as store:
        found = store.list()
    if as_json:
        print_json({"runs": found})
        return
    if not found:
        say("No runs yet. Start with: lextune quickstart")
        return
    rows = []
    for one in found:
        # the headline metric is the first that was measured
        name = next(iter(one["metrics"]), None)
        value = one["metrics"][name]["value"] if name else None
        shown = "" if value is None else f"{name} {value:.4f}"
        rows.append((one["run"], one["status"], shown))
    table("Runs", ["run (name, version, UTC time)", "status", "measured"], rows)


@runs.command("show")
def show_run(
    run: Annotated[str, typer.Argument(help="A run's id, or how it begins.")],
    as_json: Json = False,
) -> None:
    """One run: how it ended, where it lies, what was measured."""
    use_json(as_json)
    from lextune.files import home_folder
    from lextune.store.runs import RunStore

    with RunStore(home_folder()) as store:
        found = store.get(run)
    if as_json:
        print_json(found)
        return
    for key in ("run", "task", "status", "created", "folder", "release", "problem"):
        if found[key]:
            say(f"{key:8} {found[key]}")
    rows = [(name, measured(one), str(one["n"])) for name, one in found["metrics"].items()]
    if rows:
        table("Metrics", ["metric", "value, interval", "n"], rows)
