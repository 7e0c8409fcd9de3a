"""The verb `attest`: a person signs that something outside the run is so, or is not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lextune.cli.app import app
from lextune.cli.output import say
from lextune.errors import ConfigError, Problem

if TYPE_CHECKING:
    from lextune.records import Measurement, Subject


@app.command("attest")
def attest(
    name: Annotated[str, typer.Argument(help="As packs ask for it, as in human_review_offered.")],
    statement: Annotated[str, typer.Option(help="What you say, in your own words.")],
    person: Annotated[str, typer.Option(help="Who says it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The signed attestation.")],
    not_met: Annotated[
        bool, typer.Option("--not-met", help="Say that it is not so: what asks for it then fails.")
    ] = False,
    expires: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Last day on which it holds.")
    ] = None,
    of: Annotated[
        Path | None, typer.Option("--of", help="Folder of the run whose model it speaks of.")
    ] = None,
    measurements: Annotated[
        list[str] | None,
        typer.Option(
            "--measurement",
            metavar="NAME=K/N|FILE",
            help="K of N that you counted, or a JSON list.",
        ),
    ] = None,
) -> None:
    """Sign what lextune cannot measure; give the file to a run as `policy.attestations`, or to `lextune decide`."""
    import datetime

    from lextune.brought import sign_attestation
    from lextune.evidence.keys import load_or_create_key
    from lextune.files import disk_problems, open_output
    from lextune.policy.attestations import Attestation
    from lextune.records import parse_day

    day = None
    try:
        day = parse_day(expires) if expires is not None else None
    except ValueError as error:
        raise ConfigError(Problem(f"{expires!r} is no date", "write YYYY-MM-DD")) from error
    if day is not None and day < datetime.datetime.now(datetime.UTC).date():
        raise ConfigError(Problem(f"{day} has passed", "give a day to come"))
    if not statement.strip() or not person.strip():
        raise ConfigError(Problem("statement or person is empty", "say what, and who"))
    figures = [figure for one in measurements or () for figure in _figures(one)]
    try:
        made = Attestation(
            name=name, statement=statement, person=person, met=not not_met, expires=day,
            measurements=tuple(figures),
        )  # fmt: skip
    except ValueError as error:
        raise ConfigError(
            Problem(f"{name!r} is no name of an attestation", "use a-z, 0-9 and _ as packs do")
        ) from error
    data = sign_attestation(made, _model(of) if of is not None else [], load_or_create_key())
    with open_output(output) as stream, disk_problems(output):
        stream.write(data)
    says = "is not so" if not_met else "is so"
    until = f" until {day}" if day is not None else ""
    say(
        f"{output}: {person} says that {name} {says}{until}. Name it in policy.attestations, or give it "
        "to `lextune decide`."
    )


def _figures(text: str) -> list[Measurement]:
    return [_counted(text)] if "=" in text else _listed(Path(text))


def _counted(text: str) -> Measurement:
    from lextune.records import Measurement
    from lextune.statistics import wilson

    name, _, share = text.partition("=")
    right, _, n = share.partition("/")
    if not name or not right.isdecimal() or not n.isdecimal() or not 0 < int(n) >= int(right):
        raise ConfigError(
            Problem(f"{text!r} is no count", "write NAME=K/N, as in red_team_success_rate=3/500")
        )
    value = int(right) / int(n)
    limits = wilson(int(right), int(n))
    return Measurement(name=name, value=value, interval=limits, n=int(n), unit="proportion")


def _listed(path: Path) -> list[Measurement]:
    from pydantic import TypeAdapter, ValidationError

    from lextune.evidence.canonical import load_json
    from lextune.files import read_regular
    from lextune.records import Measurement

    try:
        data = read_regular(path)
    except OSError as error:
        raise ConfigError(Problem(f"{path} cannot be read", "check --measurement")) from error
    try:
        return TypeAdapter(list[Measurement]).validate_python(load_json(data, str(path)))
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise ConfigError(
            Problem(
                f"{path} holds no list of measurements ({place})",
                "write a list of {name, value, interval: {low, high, level, method}, n, unit}",
            )
        ) from error


def _model(folder: Path) -> list[Subject]:
    """The files of the model that a run trained, out of its signed statement."""
    from lextune.evidence.envelope import open_envelope
    from lextune.evidence.keys import load_trust
    from lextune.evidence.statements import room_of
    from lextune.files import read_regular

    statements = folder / "dossier" / "statements"
    if not statements.is_dir():
        raise ConfigError(
            Problem(f"there is no run in {folder}", "give the folder of a run, or a release")
        )
    trust = load_trust()
    for path in sorted(statements.glob("*-train.dsse.json")):
        statement = open_envelope(read_regular(path), trust, str(path))
        if room_of(statement) == "train":
            return list(statement.subject)
    raise ConfigError(Problem(f"the run in {folder} trained nothing", "give a run that did"))
