"""Which cells of a table's row are its features, and which of them are words; it knows no model."""

from __future__ import annotations

from collections.abc import Mapping

from lextune.config import ColumnsConfig
from lextune.errors import DataError, Problem
from lextune.features import read_features
from lextune.tasks.tabular.columns import is_number_or_date


def feature_cells(
    values: Mapping[str, str | None], columns: ColumnsConfig
) -> dict[str, str | None]:
    """The features of a row: the named ones, or all but its label, groups, split group, subject and consent.

    Args:
        values: Column to cell.
        columns: Of the config.

    Raises:
        DataError: No column is left.
    """
    if columns.features:
        return {name: values.get(name) for name in columns.features}
    others = {columns.label, *columns.group, *columns.bonds, columns.consent}
    found = {name: cell for name, cell in values.items() if name not in others}
    if not found:
        raise DataError(
            Problem("no column is left to predict from", "name them in data.columns.features")
        )
    return found


def words_of(text: str) -> str:
    """The cells of a row of features that are words, one a line: numbers and dates are no text to look for people in."""
    cells = read_features(text).values()
    return "\n".join(cell for cell in cells if cell is not None and not is_number_or_date(cell))
