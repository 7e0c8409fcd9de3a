"""Other rows than were checked are refused, in a report and between the checks and training."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pytest

from lextune.config import DataConfig, QualityConfig
from lextune.data.binding import check_tables, table_fingerprint
from lextune.data.checks import check_path
from lextune.data.prepare import prepare
from lextune.errors import DataError, ExitCode, VerificationError

ROWS = [(f"{word} text number {n}", word) for word in ("pos", "neg") for n in range(40)]
PLAIN = QualityConfig(checks=())


def report_on(write, rows, name="report.json", test=None):
    config = DataConfig(train=(write.csv(rows),), test=test, quality=PLAIN)
    return write.bytes(name, json.dumps(check_path(config).document()).encode())


def prepared(write, rows, **options):
    return prepare(DataConfig(train=(write.csv(rows),), quality=PLAIN, **options))


def test_the_rows_that_were_checked_pass_in_any_order_and_format(write):
    report = report_on(write, ROWS)
    found = prepared(write, ROWS[::-1], report=report).report
    digest = hashlib.sha256(Path(report).read_bytes()).hexdigest()
    assert found.checked_report == {"file": report, "sha256": digest}
    other = DataConfig(
        train=(write.jsonl(ROWS),), quality=PLAIN, report=report, report_sha256=digest
    )
    assert prepare(other).report.checked_report["sha256"] == digest


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[:-1],
        lambda rows: [*rows, ("one more", "pos")],
        lambda rows: [("pos text number 0.", "pos"), *rows[1:]],
        lambda rows: [("pos text number 0", "neg"), *rows[1:]],
    ],
)
def test_rows_that_were_not_checked_are_refused(write, change):
    report = report_on(write, ROWS)
    with pytest.raises(
        VerificationError, match="rows of train are not those that were checked"
    ) as caught:
        prepared(write, change(ROWS), report=report)
    assert caught.value.exit_code is ExitCode.UNVERIFIED


def test_a_part_that_was_not_checked_is_refused_and_one_that_is_gone_too(write):
    test = write.csv([("pos text", "pos"), ("neg text", "neg")], "test.csv")
    alone, both = report_on(write, ROWS), report_on(write, ROWS, "both.json", test=(test,))
    for report, given in ((alone, (test,)), (both, None)):
        with pytest.raises(VerificationError, match="rows of test"):
            prepared(write, ROWS, report=report, test=given)


def test_another_report_than_the_pinned_one_is_refused(write):
    report = report_on(write, ROWS)
    with pytest.raises(VerificationError, match="not the pinned one"):
        prepared(write, ROWS, report=report, report_sha256="0" * 64)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"fingerprints": {}}', b"\xff"])
def test_a_file_that_is_no_report_is_refused(write, data):
    with pytest.raises(DataError, match="names no fingerprints"):
        prepared(write, ROWS, report=write.bytes("report.json", data))


def test_a_report_that_is_not_there_and_a_pin_without_report_are_refused(write):
    with pytest.raises(DataError, match="cannot be read"):
        prepared(write, ROWS, report="/no/such.json")
    with pytest.raises(DataError, match="names none"):
        prepared(write, ROWS, report_sha256="0" * 64)


def test_tables_have_the_fingerprints_that_prepare_stated(write):
    lines = ["text,label,place,age"]
    for n, (text, label) in enumerate(ROWS):
        lines.append(f'"{text}, 好 ""q""",{label},{"" if n % 3 else "north"},{n % 5}')
    path = write.bytes("rows.csv", "\n".join(lines).encode())
    columns = {"group": ("place", "age")}
    found = prepare(
        DataConfig.model_validate({"train": (path,), "columns": columns, "quality": PLAIN})
    )
    check_tables(found.parts, found.ref.splits)
    for name, table in found.parts.items():
        assert table_fingerprint(table) == found.ref.splits[name].fingerprint


@pytest.mark.parametrize("column", ["text", "label", "group.place"])
def test_a_table_with_one_changed_cell_is_refused(write, column):
    lines = ["text,label,place", *(f"{text},{label},north" for text, label in ROWS)]
    path = write.bytes("rows.csv", "\n".join(lines).encode())
    found = prepare(
        DataConfig.model_validate(
            {"train": (path,), "columns": {"group": ("place",)}, "quality": PLAIN}
        )
    )
    table = found.parts["train"]
    cells = table[column].to_pylist()
    cells[7] = "pos" if cells[7] == "neg" else "neg"
    changed = table.set_column(table.column_names.index(column), column, pa.array(cells))
    with pytest.raises(VerificationError, match="rows of train"):
        check_tables({"train": changed}, found.ref.splits)


def test_rows_that_are_gone_are_refused(write):
    found = prepared(write, ROWS)
    with pytest.raises(VerificationError, match="rows of validation"):
        check_tables(
            {**found.parts, "validation": found.parts["validation"].slice(1)}, found.ref.splits
        )
