"""The verbs `config schema` and `config check`: what a config may say, and whether one says it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lextune.cli.app import group
from lextune.cli.output import Json, Set, print_json, say, use_json

config = group("config", "The config of a run.")


@config.command("schema")
def schema() -> None:
    """Print the JSON schema of a run's config."""
    from lextune.config import json_schema

    print_json(json_schema())


@config.command("check")
def check(
    path: Annotated[Path, typer.Argument(metavar="CONFIG", help="The config, YAML or JSON.")],
    overrides: Set = None,
    as_json: Json = False,
) -> None:
    """Check a config without running it."""
    use_json(as_json)
    from lextune.pipeline_config import load_run_config

    found = load_run_config(path, overrides or [], say)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        say(f"{path} is a right config for the task {found.task}.")
