"""Says who speaks in which row, as a column has it or as none does; it hears nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
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
        self.name = named if named is not None else SPEAKERS[0]
        self._columns = {name: NameList() for name in ([named] if named is not None else SPEAKERS)}

    def add(self, values: Mapping[str, str | None]) -> None:
        """The cells of one more row."""
        for name, column in self._columns.items():
            column.add(values.get(name) or None)

    def columns(self) -> dict[str, Names]:
        """What binds rows to one part: the column, under the name that all parts know it by."""
        found = {name: column.column() for name, column in self._columns.items()}
        known = [column for column in found.values() if (column.numbers >= 0).any()]
        return {self.name: known[0] if known else found[self.name]}


def settle_speakers(parts: dict[str, Rows]) -> dict[str, Rows]:
    """The parts without the column of speakers where no row of any part has one: then nobody knows who speaks."""
    known = [speakers_of(rows) for rows in parts.values()]
    if any(column is not None and (column.numbers >= 0).any() for column in known):
        return parts
    return {part: _without_speakers(rows) for part, rows in parts.items()}


def speakers_of(rows: Rows) -> Names | None:
    """Who speaks in each row; None where no column says so."""
    named = None if rows.sounds is None else rows.sounds.speaker
    return None if named is None else rows.bonds[named]


def rows_of_known_speakers(test: Rows, seen: Iterable[Rows]) -> int | None:
    """Rows of `test` whose speaker also speaks in the other parts; None where no column says who speaks."""
    speakers = speakers_of(test)
    if speakers is None:
        return None
    heard: dict[str, int] = {}
    for rows in seen:
        others = speakers_of(rows)
        heard |= {} if others is None else dict.fromkeys(others.counts(), 1)
    return int((speakers.numbered(heard) > 0).sum())


def _without_speakers(rows: Rows) -> Rows:
    if rows.sounds is None or rows.sounds.speaker is None:
        return rows
    bonds = {name: column for name, column in rows.bonds.items() if name != rows.sounds.speaker}
    return dataclasses.replace(
        rows, bonds=bonds, sounds=dataclasses.replace(rows.sounds, speaker=None)
    )
