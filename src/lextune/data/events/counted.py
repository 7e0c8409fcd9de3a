"""What was counted in an event log, for the data report; it holds numbers alone."""

from __future__ import annotations

from lextune.records import Record


class EventCount(Record):
    """What a log holds, and how it was parted.

    Attributes:
        events: Events read.
        users: Users who have any.
        items: Items that somebody met.
        catalogue: Items that may be recommended: those that are known in words, and those of train.
        density: Share of all pairs of user and item that occur.
        repeated: Events with an item that their user had met before.
        first: The earliest time of an event, as the log writes times, dates in seconds since 1970.
        last: The latest.
        popularity: Share of all events on the most popular 1, 5, 10, 20 and 50 % of the items that occur.
        parts: Events by part.
        method: How parts were cut: `time`, `leave_last_out`, or `given` where all have files of their own.
        moments: From which time on events are for validation and for test, where one moment parts them.
        cold_users: Users who are tested without an event before.
        cold_items: Items that may be recommended and that no training event has.
    """

    events: int
    users: int
    items: int
    catalogue: int
    density: float
    repeated: int
    first: float
    last: float
    popularity: dict[str, float]
    parts: dict[str, int]
    method: str
    moments: dict[str, float]
    cold_users: int
    cold_items: int


class UserDataCount(Record):
    """Users of a log, each of whom is a person; nobody can say how sensitive what their events tell is.

    Attributes:
        rows: Users of all parts.
        found: Those whose id and events are personal data: all, since a pseudonym is personal data.
        types: The same by type.
    """

    rows: int
    found: int
    types: dict[str, int]
