"""The files of a release as a closed list: which names are allowed, what is there, what differs; it knows no room."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from lextune.errors import Problem
from lextune.records import FileDigest, Statement

_AGAIN = "get the release again from who made it"
_DRIVE = re.compile(r"[A-Za-z]:")


def name_problem(name: str) -> str | None:
    """Why `name` may not name a file of a release, or None: relative, `/`, no `..`, no control characters."""
    if not name or name.startswith("/") or _DRIVE.match(name):
        return "is absolute or empty"
    if any(part in ("", ".", "..") for part in name.split("/")):
        return "has an empty, '.' or '..' part"
    if "\\" in name:
        return "has a backslash, which some systems read as a separator"
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name):
        return "has a control character or is not text"
    return None


def names_problems(names: Iterable[str], where: str) -> list[Problem]:
    """Names that may not stand in a manifest, repeated ones, and ones that some file systems take for one."""
    problems, seen = [], dict[str, str]()
    for name in names:
        fault = name_problem(name)
        folded = unicodedata.normalize("NFC", name).casefold()
        if fault is None and folded in seen:
            fault = (
                "stands twice"
                if seen[folded] == name
                else f"differs from {seen[folded]!r} only in case or in Unicode form"
            )
        seen.setdefault(folded, name)
        if fault is not None:
            problems.append(Problem(f"the name {name!r} {fault}", _AGAIN, where=where))
    return problems


def scan(folder: Path) -> tuple[list[str], list[Problem]]:
    """The regular files under `folder` (relative, `/`, sorted), and all that may not be there.

    Links, devices, pipes, sockets and empty folders are problems; none of them is opened or followed.
    """
    found: list[str] = []
    problems: list[Problem] = []
    waiting = [(folder, "")]
    while waiting:
        place, prefix = waiting.pop()
        try:
            with os.scandir(place) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            problems.append(_unreadable(prefix.rstrip("/") or ".", error))
            continue
        if not entries and prefix:
            problems.append(
                Problem(
                    f"{prefix.rstrip('/')!r} is an empty folder",
                    "remove it",
                    "a manifest cannot cover it",
                )
            )
        for entry in entries:
            name = prefix + entry.name
            if not _is_text(entry.name):
                problems.append(_special(name, "a name that is not UTF-8"))
            elif entry.is_symlink():
                problems.append(_special(name, "a symbolic link"))
            elif entry.is_dir(follow_symlinks=False):
                waiting.append((place / entry.name, f"{name}/"))
            elif entry.is_file(follow_symlinks=False):
                found.append(name)
            else:
                mode = entry.stat(follow_symlinks=False).st_mode
                problems.append(_special(name, _KINDS.get(stat.S_IFMT(mode), "a special file")))
    return sorted(found), problems


def compare(
    statement: Statement, present: Mapping[str, FileDigest], exempt: Collection[str], where: str
) -> list[Problem]:
    """Every difference between the subjects of a release statement and the files that are there.

    Args:
        statement: The release statement; `predicate.files` repeats its subjects with sizes.
        present: The digests of all files.
        exempt: The names that the manifest does not cover.
        where: The statement's file, for messages.
    """
    problems = names_problems((item.name for item in statement.subject), where)
    claimed: dict[str, str] = {}
    for item in statement.subject:
        if set(item.digest) != {"sha256"}:
            problems.append(
                Problem(f"{item.name!r} is listed without exactly a SHA-256", _AGAIN, where=where)
            )
        claimed[item.name] = item.digest.get("sha256", "")
        if item.name in exempt:
            problems.append(Problem(f"{item.name!r} may not be a subject", _AGAIN, where=where))
    sizes = _sizes(statement)
    if {name: digest for name, (digest, _) in sizes.items()} != claimed:
        problems.append(
            Problem("predicate.files and the subjects are not the same list", _AGAIN, where=where)
        )
    actual = {name: digest for name, digest in present.items() if name not in exempt}
    added, missing = set(actual) - set(claimed), set(claimed) - set(actual)
    for name in sorted(missing):
        same = [other for other in sorted(added) if actual[other].sha256 == claimed[name]]
        if same:
            added.discard(same[0])
            problems.append(Problem(f"{name!r} was renamed to {same[0]!r}", _AGAIN))
        else:
            problems.append(Problem(f"{name!r} is missing", _AGAIN, "the manifest lists it"))
    problems += [
        Problem(
            f"{name!r} was added",
            "remove it if you put it there; otherwise " + _AGAIN,
            "the manifest does not list it",
        )
        for name in sorted(added)
    ]
    for name in sorted(set(actual) & set(claimed)):
        if actual[name].sha256 != claimed[name]:
            problems.append(
                Problem(
                    f"{name!r} was changed",
                    _AGAIN,
                    f"its SHA-256 is {actual[name].sha256}, the manifest says {claimed[name]}",
                )
            )
        elif name in sizes and sizes[name][1] != actual[name].size:
            problems.append(Problem(f"the manifest gives a wrong size for {name!r}", _AGAIN))
    return problems


def _sizes(statement: Statement) -> dict[str, tuple[str, int]]:
    listed = statement.predicate.get("files")
    result: dict[str, tuple[str, int]] = {}
    for item in listed if isinstance(listed, list) else []:
        try:
            digest = FileDigest.model_validate(item)
        except ValueError:
            continue
        result[digest.path] = (digest.sha256, digest.size)
    return result


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _special(name: str, what: str) -> Problem:
    return Problem(
        f"{name!r} is {what}",
        "put the file itself there, or get the release again",
        "what it leads to can change after it was checked",
    )


def _unreadable(name: str, error: OSError) -> Problem:
    return Problem(
        f"{name!r} cannot be read: {error.strerror}",
        "mend the permissions, then verify again",
        "what was not read was not verified",
    )


_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
