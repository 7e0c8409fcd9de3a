"""The index of people: which rows of which runs are about whom, and who asked for erasure; ids only as keyed hashes."""

from __future__ import annotations

import datetime
import functools
import hmac
import unicodedata
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from sqlalchemy import DateTime, ForeignKey, LargeBinary, String, Table, delete, insert, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from lextune.errors import Problem, VerificationError
from lextune.store.database import Database

State = Literal["open", "done", "withdrawn"]

#: Rows of one insert: more gain no time.
_BATCH = 20_000
#: What the secret is recognised by; not a hash of any id, since ids are stripped of such spaces.
_CHECK = " lextune.subjects/v1 "
FILE = "subjects.sqlite"


class _Base(DeclarativeBase):
    pass


class _Secret(_Base):
    """The keyed hash of a fixed text, which tells the right secret from another."""

    __tablename__ = "secret"

    check: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)


class _IndexedRun(_Base):
    __tablename__ = "indexed_runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    run: Mapped[str] = mapped_column(String(128), unique=True)


class _SubjectRow(_Base):
    __tablename__ = "subject_rows"

    id: Mapped[int] = mapped_column(primary_key=True)
    run: Mapped[int] = mapped_column(ForeignKey("indexed_runs.id"))
    part: Mapped[str] = mapped_column(String(16))
    subject: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    row: Mapped[str] = mapped_column(String(32))
    place: Mapped[str] = mapped_column(String)


class _Erasure(_Base):
    __tablename__ = "erasures"

    subject: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    requested: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True))
    changed: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True))
    state: Mapped[str] = mapped_column(String(16))


class SubjectEntry(NamedTuple):
    """One row of a run: its part, the id of the person (never stored), its content id, and where it stands."""

    part: str
    subject: str
    row: str
    place: str


class FoundRow(NamedTuple):
    """One row that is about a person."""

    run: str
    part: str
    row: str
    place: str


class SubjectStore(Database):
    """Rows by person and requests for erasure, in `subjects.sqlite` under the home folder.

    A person stands there as HMAC-SHA-256 (RFC 2104) of the id under the user's secret; equal ids are those
    that are equal after Unicode's NFC and without outer spaces.

    Args:
        home: The home folder.
        secret: 32 bytes.

    Raises:
        VerificationError: The index was made with another secret, so that nobody would be found.
        EnvironmentProblem: The database cannot be used.
    """

    def __init__(self, home: Path, secret: bytes) -> None:
        super().__init__(
            home / FILE,
            _Base.metadata,
            "the index of subjects",
            "free some space, mend its permissions, or restore the file from a backup: requests for erasure are in it",
        )
        self._secret = secret
        check = hmac.digest(secret, _CHECK.encode(), "sha256")
        with self._problems(), Session(self._engine) as session:
            known = session.scalars(select(_Secret.check)).all()
            if not known:
                session.add(_Secret(check=check))
                session.commit()
            elif list(known) != [check]:
                raise VerificationError(
                    Problem(
                        f"the index of subjects {self._path} was made with another secret",
                        "restore keys/subjects.secret from a backup; without it the people in the index cannot be found",
                        "nobody would be found, and rows of erased people would be used again",
                    )
                )

    def digest(self, subject: str) -> bytes:
        """The keyed hash of an id, 32 bytes."""
        plain = unicodedata.normalize("NFC", subject).strip()
        return hmac.digest(self._secret, plain.encode("utf-8", "surrogatepass"), "sha256")

    def replace(self, run: str, entries: Iterable[SubjectEntry]) -> int:
        """Index the rows of a run in place of what was indexed of it before; gives how many.

        It is one transaction: a run that is stopped meanwhile leaves what was there.
        """
        digest, count = functools.lru_cache(1 << 16)(self.digest), 0
        with self._problems(), Session(self._engine) as session:
            known = session.scalar(select(_IndexedRun).where(_IndexedRun.run == run))
            if known is None:
                known = _IndexedRun(run=run)
                session.add(known)
                session.flush()
            else:
                session.execute(delete(_SubjectRow).where(_SubjectRow.run == known.id))
            number = known.id
            waiting, table = iter(entries), insert(cast(Table, _SubjectRow.__table__))
            while some := list(islice(waiting, _BATCH)):
                rows = [
                    {"run": number, "part": one.part, "subject": digest(one.subject), "row": one.row, "place": one.place}
                    for one in some
                ]  # fmt: skip
                session.connection().execute(table, rows)  # not by the ORM: half the time
                count += len(rows)
            session.commit()
        return count

    def find(self, subject: str) -> list[FoundRow]:
        """Every indexed row about a person, by run, part and place."""
        query = (
            select(_IndexedRun.run, _SubjectRow.part, _SubjectRow.row, _SubjectRow.place)
            .join(_IndexedRun, _SubjectRow.run == _IndexedRun.id)
            .where(_SubjectRow.subject == self.digest(subject))
            .order_by(_IndexedRun.run, _SubjectRow.part, _SubjectRow.id)
        )
        with self._problems(), Session(self._engine) as session:
            return [FoundRow(*row) for row in session.execute(query)]

    def request(self, subject: str, state: State = "open") -> dict[str, Any]:
        """Record that a person asked for erasure, or what became of it; the time of the first request stays."""
        now = datetime.datetime.now(datetime.UTC)
        with self._problems(), Session(self._engine) as session:
            row = session.get(_Erasure, self.digest(subject))
            if row is None:
                row = _Erasure(
                    subject=self.digest(subject), requested=now, changed=now, state=state
                )
                session.add(row)
            elif row.state != state:
                row.state, row.changed = state, now
            session.commit()
            return _document(row)

    def requested(self, subject: str) -> dict[str, Any] | None:
        """The request of a person, or None."""
        with self._problems(), Session(self._engine) as session:
            row = session.get(_Erasure, self.digest(subject))
            return None if row is None else _document(row)

    def requests(self) -> list[dict[str, Any]]:
        """All requests, the oldest first."""
        with self._problems(), Session(self._engine) as session:
            rows = session.scalars(select(_Erasure).order_by(_Erasure.requested, _Erasure.subject))
            return [_document(row) for row in rows]

    def erased(self) -> frozenset[bytes]:
        """The hashes of all whose request was not withdrawn: one that is done still binds later runs."""
        with self._problems(), Session(self._engine) as session:
            query = select(_Erasure.subject).where(_Erasure.state != "withdrawn")
            return frozenset(session.scalars(query))


def _document(row: _Erasure) -> dict[str, Any]:
    """A request as JSON."""

    def told(moment: datetime.datetime) -> str:
        return moment.replace(tzinfo=datetime.UTC).isoformat(timespec="seconds")

    return {
        "subject": row.subject.hex(),
        "requested": told(row.requested),
        "changed": told(row.changed),
        "state": row.state,
    }
