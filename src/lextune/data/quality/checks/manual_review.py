"""Reads what people said of a drawn sample, and counts only what the draw had; it judges no text itself."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from lextune import statistics
from lextune.data.checks import tell_rows
from lextune.data.findings import Findings
from lextune.data.quality.base import QualityInput, quality_checks
from lextune.data.quality.results import QualityResult
from lextune.data.quality.sampling import drawn_order
from lextune.errors import DataError, Problem
from lextune.files import read_regular, sha256
from lextune.records import Measurement

COLUMNS = ("id", "verdict", "reviewer")
VERDICTS = ("pass", "fail")


@quality_checks.register("manual_review")
def manual_review(given: QualityInput, findings: Findings) -> QualityResult:
    """The pass share of a manual check of train, as read, by the rows that `lextune data sample` draws.

    Rows are counted in the order of the draw up to the first without a verdict, so that nobody can leave out what
    would fail. TC260-003:2024-02-29, 9.2, and the draft of GB/T 45652, 8.2.3, ask for at least 4,000 rows.
    """
    name = given.config.manual_review
    if name is None:
        return QualityResult(
            check="manual_review", status="not_applicable", reason="data.quality.manual_review names no file"
        )  # fmt: skip
    data = _read(name)
    verdicts, reviewers = _verdicts(name, data, set(given.corpus.ids.astype(str).tolist()))
    order = drawn_order(given.corpus.ids, given.config.seed)
    drawn = given.corpus.ids[order].astype(str).tolist()
    reviewed = next((n for n, one in enumerate(drawn) if one not in verdicts), len(drawn))
    failed = [n for n in range(reviewed) if verdicts[drawn[n]] == "fail"]
    tell_rows(findings, "failed_manual_check", "warning", f"of {reviewed:,} reviewed rows of train, those that failed",
              "take them out, and look for others like them", given.corpus, np.sort(order[failed]))  # fmt: skip
    left = len(verdicts) - reviewed
    if left:
        findings.add(
            "review_not_drawn", "warning",
            "reviewed rows that do not count: a row that was drawn before them has no verdict",
            "review the rows of `lextune data sample` with the same seed in their order", count=left,
        )  # fmt: skip
    passed = reviewed - len(failed)
    measurements = [
        Measurement.exact("manual_check_sample_size", reviewed, n=len(drawn), unit="rows"),
        Measurement(
            name="manual_check_pass_share", value=passed / reviewed if reviewed else None, n=reviewed,
            unit="proportion", interval=statistics.wilson(passed, reviewed),
            problem=None if reviewed else "no drawn row was reviewed",
        ),
        Measurement.exact("manual_check_reviewers", reviewers, n=reviewed, unit="people"),
    ]  # fmt: skip
    return QualityResult(
        check="manual_review",
        parameters={"seed": given.config.seed, "file": name, "sha256": sha256(data)},
        measurements=tuple(measurements),
        details={"reviewed": reviewed, "failed": len(failed), "not_counted": left},
    )


def _read(name: str) -> bytes:
    try:
        return read_regular(Path(name))
    except OSError as error:
        raise DataError(
            Problem("the manual review cannot be read", "check data.quality.manual_review", str(error.strerror), name)
        ) from error  # fmt: skip


def _verdicts(name: str, data: bytes, known: set[str]) -> tuple[dict[str, str], int]:
    """Row id to verdict, for rows that have one, and how many reviewers there were.

    Raises:
        DataError: Every line that cannot be right, at once.
    """
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        lines: list[tuple[int, dict[str, Any]]] = [(reader.line_num, line) for line in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            Problem("the manual review is no CSV in UTF-8", "write it as `lextune data sample` does", type(error).__name__, name)
        ) from error  # fmt: skip
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise DataError(
            Problem(f"the manual review has no column {', '.join(missing)}", "write it as `lextune data sample` does", where=name)
        )  # fmt: skip
    found: dict[str, str] = {}
    reviewers: set[str] = set()
    problems = []
    for number, line in lines:
        row, verdict, reviewer = ((line[column] or "").strip() for column in COLUMNS)
        if not verdict:
            continue
        fact = ""
        if row not in known:
            fact = "the row is not in the data"
        elif row in found:
            fact = "the row has two verdicts"
        elif verdict not in VERDICTS:
            fact = "the verdict is neither pass nor fail"
        elif not reviewer:
            fact = "nobody stands for the verdict"
        if fact:
            problems.append(Problem(fact, "correct the line", where=f"{name}:{number}"))
            continue
        found[row] = verdict
        reviewers.add(reviewer)
    if problems:
        raise DataError(problems[:20])
    return found, len(reviewers)
