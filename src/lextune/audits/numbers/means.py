"""Means of bounded numbers of several groups compared pair by pair, as functions of sums; it knows no group's name.

A mean of ten numbers that happen to be alike is no certainty, yet Student's interval of it has no width. So each group is
given, before its mean and variance are taken, z * z / 2 numbers at either bound: at 95 % two of each, as Agresti and Coull
(1998, The American Statistician 52, 119-126) do for proportions. Shapes are as in `proportions`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Between which standard errors a p value is sought, and halvings of that.
_LEAST, _MOST, _STEPS = 1e-6, 38.0, 45


@dataclass(frozen=True)
class Sums:
    """Of the numbers of each group.

    Attributes:
        n: How many, shape (..., groups).
        total: Their sum.
        squares: The sum of their squares.
        bounds: Between which each of them must lie.
    """

    n: Ints
    total: Floats
    squares: Floats
    bounds: tuple[float, float]

    @classmethod
    def of(cls, values: Floats, group: Ints, groups: int, bounds: tuple[float, float]) -> Sums:
        """Of numbers that belong to groups 0, 1, ...; those of the group -1 and those that are NaN are left out.

        Args:
            values: Shape (rows,).
            group: Shape (rows,).
            groups: How many there are.
            bounds: Least and largest number that there can be.
        """
        known = (group >= 0) & np.isfinite(values)
        at, value = group[known], values[known]
        count = np.bincount(at, minlength=groups).astype(np.int64)
        total = np.asarray(np.bincount(at, value, groups), np.float64)
        squares = np.asarray(np.bincount(at, value * value, groups), np.float64)
        return cls(count, total, squares, bounds)

    @property
    def mean(self) -> Floats:
        """Shape (..., groups); NaN of nothing."""
        return np.asarray(self.total / np.where(self.n > 0, self.n, np.nan))


def limits(sums: Sums, z: float | Floats) -> tuple[Floats, Floats]:
    """Student's limits of each group's mean after the numbers at the bounds were added; its mean is always inside.

    Args:
        sums: Of the groups.
        z: Standard errors that a normal interval of the wanted level has, as from `proportions.critical`; of each group
            where there are several.
    """
    from scipy.special import ndtr, stdtrit

    low, high = sums.bounds
    extra = np.square(z) / 2
    n = np.where(sums.n > 0, sums.n, np.nan) + 2 * extra
    mean = (sums.total + extra * (low + high)) / n
    spread = sums.squares + extra * (low * low + high * high) - n * mean * mean
    error = np.sqrt(np.maximum(spread, 0.0) / (n - 1) / n)
    # what was added is no knowledge: it gives no degrees of freedom
    half = -stdtrit(np.maximum(sums.n - 1, 1), ndtr(-np.asarray(z))) * error
    least, most = np.maximum(mean - half, low), np.minimum(mean + half, high)
    return np.minimum(least, sums.mean), np.maximum(most, sums.mean)


def p_values(sums: Sums) -> Floats:
    """Of each pair: the least level at which the interval of its difference leaves 0 out, shape (..., groups, groups).

    The interval is that of `proportions.differences` with `limits`, so the two never disagree.
    """
    from scipy.special import ndtr

    row = _along(sums, -1)
    column = _along(sums, -2)
    apart = np.abs(row.mean - column.mean)
    inside, outside = np.full(apart.shape, _LEAST), np.full(apart.shape, _MOST)
    for _ in range(_STEPS):
        z = (inside + outside) / 2
        (low, high), (below, above) = limits(row, z), limits(column, z)
        up = row.mean >= column.mean
        reach = np.where(
            up,
            np.hypot(row.mean - low, above - column.mean),
            np.hypot(high - row.mean, column.mean - below),
        )
        found = apart > reach
        inside, outside = np.where(found, z, inside), np.where(found, outside, z)
    p = np.minimum(2 * ndtr(-inside), 1.0)
    return np.asarray(np.where(np.isfinite(apart), np.where(apart > 0, p, 1.0), np.nan))


def _along(sums: Sums, axis: int) -> Sums:
    """Groups as rows (-1) or columns (-2) of pairs."""
    n, total = np.expand_dims(sums.n, axis), np.expand_dims(sums.total, axis)
    return Sums(n, total, np.expand_dims(sums.squares, axis), sums.bounds)
