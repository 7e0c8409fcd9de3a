"""Checks and counts a log that was parted: what repeats, what leaks from the future, whom nobody knows; it changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lextune.config import DataConfig
from lextune.data.checks import ORDER
from lextune.data.columns import Ints
from lextune.data.events.counted import EventCount, UserDataCount
from lextune.data.events.parts import TRAIN, VALIDATION, Marked
from lextune.data.events.reading import Log
from lextune.data.events.users import UserRows
from lextune.data.findings import Findings
from lextune.data.quality.base import quality_checks
from lextune.data.quality.results import QualityResult
from lextune.records import Measurement

#: Parts of the items, the most popular first, of which the report says how many events they hold.
_TOP = (1, 5, 10, 20, 50)


@dataclass(frozen=True)
class Catalogue:
    """Which items may be recommended.

    Attributes:
        items: Their ids, sorted.
        words: What each is in words.
        counts: Training events of each that has any.
    """

    items: tuple[str, ...]
    words: Mapping[str, str]
    counts: Mapping[str, int]

    @property
    def cold(self) -> int:
        """How many have no training event."""
        return len(self.items) - len(self.counts)


def catalogue_of(log: Log, marked: Marked, words: Mapping[str, str]) -> Catalogue:
    """All items that are known in words, and those of train."""
    taught = np.bincount(log.item[marked.order[marked.part == TRAIN]], minlength=len(log.items))
    counts = {name: n for name, n in zip(log.items, taught.tolist(), strict=True) if n}
    return Catalogue(tuple(sorted({*words, *counts})), words, counts)


def repeats(log: Log) -> Ints:
    """Events that stand in the log before: of the same user, item and time."""
    if not len(log):
        return np.zeros(0, np.int64)
    keys = np.stack([log.user, log.item, log.time.view(np.int64), log.part.astype(np.int64)])
    order = np.lexsort((np.arange(len(log)), *keys))
    same = (keys[:, order[1:]] == keys[:, order[:-1]]).all(axis=0)
    return np.sort(order[1:][same])


def future_events(log: Log, marked: Marked, test: UserRows) -> tuple[int, float]:
    """Training events that are later than some tested event, and the mean over tested users of their share.

    Whoever learns from them knows what was to come: Meng et al. 2020, arXiv:2007.13237; Ji et al. 2020,
    arXiv:2010.11060.
    """
    taught = np.sort(log.time[marked.order[marked.part == TRAIN]])
    asked = log.time[marked.order[test.asked]]
    if not len(taught) or not len(asked):
        return 0, 0.0
    later = len(taught) - np.searchsorted(taught, asked, "right")
    return int(later.max()), float(later.mean() / len(taught))


def leaked_rows(log: Log, marked: Marked, test: UserRows) -> Ints:
    """Rows of test whose next item their user also meets in train or validation."""
    known = marked.order[(marked.part >= TRAIN) & (marked.part <= VALIDATION)]
    asked = marked.order[test.asked]
    number = len(log.items)
    pairs = log.user[known] * number + log.item[known]
    return np.flatnonzero(np.isin(log.user[asked] * number + log.item[asked], pairs))


def count_events(log: Log, marked: Marked, items: Catalogue, test: UserRows) -> EventCount:
    """The figures of the report."""
    met = np.bincount(log.item, minlength=len(log.items))
    pairs = int(marked.new.sum())
    falling = np.sort(met)[::-1]
    return EventCount(
        events=len(log),
        users=len(log.users),
        items=len(log.items),
        catalogue=len(items.items),
        density=pairs / (len(log.users) * len(log.items)),
        repeated=len(log) - pairs,
        first=float(log.time.min()),
        last=float(log.time.max()),
        popularity={
            f"{share} %": float(falling[: max(1, round(len(falling) * share / 100))].sum() / len(log))
            for share in _TOP
        },
        parts={name: int((marked.part == number).sum()) for number, name in enumerate(ORDER)},
        method=marked.method,
        moments=marked.moments,
        cold_users=int(cold_users(marked, test).sum()),
        cold_items=items.cold,
    )  # fmt: skip


def cold_users(marked: Marked, rows: UserRows) -> npt.NDArray[np.bool_]:
    """Whose rows tell of no event before, shape (rows,)."""
    known = np.concatenate([[0], np.cumsum((marked.part >= TRAIN) & (marked.part <= VALIDATION))])
    before: npt.NDArray[np.bool_] = known[marked.starts[rows.user]] == known[rows.asked]
    return before


def tell(
    log: Log, marked: Marked, items: Catalogue, rows: Mapping[str, UserRows], findings: Findings
) -> None:
    """Report what wants a look."""
    test = rows["test"]
    future, share = future_events(log, marked, test)
    if future:
        findings.add(
            "future_training_events", "warning",
            "training events that are later than some tested event; on average "
            f"{share:.1%} of all training events are later than what a user is tested on",
            "set data.split.method: time for figures of a model that knows the past alone", count=future, unit="events",
        )  # fmt: skip
    cold = int(cold_users(marked, test).sum())
    if cold:
        findings.add(
            "cold_users", "info", f"of {len(test.rows):,} users of test, those without an event before",
            "none is needed: they are measured apart", count=cold, unit="users",
        )  # fmt: skip
    if items.cold:
        findings.add(
            "cold_items", "info", f"of {len(items.items):,} items, those without a training event",
            "none is needed: they are measured apart", count=items.cold, unit="items",
        )  # fmt: skip
    known = set(items.items)
    unknown = sum(name not in known for name in _next_items(log, marked, test))
    if unknown:
        findings.add(
            "unknown_items", "warning", f"of {len(test.rows):,} users of test, those whose next item stands neither in "
            "train nor among the items of data.items: every answer to them is wrong",
            "add the items to data.items", count=unknown, unit="users",
        )  # fmt: skip
    users = len(set(test.user.tolist()))
    if users < len(log.users):
        findings.add(
            "untested_users", "info", f"of {len(log.users):,} users, those without a new item in test",
            "none is needed", count=len(log.users) - users, unit="users",
        )  # fmt: skip


def _next_items(log: Log, marked: Marked, rows: UserRows) -> list[str]:
    return [log.items[number] for number in log.item[marked.order[rows.asked]].tolist()]


def measure_events(
    log: Log, marked: Marked, items: Catalogue, rows: Mapping[str, UserRows], events: EventCount
) -> tuple[Measurement, ...]:
    """Exact counts, by standard name; of a row is a user."""
    test = rows["test"]
    n, taught = len(test.rows), events.parts["train"]
    future, share = future_events(log, marked, test)
    cold_targets = sum(items.counts.get(name, 0) == 0 for name in _next_items(log, marked, test))

    def count(name: str, value: float, of: int, unit: str) -> Measurement:
        return Measurement.exact(name, value, n=of, unit=unit)

    return (
        *(count(f"{name}_rows", len(rows[name].rows), len(rows[name].rows), "rows") for name in ORDER),
        *(count(f"{name}_events", events.parts[name], events.events, "events") for name in ORDER),
        count("leaked_test_rows", len(leaked_rows(log, marked, test)), n, "rows"),
        count("future_training_events", future, taught, "events"),
        count("future_training_share", share, n, "proportion"),
        count("users", events.users, events.users, "users"),
        count("catalogue_items", events.catalogue, events.catalogue, "items"),
        count("density", events.density, events.users * events.items, "proportion"),
        count("cold_users", events.cold_users, n, "users"),
        count("cold_items", events.cold_items, events.catalogue, "items"),
        count("cold_item_targets", cold_targets, n, "rows"),
    )  # fmt: skip


def count_people(users: int, config: DataConfig, findings: Findings) -> UserDataCount | None:
    """That every row is about a person: an id of a user is a pseudonym at best; None where the config says not to look."""
    if not config.personal_data.report or not users:
        return None
    findings.add(
        "personal_data", "info", f"of {users:,} users, whose ids and events are personal data, even as pseudonyms",
        "have a lawful basis for them (GDPR articles 4(5) and 6, PIPL article 13); what somebody watched or bought may "
        "tell health or belief: name such columns in data.columns.sensitive", count=users, unit="users",
    )  # fmt: skip
    return UserDataCount(rows=users, found=users, types={"USER_ID": users})


def no_quality(config: DataConfig) -> tuple[QualityResult, ...]:
    """What the quality checks say of events: that they measured nothing.

    Raises:
        ConfigError: There is no check of a name.
    """
    named = dict.fromkeys(config.quality.checks)
    for name in named:
        quality_checks.get(name)
    why = "rows are events of users, and this looks at texts, images or sounds with labels"
    return tuple(QualityResult(check=name, status="not_applicable", reason=why) for name in named)
