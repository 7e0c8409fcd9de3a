"""Screens a random sample of the corpus for unlawful content; a hit is a suspicion, and a pass is no proof.

TC260-003:2024-02-29, 5.1 (a source with more than 5 % unlawful content is not used) and 9.2 (technical check of at
least a tenth of the corpus); the bounds are in policy packs, not here.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any

import numpy as np

from lextune import statistics
from lextune.data.checks import tell_rows
from lextune.data.columns import Ints
from lextune.data.dataset import Rows
from lextune.data.findings import Findings
from lextune.data.quality.base import QualityInput, in_words, quality_checks
from lextune.data.quality.results import QualityResult
from lextune.data.quality.sampling import drawn_order
from lextune.data.quality.screening import screens
from lextune.records import Measurement

#: Of the corpus, and rows below which all are screened (TC260-003 and GB/T 45652; pack cn_training_data).
SHARE, LEAST_ROWS = 0.1, 4000
#: Sources that are told apart; of more, files of one folder count as one source.
_MOST_SOURCES = 50
_BEHIND = re.compile(r":(\d+ \(record \d+\)| row \d+)$")


@quality_checks.register("screening")
def screening(given: QualityInput, findings: Findings) -> QualityResult:
    """The share of a seeded sample of train, as read, that no screen of the config hits, by source too.

    Without a screen that has something to look for nothing is measured, so nothing is passed.
    """
    words = in_words(given, "screening")
    if isinstance(words, QualityResult):
        return words
    given = words
    ready = {name: screens.get(name)(given.config) for name in given.config.screens}
    able = {name: one for name, one in ready.items() if one is not None}
    rows = given.corpus
    if not able or not len(rows):
        return QualityResult(
            check="screening", status="not_applicable",
            reason="no screen has anything to look for: data.quality.keyword_lists names no list",
        )  # fmt: skip
    wanted = max(math.ceil(SHARE * len(rows)), min(LEAST_ROWS, len(rows)))
    taken = rows.take(np.sort(drawn_order(rows.ids, given.config.seed)[:wanted]))
    risks: Counter[str] = Counter()
    hits: dict[str, Ints] = {}
    found = {name: np.zeros(len(taken), bool) for name in able}
    for row, text in enumerate(taken.texts):
        of_row = {name: one.risks(text) for name, one in able.items()}
        risks.update(set().union(*of_row.values()))
        for name, named in of_row.items():
            found[name][row] = bool(named)
    hits = {name: np.flatnonzero(flags) for name, flags in found.items()}
    for name, at in hits.items():
        fact = f"of {len(taken):,} screened rows of train, those that the screen {name} hits"
        remedy = "look at them; take out what is unlawful"
        tell_rows(findings, f"screened_by_{name}", "warning", fact, remedy, taken, at)
    hit = np.any(list(found.values()), axis=0)
    measurements = [
        _share("technical_check_pass_share", int((~hit).sum()), len(taken)),
        Measurement.exact("technical_check_sample_share", len(taken) / len(rows), n=len(rows), unit="proportion"),
        *_sources(taken, hit),
        *(one for screen in able.values() for one in screen.measurements),
    ]  # fmt: skip
    return QualityResult(
        check="screening",
        parameters={
            "seed": given.config.seed, "screens": {name: one.parameters for name, one in able.items()},
        },
        measurements=tuple(measurements),
        details={
            "rows": len(taken),
            "hits": {name: len(at) for name, at in hits.items()},
            "risks": dict(sorted(risks.items())),
        },
    )  # fmt: skip


def _share(name: str, count: int, n: int, group: str | None = None) -> Measurement:
    return Measurement(
        name=name, value=count / n, n=n, unit="proportion", interval=statistics.wilson(count, n),
        group=group,
    )  # fmt: skip


def file_of(place: str) -> str:
    """The file of a row's place, which may have colons in its name."""
    return _BEHIND.sub("", place)


def _sources(rows: Rows, hit: Any) -> list[Measurement]:
    """The share of hits in each source, and that of the worst."""
    files = [file_of(place) for place in rows.places]
    if len(set(files)) > _MOST_SOURCES:
        files = [name.rpartition("/")[0] for name in files]
    names, number = np.unique(np.array(files), return_inverse=True)
    if len(names) > _MOST_SOURCES:
        names, number = np.array(["all"]), np.zeros(len(rows), np.int64)
    total, bad = np.bincount(number), np.bincount(number, weights=hit).astype(int)
    shares = [
        _share("source_illegal_share", int(b), int(n), f"source={name}")
        for name, b, n in zip(names.tolist(), bad, total, strict=True)
    ]
    worst = max(shares, key=lambda one: one.value or 0.0)
    return [worst.model_copy(update={"group": None}), *shares]
