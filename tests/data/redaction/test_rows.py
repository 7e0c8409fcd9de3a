"""Redaction while reading: rows are replaced before anything else is done with them."""

from __future__ import annotations

import json

import pytest

from lextune.config import ColumnsConfig, DataConfig, PersonalDataConfig, RedactionConfig
from lextune.data.checks import check_path
from lextune.data.prepare import load_labelled, prepare
from lextune.errors import ConfigError

OFF = PersonalDataConfig(report=False)


def write(tmp_path, count=200):
    path = tmp_path / "rows.jsonl"
    with open(path, "w") as stream:
        for n in range(count):
            text = f"row {n} of person{n % 50}@lovelace.org is {'good' if n % 2 else 'bad'}"
            stream.write(json.dumps({"text": text, "label": "ab"[n % 2], "lang": "en"}) + "\n")
        stream.write(json.dumps({"text": "x@lovelace.org", "label": "c", "lang": "fr"}) + "\n")
    return str(path)


def texts(prepared):
    return [text for part in prepared.parts.values() for text in part["text"].to_pylist()]


def test_rows_are_redacted_and_it_is_recorded(tmp_path):
    path = write(tmp_path)
    plain = prepare(DataConfig(train=(path,), where={"lang": "en"}, personal_data=OFF))
    assert plain.ref.redaction is None
    prepared = prepare(
        DataConfig(train=(path,), where={"lang": "en"}, redact=RedactionConfig(), personal_data=OFF)
    )
    assert all("[EMAIL_ADDRESS] is" in text for text in texts(prepared))
    assert prepared.ref.redaction == {
        "method": "mask", "types": [], "minimum_score": 0.5, "rows": 200, "changed_rows": 200,
        "detections": {"EMAIL_ADDRESS": 200}, "dropped_spans": 0,
    }  # fmt: skip
    assert prepared.ref.fingerprint != plain.ref.fingerprint
    told = next(one for one in prepared.report.problems if one.kind == "redacted")
    assert (told.severity, told.count) == ("info", 200)
    assert "person" not in told.fact.replace("personal", "")


def test_types_and_scores_are_kept_to(tmp_path):
    path = write(tmp_path)
    for wanted in (
        RedactionConfig(types=("CN_RESIDENT_ID",)),
        RedactionConfig(types=("EMAIL_ADDRESS",), minimum_score=1.0),
    ):
        prepared = prepare(
            DataConfig(train=(path,), where={"lang": "en"}, redact=wanted, personal_data=OFF)
        )
        assert all("@lovelace.org" in text for text in texts(prepared))
        assert prepared.ref.redaction["changed_rows"] == 0


def test_the_secret_is_asked_for_before_anything_is_read(tmp_path, monkeypatch):
    config = DataConfig(
        train=(str(tmp_path / "none.jsonl"),),
        redact=RedactionConfig(method="hash", secret_env="OURS"),
    )
    monkeypatch.delenv("OURS", raising=False)
    with pytest.raises(ConfigError, match="OURS is not set"):
        prepare(config)
    with pytest.raises(ConfigError, match="no type"):
        prepare(DataConfig(train=("none.csv",), redact=RedactionConfig(types=("MAIL",))))


def test_one_secret_gives_one_set_of_pseudonyms_in_every_file(tmp_path, monkeypatch):
    path = write(tmp_path)
    config = DataConfig(
        train=(path,),
        where={"lang": "en"},
        redact=RedactionConfig(method="pseudonym"),
        personal_data=OFF,
    )
    monkeypatch.setenv("LEXTUNE_REDACTION_SECRET", "a secret of tests alone")
    rows = load_labelled((path,), config, ("a", "b"))
    again = prepare(config)
    found = set(rows.table["text"].to_pylist())
    assert found == set(texts(again))
    assert len({text.split()[3] for text in found}) == 50
    monkeypatch.setenv("LEXTUNE_REDACTION_SECRET", "another secret of tests")
    assert not found & set(texts(prepare(config)))


def test_labels_of_spans_stay_aligned(tmp_path):
    path = tmp_path / "spans.jsonl"
    text = "write to ada@lovelace.org now"
    rows = [{"text": text, "label": '[[9,25,"E"],[26,29,"T"]]'}, {"text": "no", "label": "[]"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = DataConfig(train=(str(path),), redact=RedactionConfig(), personal_data=OFF)
    table = load_labelled((str(path),), config).table.to_pylist()
    found = {row["text"]: row["label"] for row in table}
    assert found == {"write to [EMAIL_ADDRESS] now": '[[9,24,"E"],[25,28,"T"]]', "no": "[]"}
    path.write_text(json.dumps({"text": text, "label": '[[9,99,"E"]]'}))
    report = check_path(config)
    (wrong,) = [one for one in report.errors() if one.kind == "broken_spans"]
    assert wrong.rows == (f"{path}:1 (record 1)",)


def test_columns_of_other_names(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(
        "body,class\n" + "".join(f"{n} ada@lovelace.org,{'ab'[n % 2]}\n" for n in range(40))
    )
    prepared = prepare(
        DataConfig(
            train=(str(path),), columns=ColumnsConfig(text="body", label="class"),
            redact=RedactionConfig(method="remove"), personal_data=OFF,
        )
    )  # fmt: skip
    assert {text.split()[0] for text in texts(prepared)} == {str(n) for n in range(40)}
    assert not any("@" in text for text in texts(prepared))


def test_nested_spans_of_json_stay_aligned(tmp_path):
    path = tmp_path / "spans.jsonl"
    text = "write to ada@lovelace.org now"
    spans = [
        {"start": 9, "end": 25, "label": "E", "text": text[9:25]},
        {"start": 26, "end": 29, "label": "T"},
    ]
    path.write_text(json.dumps({"text": text, "label": spans}) + "\n")
    config = DataConfig(train=(str(path),), redact=RedactionConfig(), personal_data=OFF)
    (row,) = load_labelled((str(path),), config, kind="spans").table.to_pylist()
    assert row["text"] == "write to [EMAIL_ADDRESS] now"
    assert row["label"] == '[[9,24,"E"],[25,28,"T"]]'
