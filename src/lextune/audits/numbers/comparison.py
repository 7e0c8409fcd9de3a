"""Groups compared by a proportion or a mean: pairs, the widest gap, the least ratio, jointly; it knows no group's name.

Joint limits hold for all pairs at once with the level, after Bonferroni. Wilson's and the score test's limits do not keep
what they promise that far out in the tails: of two groups, 10 and 200 rows at the limits of 45 pairs, Newcombe's interval
leaves out a true difference of 0 up to six times as often as it should. So joint limits are recovered from exact ones, and
hold 0 (of ratios 1) wherever the test of that pair, adjusted alike, does not tell the groups apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from lextune.audits.numbers import means, proportions

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LEVEL = 0.95


class Limits(NamedTuple):
    """Figures with their 95 % limits, all of one shape; NaN where undefined."""

    value: Floats
    low: Floats
    high: Floats


class Figure(Protocol):
    """A figure of each group."""

    #: How limits of one group are made, of one pair alone, and of several pairs jointly.
    single: str
    alone: str
    joint: str

    @property
    def n(self) -> Ints:
        """Rows behind it, shape (..., groups)."""
        ...

    @property
    def value(self) -> Floats:
        """Shape (..., groups); NaN without rows."""
        ...

    def limits(self) -> tuple[Floats, Floats]:
        """Of each group alone."""
        ...

    def some(self, keep: Bools) -> Figure:
        """Of the groups where the mask is True."""
        ...

    def against_rest(self) -> Figure:
        """Each group and all others together, shape (groups, 2)."""
        ...

    def differences(self, comparisons: int) -> Limits:
        """Of each group and each other, shape (..., groups, groups)."""
        ...

    def together(self, comparisons: int) -> Limits:
        """The same with limits that hold together, and that leave 0 out only where the pair's test does, adjusted alike."""
        ...

    @property
    def p_values(self) -> Floats:
        """How often chance alone sets groups that are alike so far apart, of each pair alone."""
        ...


@dataclass(frozen=True)
class Proportions:
    """Rows that count, of rows in all, each of shape (..., groups)."""

    hits: Ints
    of: Ints
    single = "Wilson score"
    alone = "Newcombe hybrid score"
    joint = "MOVER of exact limits"

    @property
    def n(self) -> Ints:  # noqa: D102
        return self.of

    @property
    def value(self) -> Floats:  # noqa: D102
        return np.asarray(self.hits / np.where(self.of > 0, self.of, np.nan))

    def limits(self) -> tuple[Floats, Floats]:  # noqa: D102
        return self._limits(1)

    def some(self, keep: Bools) -> Proportions:  # noqa: D102
        return Proportions(self.hits[..., keep], self.of[..., keep])

    def against_rest(self) -> Proportions:  # noqa: D102
        return Proportions(_with_rest(self.hits), _with_rest(self.of))

    def differences(self, comparisons: int) -> Limits:  # noqa: D102
        return Limits(*proportions.differences(self.value, *self._limits(comparisons)))

    def ratios(self, comparisons: int) -> Limits:
        """Of each group over each other, shape (..., groups, groups)."""
        if comparisons > 1:
            return Limits(*proportions.ratios(self.value, *self._limits(comparisons)))
        z = proportions.critical(LEVEL, 1)
        return Limits(*proportions.score_ratios(self.hits, self.of, z))

    def together(self, comparisons: int) -> Limits:  # noqa: D102
        return self._holding(self.differences(comparisons), 0.0, comparisons)

    def ratios_together(self, comparisons: int) -> Limits:
        """Ratios whose limits hold together, and which leave 1 out only where the pair's test does, adjusted alike."""
        return self._holding(self.ratios(comparisons), 1.0, comparisons)

    @cached_property
    def p_values(self) -> Floats:  # noqa: D102
        return proportions.exact_p_values(self.hits, self.of)

    def _holding(self, limits: Limits, at: float, comparisons: int) -> Limits:
        alike = self.p_values * comparisons > 1 - LEVEL
        return Limits(
            limits.value,
            np.where(alike, np.minimum(limits.low, at), limits.low),
            np.where(alike, np.maximum(limits.high, at), limits.high),
        )

    def _limits(self, comparisons: int) -> tuple[Floats, Floats]:
        how = proportions.exact_limits if comparisons > 1 else proportions.wilson_limits
        return how(self.hits, self.of, proportions.critical(LEVEL, comparisons))


@dataclass(frozen=True)
class Means:
    """Sums of bounded numbers."""

    sums: means.Sums
    single = "Student with rows at the bounds"
    alone = "MOVER of Student's limits with rows at the bounds"
    joint = alone

    @property
    def n(self) -> Ints:  # noqa: D102
        return self.sums.n

    @property
    def value(self) -> Floats:  # noqa: D102
        return self.sums.mean

    def limits(self) -> tuple[Floats, Floats]:  # noqa: D102
        return means.limits(self.sums, proportions.critical(LEVEL, 1))

    def some(self, keep: Bools) -> Means:  # noqa: D102
        one = self.sums
        return Means(
            means.Sums(one.n[..., keep], one.total[..., keep], one.squares[..., keep], one.bounds)
        )

    def against_rest(self) -> Means:  # noqa: D102
        one = self.sums
        parts = (_with_rest(one.n), _with_rest(one.total), _with_rest(one.squares))
        return Means(means.Sums(*parts, one.bounds))

    def differences(self, comparisons: int) -> Limits:  # noqa: D102
        limits = means.limits(self.sums, proportions.critical(LEVEL, comparisons))
        return Limits(*proportions.differences(self.value, *limits))

    def together(self, comparisons: int) -> Limits:  # noqa: D102
        return self.differences(comparisons)  # the test is whether they leave 0 out

    @cached_property
    def p_values(self) -> Floats:  # noqa: D102
        return means.p_values(self.sums)


def widest(figure: Figure, columns: int = 1) -> Limits:
    """The largest minus the smallest figure of at least two groups, shape (...).

    Its limits are the largest lower and the largest upper limit of the joint ones of all pairs, so they hold whenever those
    do; of groups that are alike the lower one is 0 at least as often. A bootstrap of the gap would not do: it adds noise
    to a figure that noise already pushes away from 0.

    Args:
        figure: Of the groups.
        columns: So many gaps are looked at, and all of their limits are to hold together.
    """
    count = figure.n.shape[-1]
    found = figure.together(columns * count * (count - 1) // 2)
    apart = ~np.eye(count, dtype=bool)
    return Limits(
        np.asarray(figure.value.max(axis=-1) - figure.value.min(axis=-1)),
        np.maximum(found.low[..., apart].max(axis=-1), 0.0),
        np.asarray(found.high[..., apart].max(axis=-1)),
    )


def to_best(figure: Proportions, columns: int = 1) -> Limits:
    """Each group's proportion over the largest one, shape (..., groups): of at least two groups.

    Which one is the largest is itself seen by chance, so the limits are the least ones of the joint ratios to all others,
    and never above 1. Undefined where all proportions are 0.

    Args:
        figure: Of the groups.
        columns: As for `widest`.
    """
    count = figure.of.shape[-1]
    found = figure.ratios_together(columns * count * (count - 1) // 2)
    best = figure.value.max(axis=-1, keepdims=True)
    itself = np.eye(count, dtype=bool)
    return Limits(
        np.asarray(figure.value / np.where(best > 0, best, np.nan)),
        np.asarray(np.where(itself, 1.0, found.low).min(axis=-1)),
        np.asarray(np.where(itself, 1.0, found.high).min(axis=-1)),
    )


def adjusted(p_values: Floats) -> Floats:
    """P values of each pair, shape (groups, groups), adjusted together after Holm; NaN stays."""
    found = np.full(p_values.shape, np.nan)
    rows, columns = np.triu_indices(len(p_values), 1)
    known = np.isfinite(p_values[rows, columns])
    rows, columns = rows[known], columns[known]
    found[rows, columns] = found[columns, rows] = proportions.holm(p_values[rows, columns])
    return found


def _with_rest(each: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.stack([each, each.sum() - each], axis=-1)
