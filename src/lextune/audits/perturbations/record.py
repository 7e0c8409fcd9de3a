"""Changes of rows of features and of histories: cells and events that are missing, numbers that shake; it knows no model."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from lextune.audits.perturbations.base import Perturbation, some
from lextune.features import read_features, write_features
from lextune.histories import HistoryInput

if TYPE_CHECKING:
    from lextune.tasks.tabular.columns import Column


#: The one that must know all rows before it changes any.
NUMERIC_JITTER = "numeric_jitter"


def missing_cells(text: str, draw: np.random.Generator, severity: float) -> str:
    """10 % of the cells that hold something are empty."""
    row = read_features(text)
    there = [name for name, cell in row.items() if cell is not None]
    lost = {there[one] for one in some(draw, range(len(there)), 0.1 * severity)}
    return write_features({name: None if name in lost else cell for name, cell in row.items()})


def numeric_jitter(spreads: dict[str, float]) -> Perturbation:
    """Every number shakes by a tenth of its column's spread (a normal draw), and keeps its decimals.

    Args:
        spreads: Name of each column of numbers to its standard deviation.
    """

    def change(text: str, draw: np.random.Generator, severity: float) -> str:
        row = read_features(text)
        for name, spread in spreads.items():
            by = float(draw.normal()) * 0.1 * severity * spread  # drawn for empty cells as well
            cell = row.get(name)
            if cell is not None and cell.strip():
                row[name] = _moved(cell, by)
        return write_features(row)

    return Perturbation(NUMERIC_JITTER, change)


def spreads(columns: Sequence[Column], rows: Sequence[str]) -> dict[str, float]:
    """The standard deviation of each column of numbers over some rows, where it varies.

    Args:
        columns: As the model knows them.
        rows: As `features.write_features` writes them.

    Raises:
        UnfitFeatureError: A cell of a column of numbers is none.
    """
    from lextune.tasks.tabular.columns import read_numbers

    read = [read_features(text) for text in rows]
    found = {}
    for column in columns:
        if column.kind == "number":
            values = read_numbers(column.name, [row.get(column.name) for row in read])
            known = values[np.isfinite(values)]
            if len(known) and (spread := float(known.std())) > 0:
                found[column.name] = spread
    return found


def _moved(cell: str, by: float) -> str:
    """A number moved, with as many decimals as before; a word for a cell that is not known stays."""
    try:
        number = Decimal(cell.strip())
    except ArithmeticError:
        return cell
    exponent = number.as_tuple().exponent
    if not number.is_finite() or not isinstance(exponent, int):
        return cell
    decimals = max(-exponent, 0)
    return f"{float(number) + by:.{decimals}f}"


def missing_events(given: HistoryInput, draw: np.random.Generator, severity: float) -> HistoryInput:
    """10 % of the events were not recorded; one of several always was."""
    if len(given.events) < 2:
        return given
    share = min(0.1 * severity, 1 - 1 / len(given.events))
    lost = set(some(draw, range(len(given.events)), share))
    kept = tuple(one for index, one in enumerate(given.events) if index not in lost)
    return given._replace(events=kept)


def swapped_events(given: HistoryInput, draw: np.random.Generator, severity: float) -> HistoryInput:
    """10 % of the events came in the other order than the one after them; times stay where they were."""
    events = list(given.events)
    for at in some(draw, range(len(events) - 1), 0.1 * severity):
        one, other = events[at], events[at + 1]
        events[at] = other._replace(time=one.time)
        events[at + 1] = one._replace(time=other.time)
    return given._replace(events=tuple(events))


RECORDS = (Perturbation("missing_cells", missing_cells),)
HISTORIES = (
    Perturbation("missing_events", missing_events),
    Perturbation("swapped_events", swapped_events),
)
