"""Opens a database of the store and says what it suffers from; it knows no table."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import MetaData, create_engine
from sqlalchemy.exc import DBAPIError

from lextune.errors import EnvironmentProblem, Problem
from lextune.files import disk_problems


class Database:
    """One SQLite file under the home folder, readable by its owner alone; use it with `with`.

    Args:
        path: The file; made with its folder where it is not there.
        tables: What it holds.
        title: What to call it in an error.
        remedy: What to do where it is damaged.
    """

    def __init__(self, path: Path, tables: MetaData, title: str, remedy: str) -> None:
        self._path, self._title, self._remedy = path, title, remedy
        with disk_problems(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._engine = create_engine(
            f"sqlite:///{path}", connect_args={"timeout": 30}, hide_parameters=True
        )
        with self._problems():
            tables.create_all(self._engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the database back."""
        self._engine.dispose()

    @contextmanager
    def _problems(self) -> Iterator[None]:
        """Turn what the database says (full, locked, damaged, read-only) into an error with a remedy."""
        try:
            yield
        except DBAPIError as error:
            self._engine.dispose()
            fact = f"{self._title} {self._path} cannot be used: {error.orig}"
            raise EnvironmentProblem(Problem(fact, self._remedy)) from error
