"""Cuts rows into parts: stratified, whole groups, seeded, whatever the order of rows; it knows ids and labels, no texts.

A cut is a pure function of ids, labels, keys, share and seed. Rows with one key stay together. Keys of
several rows are placed first, in a seeded order, so that at every moment the cut holds its share of the
rows placed so far (error diffusion); single rows then fill each class up to its quota. The quotas are
those of the largest remainder method.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from lextune.errors import DataError, Problem


def bind(ids: Sequence[str], *bonds: Sequence[Hashable | None]) -> list[str]:
    """One key per row such that rows with an equal value in any of the bonds share it.

    A value of None binds nothing. The key is the least id of the rows that are bound together, so it
    depends on no order.
    """
    parent = list(range(len(ids)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for values in bonds:
        first: dict[Hashable, int] = {}
        for row, value in enumerate(values):
            if value is None:
                continue
            one, other = root(first.setdefault(value, row)), root(row)
            if one != other:
                low, high = sorted((one, other), key=ids.__getitem__)
                parent[high] = low
    return [ids[root(row)] for row in range(len(ids))]


def quotas(counts: dict[str, int], share: float, *, leave: int = 1) -> dict[str, int]:
    """Rows to take of each class: within one row of `share`, and at least one of every class that can spare it.

    Args:
        counts: Rows per class.
        share: Between 0 and 1.
        leave: How many rows of a class must stay.
    """
    exact = {name: count * share for name, count in counts.items()}
    taken = {name: int(value) for name, value in exact.items()}
    short = round(math.fsum(exact.values())) - sum(taken.values())  # in whatever order
    by_remainder = sorted(counts, key=lambda name: (taken[name] - exact[name], name))
    for name in by_remainder[:short]:
        taken[name] += 1
    return {
        name: min(max(taken[name], 1), count - leave) if count > leave else 0
        for name, count in counts.items()
    }


@dataclass(frozen=True)
class _Unit:
    key: str
    rows: tuple[int, ...]
    labels: Counter[str]


def cut(
    ids: Sequence[str],
    labels: Sequence[str],
    keys: Sequence[str],
    share: float,
    seed: int,
    purpose: str,
) -> tuple[list[int], list[int]]:
    """Cut a part off.

    Args:
        ids: Unique names of rows.
        labels: The class of each row.
        keys: Rows with the same key stay together; see `bind`.
        share: Of rows, for the part that is cut off.
        seed: Of the order in which rows are taken.
        purpose: Makes cuts for different ends independent under one seed (`test`, `validation`).

    Returns:
        Row numbers of the part cut off, and of the rest, each in the order of ids.

    Raises:
        DataError: There are too few rows, or too few groups, for both to hold any.
    """
    units = _units(ids, labels, keys, f"{seed}/{purpose}")
    if len(units) < 2:
        what = "group" if len(ids) > 1 else "row"
        raise DataError(
            Problem(
                f"{len(units)} {what} cannot be cut into {purpose} and the rest",
                f"give more {what}s, or set data.{purpose} to a file of its own",
                "rows of one split_group, and rows with the same text, stay in one part",
            )
        )
    total = Counter(labels)
    quota = quotas(dict(total), share)
    singles: dict[str, list[_Unit]] = defaultdict(list)
    several = [unit for unit in units if len(unit.rows) > 1]
    chosen = _diffuse(several, share, total)
    held = Counter[str]()
    for unit in chosen:
        held.update(unit.labels)
    for unit in units:
        if len(unit.rows) == 1:
            singles[labels[unit.rows[0]]].append(unit)
    for name, list_of_one in singles.items():
        chosen += list_of_one[: max(0, quota[name] - held[name])]
    chosen = _neither_empty(units, chosen, len(ids) * share, total)
    taken = {row for unit in chosen for row in unit.rows}
    order = sorted(range(len(ids)), key=ids.__getitem__)
    return [row for row in order if row in taken], [row for row in order if row not in taken]


def sample(ids: Sequence[str], labels: Sequence[str], rows: int, seed: int) -> list[int]:
    """Draw `rows` row numbers without replacement, every class in proportion, in the order of ids."""
    if rows >= len(ids):
        return sorted(range(len(ids)), key=ids.__getitem__)
    quota = quotas(dict(Counter(labels)), rows / len(ids), leave=0)
    while sum(quota.values()) > rows:
        largest = max(sorted(quota), key=quota.__getitem__)
        quota[largest] -= 1
    by_class: dict[str, list[int]] = defaultdict(list)
    for row in sorted(range(len(ids)), key=lambda row: _rank(ids[row], f"{seed}/sample")):
        by_class[labels[row]].append(row)
    drawn = [row for name, members in by_class.items() for row in members[: quota[name]]]
    return sorted(drawn, key=ids.__getitem__)


def _rank(name: str, salt: str) -> bytes:
    return hashlib.sha256(f"{salt}/{name}".encode()).digest()


def _units(
    ids: Sequence[str], labels: Sequence[str], keys: Sequence[str], salt: str
) -> list[_Unit]:
    """Bound rows, in the seeded order."""
    members: dict[str, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        members[key].append(row)
    ranked = sorted(members, key=lambda key: _rank(min(ids[row] for row in members[key]), salt))
    return [
        _Unit(key, tuple(members[key]), Counter(labels[row] for row in members[key]))
        for key in ranked
    ]


def _diffuse(units: list[_Unit], share: float, total: Counter[str]) -> list[_Unit]:
    """Units, large before small, such that the chosen hold `share` of each class of those seen so far.

    A unit that would take the last rows of a class stays: a class that train has not cannot be learnt.
    """
    chosen: list[_Unit] = []
    seen, held = Counter[str](), Counter[str]()
    for unit in sorted(units, key=lambda unit: -len(unit.rows)):
        seen.update(unit.labels)
        names = sorted(unit.labels)
        without = math.fsum(abs(seen[name] * share - held[name]) for name in names)
        within = math.fsum(
            abs(seen[name] * share - held[name] - unit.labels[name]) for name in names
        )
        if within < without and _leaves_every_class([unit], held, total):
            chosen.append(unit)
            held.update(unit.labels)
    return chosen


def _leaves_every_class(units: list[_Unit], held: Counter[str], total: Counter[str]) -> bool:
    """Whether a row of each of their classes stays when these units go too."""
    gone = Counter[str]()
    for unit in units:
        gone.update(unit.labels)
    return all(held[name] + count < total[name] for name, count in gone.items())


def _neither_empty(
    units: list[_Unit], chosen: list[_Unit], wanted: float, total: Counter[str]
) -> list[_Unit]:
    """At least one unit on either side: the one that brings the size nearest to what is wanted."""
    rows = sum(len(unit.rows) for unit in units)
    if not chosen:
        spare = [unit for unit in units if _leaves_every_class([unit], Counter(), total)]
        return [min(spare or units, key=lambda unit: abs(len(unit.rows) - wanted))]
    if len(chosen) == len(units):
        out = min(units, key=lambda unit: abs(rows - len(unit.rows) - wanted))
        return [unit for unit in chosen if unit is not out]
    return chosen
