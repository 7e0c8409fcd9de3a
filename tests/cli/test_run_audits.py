"""What a run shows of its audits fits a terminal of 80 columns, a few lines each, and hides no crash."""

from __future__ import annotations

import pytest

from lextune.cli.audited import show_audits
from lextune.records import AuditResult, Interval, Measurement

LONG = "expected_calibration_error_with_temperature"


def one(name: str, value: float | None = 0.1094, group: str | None = None) -> Measurement:
    ends = Interval(low=0.0944, high=0.126, method="wilson") if value is not None else None
    return Measurement(
        name=name, value=value, interval=ends, n=12345, unit="proportion", group=group
    )


def result(
    audit: str, measurements: tuple[Measurement, ...] = (), **changes: object
) -> AuditResult:
    given = {
        "audit": audit, "version": "1", "status": "complete", "parameters": {}, "measurements": measurements,
    }  # fmt: skip
    return AuditResult.model_validate({**given, **changes})


def shown(
    results: list[AuditResult], capsys: pytest.CaptureFixture[str], read: tuple[str, ...] = ()
) -> str:
    show_audits(results, set(read))
    out = capsys.readouterr().out
    assert all(len(line) <= 80 for line in out.splitlines())
    return out


def test_a_few_figures_of_all_rows_are_shown_those_that_controls_read_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    some = (one("a"), one("b", None), one("c"), one("d"), one(LONG), one("a", group="g=x"))
    out = shown([result("calibration", some)], capsys, read=(LONG,))
    lines = [line.strip() for line in out.splitlines() if "12,345" in line]
    assert [line.split()[0] for line in lines] == [LONG, "a", "c"]
    assert lines[0].split()[1:] == ["0.1094", "(0.0944–0.1260)", "12,345"]
    assert "3 more figures" in out
    assert "g=x" not in out
    read = shown([result("calibration", some)], capsys, read=("b",))
    assert next(line for line in read.splitlines() if "12,345" in line).split()[:2] == ["b", "undefined"]  # fmt: skip


def test_what_crashed_or_does_not_apply_is_said_with_its_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    crashed = result("robustness", status="crashed", findings=("KeyError",))
    idle = result("memorisation", status="not_applicable", findings=("No canary.",))
    out = shown([crashed, idle], capsys)
    assert "crashed: KeyError" in out
    assert "not applicable" in out
    assert "memorisation: No canary." in out
    assert out.count("KeyError") == 1


def test_findings_are_few_and_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    found = tuple(f"Finding {at} says " + "much " * 30 for at in range(5))
    out = shown([result("poisoning", (one("a"),), findings=found)], capsys)
    assert "poisoning: Finding 0" in out
    assert out.count(" …\n") == 1
    finding, _, rest = out.partition("poisoning: ")[2].partition("\n  and ")
    assert len(finding.splitlines()) == 2
    assert "poisoning: " not in rest
    assert "Finding 2" not in out
    assert "and 4 more findings, in the report" in out
    assert shown([], capsys) == ""
