"""What the statements of a run must say together: order, one run, one model; it knows no policy."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from lextune.errors import Problem
from lextune.evidence.dossier import CHECKPOINT, LEDGER, STATEMENTS
from lextune.evidence.statements import room_of, shape_problems
from lextune.records import FileDigest, Statement

#: Where the dossier lies in a release, and the parts of it that are signed and chained themselves.
DOSSIER = "dossier/"
STATEMENTS_PATH, LEDGER_PATH = f"{DOSSIER}{STATEMENTS}/", DOSSIER + LEDGER
CHECKPOINT_PATH = DOSSIER + CHECKPOINT

#: Files that are written after training, beside the model.
RELEASE_DOCUMENTS = frozenset({"README.md", "lextune.json"})

_ONCE = ("config", "select", "prepare", "train")
_AGAIN = "get the release again from who made it"
_RERUN = "run again from the config; a release needs every room"

#: File name and statement.
Named = tuple[str, Statement]


def run_problems(statements: Sequence[Named], run: str) -> list[Problem]:
    """Statements that are not well formed, or that belong to another run than `run`."""
    problems = []
    for name, statement in statements:
        problems += [Problem(fact, _AGAIN, where=name) for fact in shape_problems(statement)]
        found = statement.predicate.get("run")
        if found != run:
            problems.append(
                Problem(
                    f"the statement belongs to the run {found!r}, not to {run!r}",
                    _AGAIN,
                    "it was taken from another dossier",
                    name,
                )
            )
        room = room_of(statement)
        stem = name.removesuffix(".dsse.json").split("-")
        if room is not None and stem[1:2] != [room]:
            problems.append(
                Problem(f"the file of a statement of room {room!r}", _AGAIN, where=name)
            )
    return problems


def order_problems(
    statements: Sequence[Named], unopened: Collection[str] = (), *, released: bool = True
) -> list[Problem]:
    """Rooms that are missing, stand twice, or stand in the wrong order.

    Args:
        statements: Those that could be opened, in ledger order.
        unopened: Rooms of those that could not: present but proving nothing, and reported elsewhere.
        released: Whether the release statement must be there (and last).
    """
    rooms = [room_of(statement) for _, statement in statements]
    needed = [*_ONCE, "evaluate", "decide", *(["release"] if released else [])]
    problems = [
        Problem(f"there is no statement of the room {room!r}", _RERUN)
        for room in needed
        if room not in rooms and room not in unopened
    ]
    problems += [
        Problem(f"the room {room!r} stands {rooms.count(room)} times", _AGAIN, "which one counts?")
        for room in (*_ONCE, "release")
        if rooms.count(room) > 1
    ]
    first = [rooms.index(room) for room in (*_ONCE, "evaluate", "decide") if room in rooms]
    if first != sorted(first):
        problems.append(
            Problem(
                "the rooms do not stand in the order of a run", _AGAIN, ", ".join(map(str, rooms))
            )
        )
    if "decide" in rooms:
        last = len(rooms) - 1 - rooms[::-1].index("decide")
        if any(room in ("train", "evaluate", "audit") for room in rooms[last + 1 :]):
            problems.append(
                Problem("something was measured after the last decision", "decide again")
            )
    if released and "release" in rooms and rooms[-1] != "release":
        problems.append(Problem("the release statement is not the last one", _AGAIN))
    return problems


def model_problems(statements: Sequence[Named], present: Mapping[str, FileDigest]) -> list[Problem]:
    """Where the model that was trained, the one that was evaluated and the one that is here differ.

    Args:
        statements: In ledger order.
        present: The digests of all files of the release, by path; those outside `dossier/` must be the
            trained files, `RELEASE_DOCUMENTS`, or subjects of a `document` statement.
    """
    trained = _trained(statements)
    if trained is None:
        return []
    if not trained:
        return [Problem("the train statement names no file of the model", _RERUN)]
    problems = []
    for name, digest in sorted(trained.items()):
        if name not in present:
            problems.append(Problem(f"the trained file {name!r} is not in the release", _AGAIN))
        elif present[name].sha256 != digest:
            problems.append(
                Problem(
                    f"{name!r} is not the file that was trained",
                    "release the trained model, or evaluate the other one in a run of its own",
                    "it was swapped after training",
                )
            )
    documents = {
        item.name
        for _, statement in statements
        if room_of(statement) == "document"
        for item in statement.subject
    }
    known = {*trained, *documents, *RELEASE_DOCUMENTS}
    problems += [
        Problem(
            f"{name!r} lies beside the model but no statement made it",
            "move it under dossier/, or leave it out",
            "an untrained file could be loaded in place of a trained one",
        )
        for name in sorted(present)
        if not name.startswith("dossier/") and name not in known
    ]
    return (
        problems
        + _evaluated_problems(statements, trained)
        + _prediction_problems(statements, present)
        + _document_problems(statements, present)
    )


def _evaluated_problems(statements: Sequence[Named], trained: Mapping[str, str]) -> list[Problem]:
    problems = []
    for name, statement in statements:
        room = room_of(statement)
        if room not in ("evaluate", "audit"):
            continue
        subjects = {item.name: item.digest.get("sha256") for item in statement.subject}
        other = sorted(
            file for file, digest in trained.items() if subjects.get(file, digest) != digest
        )
        unnamed = sorted(set(trained) - set(subjects)) if room == "evaluate" else []
        if other:
            problems.append(
                Problem(
                    f"another model than the trained one was measured ({', '.join(other)})",
                    "run again from the config",
                    where=name,
                )
            )
        if unnamed:
            problems.append(
                Problem(
                    f"the evaluation does not name the model file {unnamed[0]!r} as its subject",
                    "run again from the config",
                    "nothing shows which model was evaluated",
                    name,
                )
            )
    return problems


def _prediction_problems(
    statements: Sequence[Named], present: Mapping[str, FileDigest]
) -> list[Problem]:
    problems = []
    for where, statement in statements:
        record = statement.predicate.get("record")
        predictions = record.get("predictions") if isinstance(record, dict) else None
        if room_of(statement) != "evaluate" or not isinstance(predictions, dict):
            continue
        path = str(predictions.get("path"))
        file = present.get(path) or present.get(f"dossier/{path}")
        if file is not None and file.sha256 != predictions.get("sha256"):
            problems.append(
                Problem(f"{file.path!r} is not the file that was evaluated", _AGAIN, where=where)
            )
    return problems


def _document_problems(
    statements: Sequence[Named], present: Mapping[str, FileDigest]
) -> list[Problem]:
    problems = []
    held = {file.sha256 for file in present.values()}
    for where, statement in statements:
        room, record = room_of(statement), statement.predicate.get("record")
        if room not in ("document", "attestation"):
            continue
        listed = record.get(f"{room}s") if isinstance(record, dict) else None
        named: list[tuple[Any, Any]] = [
            (item.name, item.digest.get("sha256")) for item in statement.subject
        ]
        named += [
            (item.get("name"), item.get("sha256"))
            for item in (listed if isinstance(listed, list) else [])
            if isinstance(item, dict)
        ]
        problems += [
            Problem(
                f"the {room} {name!r} is not in the release",
                "put the file into the dossier, then decide and sign again",
                "what is only named cannot be read",
                where,
            )
            for name, digest in named
            if digest not in held
        ]
    return problems


def names_dossier_files(statements: Sequence[Named]) -> bool:
    """Whether any statement before the release names a file of the dossier.

    Bundles from before statements did so stay verifiable: their manifest alone covers those files. Nobody
    without the key can make a statement stop naming its files.
    """
    return any(
        item.name.startswith(DOSSIER)
        for _, statement in statements
        if room_of(statement) != "release"
        for item in statement.subject
    )


def dossier_problems(
    statements: Sequence[Named], present: Mapping[str, FileDigest]
) -> list[Problem]:
    """Files of the dossier that are not what a statement said of them, and files that none speaks of.

    The release statement alone would sign whatever lies there by then: config, data report, verdict and
    packs must still be those that their rooms left.

    Args:
        statements: In ledger order.
        present: The digests of all files of the release, by path.
    """
    problems, named = [], set[str]()
    decisions = [name for name, statement in statements if room_of(statement) == "decide"]
    for where, statement in statements:
        room = room_of(statement)
        # A later decision writes its verdict over that of the one before.
        if room == "release" or (room == "decide" and where != decisions[-1]):
            continue
        for item in statement.subject:
            if not item.name.startswith(DOSSIER):
                continue
            named.add(item.name)
            file = present.get(item.name)
            if file is None or file.sha256 != item.digest.get("sha256"):
                problems.append(
                    Problem(
                        f"{item.name!r} is not the file that the room {room!r} left",
                        _RERUN,
                        "it was swapped or removed after its statement was signed",
                        where,
                    )
                )
    return problems + [
        Problem(
            f"{name!r} lies in the dossier but no statement made it",
            "leave it out, or name it in a document statement",
            "whoever put it there did not answer for it",
        )
        for name in sorted(present)
        if name.startswith(DOSSIER) and name not in named and not _is_chain(name)
    ]


def _is_chain(name: str) -> bool:
    return name in (LEDGER_PATH, CHECKPOINT_PATH) or name.startswith(STATEMENTS_PATH)


def _trained(statements: Sequence[Named]) -> dict[str, str] | None:
    for _, statement in statements:
        if room_of(statement) == "train":
            record: Any = statement.predicate.get("record")
            listed = record.get("files") if isinstance(record, dict) else None
            return {
                str(item.get("path")): str(item.get("sha256"))
                for item in (listed if isinstance(listed, list) else [])
                if isinstance(item, dict)
            }
    return None
