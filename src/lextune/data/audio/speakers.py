"""Says who speaks in which row, as a column has it or as none does; it hears nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lextune.config import ColumnsConfig
from lextune.data.columns import NameList, Names

if TYPE_CHECKING:
    from lextune.data.dataset import Rows

#: Columns of the speaker that are known by their names, the first that has values first.
SPEAKERS = ("speaker", "speaker_id")


def speaker_column(columns: ColumnsConfig) -> dict[str, str]:
    """The column that the user names, and the option that names it; empty where it is looked for."""
    return {} if columns.speaker is None else {columns.speaker: "data.columns.speaker"}


class SpeakerReading:
    """The speakers of one part as its rows are read.

    Args:
        named: The column that the user names; None looks for one of `SPEAKERS`.
    """

    def __init__(self, named: str | None) -> None:
        self._columns = {name: NameList() for name in ([named] if named is not None else SPEAKERS)}

    def add(self, values: Mapping[str, str | None]) -> None:
        """The cells of one more row."""
        for name, column in self._columns.items():
            column.add(values.get(name) or None)

    def columns(self) -> dict[str, Names]:
        """What binds rows to one part: the column, under the name that all parts know it by."""
        found = {name: column.column() for name, column in self._columns.items()}
        known = [column for column in found.values() if (column.numbers >= 0).any()]
        name, first = next(iter(found.items()))
        return {name: known[0] if known else first}


def settle_speakers(parts: dict[str, Rows], columns: ColumnsConfig) -> dict[str, Rows]:
    """The parts without the column of speakers where no row of any part has one: then nobody knows who speaks."""
    name = columns.speaker or SPEAKERS[0]
    of_sounds = [rows for rows in parts.values() if rows.sounds is not None]
    if not of_sounds or any((rows.bonds[name].numbers >= 0).any() for rows in of_sounds):
        return parts
    return {
        part: dataclasses.replace(
            rows, bonds={bond: names for bond, names in rows.bonds.items() if bond != name}
        )
        for part, rows in parts.items()
    }


def speakers_of(rows: Rows, columns: ColumnsConfig) -> Names | None:
    """Who speaks in each row; None where no column says so."""
    return rows.bonds.get(columns.speaker or SPEAKERS[0]) if rows.sounds is not None else None
