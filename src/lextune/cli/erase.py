"""The verb `erase`: a person asks for erasure; finds rows, runs and releases, and records the request."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lextune.cli.app import app
from lextune.cli.output import Json, print_json, say, table, use_json
from lextune.errors import ConfigError, Problem

#: Rows that the table shows; --json prints all.
_SHOWN = 40


@app.command("erase")
def erase(
    subject: Annotated[
        str | None, typer.Argument(help="The person's id, as in data.columns.subject.")
    ] = None,
    from_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Read ids from a file, one a line, or from standard input (-): so they do not stand in "
            "the shell's history.",
        ),
    ] = None,
    done: Annotated[
        bool, typer.Option("--done", help="Record that all that must be done was done.")
    ] = False,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Record that the request was withdrawn.")
    ] = False,
    listed: Annotated[
        bool, typer.Option("--list", help="Every request so far, by keyed hash.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look only; record nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Record a request for erasure, and find the rows, runs and releases that the person is in."""
    use_json(as_json)
    if done + withdraw + dry_run + listed > 1:
        raise ConfigError(
            Problem("--done, --withdraw, --dry-run and --list exclude each other", "give one")
        )
    from lextune import pipeline_subjects

    if listed:
        if subject is not None or from_file is not None:
            raise ConfigError(Problem("--list takes no id", "leave the id out"))
        _list(pipeline_subjects.requests(), as_json)
        return
    subjects = _subjects(subject, from_file)
    state: Any = None if dry_run else "done" if done else "withdrawn" if withdraw else "open"
    found = [pipeline_subjects.erase(one, state) for one in subjects]
    if as_json:
        print_json({"erasures": found})
        return
    for one in found:
        _show(one)


def _subjects(given: str | None, file: str | None) -> list[str]:
    if (given is None) == (file is None):
        raise ConfigError(Problem("no id is given, or two sources", "give SUBJECT or --from-file"))
    if file is None:
        names = [given or ""]
    else:
        try:
            data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
            names = data.decode("utf-8-sig").splitlines()
        except OSError as error:
            fact, reason = f"{file} cannot be read", error.strerror or type(error).__name__
            raise ConfigError(Problem(fact, "check the path", reason)) from error
        except UnicodeDecodeError as error:
            raise ConfigError(Problem(f"{file} is not UTF-8", "save it as UTF-8")) from error
    names = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not names:
        raise ConfigError(Problem("there is no id", "give the id of the person"))
    return names


def _list(requests: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json({"requests": requests})
        return
    if not requests:
        say("Nobody asked for erasure.")
        return
    rows = [
        (one["subject"][:16], one["state"], one["requested"], one["changed"]) for one in requests
    ]
    table("Requests for erasure", ["subject hash", "state", "requested", "changed"], rows)


def _show(found: dict[str, Any]) -> None:
    request = found["request"]
    say(f"Subject {found['subject'][:16]}… (a keyed hash; the id is stored nowhere)")
    if request is None:
        say("No request is recorded.")
    else:
        say(f"Request of {request['requested']}: {request['state']}")
    if found["runs"]:
        rows = [
            (
                one["run"],
                ", ".join(f"{part} {count:,}" for part, count in one["rows"].items()),
                one["status"],
                one["release"] or "",
            )
            for one in found["runs"]
        ]
        table("Runs", ["run", "rows", "status", "release"], rows)
        places = list(dict.fromkeys((one["row"], one["place"]) for one in found["rows"]))
        table("Rows", ["row id", "place"], places[:_SHOWN])
        if len(places) > _SHOWN:
            say(f"… and {len(places) - _SHOWN:,} more rows; --json prints all.")
    say("To do:")
    for duty in found["duties"]:
        say(f"  {duty}")
