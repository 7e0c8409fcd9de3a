"""Shows in a terminal what the audits of a run measured, a few lines each; it knows no audit and judges nothing."""

from __future__ import annotations

import textwrap
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

from lextune.cli.output import say, table

if TYPE_CHECKING:
    from lextune.records import AuditResult, Measurement

#: Of one audit: figures, findings, and lines of each finding.
_FIGURES, _FINDINGS, _LINES = 3, 1, 2
_WIDTH = 80


def show_audits(results: Sequence[AuditResult], read: Container[str]) -> None:
    """A table of figures of all rows, those that controls read first, and some findings below.

    Args:
        results: Of a run's audits.
        read: Names of the measurements that controls read.
    """
    if not results:
        return
    rows = [row for one in results for row in _rows(one, read)]
    table("Audits, with intervals", ["audit and figure", "value", "n"], rows)
    for one in results:
        if one.status != "crashed":  # why it did stands in the table
            _show_findings(one)
    if any(one.findings for one in results if one.status != "crashed"):
        say("")


def _rows(result: AuditResult, read: Container[str]) -> list[tuple[str, str, str]]:
    """The audit and its first figures; why, where it has none."""
    if result.status != "complete":
        status = result.status.replace("_", " ")
        why = f": {' '.join(result.findings)}" if result.status == "crashed" else ""
        return [(result.audit, status + why, "")]
    whole = [one for one in result.measurements if one.group is None]
    ranked = sorted(whole, key=lambda one: (one.name not in read, one.value is None))
    rows = [(f" {one.name}", _figure(one), f"{one.n:,}") for one in ranked[:_FIGURES]]
    more = len(result.measurements) - len(rows)
    return [(result.audit, f"{more:,} more figures" if more else "", ""), *rows]


def _show_findings(result: AuditResult) -> None:
    for finding in result.findings[:_FINDINGS]:
        lines = textwrap.wrap(
            f"{result.audit}: {finding}", _WIDTH, subsequent_indent="  ", max_lines=_LINES,
            placeholder=" …",
        )  # fmt: skip
        say("\n".join(lines))
    left = len(result.findings) - _FINDINGS
    if left > 0:
        say(f"  and {left} more finding{'s' if left > 1 else ''}, in the report")


def _figure(one: Measurement) -> str:
    from lextune.evaluation.report.page import measured

    return "undefined" if one.value is None else measured(one)
