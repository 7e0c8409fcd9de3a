"""What a perturbation is, and inputs that are changed when a model wants them; it knows no kind of input."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from lextune.labels import LabelKind

#: From an input, random numbers of its own and the severity to the changed input.
Change = Callable[[Any, np.random.Generator, float], Any]


@dataclass(frozen=True)
class Perturbation:
    """A change of one input that leaves its label as it is.

    Attributes:
        name: As figures are named by it.
        change: Makes it; where it finds nothing to change it gives the input back as it is.
        labels: Kinds of labels that it leaves as they are; None is all.
        told: Whether the changed input can be told from the input by comparing them; else all count as changed.
    """

    name: str
    change: Change
    labels: frozenset[LabelKind] | None = None
    told: bool = True

    def fits(self, kind: LabelKind) -> bool:
        """Whether labels of this kind stay as they are."""
        return self.labels is None or kind in self.labels


class Perturbed(Sequence[Any]):
    """Inputs, each changed when it is asked for, so that no more images or sounds are in memory than a batch holds.

    Args:
        inputs: As they are.
        rows: A number for each that says which random numbers it gets: the same whatever else is changed.
        how: The change.
        severity: How much of it.
        seed: Of the random numbers.
    """

    def __init__(
        self, inputs: Sequence[Any], rows: npt.NDArray[np.int64], how: Perturbation,
        severity: float, seed: int,
    ) -> None:  # fmt: skip
        self._inputs, self._rows, self._how = inputs, rows, how
        self._severity, self._seed = severity, seed

    def __len__(self) -> int:
        return len(self._inputs)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        draw = np.random.default_rng(
            [self._seed, zlib.crc32(self._how.name.encode()), int(self._rows[index])]
        )
        return self._how.change(self._inputs[index], draw, self._severity)

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))


def some(draw: np.random.Generator, places: Sequence[int], share: float) -> list[int]:
    """A share of places drawn without replacement, at least one of any; none of none."""
    if not places:
        return []
    count = min(max(round(share * len(places)), 1), len(places))
    return sorted(draw.choice(len(places), count, replace=False).tolist())
