"""The verb `policy check`: everything that is wrong with a pack, for whoever writes one."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lextune.cli.output import Json, print_json, problem_documents, say, use_json
from lextune.cli.policy import policy
from lextune.errors import PackError

if TYPE_CHECKING:
    from lextune.policy.scenarios import Scenario


@policy.command("check")
def check(
    pack: Annotated[str, typer.Argument(help="A pack's YAML file, or the id of a shipped pack.")],
    scenarios: Annotated[
        list[Path] | None,
        typer.Option("--scenarios", metavar="FILE", help="Worked cases of the pack."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say everything that is wrong with a pack: shape, dates, citations, figures, conditions, cases."""
    use_json(as_json)
    from lextune.policy.lint import Surroundings, lint
    from lextune.policy.packs import list_packs, load_pack

    found = load_pack(pack)
    shipped = pack == found.id
    around = Surroundings(
        datetime.datetime.now(datetime.UTC).date(),
        known_measurement(),
        list_packs(),
        _scenarios(scenarios, pack, shipped),
    )
    if around.measured is None:
        say("The names of measurements are not checked: install lextune[data,text] for that.")
    problems = lint(found, around, pack if not shipped else f"policies/{pack}.yaml")
    if as_json:
        print_json(
            {"pack": found.id, "sha256": found.digest, "problems": problem_documents(problems)}
        )
        if problems:
            raise typer.Exit(int(PackError.exit_code))
        return
    if problems:
        raise PackError(problems)
    say(f"{pack}: a right pack, {len(found.controls)} controls, SHA-256 {found.digest}")


def _scenarios(files: list[Path] | None, pack: str, shipped: bool) -> list[Scenario]:
    """Those of the files; else the shipped ones, or `scenarios/NAME` beside the pack's file."""
    from lextune.policy.scenarios import read_scenarios, shipped_scenarios

    if files:
        return [one for path in files for one in read_scenarios(path)]
    if shipped:
        return [one for found in shipped_scenarios().values() for one in found]
    beside = Path(pack).parent / "scenarios" / Path(pack).name
    return list(read_scenarios(beside)) if beside.is_file() else []


def known_measurement() -> Callable[[str], bool] | None:
    """Whether a room, a task or an audit measures something of this name; None where their parts are not installed."""
    from lextune.extras import missing
    from lextune.policy.measured import ROOM_MEASUREMENTS

    if missing("text") or missing("data"):
        return None
    from lextune.audits.base import audits
    from lextune.tasks.base import tasks

    names = {name for room in ROOM_MEASUREMENTS.values() for name in room}
    for _, task in tasks:
        names |= set(task.metrics)
        names |= {f"{metric}_minus_{base}" for metric in task.metrics for base in task.baselines}
    given = [audit for _, audit in audits]
    return lambda name: name in names or any(audit.gives(name) for audit in given)
