"""The index of runs in a database: what ran, when, how it ended; it reads no dossier."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, DateTime, String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from lextune.errors import ConfigError, Problem
from lextune.store.database import Database


class _Base(DeclarativeBase):
    pass


class RunRow(_Base):
    """One run.

    Attributes:
        status: running, released, refused, insufficient, interrupted, failed.
        metrics: Name to value, low, high, n.
    """

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(String(128), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), index=True)
    task: Mapped[str] = mapped_column(String(64))
    folder: Mapped[str] = mapped_column(String)
    created: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True))
    status: Mapped[str] = mapped_column(String(16))
    release: Mapped[str | None] = mapped_column(String, default=None)
    metrics: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    problem: Mapped[str | None] = mapped_column(String, default=None)

    def document(self) -> dict[str, Any]:
        """The row as JSON."""
        return {
            "run": self.id,
            "name": self.name,
            "task": self.task,
            "folder": self.folder,
            "created": self.created.replace(tzinfo=datetime.UTC).isoformat(timespec="seconds"),
            "status": self.status,
            "release": self.release,
            "metrics": self.metrics,
            "problem": self.problem,
        }


class RunStore(Database):
    """The runs of one user, in `runs.sqlite` under the home folder."""

    def __init__(self, home: Path) -> None:
        super().__init__(
            home / "runs.sqlite",
            _Base.metadata,
            "the index of runs",
            "free some space, mend its permissions, or move the file away: runs stay in their folders",
        )

    def start(self, run: str, name: str, task: str, folder: Path) -> None:
        """Note that a run began, or goes on."""
        with self._problems(), Session(self._engine) as session:
            row = session.get(RunRow, run)
            if row is None:
                now = datetime.datetime.now(datetime.UTC)
                row = RunRow(
                    id=run, name=name, task=task, folder=str(folder), created=now, status=""
                )
                session.add(row)
            row.status, row.problem = "running", None
            session.commit()

    def finish(
        self,
        run: str,
        status: str,
        *,
        release: Path | None = None,
        metrics: Mapping[str, Any] | None = None,
        problem: str | None = None,
    ) -> None:
        """Note how a run ended."""
        with self._problems(), Session(self._engine) as session:
            row = session.get_one(RunRow, run)
            row.status, row.problem = status, problem
            row.release = str(release) if release else None
            row.metrics = json.loads(json.dumps(metrics or {}))
            session.commit()

    def list(self) -> list[dict[str, Any]]:
        """All runs, the newest first."""
        with self._problems(), Session(self._engine) as session:
            rows = session.scalars(select(RunRow).order_by(RunRow.created.desc(), RunRow.id))
            return [row.document() for row in rows]

    def get(self, run: str) -> dict[str, Any]:
        """The run whose id is `run` or begins with it.

        Raises:
            ConfigError: None does, or several do.
        """
        with self._problems(), Session(self._engine) as session:
            rows = list(
                session.scalars(
                    select(RunRow)
                    .where(RunRow.id.startswith(run, autoescape=True))
                    .order_by(RunRow.id)  # an exact match comes first
                    .limit(3)
                )
            )
            exact = [row for row in rows if row.id == run]
            if len(rows) != 1 and not exact:
                fact = "no run has" if not rows else "more than one run has"
                raise ConfigError(
                    Problem(f"{fact} an id that begins with {run!r}", "see `lextune runs list`")
                )
            return (exact or rows)[0].document()
