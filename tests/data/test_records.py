from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lextune.config import ColumnsConfig, DataConfig
from lextune.data.checks import check_path
from lextune.data.prepare import prepare
from lextune.data.records import feature_cells, words_of
from lextune.errors import ConfigError, DataError
from lextune.features import write_features
from visits import draw_visits, write_csv, write_jsonl

COLUMNS = ColumnsConfig(label="bought")


def prepared(path: Path, **config: Any) -> Any:
    made = DataConfig(**{"train": (str(path),), "columns": COLUMNS, **config})
    return prepare(made, inputs="record")


def report_of(path: Path, columns: ColumnsConfig = COLUMNS) -> dict[str, str]:
    config = DataConfig(train=(str(path),), columns=columns)
    return {one.kind: one.severity for one in check_path(config, inputs="record").problems}


def test_every_column_but_those_with_a_meaning_is_a_feature(tmp_path: Path) -> None:
    rows = [
        {**row, "who": f"u{i % 40}", "sex": "ab"[i % 2]} for i, row in enumerate(draw_visits(120))
    ]
    columns = ColumnsConfig(label="bought", subject="who", group=("sex",))
    made = prepared(write_csv(tmp_path / "v.csv", rows), columns=columns)
    assert made.ref.classes == ("no", "yes")
    for table in made.parts.values():
        for text in table["text"].to_pylist():
            assert sorted(json.loads(text)) == ["day", "month", "pages", "value", "weekend"]
    who = [set(part.subjects.counts()) for part in made.subjects]
    assert not who[0] & who[2]


def test_csv_jsonl_and_parquet_give_the_same_rows(tmp_path: Path) -> None:
    rows = [{**row, "weekend": str(row["weekend"]).lower()} for row in draw_visits(80)]
    files = [write_csv(tmp_path / "v.csv", rows), write_jsonl(tmp_path / "v.jsonl", rows)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "v.parquet")
    prints = {prepared(path).ref.fingerprint for path in (*files, tmp_path / "v.parquet")}
    assert len(prints) == 1


def test_events_are_lists_in_jsonl_and_parquet(tmp_path: Path) -> None:
    rows = draw_visits(60, events=True)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "v.parquet")
    for path in (write_jsonl(tmp_path / "v.jsonl", rows), tmp_path / "v.parquet"):
        texts = prepared(path).parts["train"]["text"].to_pylist()
        events = [json.loads(json.loads(text)["clicks"]) for text in texts]
        assert all(isinstance(one, list) for one in events)
        assert {event["what"] for one in events for event in one} == {"view", "cart"}


def test_named_features_are_read_alone_and_must_be_there(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "v.csv", draw_visits(60))
    some = ColumnsConfig(label="bought", features=("pages", "month"))
    texts = prepared(path, columns=some).parts["test"]["text"].to_pylist()
    assert sorted(json.loads(texts[0])) == ["month", "pages"]
    none = ColumnsConfig(label="bought", features=("pages", "shoe"))
    with pytest.raises(DataError, match="no column 'shoe'") as error:
        prepared(path, columns=none)
    assert "data.columns.features" in str(error.value)


def test_a_table_of_labels_alone_has_nothing_to_predict_from() -> None:
    with pytest.raises(DataError, match="no column is left"):
        feature_cells({"bought": "yes"}, COLUMNS)


def test_rows_that_repeat_are_told_and_stay_in_one_part(tmp_path: Path) -> None:
    rows = draw_visits(60)
    path = write_csv(tmp_path / "v.csv", rows + rows[:20])
    assert report_of(path)["duplicate"] == "info"
    made = prepared(path)
    assert made.leaked_ids == ()
    counts = {one.name: one.value for one in made.measurements}
    assert counts["duplicate_rows"] == 20
    assert counts["leaked_test_rows"] == 0


def test_features_that_say_nothing_or_too_much_are_told(tmp_path: Path) -> None:
    rows = [
        {
            **row, "same": "x", "id": f"v{number}", "number": 1000 + number, "gone": "",
            "paid": 10 if row["bought"] == "yes" else 0, "state": "p" if row["bought"] == "yes" else "n",
            "age": "n/a" if number % 9 else number % 7,
        }
        for number, row in enumerate(draw_visits(100))
    ]  # fmt: skip
    path = write_csv(tmp_path / "v.csv", rows)
    config = DataConfig(train=(str(path),), columns=COLUMNS)
    found = check_path(config, inputs="record").problems
    told = {(one.kind, name) for one in found for name in rows[0] if f"{name!r}" in one.fact}
    assert {
        ("constant_feature", "same"), ("id_like_feature", "id"), ("id_like_feature", "number"),
        ("missing_feature", "gone"), ("leaking_feature", "paid"), ("leaking_feature", "state"),
        ("missing_words", "age"),
    } <= told  # fmt: skip
    assert not {name for kind, name in told if kind == "leaking_feature"} - {"paid", "state"}
    assert "pages" not in {name for _, name in told}


def test_numbers_are_not_looked_at_for_personal_data_and_words_are(tmp_path: Path) -> None:
    rows = [{**row, "number": 13800138000 + i} for i, row in enumerate(draw_visits(60))]
    assert "personal_data" not in report_of(write_csv(tmp_path / "a.csv", rows))
    named = [{**row, "note": f"mail ann{i}@example.org"} for i, row in enumerate(rows)]
    assert report_of(write_csv(tmp_path / "b.csv", named))["personal_data"] == "info"
    text = write_features({"a": "1", "b": "2026-01-01", "c": "word", "d": None})
    assert words_of(text) == "word"


def test_texts_are_not_redacted_in_features(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "v.csv", draw_visits(60))
    with pytest.raises(ConfigError, match="rows are named features"):
        prepared(path, redact={"method": "mask"})
