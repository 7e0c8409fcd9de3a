"""Makes one row of each user of a part: what was known, and what came next; it reads no file and measures nothing."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lextune.data.columns import Ints, NameList, Names, Spool
from lextune.data.dataset import Rows
from lextune.data.events.parts import TRAIN, VALIDATION, Marked
from lextune.data.events.reading import Log
from lextune.data.fingerprint import normal_digest, row_digest, row_ids
from lextune.histories import Event, write_history, write_items


@dataclass(frozen=True)
class UserRows:
    """Rows of users.

    Attributes:
        rows: Of texts `histories.write_history` and labels `histories.write_items`.
        user: Which user of the log each is, shape (rows,).
        asked: The place in `Marked.order` of the first event that each row asks for, shape (rows,).
    """

    rows: Rows
    user: Ints
    asked: Ints


def part_rows(log: Log, marked: Marked, part: int, subject: str, scratch: Path | None) -> UserRows:
    """One row of each user who has something to tell in a part.

    Of train the text is all training events but the last, and the label the last; of the others the text is all
    events of earlier parts before the user's first in this one, and the label the items that are new to the user then,
    in order.
    """
    return _made(
        log,
        _of_train(marked) if part == TRAIN else _of_later(log, marked, part),
        subject,
        scratch,
        marked,
    )


def known_rows(log: Log, marked: Marked, subject: str, scratch: Path | None) -> UserRows:
    """One row of each user with all events of train and validation: what may be learnt before the test."""
    return _made(log, _of_train(marked, VALIDATION), subject, scratch, marked)


#: A user, the places of the events that are known and of those that are asked for.
_Row = tuple[int, Ints, Ints]


def _of_train(marked: Marked, most: int = TRAIN) -> Iterator[_Row]:
    here = np.flatnonzero((marked.part >= TRAIN) & (marked.part <= most))
    for user, places in _by_user(marked, here):
        yield user, places[:-1], places[-1:]


def _of_later(log: Log, marked: Marked, part: int) -> Iterator[_Row]:
    here = np.flatnonzero((marked.part >= TRAIN) & (marked.part <= part))
    item = log.item[marked.order]
    for user, places in _by_user(marked, here):
        own = marked.part[places] == part
        if not own.any():
            continue
        first = int(own.argmax())
        before = places[:first]
        asked = places[first:][own[first:]]
        asked = asked[np.sort(np.unique(item[asked], return_index=True)[1])]
        asked = asked[~np.isin(item[asked], item[before])]
        if len(asked):
            yield user, before, asked


def _by_user(marked: Marked, here: Ints) -> Iterator[tuple[int, Ints]]:
    ends = np.searchsorted(here, marked.starts)
    for user in range(len(marked.starts) - 1):
        if ends[user] < ends[user + 1]:
            yield user, here[ends[user] : ends[user + 1]]


def _made(
    log: Log, found: Iterator[_Row], subject: str, scratch: Path | None, marked: Marked
) -> UserRows:
    labels, users, first = NameList(), array("i"), array("q")
    groups = {name: NameList() for name in log.groups}
    digests, normal, lengths = bytearray(), bytearray(), array("i")
    with Spool(scratch) as texts, Spool(scratch) as places:
        for user, before, asked in found:
            text = write_history(_events(log, marked.order[before]))
            label = write_items(log.items[one] for one in log.item[marked.order[asked]].tolist())
            own = {name: cells[user] for name, cells in log.groups.items()}
            texts.add(text)
            labels.add(label)
            places.add(log.places[user])
            users.append(user)
            first.append(int(asked[0]))
            for name, value in own.items():
                groups[name].add(value)
            digests += row_digest(text, label, own)
            normal += normal_digest(text)
            lengths.append(len(text))
        all_digests = np.frombuffer(bytes(digests), "S32")
        rows = Rows(
            texts.column(), labels.column(), {name: column.column() for name, column in groups.items()},
            {subject: Names(log.users, np.array(users, np.int32))}, places.column(), all_digests,
            np.frombuffer(bytes(normal), "S16"), np.array([lengths, lengths], np.int32), row_ids(all_digests), "items",
        )  # fmt: skip
    return UserRows(rows, np.array(users, np.int64), np.array(first, np.int64))


def _events(log: Log, places: Ints) -> Iterator[Event]:
    cells = zip(log.item[places].tolist(), log.time[places].tolist(), log.rating[places].tolist(), strict=True)  # fmt: skip
    for item, time, rating in cells:
        yield Event(log.items[item], time, None if rating != rating else rating)  # noqa: PLR0124 - NaN
