"""Plants canaries into the training rows, each by a fair coin, and holds the others back; it knows no model and no attack."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from lextune.canaries import Canaries, coins, drawn, made_up, vocabulary
from lextune.config import CanaryConfig
from lextune.data.checks import ORDER
from lextune.data.columns import Ints, Names, Spool, Texts
from lextune.data.dataset import Rows
from lextune.data.findings import Findings
from lextune.data.fingerprint import normal_digest, row_digest, row_ids
from lextune.errors import DataError, Problem
from lextune.labels import InputKind
from lextune.records import Measurement

#: Rows, those with the least ids, that the words of made-up texts come from.
_VOCABULARY_ROWS = 2000


def plant(
    used: dict[str, Rows], config: CanaryConfig, inputs: InputKind, scratch: Path | None,
    findings: Findings,
) -> tuple[dict[str, Rows], Canaries | None]:  # fmt: skip
    """The parts with canaries in train, and what was planted and held back.

    A text with one class is made up of words of the training texts and gets a class at random. Other rows cannot
    be made up: rows of train are taken, which get a class at random where they have one. A coin decides of each
    whether it is planted; one that is not is in no part.

    Args:
        used: The parts as they would be used.
        config: The section `data.canaries`.
        inputs: What a row is.
        scratch: On whose disk the texts lie.
        findings: Told of the canaries as a warning.

    Raises:
        DataError: There are too few rows or words, or the rows are histories.
    """
    if not config.count:
        return used, None
    if inputs == "text" and used["train"].kind == "class":
        train, canaries = _made_up(used["train"], config, scratch)
    else:
        train, canaries = _taken(used, config, inputs)
    planted = sum(canaries.inserted)
    findings.add(
        "canaries", "warning",
        f"training holds {planted} canaries, {config.copies} times each; {config.count - planted} are held back",
        "set data.canaries.count: 0 for a model that people are to use",
        count=planted * config.copies,
    )  # fmt: skip
    return {**used, "train": train}, canaries


def refuse_canaries(config: CanaryConfig) -> None:
    """Where rows are the histories of users.

    Raises:
        DataError: Canaries are asked for.
    """
    if config.count:
        raise DataError(
            Problem("data.canaries plants rows, and the rows of this task are histories of users",
                    "remove data.canaries", "a user who is in every part can be neither planted nor held back")
        )  # fmt: skip


def measure_canaries(canaries: Canaries | None) -> tuple[Measurement, ...]:
    """How many were planted and held back; nothing where the config asks for none."""
    if canaries is None:
        return ()
    n, planted = len(canaries.inserted), sum(canaries.inserted)
    return (
        Measurement.exact("canaries_inserted", planted, n=n, unit="rows"),
        Measurement.exact("canaries_held_back", n - planted, n=n, unit="rows"),
    )


def _made_up(rows: Rows, config: CanaryConfig, scratch: Path | None) -> tuple[Rows, Canaries]:
    few = np.argsort(rows.ids)[:_VOCABULARY_ROWS]
    try:
        texts = made_up(vocabulary(rows.texts.take(few)), config.count, config.seed)
    except ValueError as error:
        raise _too_few(str(error)) from error
    labels = drawn(list(rows.labels.counts()), config.count, config.seed)
    inserted = coins(config.count, config.seed)
    names = [one for one in range(config.count) if inserted[one] for _ in range(config.copies)]
    added = _Added([texts[one] for one in names], [labels[one] for one in names], names)
    return added.behind(rows, scratch), Canaries(texts, labels, inserted, config.copies)


def _taken(used: dict[str, Rows], config: CanaryConfig, inputs: InputKind) -> tuple[Rows, Canaries]:
    """Rows of train that stand nowhere else: a copy would be learnt whatever the coin says."""
    from lextune.data.inputs import inputs_of

    rows = used["train"]
    everywhere = np.concatenate([used[name].normal for name in ORDER])
    found, times = np.unique(everywhere, return_counts=True)
    alone = np.flatnonzero(np.isin(rows.normal, found[times == 1]))
    if 2 * config.count > len(alone):
        raise _too_few(f"{len(alone)} training rows that stand once are too few for {config.count}")
    ranks = [hashlib.sha256(f"{config.seed}/canaries/".encode() + one).digest()
             for one in rows.ids[alone].tolist()]  # fmt: skip
    chosen = alone[np.argsort(np.array(ranks, "S32"))[: config.count]]
    some = rows.take(chosen)
    if rows.kind == "class":
        some = _relabelled(some, drawn(list(rows.labels.counts()), config.count, config.seed))
    inserted = coins(config.count, config.seed)
    table = _unsorted(some)
    canaries = Canaries(
        tuple(inputs_of(table, inputs)[:]),
        tuple(table["label"].to_pylist()),
        inserted,
        config.copies,
    )
    return _exchanged(rows, chosen, some, canaries), canaries


def _unsorted(rows: Rows) -> Any:
    """Their table in their own order, which a table's is not."""
    table = rows.table()
    place = np.empty(len(rows), np.int64)
    place[np.argsort(rows.ids)] = np.arange(len(rows))
    return table.take(place)


def _exchanged(rows: Rows, chosen: Ints, some: Rows, canaries: Canaries) -> Rows:
    """The rows without the chosen ones, and with those that the coin put back, each as often as is asked."""
    rest = np.setdiff1d(np.arange(len(rows)), chosen)
    back = np.repeat(np.flatnonzero(canaries.inserted), canaries.copies)
    planted = some.take(back)
    copy = np.tile(np.arange(canaries.copies), len(back) // canaries.copies)
    ids = np.strings.add(
        planted.ids, np.array([b"" if not one else b"c%d" % one for one in copy], "S12")
    )
    joined = rows.take(np.concatenate([rest, chosen[back]]))
    size = len(rest)
    names = [
        *rows.labels.names,
        *(one for one in some.labels.names if one not in rows.labels.names),
    ]
    number = {name: place for place, name in enumerate(names)}
    labels = np.concatenate([rows.labels.numbers[rest], planted.labels.numbered(number)])
    return dataclasses.replace(
        joined,
        labels=Names(names, labels.astype(np.int32)),
        digests=np.concatenate([joined.digests[:size], planted.digests]),
        ids=np.concatenate([joined.ids[:size], ids]),
    )


def _relabelled(rows: Rows, labels: tuple[str, ...]) -> Rows:
    names = sorted(set(labels))
    number = {name: place for place, name in enumerate(names)}
    digests = [
        row_digest(text, label, {name: column[row] for name, column in rows.groups.items()})
        for row, (text, label) in enumerate(zip(rows.texts, labels, strict=True))
    ]
    return dataclasses.replace(
        rows,
        labels=Names(names, np.array([number[one] for one in labels], np.int32)),
        digests=np.array(digests, "S32"),
    )


@dataclasses.dataclass(frozen=True)
class _Added:
    """Rows that were made up, to stand behind others."""

    texts: list[str]
    labels: list[str]
    names: list[int]

    def behind(self, rows: Rows, scratch: Path | None) -> Rows:
        """Those rows and then these, which have no group and are bound to nothing."""
        count = len(self.texts)
        number = {name: place for place, name in enumerate(rows.labels.names)}
        none = dict.fromkeys(rows.groups)
        digests = np.array(
            [row_digest(text, label, none) for text, label in zip(self.texts, self.labels, strict=True)],
            "S32",
        )  # fmt: skip
        lengths = [[len(one) for one in self.texts]] * 2
        return dataclasses.replace(
            rows,
            texts=_longer(rows.texts, self.texts, scratch),
            labels=Names(
                rows.labels.names,
                np.append(rows.labels.numbers, np.array([number[one] for one in self.labels], np.int32)),
            ),
            groups={name: _blank(column, count) for name, column in rows.groups.items()},
            bonds={name: _blank(column, count) for name, column in rows.bonds.items()},
            places=_longer(rows.places, [f"canary {one}" for one in self.names], scratch),
            digests=np.append(rows.digests, digests),
            normal=np.append(rows.normal, np.array([normal_digest(one) for one in self.texts], "S16")),
            lengths=np.concatenate([rows.lengths, np.array(lengths, np.int32)], axis=1),
            ids=np.append(rows.ids, row_ids(digests)),
        )  # fmt: skip


def _blank(column: Names, count: int) -> Names:
    return Names(column.names, np.append(column.numbers, np.full(count, -1, np.int32)))


def _longer(texts: Texts, more: list[str], scratch: Path | None) -> Texts:
    with Spool(scratch) as spool:
        spool.extend(texts)
        for one in more:
            spool.add(one)
        return spool.column()


def _too_few(fact: str) -> DataError:
    return DataError(
        Problem(fact, "give more rows, or a smaller data.canaries.count",
                "canaries must be unlike each other, and no more than half of what they are taken from")
    )  # fmt: skip
