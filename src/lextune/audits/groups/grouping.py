"""Which group each row is in, by one column or by two together; it knows no figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Grouping:
    """Rows parted into groups.

    Attributes:
        column: Its name, or two names with a comma.
        names: Of the groups that occur, `sex=f` or `race=x,sex=f`, sorted.
        member: Place of each row's group in `names`, shape (rows,); -1 where a value is missing.
        of_two: Whether two columns part the rows.
    """

    column: str
    names: tuple[str, ...]
    member: Ints
    of_two: bool = False

    @property
    def rows(self) -> Ints:
        """Of each group, shape (groups,)."""
        return self.count(np.ones(len(self.member), bool))

    def count(self, rows: npt.NDArray[np.bool_]) -> Ints:
        """How many of these rows are in each group, shape (groups,)."""
        return np.bincount(self.member[rows & (self.member >= 0)], minlength=len(self.names))


def groupings(
    groups: Mapping[str, Sequence[str | None]], *, intersections: bool
) -> Iterator[Grouping]:
    """By each column, then by each two of them where that is asked for."""
    columns = [_by_column(name, values) for name, values in sorted(groups.items())]
    yield from columns
    if intersections:
        for first, second in combinations(columns, 2):
            yield _together(first, second)


def _by_column(column: str, values: Sequence[str | None]) -> Grouping:
    known = sorted({value for value in values if value is not None})
    place: dict[str | None, int] = {value: index for index, value in enumerate(known)}
    member = np.array([place.get(value, -1) for value in values], np.int64)
    return Grouping(column, tuple(f"{column}={value}" for value in known), member)


def _together(first: Grouping, second: Grouping) -> Grouping:
    known = (first.member >= 0) & (second.member >= 0)
    both = np.where(known, first.member * max(len(second.names), 1) + second.member, -1)
    found, member = np.unique(both, return_inverse=True)
    missing = int(bool(len(found)) and found[0] < 0)
    names = tuple(
        f"{first.names[one // len(second.names)]},{second.names[one % len(second.names)]}"
        for one in found[missing:].tolist()
    )
    return Grouping(
        f"{first.column},{second.column}", names, member.astype(np.int64) - missing, True
    )
