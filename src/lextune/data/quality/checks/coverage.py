"""Counts rows of each class in each group, so that empty and thin cells are seen before training; it knows no text."""

from __future__ import annotations

from typing import Any

import numpy as np

from lextune.data.checks import FEW_ROWS, MANY_GROUPS
from lextune.data.dataset import Rows
from lextune.data.findings import Findings, shown
from lextune.data.quality.base import QualityInput, quality_checks
from lextune.data.quality.results import QualityResult
from lextune.records import Measurement


@quality_checks.register("coverage")
def coverage(given: QualityInput, findings: Findings) -> QualityResult:
    """Rows per class of train, per class and group, the smallest cell, missing cells and the imbalance of classes."""
    if given.corpus.kind != "class":
        return QualityResult(
            check="coverage", status="not_applicable", reason="a row has not exactly one class"
        )
    train = given.parts["train"]
    counts = train.labels.counts()
    measurements: list[Measurement] = []
    if counts:
        ratio = max(counts.values()) / min(counts.values())
        measurements.append(
            Measurement.exact("class_imbalance_ratio", ratio, n=len(train), unit="ratio")
        )
    tables: dict[str, Any] = {}
    for column, values in train.groups.items():
        if not 0 < len(values.counts()) <= MANY_GROUPS:
            continue  # many groups are a finding of the first checks already
        table = _cells(train, column)
        tables[column] = table
        rows = [count for line in table["rows"] for count in line]
        cells = len(rows)
        missing = sum(count == 0 for count in rows)
        measurements += [
            Measurement.exact("missing_cells", missing, n=cells, unit="cells").model_copy(
                update={"group": f"column={column}"}
            ),
            Measurement.exact("smallest_cell_rows", min(rows), n=cells, unit="rows").model_copy(
                update={"group": f"column={column}"}
            ),
        ]
        _tell(column, table, findings)
    if tables:
        worst = [one for one in measurements if one.name == "missing_cells"]
        smallest = [one for one in measurements if one.name == "smallest_cell_rows"]
        measurements += [
            Measurement.exact("missing_cells", sum(one.value or 0 for one in worst),
                              n=sum(one.n for one in worst), unit="cells"),
            Measurement.exact("smallest_cell_rows", min(one.value or 0 for one in smallest),
                              n=sum(one.n for one in smallest), unit="rows"),
        ]  # fmt: skip
    return QualityResult(
        check="coverage",
        measurements=tuple(measurements),
        details={"part": "train", "groups": tables},
    )


def _cells(rows: Rows, column: str) -> dict[str, Any]:
    """Counts of each group (line) and class (column); groups and classes that occur, by name."""
    groups, classes = list(rows.groups[column].counts()), list(rows.labels.counts())
    group = rows.groups[column].numbered({name: i for i, name in enumerate(groups)})
    label = rows.labels.numbered({name: i for i, name in enumerate(classes)})
    known = (group >= 0) & (label >= 0)
    flat = np.bincount(
        group[known] * len(classes) + label[known], minlength=len(groups) * len(classes)
    )
    return {
        "groups": [_plain(name) for name in groups],
        "classes": [_plain(name) for name in classes],
        "rows": flat.reshape(len(groups), len(classes)).tolist(),
        "without_group": int((group < 0).sum()),
    }


def _plain(name: str) -> str:
    return name if len(name) <= 40 and name.isprintable() else shown(name)


def _tell(column: str, table: dict[str, Any], findings: Findings) -> None:
    for group, line in zip(table["groups"], table["rows"], strict=True):
        for name, count in zip(table["classes"], line, strict=True):
            if count < FEW_ROWS:
                kind = "missing_cell" if count == 0 else "thin_cell"
                fact = "no rows" if count == 0 else f"fewer than {FEW_ROWS} rows"
                findings.add(
                    kind, "info", f"classes of groups of {column!r} in train with {fact}",
                    "collect rows of them; what is measured for such a group says little",
                    f"{column}={group}, class {name}", unit="cells",
                )  # fmt: skip
