"""Counting personal data: by row and type, whole or sampled, and never a value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lextune.config import DataConfig, PersonalDataConfig
from lextune.data.checks import check_path
from lextune.data.prepare import prepare


@pytest.fixture
def path(tmp_path):
    """400 rows: each tenth with an e-mail address, each twentieth with a card too, four with a web address."""
    rows = []
    for n in range(400):
        text = f"a note of number {n}"
        if n % 10 == 0:
            text += f", write to someone{n}@lovelace.org"
        if n % 20 == 0:
            text += ", card 4111111111111111"
        if n % 100 == 1:
            text += ", see https://lovelace.org/notes"
        rows.append({"text": text, "label": "ab"[n // 10 % 2]})
    found = tmp_path / "rows.jsonl"
    found.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(found)


def measured(prepared):
    return {one.name: one for one in prepared.measurements}


def test_all_rows_are_counted_by_type(path):
    prepared = prepare(DataConfig(train=(path,)))
    counted = prepared.report.personal_data
    assert counted.model_dump() == {
        "rows": 400, "looked_at": 400, "found": 40, "sensitive": 20, "identifiers": 40, "minimum_score": 0.5,
        "types": {"CREDIT_CARD": 20, "EMAIL_ADDRESS": 40, "URL": 4},
    }  # fmt: skip
    found = measured(prepared)
    one = found["personal_data_rows"]
    assert (one.value, one.n, one.unit, one.interval.method) == (40, 400, "rows", "exact")
    assert found["sensitive_personal_data_rows"].value == 20
    assert found["personal_identifier_rows"].value == 40
    told = {one.kind: one for one in prepared.report.problems}
    assert told["personal_data"].count == 40
    assert told["personal_data"].severity == "info"
    assert len(told["personal_data"].rows) == 20
    assert told["personal_data"].rows[0] == f"{path}:1 (record 1)"
    assert told["sensitive_personal_data"].severity == "warning"
    assert "lovelace" not in prepared.report.model_dump_json()
    assert "4111" not in prepared.report.model_dump_json()


def test_a_sample_says_so_and_its_interval_holds_the_truth(path, tmp_path):
    config = DataConfig(train=(path,), personal_data=PersonalDataConfig(rows=100))
    prepared = prepare(config)
    counted, one = prepared.report.personal_data, measured(prepared)["personal_data_rows"]
    assert (counted.rows, counted.looked_at) == (400, 100)
    assert one.value == counted.found * 4
    assert one.n == 100
    assert "sample of 100 of 400 rows" in one.interval.method
    assert counted.found <= one.interval.low < 40 < one.interval.high <= 400
    assert any("a sample of 100 of 400 rows" in item.fact for item in prepared.report.problems)
    backwards = tmp_path / "backwards.jsonl"
    backwards.write_text("".join(reversed(Path(path).read_text().splitlines(keepends=True))))
    again = check_path(config.model_copy(update={"train": (str(backwards),)}))
    assert again.personal_data == counted


def test_where_nobody_looked_nothing_is_measured(path):
    prepared = prepare(DataConfig(train=(path,), personal_data=PersonalDataConfig(report=False)))
    assert prepared.report.personal_data is None
    assert not {"personal_data_rows", "sensitive_personal_data_rows"} & set(measured(prepared))
    assert not any("personal" in item.kind for item in prepared.report.problems)


def test_a_higher_score_counts_less(path):
    config = DataConfig(train=(path,), personal_data=PersonalDataConfig(minimum_score=1.0))
    assert check_path(config).personal_data.found < 40


def test_a_secret_in_a_text_is_told(tmp_path):
    path = tmp_path / "rows.csv"
    rows = "".join(f"note {n},{'ab'[n % 2]}\n" for n in range(40))
    path.write_text("text,label\n" + rows + "password: hunter2xyz99,a\n")
    told = {one.kind: one for one in check_path(DataConfig(train=(str(path),))).problems}
    assert told["secret_in_text"].severity == "warning"
    assert told["secret_in_text"].rows == (f"{path}:42 (record 41)",)
    assert "personal_data" not in told
