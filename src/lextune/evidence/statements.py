"""In-toto statements of the rooms: their types, their common fields, their shape; it knows no figures.

A statement says of named artefacts (subjects) what a room did (predicate). Format: in-toto Attestation
Framework, Statement v1.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from lextune.records import FileDigest, Statement, Subject

#: In the order in which a run walks through them; the last four may stand anywhere before release.
ROOMS = (
    "config", "select", "prepare", "train", "evaluate",
    "audit", "decide", "release", "waiver", "document", "attestation", "facts",
)  # fmt: skip

_TYPE = re.compile(r"urn:lextune:predicate:([a-z]+):v([0-9]+)")
_CREATED = "%Y-%m-%dT%H:%M:%SZ"


def predicate_type(room: str) -> str:
    """The predicate type that this version of lextune writes for a room."""
    return f"urn:lextune:predicate:{room}:v1"


def room_of(statement: Statement) -> str | None:
    """The room of a statement, or None if its predicate type is not one that this version reads."""
    match = _TYPE.fullmatch(statement.predicate_type)
    if match is None or match[1] not in ROOMS or match[2] != "1":
        return None
    return match[1]


def subject(file: FileDigest) -> Subject:
    """A file as a subject."""
    return Subject(name=file.path, digest={"sha256": file.sha256})


def make_statement(
    room: str,
    subjects: Iterable[FileDigest | Subject],
    predicate: Mapping[str, Any],
    *,
    now: datetime.datetime | None = None,
) -> Statement:
    """A statement of a room with the fields that every room's predicate has.

    Args:
        room: One of `ROOMS`.
        subjects: The artefacts that the statement speaks of.
        predicate: The room's own fields. `status` (default `complete`), `record` (default empty) and
            `measurements` (default none) belong to every predicate; `room`, `created` and `tool` are
            added here, `run` by the dossier.
        now: The time of the statement; None means now.
    """
    if room not in ROOMS:
        raise ValueError(f"{room!r} is not a room")
    moment = (now or datetime.datetime.now(datetime.UTC)).astimezone(datetime.UTC)
    content = {
        "status": "complete",
        "record": {},
        "measurements": [],
        **predicate,
        "room": room,
        "created": moment.strftime(_CREATED),
        "tool": {"name": "lextune", "version": tool_version()},
    }
    return Statement(
        subject=tuple(item if isinstance(item, Subject) else subject(item) for item in subjects),
        predicate_type=predicate_type(room),
        predicate=content,
    )


def shape_problems(statement: Statement) -> list[str]:
    """What is wrong with the common fields of a statement, one clause each; empty when it is well formed."""
    room = room_of(statement)
    if room is None:
        return [f"the predicate type {statement.predicate_type!r} is not one that lextune knows"]
    predicate, problems = statement.predicate, []
    if predicate.get("room") != room:
        problems.append(f"the predicate says room {predicate.get('room')!r}, its type {room!r}")
    for name, kind in (("run", str), ("status", str), ("record", dict), ("measurements", list)):
        if not isinstance(predicate.get(name), kind):
            problems.append(f"the predicate has no valid {name!r}")
    tool = predicate.get("tool")
    if not isinstance(tool, dict) or not isinstance(tool.get("version"), str):
        problems.append("the predicate does not name the tool and its version")
    try:
        datetime.datetime.strptime(str(predicate.get("created")), _CREATED)
    except ValueError:
        problems.append("the predicate does not say when it was created (YYYY-MM-DDThh:mm:ssZ)")
    return problems


@lru_cache(maxsize=1)
def tool_version() -> str:
    """The installed version of lextune, or `unknown` where it runs without being installed."""
    import importlib.metadata

    try:
        return importlib.metadata.version("lextune")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
