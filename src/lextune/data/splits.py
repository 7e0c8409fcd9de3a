"""Cuts rows into parts: stratified, whole groups, seeded, whatever the order of rows; it knows ids and labels, no texts.

A cut is a pure function of ids, labels, keys, share and seed. Rows with one key stay together. Keys of
several rows are placed first, in a seeded order, so that at every moment the cut holds its share of the
rows placed so far (error diffusion); single rows then fill each class up to its quota. The quotas are
those of the largest remainder method. Rows of several classes are cut by the rarest of them; what another
class then lacks on one side is moved there.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lextune.data.columns import Ints, Keys, Members, Names
from lextune.errors import DataError, Problem


def bind(ids: Keys, *bonds: npt.NDArray[np.integer[Any]]) -> Ints:
    """A number per row such that rows with an equal value in any of the bonds share it, shape (rows,).

    It is the number of the row with the least id of those that are bound together.

    Args:
        ids: Unique names of rows.
        bonds: Values of each row, numbered; a negative one binds nothing.
    """
    by_id = np.argsort(ids)
    parent = array(
        "q", range(len(ids))
    )  # rows by their place among the ids, so that the least is first

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for values in bonds:
        ordered = values[by_id]
        places = np.argsort(ordered, kind="stable")
        ordered = ordered[places]
        bound = np.flatnonzero((ordered[1:] == ordered[:-1]) & (ordered[1:] >= 0))
        for one, other in zip(places[bound].tolist(), places[bound + 1].tolist(), strict=True):
            low, high = sorted((root(one), root(other)))
            parent[high] = low
    roots = np.array(parent, np.int64)
    while not np.array_equal(nearer := roots[roots], roots):
        roots = nearer
    keys = np.empty(len(ids), np.int64)
    keys[by_id] = by_id[roots]
    return keys


def quotas(counts: Mapping[str, int], share: float, *, leave: int = 1) -> dict[str, int]:
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


class _Units:
    """Rows that stay together, in a seeded order."""

    def __init__(self, ids: Keys, labels: Names, keys: Ints, salt: str) -> None:
        self._labels = labels
        heads, unit, sizes = np.unique(keys, return_inverse=True, return_counts=True)
        order = np.argsort(_ranks(ids[heads], salt))
        place = np.empty(len(heads), np.int64)
        place[order] = np.arange(len(heads))
        self._rows = np.argsort(place[unit], kind="stable")
        self.sizes: Ints = sizes[order]
        self._ends = np.cumsum(self.sizes)

    def __len__(self) -> int:
        return len(self.sizes)

    def classes(self, unit: int) -> Counter[str]:
        """Rows per class of one unit."""
        names, end = self._labels.names, self._ends[unit]
        rows = self._rows[end - self.sizes[unit] : end]
        return Counter(names[number] for number in self._labels.numbers[rows].tolist())

    def rows(self, chosen: list[int]) -> npt.NDArray[np.bool_]:
        """Which rows are in one of the units."""
        units, rows = np.zeros(len(self), bool), np.empty(len(self._rows), bool)
        units[chosen] = True
        rows[self._rows] = np.repeat(units, self.sizes)
        return rows

    def members(self, classes: Members) -> tuple[list[tuple[int, ...]], list[list[int]]]:
        """The classes in each unit, and the units that hold each class, in order."""
        inside: list[set[int]] = [set() for _ in range(len(self))]
        unit_of = np.repeat(np.arange(len(self)), self.sizes)
        kinds = classes.numbers[self._rows]
        for unit, kind in {
            (unit, kind) for unit, kind in zip(unit_of.tolist(), kinds.tolist(), strict=True)
        }:
            inside[unit].update(classes.cells[kind] if kind >= 0 else ())
        units: list[list[int]] = [[] for _ in classes.names]
        for unit, found in enumerate(inside):
            for name in found:
                units[name].append(unit)
        return [tuple(sorted(found)) for found in inside], units

    def singles(self) -> dict[str, Ints]:
        """Units of one row by class, in order."""
        units = np.flatnonzero(self.sizes == 1)
        numbers = self._labels.numbers[self._rows[self._ends[units] - 1]]
        return {self._labels.names[number]: units[places] for number, places in _places_of(numbers)}


def cut(
    ids: Keys,
    labels: Names,
    keys: Ints,
    share: float,
    seed: int,
    purpose: str,
    classes: Members | None = None,
) -> tuple[Ints, Ints]:
    """Cut a part off.

    Args:
        ids: Unique names of rows.
        labels: The class of each row, or the rarest of its classes.
        keys: Rows with the same key stay together; see `bind`.
        share: Of rows, for the part that is cut off.
        seed: Of the order in which rows are taken.
        purpose: Makes cuts for different ends independent under one seed (`test`, `validation`).
        classes: All classes of each row, where rows may have several: each that can is then on both sides.

    Returns:
        Row numbers of the part cut off, and of the rest, each in the order of ids.

    Raises:
        DataError: There are too few rows, or too few groups, for both to hold any.
    """
    units = _Units(ids, labels, keys, f"{seed}/{purpose}")
    if len(units) < 2:
        what = "group" if len(ids) > 1 else "row"
        raise DataError(
            Problem(
                f"{len(units)} {what} cannot be cut into {purpose} and the rest",
                f"give more {what}s, or set data.{purpose} to a file of its own",
                "rows of one split_group, and rows with the same text, stay in one part",
            )
        )
    total = Counter(labels.counts())
    quota = quotas(total, share)
    chosen, held = _diffuse(units, share, total)
    for name, single in units.singles().items():
        chosen += single[: max(0, quota[name] - held[name])].tolist()
    chosen = _neither_empty(units, chosen, len(ids) * share, total)
    if classes is not None:
        chosen = _every_class(units, chosen, classes)
    taken = units.rows(chosen)
    order = np.argsort(ids)
    return order[taken[order]], order[~taken[order]]


def sample(ids: Keys, labels: Names, rows: int, seed: int) -> Ints:
    """Draw `rows` row numbers without replacement, every class in proportion, in the order of ids."""
    order = np.argsort(ids)
    if rows >= len(ids):
        return order
    quota = quotas(labels.counts(), rows / len(ids), leave=0)
    while sum(quota.values()) > rows:
        largest = max(sorted(quota), key=quota.__getitem__)
        quota[largest] -= 1
    drawn = np.zeros(len(ids), bool)
    by_rank = np.argsort(_ranks(ids, f"{seed}/sample"))
    for number, places in _places_of(labels.numbers[by_rank]):
        drawn[by_rank[places[: quota[labels.names[number]]]]] = True
    return order[drawn[order]]


def _ranks(names: Keys, salt: str) -> Keys:
    """SHA-256 of each name with the salt before it."""
    start, ranks = f"{salt}/".encode(), bytearray()
    for name in names.tolist():
        ranks += hashlib.sha256(start + name).digest()
    return np.frombuffer(ranks, "S32")


def _places_of(numbers: npt.NDArray[np.integer[Any]]) -> list[tuple[int, Ints]]:
    """Each number that occurs, with its places in order."""
    if not len(numbers):
        return []
    order = np.argsort(numbers, kind="stable")
    found, starts = np.unique(numbers[order], return_index=True)
    return list(zip(found.tolist(), np.split(order, starts[1:]), strict=True))


def _diffuse(units: _Units, share: float, total: Counter[str]) -> tuple[list[int], Counter[str]]:
    """Units of several rows, large before small, such that the chosen hold `share` of each class of those seen so far.

    A unit that would take the last rows of a class stays: a class that train has not cannot be learnt.

    Returns:
        The chosen units, and their rows per class.
    """
    chosen: list[int] = []
    seen, held = Counter[str](), Counter[str]()
    several = np.flatnonzero(units.sizes > 1)
    for unit in several[np.argsort(-units.sizes[several], kind="stable")].tolist():
        classes = units.classes(unit)
        seen.update(classes)
        without = math.fsum(abs(seen[name] * share - held[name]) for name in classes)
        within = math.fsum(
            abs(seen[name] * share - held[name] - count) for name, count in classes.items()
        )
        if within < without and _leaves_every_class(classes, held, total):
            chosen.append(unit)
            held.update(classes)
    return chosen, held


def _leaves_every_class(classes: Counter[str], held: Counter[str], total: Counter[str]) -> bool:
    """Whether a row of each of these classes stays when their rows go too."""
    return all(held[name] + count < total[name] for name, count in classes.items())


def _every_class(units: _Units, chosen: list[int], classes: Members) -> list[int]:
    """The chosen units with single ones moved, so that a class of two units or more is on both sides where it can be.

    What stays comes first: a class that train has not cannot be learnt.
    """
    inside, holders = units.members(classes)
    taken = set(chosen)
    held = Counter(name for unit in taken for name in inside[unit])
    order = sorted(range(len(holders)), key=lambda name: (len(holders[name]), classes.names[name]))
    for name in order:
        if held[name] == len(holders[name]) > 0:  # give one back: the one that costs the cut least
            unit = min(
                holders[name], key=lambda one: sum(held[other] == 1 for other in inside[one])
            )
            taken.discard(unit)
            held.subtract(inside[unit])
    for name in order:  # take one that costs the rest no class, which leaves what was given back
        spare = (
            unit
            for unit in holders[name]
            if all(held[other] + 1 < len(holders[other]) for other in inside[unit])
        )
        added = None if held[name] else next(spare, None)
        if added is not None:
            taken.add(added)
            held.update(inside[added])
    if not taken:
        taken = {next((unit for unit in range(len(units)) if not inside[unit]), chosen[0])}
    return sorted(taken)


def _neither_empty(
    units: _Units, chosen: list[int], wanted: float, total: Counter[str]
) -> list[int]:
    """At least one unit on either side: the one that brings the size nearest to what is wanted."""
    if not chosen:
        every = range(len(units))
        spare = [
            unit for unit in every if _leaves_every_class(units.classes(unit), Counter(), total)
        ]
        return [min(spare or every, key=lambda unit: abs(units.sizes[unit] - wanted))]
    if len(chosen) == len(units):
        rows = units.sizes.sum()
        out = int(np.argmin(np.abs(rows - units.sizes - wanted)))
        return [unit for unit in chosen if unit != out]
    return chosen
