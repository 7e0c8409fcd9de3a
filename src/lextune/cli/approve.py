"""The verb `approve`: a person signs for one control that is not met, with a reason and an end."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer

from lextune.cli.app import app
from lextune.cli.output import say
from lextune.errors import ConfigError, Problem


@app.command("approve")
def approve(
    control: Annotated[str, typer.Argument(metavar="PACK/CONTROL", help="What is waived.")],
    reason: Annotated[str, typer.Option(help="Why it may stay unmet.")],
    person: Annotated[str, typer.Option(help="Who takes responsibility.")],
    expires: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="Last day of the waiver.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The signed waiver.")],
    pack_file: Annotated[
        str | None,
        typer.Option("--pack", help="The pack's YAML file, when it is not a shipped one."),
    ] = None,
) -> None:
    """Sign a waiver of one control; give the file to a run as `policy.waivers`."""
    from lextune.evidence.keys import load_or_create_key
    from lextune.files import disk_problems, open_output
    from lextune.policy.packs import load_pack
    from lextune.policy.waivers import Waiver, check_waivers
    from lextune.records import parse_day
    from lextune.release import sign_waiver

    name, _, control_id = control.partition("/")
    pack = load_pack(pack_file or name)
    try:
        day = parse_day(expires)
    except ValueError as error:
        raise ConfigError(Problem(f"{expires!r} is no date", "write YYYY-MM-DD")) from error
    if day < datetime.datetime.now(datetime.UTC).date():
        raise ConfigError(Problem(f"{day} has passed", "give a day to come"))
    if not reason.strip() or not person.strip():
        raise ConfigError(Problem("reason or person is empty", "say why, and who"))
    waiver = Waiver(pack=name, control=control_id, reason=reason, person=person, expires=day)
    problems = check_waivers([waiver], [pack])
    if problems:
        raise ConfigError(problems)
    data = sign_waiver(waiver, pack, load_or_create_key())
    with open_output(output) as stream, disk_problems(output):
        stream.write(data)
    say(f"{output}: {name}/{control_id} waived until {day}. Name it in policy.waivers.")
