"""Figures of groups as measurements: each group, each pair, the gap of the column; it knows no audit and no bound."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import numpy.typing as npt

from lextune.audits.groups.grouping import Grouping
from lextune.audits.numbers import comparison
from lextune.audits.numbers.comparison import LEVEL, Figure, Limits, Proportions
from lextune.records import Interval, Measurement

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: The gap of more groups is not measured: each pair counts, and each makes all others less certain.
MOST_GROUPS = 100
#: So many groups are named in a sentence.
_NAMED = 5


@dataclass(frozen=True)
class Told:
    """What is told of a figure besides that of each group.

    Attributes:
        gap: Name of the largest figure minus the smallest; none where empty.
        difference: Whether pairs are subtracted.
        ratio: Whether pairs are divided.
        impact: Name of each group's proportion over the largest; none where empty.
    """

    gap: str = ""
    difference: bool = True
    ratio: bool = False
    impact: str = ""


@dataclass(frozen=True)
class Teller:
    """Tells figures of one grouping.

    Attributes:
        grouping: Of the rows.
        minimum_rows: That a figure must be of.
        minimum_share: Of the rows with a group, below which a group is left out of comparisons.
        most_paired: Groups that are compared pair by pair; of more each is compared with the rest.
    """

    grouping: Grouping
    minimum_rows: int
    minimum_share: float
    most_paired: int

    @cached_property
    def compared(self) -> Bools:
        """Groups that are not left out, shape (groups,)."""
        rows = self.grouping.rows
        return np.asarray(rows >= self.minimum_share * max(int(rows.sum()), 1))

    @property
    def paired(self) -> bool:
        """Whether groups are compared pair by pair."""
        return int(self.compared.sum()) <= self.most_paired

    def notes(self) -> Iterator[str]:
        """Sentences on groups that are not measured as others are."""
        column, count = self.grouping.column, int(self.compared.sum())
        if not self.paired:
            yield f"{column} has {count} groups: each is compared with all other rows, not pair by pair."
        small = self.compared & (self.grouping.rows < self.minimum_rows)
        if small.any():
            yield (
                f"{self._some(small)} of {column}: fewer than {self.minimum_rows} rows, so neither they nor the gaps of "
                f"{column} are measured."
            )
        if not self.compared.all():
            yield (
                f"{self._some(~self.compared)} of {column}: under {self.minimum_share:.2%} of the rows, so left out of "
                "comparisons."
            )

    def _some(self, which: Bools) -> str:
        names = [one for one, here in zip(self.grouping.names, which, strict=True) if here]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return ", ".join(names[:_NAMED]) + more

    def tell(self, name: str, told: Told, figure: Figure) -> list[Measurement]:
        """The figure of each group, then comparisons, then what is of all rows.

        Args:
            name: Of the figure.
            told: What of it is wanted.
            figure: Of the groups of the grouping.
        """
        enough = figure.n >= self.minimum_rows
        found = list(self._of_groups(name, figure))
        if told.difference or told.ratio:
            if self.paired:
                found += _Pairs(self, name, told, figure, enough).tell()
            elif told.difference:
                found += self._against_rest(name, figure)
        why = self.why_no_gap(figure)
        if told.gap:
            found.append(self._gap(told.gap, figure, why))
        if told.impact and isinstance(figure, Proportions):
            found += self._impact(told.impact, figure, enough, why)
        return found

    def _of_groups(self, name: str, figure: Figure) -> Iterator[Measurement]:
        low, high = figure.limits()
        for at, group in enumerate(self.grouping.names):
            n, value = int(figure.n[at]), float(figure.value[at])
            interval = _interval(float(low[at]), float(high[at]), figure.single)
            yield _measured(name, value, interval, n, group, self.too_few(n))

    def too_few(self, n: int) -> str:
        """Why a figure of so many rows is undefined, or nothing."""
        if n >= self.minimum_rows:
            return ""
        return f"fewer than {self.minimum_rows} such rows in this group" if n else "no such rows in this group"  # fmt: skip

    def _against_rest(self, name: str, figure: Figure) -> Iterator[Measurement]:
        both = figure.against_rest()
        good = self.compared & (both.n >= self.minimum_rows).all(axis=-1)
        count = max(int(good.sum()), 1)
        limits = both.together(count)
        method = f"{figure.joint}, joint over {count} groups"
        for at in np.flatnonzero(self.compared).tolist():
            value, low, high = (float(one[at, 0, 1]) for one in limits)
            problem = "" if good[at] else "too few such rows in this group or in the rest"
            yield _measured(
                f"{name}_difference", value, _interval(low, high, method), int(both.n[at].sum()),
                f"{self.grouping.names[at]} minus the rest", problem,
            )  # fmt: skip

    def why_no_gap(self, figure: Figure) -> str:
        """Why no gap is measured, or nothing."""
        count = int(self.compared.sum())
        if count < 2:
            return "fewer than two groups"
        if count > MOST_GROUPS:
            return f"more than {MOST_GROUPS} groups"
        missing = int((self.compared & (figure.n < self.minimum_rows)).sum())
        few = f"fewer than {self.minimum_rows} such rows in {missing} of {count} groups"
        return few if missing else ""

    def _gap(self, name: str, figure: Figure, why: str) -> Measurement:
        some = figure.some(self.compared)
        full, n = f"{name}.{self.grouping.column}", int(some.n.sum())
        if why:
            return _measured(full, None, None, n, None, why)
        value, low, high = (float(one) for one in comparison.widest(some))
        return _measured(
            full,
            value,
            _interval(low, high, _difference_method(figure, _pairs(len(some.n)))),
            n,
            None,
        )

    def _impact(
        self, name: str, figure: Proportions, enough: Bools, why: str
    ) -> Iterator[Measurement]:
        good = self.compared & enough
        some = figure.some(good)
        found = comparison.to_best(some) if int(good.sum()) > 1 else None
        method = _ratio_method(_pairs(int(good.sum())))
        place = np.cumsum(good) - 1
        for at, one in enumerate(self.grouping.names):
            problem, limits = self.too_few(int(figure.of[at])), None
            if not self.compared[at]:
                problem = "left out: under the share of rows that is asked for"
            elif found is None:
                problem = problem or "no other group is measured"
            elif not problem:
                limits = np.array(found)[:, place[at]]
            yield self._ratio(name, limits, int(figure.of[at]), method, one, problem)
        # of ratios whose limits hold together the least has the least of them
        least = None if found is None or why else np.array(found).min(axis=1)
        column, n = self.grouping.column, int(figure.of[self.compared].sum())
        yield self._ratio(f"{name}_minimum.{column}", least, n, method, None, why)
        p = math.nan if why else _p_of_extremes(some)
        yield _p_value(f"{name}_p_value.{column}", p, n, None, why)

    def _ratio(
        self, name: str, limits: Floats | None, n: int, method: str,
        group: str | None, problem: str,
    ) -> Measurement:  # fmt: skip
        if not problem and (limits is None or not math.isfinite(limits[0])):
            problem = "all rates are 0"
        if problem or limits is None:
            return _measured(name, None, None, n, group, problem, "ratio")
        value, low, high = limits.tolist()
        return _measured(name, value, _interval(low, high, method), n, group, "", "ratio")


@dataclass(frozen=True)
class _Pairs:
    """A figure of the groups that are compared, pair by pair."""

    teller: Teller
    name: str
    told: Told
    figure: Figure
    enough: Bools

    def tell(self) -> Iterator[Measurement]:
        """Differences with their p values, and ratios."""
        compared = self.teller.compared
        some, enough = self.figure.some(compared), self.enough[compared]
        names = [one for one, here in zip(self.teller.grouping.names, compared, strict=True) if here]  # fmt: skip
        both = enough[:, None] & enough[None, :]
        count = max(_pairs(int(enough.sum())), 1)
        adjusted = comparison.adjusted(np.where(both, some.p_values, np.nan))
        found = self._limits(some, count)
        for i, j in combinations(range(len(names)), 2):
            problem = "" if both[i, j] else "one of the groups has too few such rows"
            n = int(some.n[i] + some.n[j])
            if self.told.difference:
                pair = f"{names[i]} minus {names[j]}"
                value, low, high = (float(one[i, j]) for one in found["difference"])
                interval = _interval(low, high, _difference_method(some, count))
                yield _measured(f"{self.name}_difference", value, interval, n, pair, problem)
                yield _p_value(f"{self.name}_difference_p_value", adjusted[i, j], n, pair, problem)
            if self.told.ratio:
                pair = f"{names[i]} over {names[j]}"
                value, low, high = (float(one[i, j]) for one in found["ratio"])
                if not problem and not math.isfinite(value):
                    problem = "the second rate is 0"
                interval = None if problem else _interval(low, high, _ratio_method(count))
                yield _measured(f"{self.name}_ratio", value, interval, n, pair, problem, "ratio")

    def _limits(self, some: Figure, count: int) -> dict[str, Limits]:
        """Of one pair as its own method has them; of several jointly."""
        found = {}
        if self.told.difference:
            found["difference"] = some.differences(1) if count == 1 else some.together(count)
        if self.told.ratio and isinstance(some, Proportions):
            found["ratio"] = some.ratios(1) if count == 1 else some.ratios_together(count)
        return found


def over_columns(told: Told, parts: Sequence[tuple[Teller, Figure]]) -> Iterator[Measurement]:
    """The largest gap and the least ratio over several columns; undefined where that of one column is.

    Their limits hold whenever those of all columns hold together. `n` is that of the column with the fewest rows.

    Args:
        told: What is told of the figure.
        parts: The figure of the groups of each column.
    """
    whys = [
        f"{one.grouping.column}: {why}" for one, figure in parts if (why := one.why_no_gap(figure))
    ]
    some = [figure.some(one.compared) for one, figure in parts]
    n, count, why = min(int(one.n.sum()) for one in some), len(parts), "; ".join(whys)
    if told.gap:
        name, limits = f"largest_{told.gap}", None
        if not why:
            limits = np.array([comparison.widest(one, count) for one in some]).max(axis=0)
        yield _overall(
            name, limits, n, "proportion", why, f"widest of joint limits, columns: {count}"
        )
    rates = [one for one in some if isinstance(one, Proportions)]
    if told.impact and rates:
        limits, p = None, math.nan
        if not why:
            best = [np.array(comparison.to_best(one, count)).min(axis=1) for one in rates]
            limits = np.array(best).min(axis=0)
            p = min(count * min(_p_of_extremes(one) for one in rates), 1.0)
            why = "" if math.isfinite(limits[0]) else "all rates are 0"
        yield _overall(
            f"least_{told.impact}",
            limits,
            n,
            "ratio",
            why,
            f"widest of joint limits, columns: {count}",
        )
        yield _p_value(f"least_{told.impact}_p_value", p, n, None, why)


def _overall(
    name: str, limits: Floats | None, n: int, unit: str, why: str, method: str
) -> Measurement:
    if limits is None or why:
        return _measured(name, None, None, n, None, why, unit)
    value, low, high = limits.tolist()
    return _measured(name, value, _interval(low, high, method), n, None, "", unit)


def told_apart(measurements: list[Measurement], column: str) -> Iterator[str]:
    """A sentence for each figure by which pairs of groups differ, with the largest difference."""
    shown = {(one.name, one.group): one for one in measurements}
    by_figure: dict[str, list[tuple[Measurement, float]]] = {}
    for (name, group), one in shown.items():
        if name.endswith("_difference_p_value") and one.value is not None:
            figure = name.removesuffix("_p_value")
            by_figure.setdefault(figure, []).append((shown[figure, group], one.value))
    for figure, pairs in by_figure.items():
        apart = [(one, p) for one, p in pairs if p < 1 - LEVEL and one.value is not None]
        if apart:
            largest, p = max(apart, key=lambda one: abs(one[0].value or 0.0))
            yield (
                f"{figure.removesuffix('_difference')} differs in {len(apart)} of {len(pairs)} pairs of {column}, most "
                f"in {largest.group}: {largest.value:+.3f} (adjusted p {p:.2g}, n = {largest.n})."
            )


def minus(first: Measurement, second: Measurement) -> Measurement:
    """The difference of one metric in two groups of different rows, with limits recovered from theirs.

    Zou and Donner 2008, Statistics in Medicine 27, 1693-1702: of this pair alone.
    """
    pair, n = f"{first.group} minus {second.group}", first.n + second.n
    a, b, one, other = first.value, second.value, first.interval, second.interval
    if a is None or b is None:
        why = "one of the groups has no such figure"
        return _measured(f"{first.name}_difference", None, None, n, pair, why, first.unit)
    interval = None
    if one is not None and other is not None:
        below, above = math.hypot(a - one.low, other.high - b), math.hypot(one.high - a, b - other.low)  # fmt: skip
        interval = _interval(a - b - below, a - b + above, f"MOVER of {one.method}, of this pair alone")  # fmt: skip
    return _measured(f"{first.name}_difference", a - b, interval, n, pair, "", first.unit)


def _measured(
    name: str, value: float | None, interval: Interval | None, n: int, group: str | None,
    problem: str = "", unit: str = "proportion",
) -> Measurement:  # fmt: skip
    if problem:
        value = interval = None
    return Measurement(
        name=name, value=value, interval=interval, n=n, unit=unit, group=group, problem=problem or None
    )  # fmt: skip


def _p_value(name: str, p: float, n: int, pair: str | None, problem: str) -> Measurement:
    if problem:
        return _measured(name, None, None, n, pair, problem, "probability")
    return Measurement.exact(name, float(p), n=n, unit="probability").model_copy(
        update={"group": pair}
    )


def _interval(low: float, high: float, method: str) -> Interval | None:
    if not (math.isfinite(low) and math.isfinite(high)):
        return None
    return Interval(low=low, high=high, level=LEVEL, method=method)


def _pairs(groups: int) -> int:
    return groups * (groups - 1) // 2


def _difference_method(figure: Figure, pairs: int) -> str:
    return figure.alone if pairs == 1 else f"{figure.joint}, joint over {pairs} pairs"


def _ratio_method(pairs: int) -> str:
    return "Miettinen-Nurminen score" if pairs == 1 else f"MOVER-R of exact limits, joint over {pairs} pairs"  # fmt: skip


def _p_of_extremes(some: Proportions) -> float:
    """Adjusted p value of the lowest rate against the highest."""
    adjusted = comparison.adjusted(some.p_values)
    low, high = int(some.value.argmin()), int(some.value.argmax())
    return 1.0 if low == high else float(adjusted[low, high])
