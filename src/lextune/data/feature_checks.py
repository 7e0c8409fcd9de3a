"""Looks for features that say nothing, too much or hardly ever anything; it changes none, and knows no model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lextune.data.dataset import Rows
from lextune.data.findings import Findings, shown
from lextune.features import read_features
from lextune.statistics import roc_auc
from lextune.tasks.tabular.columns import (
    MISSING_WORDS,
    UnfitFeatureError,
    decide_columns,
    read_numbers,
)

#: Rows that are looked at; house figures, like the shares.
_LOOKED_AT = 200_000
MISSING_SHARE, DISTINCT_SHARE, FEW_ROWS = 0.5, 0.9, 50


def check_features(rows: Rows, findings: Findings) -> None:
    """Report on the features of the training part."""
    if len(rows) > _LOOKED_AT:
        rows = rows.take(np.linspace(0, len(rows) - 1, _LOOKED_AT).astype(np.int64))
    texts = list(rows.texts)
    try:
        columns = decide_columns(texts)
    except UnfitFeatureError as error:
        for problem in error.problems:
            findings.add("feature", "error", problem.fact, problem.remedy, unit="columns")
        return
    labels = rows.labels.numbers
    table = [read_features(text) for text in texts]
    for column in columns:
        cells = [row[column.name] for row in table]
        if column.kind != "events":
            _check_cells(column.name, column.kind, cells, labels, findings)
        else:
            _tell_missing(column.name, cells, findings)


def _check_cells(
    name: str, kind: str, cells: Sequence[str | None], labels: npt.NDArray[np.int32],
    findings: Findings,
) -> None:  # fmt: skip
    counts = Counter(cell for cell in cells if cell is not None)
    _tell_missing(name, cells, findings)
    words = {one.strip().casefold() for one in counts} & MISSING_WORDS if kind != "category" else ()
    if words:
        findings.add(
            "missing_words", "info", f"{shown(name)} says {', '.join(sorted(words))} where a {kind} is not known",
            "none is needed: such a cell is read as missing", unit="columns",
        )  # fmt: skip
    if len(counts) < 2:
        findings.add(
            "constant_feature", "warning", f"{shown(name)} is the same in every row of train",
            "leave it out: data.columns.features", unit="columns",
        )  # fmt: skip
        return
    many = len(counts) > DISTINCT_SHARE * len(cells)
    if len(cells) >= FEW_ROWS and many and (kind == "category" or _counts_up(counts)):
        findings.add(
            "id_like_feature", "warning", f"{shown(name)} has {len(counts):,} values in {len(cells):,} rows, as an id has",
            "leave it out (data.columns.features), or name it as data.columns.subject", unit="columns",
        )  # fmt: skip
        return
    if len(cells) >= FEW_ROWS and _tells_all(name, kind, cells, labels):
        findings.add(
            "leaking_feature", "warning", f"{shown(name)} alone tells the classes of train apart without a fault",
            "leave it out (data.columns.features) if it is known only once the outcome is", unit="columns",
        )  # fmt: skip


def _counts_up(counts: Counter[str]) -> bool:
    """Whether the values are whole numbers without a fraction: measurements seldom are."""
    return all(one.strip().isdigit() for one in counts)


def _tell_missing(name: str, cells: Sequence[str | None], findings: Findings) -> None:
    share = sum(cell is None for cell in cells) / max(1, len(cells))
    if share > MISSING_SHARE:
        findings.add(
            "missing_feature", "warning", f"{shown(name)} is empty in {share:.0%} of the rows of train",
            "fill it in, or leave it out: data.columns.features; that it is empty is read as well", unit="columns",
        )  # fmt: skip


def _tells_all(
    name: str, kind: str, cells: Sequence[str | None], labels: npt.NDArray[np.int32]
) -> bool:
    """Whether each value (or, of numbers, each side of some bound) has rows of one class only."""
    known = np.array([cell is not None for cell in cells]) & (labels >= 0)
    if known.sum() < FEW_ROWS or len(set(labels[known].tolist())) < 2:
        return False
    if kind == "category":
        pairs = {(cells[row], int(labels[row])) for row in np.flatnonzero(known).tolist()}
        return len(pairs) == len({cell for cell, _ in pairs})
    if kind != "number":
        return False
    values = read_numbers(name, cells)
    known &= np.isfinite(values)
    found = sorted(set(labels[known].tolist()))
    if len(found) != 2:
        return False
    area = roc_auc(
        (labels[known] == found[1]).astype(np.int64), np.stack([-values[known], values[known]], 1)
    )
    return area in (0.0, 1.0)  # fmt: skip
