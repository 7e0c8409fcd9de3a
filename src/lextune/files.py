"""Reads and writes files so that nothing is lost or swapped: atomic writes, digests, refusal of links; it knows no format."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from lextune.errors import EnvironmentProblem, Problem, VerificationError
from lextune.records import FileDigest

#: Names of the temporary files that `open_atomic` writes.
UNFINISHED = re.compile(r"\..+\.[0-9]+\.tmp")

_CHUNK = 1 << 20


def home_folder() -> Path:
    """The folder of keys, trust, the run index and converted models: `LEXTUNE_HOME`, or `~/.lextune`."""
    named = os.environ.get("LEXTUNE_HOME")
    return Path(named).expanduser() if named else Path.home() / ".lextune"


@contextlib.contextmanager
def disk_problems(path: Path) -> Iterator[None]:
    """Turn a full disk, a quota, a missing permission or folder at `path` into an error with a remedy."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            fact, remedy = (
                f"no space left to write {path}",
                "free some space, then run again with --resume",
            )
        elif error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            fact, remedy = (
                f"{path} may not be written",
                "choose another --out, or mend the permissions",
            )
        elif error.errno in (errno.ENOENT, errno.ENOTDIR):
            fact, remedy = (
                f"{path} cannot be written: its folder is missing",
                "make the folder, or choose another place",
            )
        elif error.errno == errno.EISDIR:
            fact, remedy = f"{path} is a folder", "name a file in it, or choose another name"
        else:
            raise
        raise EnvironmentProblem(
            Problem(fact, remedy, "what was written before is kept and whole")
        ) from error


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write all of `data` or nothing, as `open_atomic`."""
    with open_atomic(path, mode=mode) as stream, disk_problems(path):
        stream.write(data)


@contextlib.contextmanager
def open_atomic(path: Path, *, mode: int = 0o644) -> Iterator[IO[bytes]]:
    """A stream whose bytes appear at `path` all together at the end, or not at all.

    Temporary file beside it, fsync, rename, fsync of the folder. A link is replaced, never written through.

    Raises:
        EnvironmentProblem: A full disk, no permission, no folder; or there is something at `path` that is no
            file, which a rename would destroy.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")  # as `UNFINISHED` says
    with disk_problems(path):
        _refuse_special(path)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with _stream(descriptor, path, sync=True) as stream:
            yield stream
        with disk_problems(path):
            os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    with disk_problems(path):
        sync_folder(path.parent)


@contextlib.contextmanager
def open_output(path: Path) -> Iterator[IO[bytes]]:
    """A stream to where a user wants an answer.

    As `open_atomic`, but a link leads to what it names, and what is no file (a pipe, a terminal) is written to
    straight: it is there to be written to, not to be replaced.

    Raises:
        EnvironmentProblem: As `open_atomic`.
    """
    with disk_problems(path):
        straight = path.exists() and not path.is_file() and not path.is_dir()
    if not straight:
        with open_atomic(Path(os.path.realpath(path))) as stream:
            yield stream
        return
    with disk_problems(path):
        descriptor = os.open(path, os.O_WRONLY)
    with _stream(descriptor, path, sync=False) as stream:
        yield stream


@contextlib.contextmanager
def _stream(descriptor: int, path: Path, *, sync: bool) -> Iterator[IO[bytes]]:
    """A stream that is closed in any case; only its own failures are told as those of `path`."""
    stream = os.fdopen(descriptor, "wb")
    try:
        yield stream
        with disk_problems(path):
            stream.flush()
            if sync:
                os.fsync(stream.fileno())
            stream.close()
    except BaseException:
        with contextlib.suppress(OSError):  # closing tries again to write what did not fit
            stream.close()
        raise


def _refuse_special(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
        raise EnvironmentProblem(
            Problem(
                f"{path} is not a regular file",
                "name another file, or move it away",
                "a device or a pipe would be replaced by a file",
            )
        )


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the only process inside among those that lock the same folder; the system frees it with the process."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """fsync every file and folder under `folder`."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with open(path, "rb") as stream:
                os.fsync(stream.fileno())
        else:
            sync_folder(path)
    sync_folder(folder)


def sha256(data: bytes) -> str:
    """Hex SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def read_regular(path: Path) -> bytes:
    """The bytes of a regular file, never through a link.

    Raises:
        VerificationError: The path is a link, a device or a folder.
    """
    with _open_regular(path) as descriptor, os.fdopen(os.dup(descriptor), "rb") as stream:
        return stream.read()


def digest_file(path: Path, name: str | None = None) -> FileDigest:
    """SHA-256 and size of a regular file, read once in chunks; `name` is what to call it."""
    with _open_regular(path) as descriptor, os.fdopen(os.dup(descriptor), "rb") as stream:
        state, size = hashlib.sha256(), 0
        while chunk := stream.read(_CHUNK):
            state.update(chunk)
            size += len(chunk)
    return FileDigest(path=name or path.name, sha256=state.hexdigest(), size=size)


@contextlib.contextmanager
def _open_regular(path: Path) -> Iterator[int]:
    try:
        # O_NONBLOCK: opening a FIFO without a writer would otherwise wait for ever.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _not_regular(path, "a symbolic link") from error
        if error.errno == errno.ENXIO:
            raise _not_regular(path, "not a regular file") from error
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _not_regular(path, "not a regular file")
        yield descriptor
    finally:
        os.close(descriptor)


def _not_regular(path: Path, what: str) -> VerificationError:
    return VerificationError(
        Problem(
            f"{path} is {what}",
            "put the file itself there",
            "a link can point to other bytes after they were checked",
        )
    )


def list_files(folder: Path) -> list[str]:
    """Every path under `folder` that is not a folder, relative with `/`, sorted; links are listed, not followed.

    Raises:
        OSError: A folder cannot be listed; what it holds must not be passed over in silence.
    """

    def refuse(error: OSError) -> None:
        raise error

    found = []
    for root, folders, names in os.walk(folder, onerror=refuse, followlinks=False):
        base = Path(root)
        links = [name for name in folders if (base / name).is_symlink()]
        found += [(base / name).relative_to(folder).as_posix() for name in [*names, *links]]
    return sorted(found)


def remove_unfinished(folder: Path) -> list[str]:
    """Remove what killed processes left of `open_atomic` anywhere under `folder`; no other may be writing there.

    Returns:
        What was removed, relative with `/`, sorted.

    Raises:
        EnvironmentProblem: One cannot be removed.
    """
    with disk_problems(folder):
        found = [name for name in list_files(folder) if UNFINISHED.fullmatch(Path(name).name)]
        for name in found:
            (folder / name).unlink()
    return found


def digest_folder(folder: Path) -> tuple[FileDigest, ...]:
    """Digest of every file under `folder`; a link anywhere is refused."""
    return tuple(digest_file(folder / name, name) for name in list_files(folder))
