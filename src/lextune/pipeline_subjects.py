"""Joins the data room with the index of people: who is erased, and whom rows are about; it knows no text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lextune.evidence.secret import load_or_create_secret
from lextune.files import home_folder
from lextune.store.runs import RunStore
from lextune.store.subjects import FILE, FoundRow, State, SubjectEntry, SubjectStore

if TYPE_CHECKING:
    import datetime
    from pathlib import Path

    from lextune.config import DataConfig
    from lextune.data.admission import Gate
    from lextune.data.prepare import SubjectRows


def open_subjects(home: Path | None = None) -> SubjectStore:
    """The index of this user, made on first use.

    Raises:
        VerificationError: The secret is gone, open to others, or not the one that the index was made with.
        EnvironmentProblem: The database cannot be used.
    """
    home = home if home is not None else home_folder()
    return SubjectStore(home, load_or_create_secret(home, create=not (home / FILE).exists()))


def make_gate(config: DataConfig, on: datetime.date | None) -> Gate:
    """The gate of the data room for a day, with the people who asked for erasure on this machine."""
    from lextune.data.admission import Gate

    return Gate(config, on, _erased())


def _erased() -> Callable[[str], bool] | None:
    """Who asked for erasure; None where nobody did."""
    if not (home_folder() / FILE).exists():
        return None
    with open_subjects() as store:
        known, digest = store.erased(), store.digest
    return (lambda subject: digest(subject) in known) if known else None


def index_subjects(run: str, parts: Sequence[SubjectRows]) -> int:
    """Note whom the rows of a run are about, in place of what was noted of it before; gives how many rows."""
    if not parts:
        return 0
    with open_subjects() as store:
        return store.replace(run, _entries(parts))


def _entries(parts: Sequence[SubjectRows]) -> Iterator[SubjectEntry]:
    for part in parts:
        rows = zip(part.subjects.numbers.tolist(), part.ids, part.places, strict=True)
        for number, row, place in rows:
            if number >= 0:  # a row that names nobody cannot be found by anybody
                yield SubjectEntry(
                    part.part, part.subjects.names[number], row.decode("ascii"), place
                )


def erase(subject: str, state: State | None) -> dict[str, Any]:
    """What is known of a person, and what must be done; a request is recorded.

    Args:
        subject: The id, as in the subject column.
        state: `open` for a new request, `done`, `withdrawn`; None only looks.

    Returns:
        `request` (null where there is none), `rows`, `runs` (each with its release, and whether it is still
        there) and `duties`: sentences on what to do.
    """
    with open_subjects() as store:
        found = store.find(subject)
        request = store.requested(subject) if state is None else store.request(subject, state)
        digest = store.digest(subject).hex()
    with RunStore(home_folder()) as index:
        known = {row["run"]: row for row in index.list()}
    runs = [_run_document(name, known.get(name), found) for name in _names(found)]
    rows = [row._asdict() for row in found]
    duties = _duties(request, rows, runs)
    return {"subject": digest, "request": request, "rows": rows, "runs": runs, "duties": duties}


def requests() -> list[dict[str, Any]]:
    """Every request for erasure on this machine, the oldest first; people only as keyed hashes."""
    with open_subjects() as store:
        return store.requests()


def _names(found: Sequence[FoundRow]) -> list[str]:
    return list(dict.fromkeys(row.run for row in found))


def _run_document(
    name: str, run: dict[str, Any] | None, found: Sequence[FoundRow]
) -> dict[str, Any]:
    from pathlib import Path

    run = run or {}
    mine = [row.part for row in found if row.run == name]
    release, folder = run.get("release"), run.get("folder")
    return {
        "run": name,
        "rows": {part: mine.count(part) for part in dict.fromkeys(mine)},
        "status": run.get("status", "unknown"),
        "folder": folder,
        "folder_exists": folder is not None and Path(folder).exists(),
        "release": release,
        "release_exists": release is not None and Path(release).exists(),
    }


def _duties(
    request: dict[str, Any] | None, rows: list[dict[str, str]], runs: list[dict[str, Any]]
) -> list[str]:
    if request is not None and request["state"] == "withdrawn":
        return ["Nothing: the request was withdrawn."]
    if not rows:
        return [
            "No run of this machine indexed a row about this id. Check how data.columns.subject writes it, and "
            "look through data that was never in a run, or that named no subject column."
        ]
    distinct = len({row["row"] for row in rows})
    duties = [
        f"Delete {_count(distinct, 'row')} from the source files (the places are those of the files as they were "
        "read then)."
    ]
    for one in runs:
        learnt = bool({"train", "validation"} & one["rows"].keys())
        if one["release"] is not None:
            what = (
                "withdraw it and train again without these rows: its weights learnt from them"
                if learnt
                else "measure it again without these rows: they were in its test part only"
            )
            there = (
                ""
                if one["release_exists"]
                else " (no longer at that place; copies may be elsewhere)"
            )
            duties.append(f"Release {one['release']}{there}: {what}.")
        if one["folder_exists"]:
            duties.append(f"Delete the folder of the run {one['run']}: {one['folder']}.")
    return duties


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
