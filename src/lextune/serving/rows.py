"""Takes histories and records for prediction as JSON has them, and says what is wrong with one; it knows no model.

Nothing of what somebody did, and no value of a record, stands in what it says.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from lextune.errors import Problem
from lextune.features import write_features
from lextune.histories import HistoryInput, read_history

#: How many items are recommended where nobody says, and at most.
TOP_K, MOST_ITEMS = 10, 1000
_HISTORY_KEYS = ("user", "events", "k", "personalised")
_FORM = 'send {"events": [["ITEM", TIME], …], "k": 10}, the oldest event first; items are strings, times are numbers'


class Asking(NamedTuple):
    """What is asked of a recommender.

    Attributes:
        history: What somebody did; empty where the answer is to be without personal features.
        k: How many items.
    """

    history: HistoryInput
    k: int = TOP_K


def history_input(given: Any, known: Collection[str]) -> Asking | Problem:
    """A request for items, or what is wrong with it.

    Args:
        given: A `HistoryInput`, an `Asking`, or a mapping as JSON has it: `events` (`[item, time]` or
            `[item, time, rating]` each, the oldest first), `k`, `personalised` (false looks at no event), and a
            `user`, who is not looked at.
        known: Items of the model.
    """
    if isinstance(given, Asking | HistoryInput):
        asking = given if isinstance(given, Asking) else Asking(given)
    else:
        found = _asking(given)
        if isinstance(found, Problem):
            return found
        asking = found
    if (
        isinstance(asking.k, bool)
        or not isinstance(asking.k, int)
        or not 1 <= asking.k <= MOST_ITEMS
    ):
        return Problem("k is no number of items", f"give one from 1 to {MOST_ITEMS}")  # fmt: skip
    strange = [
        place for place, event in enumerate(asking.history.events) if event.item not in known
    ]
    if strange:
        return Problem(
            f"{len(strange)} of its {len(asking.history.events)} events are of items that the release does not know; "
            f"the first is event {strange[0]}",
            "leave these events out; or train again with the items among data.items",
        )
    return asking


def _asking(given: Any) -> Asking | Problem:
    if not isinstance(given, Mapping):
        return Problem("is no history", _FORM)
    unknown = len(given.keys() - set(_HISTORY_KEYS))
    if unknown or "events" not in given:
        what = f"has {unknown} keys that are not known" if unknown else "has no events"
        return Problem(what, f"send only {', '.join(_HISTORY_KEYS)}; {_FORM}")
    personalised = given.get("personalised", True)
    if not isinstance(personalised, bool):
        return Problem("personalised is neither true nor false", "send one of them")
    if not isinstance(given.get("user"), str | int | None):
        return Problem("user is no id", "send a string, or leave it out")
    try:
        events = read_history(json.dumps(given["events"], allow_nan=False))
    except (ValueError, TypeError) as error:
        return Problem("has events that cannot be read", _FORM, _reason(error))
    return Asking(HistoryInput(events if personalised else ()), given.get("k", TOP_K))


def _reason(error: Exception) -> str:
    """The reasons of `read_history` hold nothing of what was read; those of json might."""
    return str(error) if type(error) is ValueError and "JSON" not in str(error) else ""


def record_input(given: Any, known: Collection[str]) -> str | Problem:
    """The features of one record as the cell that a model reads, or what is wrong with them.

    Args:
        given: Features by name: texts, finite numbers, true and false, null where a value is missing, and lists of
            events; or the cell itself.
        known: Names of the model's features: every record has all of them, and no other.
    """
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            return Problem("is no record", "give an object of features by name")
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        return Problem("is no record", "send an object of features by name")
    lacking, unknown = sorted(set(known) - set(given)), len(set(given) - set(known))
    if lacking or unknown:
        told = [f"lacks {len(lacking)} features ({_listed(lacking)})"] if lacking else []
        told += [f"has {unknown} features that the release does not know"] if unknown else []
        remedy = f"its features are {_listed(sorted(known))}; write null where a value is missing"
        return Problem(" and ".join(told), remedy)
    try:
        json.dumps(dict(given), allow_nan=False)
    except (ValueError, TypeError):
        remedy = "send texts, finite numbers, true, false, null or lists"
        return Problem("has a value that JSON does not know", remedy)
    return write_features(given)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(names[:20]) + more
