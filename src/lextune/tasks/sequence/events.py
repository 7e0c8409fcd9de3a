"""Holds histories as numbers of items with their times, and lays them into batches; it knows no model and no text."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lextune.tasks.base import TOKENS_AT_ONCE

if TYPE_CHECKING:
    import torch

    from lextune.histories import HistoryInput

Ints = npt.NDArray[np.int64]
#: Scores that one pass holds: of so many positions and items together.
SCORES_AT_ONCE = 1 << 24
#: What is taught of a position that has nothing to teach, and what stands in a batch where no event is.
NOTHING = -1
#: In training, for so many events of a row one more is taught to the position before the first.
_EVENTS_A_START = 8


@dataclass(frozen=True)
class View:
    """How training sees histories in one epoch: of each a pure function of seed, epoch and row."""

    seed: int
    epoch: int


@dataclass(frozen=True)
class Sequences:
    """Histories one after the other, in two flat arrays.

    Attributes:
        items: Numbers of the items of all events, int32, shape (events,).
        times: Seconds of all events, float64, shape (events,).
        counts: Events of each history, int64, shape (rows,).
        cut_rows: Whether a history lost its first events to the limit, bool, shape (rows,).
        catalogue: How many items there are to choose from.
        view: How training sees the rows in one epoch; None is as prediction sees them.
    """

    items: npt.NDArray[np.int32]
    times: npt.NDArray[np.float64]
    counts: Ints
    cut_rows: npt.NDArray[np.bool_]
    catalogue: int
    view: View | None = None

    def __post_init__(self) -> None:
        ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.counts)])
        object.__setattr__(self, "_offsets", ends)

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def truncated(self) -> int:
        """How many histories lost events to the limit."""
        return int(self.cut_rows.sum())

    @property
    def lengths(self) -> Ints:
        """Positions of each row: one before the first event, and one after each; shape (rows,)."""
        return self.counts + 1

    def in_order(self, batch_size: int) -> list[Ints]:
        """Batches of similar length, longest first, for prediction: every row once."""
        order = np.argsort(-self.counts, kind="stable")
        batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        return [part for batch in batches for part in self.cut(batch)]

    def cut(self, rows: Ints, tokens: int = TOKENS_AT_ONCE) -> list[Ints]:
        """The rows, longest first, in parts of so many positions that their scores fit into memory."""
        if not len(rows):
            return []
        rows = rows[np.argsort(-self.counts[rows], kind="stable")]
        most = max(1, min(tokens, SCORES_AT_ONCE // max(1, self.catalogue)))
        parts: list[list[int]] = []
        width = 0
        for row in (
            rows.tolist()
        ):  # the first row of a part is its widest, and the others are padded to it
            if not parts or (len(parts[-1]) + 1) * width > most:
                parts.append([])
                width = int(self.counts[row]) + 1
            parts[-1].append(row)
        return [np.array(part, np.int64) for part in parts]

    def seen(self, view: View) -> Sequences:
        """The same rows as training sees them in an epoch."""
        return dataclasses.replace(self, view=view)

    def row(self, row: int) -> tuple[Ints, npt.NDArray[np.float64]]:
        """Items and times of one history; events of one time come in another order in each epoch of training."""
        start, stop = self._offsets[row], self._offsets[row + 1]  # type: ignore[attr-defined]
        items, times = self.items[start:stop].astype(np.int64), self.times[start:stop]
        if self.view is not None:
            items = items[np.lexsort((self.draw(row).random(len(items)), times))]
        return items, times

    def draw(self, row: int) -> np.random.Generator:
        """Random numbers that belong to this row in this epoch."""
        assert self.view is not None
        return np.random.default_rng([self.view.seed, self.view.epoch, row])

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What a file holds of the rows."""
        return {
            "items": self.items,
            "times": self.times,
            "counts": self.counts,
            "cut_rows": self.cut_rows,
        }

    def with_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> Sequences:
        """Other rows of the same catalogue."""
        return dataclasses.replace(self, **dict[str, Any](arrays))


class HistoryEncoder:
    """Histories to sequences: the last `max_length` events of items that the catalogue has.

    Args:
        items: Ids in the order of the model's outputs.
        max_length: Events that are kept.
    """

    def __init__(self, items: Sequence[str], max_length: int) -> None:
        self.number = {name: index for index, name in enumerate(items)}
        self.max_length = max_length

    def __call__(self, inputs: Sequence[HistoryInput]) -> Sequences:
        """Of users in a row."""
        items: list[int] = []
        times: list[float] = []
        counts = np.zeros(len(inputs), np.int64)
        cut = np.zeros(len(inputs), bool)
        for row, given in enumerate(inputs):
            known = [one for one in given.events if one.item in self.number]
            kept = known[-self.max_length :]
            items += [self.number[one.item] for one in kept]
            times += [one.time for one in kept]
            counts[row], cut[row] = len(kept), len(kept) < len(known)
        return Sequences(
            np.array(items, np.int32), np.array(times, np.float64), counts, cut, len(self.number)
        )

    def known(self, given: HistoryInput) -> list[int]:
        """Numbers of all items of a history that the catalogue has, also of events that are not kept."""
        return [self.number[one.item] for one in given.events if one.item in self.number]


@dataclass(frozen=True)
class HistoryBatch:
    """Some histories side by side.

    Attributes:
        items: Numbers of items, `NOTHING` behind the last event, int64, shape (rows, longest).
        gaps: Seconds from the event before, 0 for the first, float32, of the same shape.
        counts: Events of each row, int64, shape (rows,).
        every: Whether the model answers at every position, and not after the last event alone.
    """

    items: torch.Tensor
    gaps: torch.Tensor
    counts: torch.Tensor
    every: bool

    def to(self, device: torch.device) -> HistoryBatch:
        """The same on a device."""
        return HistoryBatch(
            self.items.to(device), self.gaps.to(device), self.counts.to(device), self.every
        )


def batch_of(sequences: Sequences, rows: Ints) -> HistoryBatch:
    """The rows side by side, padded to the longest."""
    import torch

    counts = sequences.counts[rows]
    width = int(counts.max(initial=0))
    items = np.full((len(rows), width), NOTHING, np.int64)
    gaps = np.zeros((len(rows), width), np.float32)
    for place, row in enumerate(rows.tolist()):
        own, times = sequences.row(row)
        items[place, : len(own)] = own
        gaps[place, 1 : len(own)] = np.diff(times)
    return HistoryBatch(
        torch.from_numpy(items),
        torch.from_numpy(gaps),
        torch.from_numpy(counts),
        sequences.view is not None,
    )


def taught_of(sequences: Sequences, rows: Ints, labels: Ints) -> Ints:
    """What each position of the rows is taught, row after row, shape (positions,); `NOTHING` where nothing is.

    In training the position before the first event comes as often as `starts` says and is taught items of the row at
    random: with no history it answers by what people choose at all. Then the position after an event is taught the
    item of the event that follows, the last one the label. In prediction there is one position a row, which is taught
    the label.

    Args:
        sequences: All rows.
        rows: Which of them, shape (batch,).
        labels: Number of the item that came next, of all rows, shape (rows,).
    """
    if sequences.view is None:
        return np.asarray(labels[rows], np.int64)
    parts = [np.zeros(0, np.int64)]
    for row in rows.tolist():
        items = np.append(sequences.row(row)[0], labels[row])
        known = items[items != NOTHING]
        # a stream of its own: the order of events draws from the same seed
        draw = np.random.default_rng([sequences.view.seed, sequences.view.epoch, row, 1])
        times = int(starts(sequences.counts[row]))
        parts += [draw.choice(known, times) if len(known) else np.full(times, NOTHING), items[1:]]
    return np.concatenate(parts)


def starts(counts: Any) -> Any:
    """How often the position before the first event is taught in training, of rows with so many events."""
    return 1 + counts // _EVENTS_A_START
