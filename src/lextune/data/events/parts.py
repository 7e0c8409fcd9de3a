"""Marks which events are taught, which choose and which test: by one moment, or by each user's last ones; it reads no file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lextune.config import DataConfig
from lextune.data.columns import Ints
from lextune.data.events.reading import Log
from lextune.errors import DataError, Problem

#: What an event is for: the places of `checks.ORDER`, and of events that nothing is done with.
TRAIN, VALIDATION, TEST, UNUSED = 0, 1, 2, -1
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Marked:
    """Events of a log with what each is for, by user, then time, then place in the file.

    Of events of one user and one time the later in the file is the later one.

    Attributes:
        order: Their places in the log, shape (events,).
        part: What each is for, shape (events,), int8.
        new: Where the user meets the item for the first time, shape (events,).
        starts: Where the events of each user begin, and the end, shape (users + 1,).
        moments: `validation` and `test`: from which time on events are for them, where one moment parts them.
        method: `time`, `leave_last_out`, or `given` where every part has files of its own.
    """

    order: Ints
    part: npt.NDArray[np.int8]
    new: Bools
    starts: Ints
    moments: dict[str, float]
    method: str


def mark(log: Log, config: DataConfig) -> Marked:
    """Cut the parts that the config gives no file for: first test, then validation.

    Raises:
        DataError: The events are too few to cut a part from, or all of one time.
    """
    order = np.lexsort((np.arange(len(log)), log.time, log.user))
    user, time, part = log.user[order], log.time[order], log.part[order].copy()
    starts = np.searchsorted(user, np.arange(len(log.users) + 1))
    new = np.zeros(len(order), bool)
    new[np.unique(user * len(log.items) + log.item[order], return_index=True)[1]] = True
    moments: dict[str, float] = {}
    cut = {"test": (TEST, config.test), "validation": (VALIDATION, config.validation)}
    missing = [name for name, (_, given) in cut.items() if given is None]
    last = config.split.method == "leave_last_out"
    for name in missing:
        number, _ = cut[name]
        if last:
            _take_last(part, new, starts, number)
        else:
            moments[name] = _take_after(part, time, getattr(config.split, name), number, name)
    for name in missing:
        if not (part == cut[name][0]).any():
            raise _too_few(name, len(log))
    method = "given" if not missing else "leave_last_out" if last else "time"
    return Marked(order, part, new, starts, moments, method)


def _take_last(part: npt.NDArray[np.int8], new: Bools, starts: Ints, number: int) -> None:
    """Each user's last event with an item that is new to them, unless it is the first of all.

    What comes after it in its part is met again: it goes with validation, and for test nothing is done with it.
    """
    here = np.flatnonzero(part == TRAIN)
    user = np.searchsorted(starts, here, "right") - 1
    begins = np.flatnonzero(np.diff(user, prepend=-1))
    if not len(here):
        return
    last = np.maximum.reduceat(np.where(new[here], here, -1), begins)
    first = here[begins]
    taken = last > first
    counts = np.diff([*begins, len(here)])
    chosen = np.repeat(np.where(taken, last, len(part)), counts)
    part[here[here > chosen]] = UNUSED if number == TEST else VALIDATION
    part[last[taken]] = number


def _take_after(
    part: npt.NDArray[np.int8], time: npt.NDArray[np.float64], share: float, number: int, name: str
) -> float:
    """The training events from a moment on, which are about that share of them; gives the moment."""
    here = np.flatnonzero(part == TRAIN)
    times = np.sort(time[here])
    if not len(times) or times[0] == times[-1]:
        raise _too_few(name, len(times))
    moment = times[min(int(np.ceil(len(times) * (1 - share))), len(times) - 1)]
    if moment == times[0]:  # something must come before it
        moment = times[times > moment][0]
    part[here[time[here] >= moment]] = number
    return float(moment)


def _too_few(name: str, events: int) -> DataError:
    return DataError(
        Problem(
            f"{name} cannot be cut from {events:,} events",
            f"give more events, of more than one time, or set data.{name} to a file of its own",
        )
    )
