"""What one cell of somebody's events or of items means; it knows no file and no model.

A history is a JSON array of `[item, time]` or `[item, time, rating]`, oldest first; events of one time stay as they
came. `item` is a text: `007` is not `7`. `time` is seconds since 1970, or any number that grows with time. Items
are a JSON array of their ids.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable
from typing import Any, NamedTuple


class Event(NamedTuple):
    """What somebody did with an item, and when; `rating` is None where none was given."""

    item: str
    time: float
    rating: float | None = None


class HistoryInput(NamedTuple):
    """Somebody's events, oldest first, and what came next, where that is known.

    Attributes:
        events: May be empty: of a new user nothing is known.
        targets: The items that came next, in their order; None where that is asked.
    """

    events: tuple[Event, ...]
    targets: tuple[str, ...] | None = None


def write_history(events: Iterable[Event]) -> str:
    """The cell of these events, which come oldest first."""
    return _written([_event(one) for one in events])


def read_history(cell: str) -> tuple[Event, ...]:
    """The events of a cell.

    Raises:
        ValueError: It is none, or its times fall.
    """
    events = tuple(_read(one) for one in _array(cell))
    if any(after.time < before.time for before, after in itertools.pairwise(events)):
        raise ValueError("its times fall")
    return events


def write_items(items: Iterable[str]) -> str:
    """The cell of these items, in their order."""
    return _written(list(items))


def read_items(cell: str) -> tuple[str, ...]:
    """The items of a cell.

    Raises:
        ValueError: It is none.
    """
    found = _array(cell)
    if not all(isinstance(one, str) and one for one in found):
        raise ValueError("an item is no text")
    return tuple(found)


def _event(event: Event) -> list[Any]:
    time = int(event.time) if float(event.time).is_integer() else event.time
    return [event.item, time] if event.rating is None else [event.item, time, event.rating]


def _read(value: Any) -> Event:
    if not isinstance(value, list) or len(value) not in (2, 3):
        raise ValueError("an event is no [item, time] or [item, time, rating]")
    item, *numbers = value
    if not isinstance(item, str) or not item:
        raise ValueError("an item is no text")
    if not all(
        isinstance(one, (int, float)) and not isinstance(one, bool) and math.isfinite(one)
        for one in numbers
    ):
        raise ValueError("a time or a rating is no finite number")
    return Event(item, float(numbers[0]), float(numbers[1]) if len(numbers) > 1 else None)


def _array(cell: str) -> list[Any]:
    found = json.loads(cell)
    if not isinstance(found, list):
        raise ValueError("it is no JSON array")
    return found


def _written(value: list[Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
