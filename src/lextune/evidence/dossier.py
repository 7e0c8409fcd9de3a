"""A run's dossier: a folder of signed statements with their ledger; it knows no room's record.

Append-only and crash-safe. A statement is written first, then its ledger line, then the checkpoint; a killed
process leaves at most one statement beyond the last signed checkpoint, and the owner finishes it on opening.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

from lextune import files
from lextune.errors import ConfigError, Problem, VerificationError
from lextune.evidence.envelope import open_envelope, sign
from lextune.evidence.keys import Signer, Trust
from lextune.evidence.ledger import (
    STATEMENT_FILE,
    Checkpoint,
    Entry,
    leaf_hash,
    open_checkpoint,
    parse_ledger,
    root_hash,
    sign_checkpoint,
)
from lextune.evidence.manifest import name_problem
from lextune.evidence.statements import room_of
from lextune.records import FileDigest, Statement

STATEMENTS, LEDGER, CHECKPOINT = "statements", "ledger.jsonl", "checkpoint.dsse.json"

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class Dossier:
    """The dossier of one run, open for its owner. Use `create` or `open`.

    Attributes:
        folder: Where it lies.
        run_id: Whose it is; every statement carries it.
        mended: What was finished or cleaned after a crash, one sentence each.
    """

    def __init__(self, folder: Path, run_id: str, signer: Signer) -> None:
        self.folder = folder
        self.run_id = run_id
        self.mended: tuple[str, ...] = ()
        self._signer = signer
        self._trust = Trust.of(signer)

    @classmethod
    def create(cls, folder: Path, run_id: str, signer: Signer) -> Dossier:
        """An empty dossier with a signed checkpoint of size 0; the folder may exist, but no dossier in it.

        Raises:
            ConfigError: The run id is not a plain name, or there is a dossier already.
            EnvironmentProblem: The folder cannot be written.
        """
        if not _RUN_ID.fullmatch(run_id):
            raise ConfigError(
                Problem(f"{run_id!r} is no run id", "use 1 to 128 of A-Z, a-z, 0-9, '.', '_', '-'")
            )
        statements = folder / STATEMENTS
        with files.disk_problems(folder):
            statements.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(folder / CHECKPOINT) or any(statements.iterdir()):
            raise ConfigError(
                Problem(
                    f"there is a dossier already in {folder}",
                    "go on with --resume, or choose another --out",
                    "signed evidence is never written over",
                )
            )
        dossier = cls(folder, run_id, signer)
        files.write_atomic(folder / LEDGER, b"")
        dossier._write_checkpoint([])
        return dossier

    @classmethod
    def open(cls, folder: Path, signer: Signer) -> Dossier:
        """The owner's dossier, after finishing what a killed process left half done.

        Raises:
            VerificationError: It is not this signer's, or it was changed: a statement that the signed
                checkpoint covers is missing, changed or added. Nothing of that kind is mended.
        """
        data = _read(folder / CHECKPOINT)
        checkpoint, _ = open_checkpoint(data, Trust.of(signer), str(folder / CHECKPOINT))
        dossier = cls(folder, checkpoint.origin, signer)
        with dossier._locked():
            swept = dossier._sweep()
            _, finished = dossier._recover()
        dossier.mended = (*swept, *finished)
        return dossier

    def append(self, name: str, statement: Statement) -> str:
        """Sign a statement and add it to the ledger; gives the SHA-256 (hex) of its envelope.

        Args:
            name: The room, or the room, a hyphen and a detail (`audit-calibration`).
            statement: Its predicate's `run` is set here; another run's is refused.

        Raises:
            ConfigError: A name that is not the statement's room, another run's statement, or a dossier
                that a release statement has closed.
            InsufficientError: The statement holds NaN or infinity.
            VerificationError: The dossier was changed since it was written.
        """
        room = room_of(statement)
        if room is None or (name != room and not name.startswith(f"{room}-")):
            raise _misuse(f"{name!r} is no name for a statement of room {room!r}")
        if statement.predicate.get("run", self.run_id) != self.run_id:
            raise _misuse("the statement belongs to another run")
        predicate = {**statement.predicate, "run": self.run_id}
        envelope = sign(statement.model_copy(update={"predicate": predicate}), self._signer)
        with self._locked():
            entries, _ = self._recover()
            if entries and _is_release(entries[-1].statement):
                raise _misuse("the dossier is closed: its last statement is the release")
            entry = Entry(len(entries), leaf_hash(envelope), _file_name(len(entries) + 1, name))
            self._write(envelope, entries, entry)
        return files.sha256(envelope)

    def statements(self) -> list[tuple[str, Statement]]:
        """All statements in ledger order, each with the SHA-256 of its envelope; signatures are checked.

        Raises:
            VerificationError: The dossier was changed since it was written.
        """
        with self._locked():
            entries, _ = self._recover()
            found = []
            for entry in entries:
                data = _read(self._path(entry))
                found.append((files.sha256(data), self._open(data, entry.statement)))
        return found

    def write_file(self, name: str, data: bytes) -> FileDigest:
        """Put a file that is no statement into the dossier, whole or not at all.

        Raises:
            ConfigError: The name leaves the dossier, or is one that only statements may have.
        """
        fault = name_problem(name)
        if fault is not None or name in {LEDGER, CHECKPOINT} or name.startswith(f"{STATEMENTS}/"):
            raise _misuse(f"{name!r} is no name for a file of the dossier")
        path = self.folder / name
        with files.disk_problems(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomic(path, data)
        return FileDigest(path=name, sha256=files.sha256(data), size=len(data))

    def _write(self, envelope: bytes, entries: list[Entry], entry: Entry) -> None:
        path, ledger = self._path(entry), self.folder / LEDGER
        length = ledger.stat().st_size
        try:
            files.write_atomic(path, envelope)
            _append_bytes(ledger, entry.line())
            self._write_checkpoint([*entries, entry])
        except BaseException:
            # A caller that sees an error must find nothing added, unless the checkpoint covers it already.
            with contextlib.suppress(OSError, VerificationError):
                if self._checkpoint().size == len(entries):
                    os.truncate(ledger, length)
                    path.unlink(missing_ok=True)
            raise

    def _recover(self) -> tuple[list[Entry], tuple[str, ...]]:
        """Check everything against the signed checkpoint; finish what lies beyond it."""
        checkpoint = self._checkpoint()
        data = _read(self.folder / LEDGER)
        entries, used = parse_ledger(data)
        covered = [entry.leaf for entry in entries[: checkpoint.size]]
        if checkpoint.origin != self.run_id:
            raise _tampered(self.folder / CHECKPOINT, "it belongs to another run")
        if len(covered) < checkpoint.size or root_hash(covered) != checkpoint.root:
            raise _tampered(self.folder / LEDGER, "it does not match its signed checkpoint")
        mended: list[str] = []
        if used < len(data):
            if b"\n" in data[used:-1]:
                raise _tampered(self.folder / LEDGER, "more than its last line is damaged")
            files.write_atomic(self.folder / LEDGER, data[:used])
            mended.append("removed the torn last line of the ledger")
        for entry in entries:
            if leaf_hash(_read(self._path(entry))) != entry.leaf:
                raise _tampered(self._path(entry), "its hash is not the one in the ledger")
        orphan = self._orphan(entries)
        if orphan is not None:
            _append_bytes(self.folder / LEDGER, orphan.line())
            entries.append(orphan)
            mended.append(f"entered {orphan.statement} in the ledger")
        for entry in entries[checkpoint.size :]:
            self._open(_read(self._path(entry)), entry.statement)
        if len(entries) > checkpoint.size:
            self._write_checkpoint(entries)
            mended.append(f"signed the checkpoint of {len(entries)} statements")
        return entries, tuple(mended)

    def _orphan(self, entries: list[Entry]) -> Entry | None:
        known = {entry.statement for entry in entries}
        # A copy may have dropped the folder while it was empty.
        (self.folder / STATEMENTS).mkdir(exist_ok=True)
        present = {path.name for path in (self.folder / STATEMENTS).iterdir()}
        extra = sorted(name for name in present - known if not files.UNFINISHED.fullmatch(name))
        if not extra:
            return None
        match = STATEMENT_FILE.fullmatch(extra[0])
        if len(extra) > 1 or match is None or int(match[1]) != len(entries) + 1:
            raise _tampered(self.folder / STATEMENTS, f"{extra[0]!r} is not in the ledger")
        data = _read(self.folder / STATEMENTS / extra[0])
        self._open(data, extra[0])
        return Entry(len(entries), leaf_hash(data), extra[0])

    def _open(self, data: bytes, name: str) -> Statement:
        where = str(self.folder / STATEMENTS / name)
        statement = open_envelope(data, self._trust, where)
        if statement.predicate.get("run") != self.run_id:
            raise _tampered(self.folder / STATEMENTS / name, "it belongs to another run")
        return statement

    def _checkpoint(self) -> Checkpoint:
        path = self.folder / CHECKPOINT
        return open_checkpoint(_read(path), self._trust, str(path))[0]

    def _write_checkpoint(self, entries: list[Entry]) -> None:
        root = root_hash([entry.leaf for entry in entries])
        checkpoint = Checkpoint(self.run_id, len(entries), root)
        files.write_atomic(self.folder / CHECKPOINT, sign_checkpoint(checkpoint, self._signer))

    def _path(self, entry: Entry) -> Path:
        return self.folder / STATEMENTS / entry.statement

    def _sweep(self) -> list[str]:
        swept = files.remove_unfinished(self.folder)
        return [f"removed the unfinished file {name}" for name in swept]

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _append_bytes(path: Path, data: bytes) -> None:
    with files.disk_problems(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "ab") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())


def _file_name(number: int, name: str) -> str:
    file = f"{number:04d}-{name}.dsse.json"
    if not STATEMENT_FILE.fullmatch(file):
        raise _misuse(f"{name!r} may hold only a-z, 0-9 and single '.', '_', '-' between them")
    return file


def _is_release(file: str) -> bool:
    match = STATEMENT_FILE.fullmatch(file)
    return match is not None and match[2].split("-")[0] == "release"


def _read(path: Path) -> bytes:
    try:
        return files.read_regular(path)
    except OSError as error:
        raise _tampered(path, f"it cannot be read: {error.strerror}") from error


def _tampered(path: Path, reason: str) -> VerificationError:
    return VerificationError(
        Problem(
            f"the dossier is not as it was written: {path}",
            "restore the run's folder from a backup, or run again with another --out",
            reason,
        )
    )


def _misuse(fact: str) -> ConfigError:
    return ConfigError(Problem(fact, "start a new run, or correct the name"))
