"""Lists of items beside what somebody took next: ranks, lists and whom they are for; it knows no metric and no model."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from lextune.evaluation.kinds import kept
from lextune.histories import HistoryInput, write_items
from lextune.labels import LabelKind

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
#: How long lists may be that are measured, and the longest.
TOPS = (5, 10, 20, 50)
LONGEST = max(TOPS)


class Asked(NamedTuple):
    """What a user took next, and what they had taken before, as numbers of items.

    Attributes:
        targets: In their order; -1 is an item that the model does not know.
        seen: Each once; may be empty.
        history: How many events there were, also of items that the model does not know.
    """

    targets: tuple[int, ...]
    seen: Ints
    history: int


class Ranked(NamedTuple):
    """What is kept of the scores of all items for one user.

    Attributes:
        rank: Of the next item among those that the user has not taken, from 0; -1 where it was not ranked at all.
            Items of equal score count as before it.
        top: The items of the highest scores, at most `LONGEST`; of equal ones the earlier comes first.
    """

    rank: int
    top: Ints


@dataclass(frozen=True)
class ScoredItems:
    """Answers for the users of one part, in memory.

    Attributes:
        ids: Row ids, shape (users,).
        labels: What was asked of each.
        found: What was answered; None where the model gave a number that is not finite.
        classes: Ids of the items, in the order of the scores.
        groups: Column to the group of each user; null where there is none.
        counts: Training events of each item, shape (items,); None where the model does not say.
        problem: Why nobody was answered, where that is so.
    """

    kind: ClassVar[LabelKind] = "items"
    ids: tuple[str, ...]
    labels: Sequence[Asked]
    found: Sequence[Ranked | None]
    classes: tuple[str, ...]
    groups: Mapping[str, Sequence[str | None]]
    counts: npt.NDArray[np.int64] | None = None
    problem: str = ""

    @property
    def finite(self) -> npt.NDArray[np.bool_]:
        """Where the model answered, shape (users,)."""
        return np.array([one is not None for one in self.found], bool)

    @functools.cached_property
    def ranks(self) -> npt.NDArray[np.int64]:
        """Of the next items, shape (users,); -1 where one was not ranked, or nothing was answered."""
        return np.array([-1 if one is None else one.rank for one in self.found], np.int64)

    def keep(self, mask: npt.NDArray[np.bool_]) -> ScoredItems:
        """The users where the mask is True."""
        made: ScoredItems = kept(self, mask)
        return made

    def columns(self) -> dict[str, Any]:
        """label and prediction (cells of items), and the rank of the next item from 1; null where there is none."""
        return {
            "label": [self._cell(one.targets) for one in self.labels],
            "prediction": [None if one is None else self._cell(one.top) for one in self.found],
            "rank": [None if one is None or one.rank < 0 else one.rank + 1 for one in self.found],
        }

    def _cell(self, items: Sequence[int] | Ints) -> str:
        return write_items(self.classes[int(one)] for one in items if one >= 0)


def asked_of(inputs: Sequence[HistoryInput], classes: Sequence[str]) -> list[Asked]:
    """What is asked of some users.

    Args:
        inputs: Anything that is iterated over once.
        classes: In the order of the scores.
    """
    number = {name: i for i, name in enumerate(classes)}
    return [_asked(one, number) for one in inputs]


def ranked(scores: npt.NDArray[np.floating[Any]], asked: Asked) -> Ranked | None:
    """The rank of the next item and the best of the items that the user has not taken; None where a score is not finite.

    Args:
        scores: Shape (items,); minus infinity leaves an item out.
        asked: What the user took.
    """
    if np.isnan(scores).any() or np.isposinf(scores).any():
        return None
    scores = np.array(scores)
    scores[asked.seen] = -np.inf
    left = np.flatnonzero(np.isfinite(scores))
    most = min(LONGEST, len(left))
    if most < len(left):
        edge = np.partition(scores[left], len(left) - most)[len(left) - most]
        left = left[scores[left] >= edge]
    top = left[np.lexsort((left, -scores[left]))][:most].astype(np.int32)
    target = asked.targets[0] if asked.targets else -1
    if target < 0 or not np.isfinite(scores[target]):
        return Ranked(-1, top)
    score = scores[target]
    return Ranked(int((scores > score).sum() + (scores == score).sum()) - 1, top)


def reduce(found: Any, given: HistoryInput, classes: Sequence[str]) -> Ranked | None:
    """What is kept of the scores of all items (`found.scores`) beside the truth: they are too many to keep."""
    if found is None:
        return None
    return ranked(np.asarray(found.scores), _asked(given, _numbers(tuple(classes))))


@functools.lru_cache(maxsize=2)
def _numbers(classes: tuple[str, ...]) -> dict[str, int]:
    return {name: i for i, name in enumerate(classes)}


def _asked(given: HistoryInput, number: Mapping[str, int]) -> Asked:
    seen = {number[event.item] for event in given.events if event.item in number}
    targets = tuple(number.get(item, -1) for item in given.targets or ())
    return Asked(targets, np.array(sorted(seen), np.int32), len(given.events))
