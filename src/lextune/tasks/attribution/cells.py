"""A row of features, each of which can be replaced by what is usual of it; it knows no model's weights."""

from __future__ import annotations

from collections.abc import Mapping

from lextune.features import read_features, write_features
from lextune.tasks.attribution.parts import Bools, Part


def usual_cells(settings: Mapping[str, str]) -> dict[str, str | None]:
    """The usual cell of each feature, as the training rows had it: the median of numbers and days, the most frequent category.

    Of events, and where a model of before does not say, it is a missing cell.

    Args:
        settings: Of `lextune.json`.
    """
    from lextune.tasks.tabular.columns import read_columns

    return {one.name: one.usual for one in read_columns(settings["columns"])}


class Cells:
    """A row of features.

    Args:
        row: As `features.write_features` writes it.
        usual: Of each feature.
    """

    def __init__(self, row: str, usual: Mapping[str, str | None]) -> None:
        self.whole = row
        self._cells, self._usual = read_features(row), usual
        self.parts = tuple(
            Part(name, (), self._cells[name], usual[name]) for name in sorted(self._cells)
        )

    def without(self, gone: Bools) -> str:
        """The row in which some features are as usual."""
        instead = {
            one.name: self._usual[one.name]
            for one, left_out in zip(self.parts, gone, strict=True)
            if left_out
        }
        return write_features(self._cells | instead)
