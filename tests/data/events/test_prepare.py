"""Event logs through the data room: parts, report, evidence, people; and MovieLens as it is."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from lextune.config import DataConfig
from lextune.data.admission import Gate
from lextune.data.binding import check_tables
from lextune.data.checks import check_path
from lextune.data.dataset import read_options
from lextune.data.findings import Findings
from lextune.data.formats import ReadContext
from lextune.data.inputs import Histories, inputs_of
from lextune.data.prepare import Prepared, load_labelled, prepare, stream_rows
from lextune.data.quality.drawing import draw_for_review
from lextune.data.report.page import make_page
from lextune.errors import ConfigError, DataError
from lextune.histories import Event


def log(folder: Path, users: int = 6, items: int = 8) -> Path:
    rows = [f"u{u},{(u + 3 * t) % items},{10 * t + u},{'ab'[u % 2]}" for u in range(users) for t in range(5)]  # fmt: skip
    path = folder / "log.csv"
    path.write_text("\n".join(["user,item,time,shop", *rows]) + "\n")
    return path


def config(path: Path, **more: Any) -> DataConfig:
    return DataConfig.model_validate({"train": (str(path),), "split": {"method": "leave_last_out"}, **more})  # fmt: skip


def prepared(given: DataConfig, gate: Gate | None = None) -> Prepared:
    return prepare(given, kind="items", inputs="history", gate=gate)


def measured(found: Prepared) -> dict[str, float | None]:
    return {one.name: one.value for one in found.measurements}


def test_a_log_becomes_a_row_of_each_user_in_each_part(tmp_path: Path) -> None:
    found = prepared(config(log(tmp_path), columns={"group": ["shop"]}))
    assert {name: len(table) for name, table in found.parts.items()} == {"train": 6, "validation": 6, "test": 6}  # fmt: skip
    check_tables(found.parts, found.ref.splits)
    row = found.parts["test"].to_pylist()[0]
    assert set(row) == {"id", "text", "label", "group.shop", "where"}
    assert len(json.loads(row["text"])) == 4
    assert len(json.loads(row["label"])) == 1
    assert found.known is not None
    assert len(found.known) == 6
    assert found.ref.classes == tuple(sorted(str(i) for i in range(8)))
    assert found.report.events is not None
    assert found.report.events.parts == {"train": 18, "validation": 6, "test": 6}
    assert {one.status for one in found.report.quality} == {"not_applicable"}


def test_the_same_log_has_one_fingerprint_whatever_its_form_and_order(tmp_path: Path) -> None:
    path = log(tmp_path)
    other = tmp_path / "other.jsonl"
    header, *lines = path.read_text().splitlines()
    rows = [dict(zip(header.split(","), line.split(","), strict=True)) for line in reversed(lines)]
    other.write_text("".join(json.dumps(row) + "\n" for row in rows))
    first, second = (prepared(config(one)) for one in (path, other))
    assert first.ref.fingerprint == second.ref.fingerprint
    assert first.parts["test"]["id"].to_pylist() == second.parts["test"]["id"].to_pylist()


def test_what_items_are_in_words_goes_with_the_tables(tmp_path: Path) -> None:
    items = tmp_path / "goods.csv"
    items.write_text("item,title,genres\n0,A cup,Kitchen|Tea\n1,,\nnew,A pot,\n")
    found = prepared(config(log(tmp_path), items=str(items)))
    inputs = inputs_of(found.parts["train"], "history")
    assert isinstance(inputs, Histories)
    assert inputs.items["0"] == "A cup. Kitchen, Tea"
    assert inputs.items["1"] == ""
    assert inputs.items["new"] == "A pot"
    assert tuple(inputs.items) == found.ref.classes
    assert inputs.counts["0"] > 0
    assert "new" not in inputs.counts
    assert measured(found)["cold_items"] == 1
    assert str(items) in {one.path for one in found.ref.files}
    assert "item_without_text" in {one.kind for one in found.report.problems}
    assert inputs.take([0]).items is inputs.items  # type: ignore[arg-type]


def test_the_user_is_the_subject_and_may_be_erased(tmp_path: Path) -> None:
    given = config(log(tmp_path), erased="exclude")
    found = prepared(given, Gate(given, erased=lambda user: user == "u3"))
    assert measured(found)["erased_rows"] == 5
    assert [one.part for one in found.subjects] == ["train", "validation", "test"]
    names = {name for one in found.subjects for name in map(one.subjects.__getitem__, range(len(one.subjects)))}  # fmt: skip
    assert names == {"u0", "u1", "u2", "u4", "u5"}
    stopping = config(log(tmp_path))
    with pytest.raises(DataError, match="erasure"):
        prepared(stopping, Gate(stopping, erased=lambda user: user == "u3"))


def test_only_events_with_consent_are_used(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = [f"u{u},{t},{10 * t + u},{'yes' if u else 'no'}" for u in range(4) for t in range(4)]
    path.write_text("\n".join(["user,item,time,ok", *rows]) + "\n")
    given = config(path, columns={"consent": "ok"}, lawful_basis="consent")
    found = prepared(given)
    assert measured(found)["rows_without_consent"] == 4
    assert len(found.parts["train"]) == 3


def test_repeated_events_are_counted_and_may_be_dropped(tmp_path: Path) -> None:
    path = log(tmp_path)
    path.write_text(path.read_text() + "u0,0,0,a\n")
    assert measured(prepared(config(path)))["duplicate_rows"] == 1
    dropped = prepared(config(path, duplicates="drop"))
    assert dropped.report.events is not None
    assert dropped.report.events.events == 30


def test_filters_and_samples_take_events_and_users(tmp_path: Path) -> None:
    path = log(tmp_path)
    kept = prepared(config(path, where={"shop": "a"}))
    assert len(kept.parts["train"]) == 3
    sampled = [prepared(config(path, sample=4)) for _ in range(2)]
    assert len(sampled[0].parts["test"]) == 4
    assert sampled[0].ref.fingerprint == sampled[1].ref.fingerprint


def test_a_test_file_whose_pairs_are_taught_leaks_unless_they_are_dropped(tmp_path: Path) -> None:
    path = log(tmp_path)
    test = tmp_path / "test.csv"
    test.write_text("user,item,time,shop\nu0,3,11,a\nu1,99,99,a\n")
    more = {"test": (str(test),)}
    found = prepared(config(path, **more))
    assert (
        measured(found)["leaked_test_rows"] == 0
    )  # u0 met it at 10: it is no new item, so it is not asked for
    test.write_text("user,item,time,shop\nu0,3,5,a\nu1,99,99,a\n")
    found = prepared(config(path, **more))
    assert measured(found)["leaked_test_rows"] == 1
    assert len(found.leaked_ids) == 1
    assert "unknown_items" in {one.kind for one in found.report.problems}
    clean = prepared(config(path, leakage="drop_from_train", **more))
    assert measured(clean)["leaked_test_rows"] == 0


def test_check_reports_errors_and_what_a_log_holds(tmp_path: Path) -> None:
    report = check_path(config(log(tmp_path)), kind="items", inputs="history")
    assert report.events is not None
    assert not report.errors()
    assert report.personal_data is not None
    assert report.personal_data.found == 6
    path = tmp_path / "bad.csv"
    path.write_text("user,item,time\n,x,1\na,x,nan\na,y,2\n")
    report = check_path(config(path), kind="items", inputs="history")
    assert {one.kind for one in report.errors()} == {"missing_user", "invalid_time"}
    path.write_text("user,item,time\na,x,1\n")
    assert [one.kind for one in check_path(config(path), kind="items", inputs="history").errors()] == ["too_few"]  # fmt: skip


def test_the_page_shows_what_a_log_holds(tmp_path: Path) -> None:
    report = check_path(config(log(tmp_path)), kind="items", inputs="history")
    page = make_page(report.document())
    assert "30 events of 6 users with 8 items" in page
    assert "leave_last_out" in page


def test_events_are_not_drawn_for_a_review(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="events of users"):
        draw_for_review(config(log(tmp_path)), 5, kind="items", inputs="history")


def test_no_id_of_a_user_is_in_the_report_or_the_reference(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    rows = [f"person-{u}@example.org,{t},{10 * t + u}" for u in range(4) for t in range(4)]
    path.write_text("\n".join(["user,item,time", *rows, "person-9@example.org,1,soon"]) + "\n")
    found = prepared(config(path, unreadable=0.5))
    assert measured(found)["unreadable_rows"] == 1
    written = json.dumps([found.report.document(), found.ref.model_dump(mode="json")])
    assert "person-" not in written


def test_a_log_for_a_finished_model_is_parted_as_the_config_says(tmp_path: Path) -> None:
    rows = load_labelled((str(log(tmp_path)),), config(Path("gone.csv")), ("0", "1"), kind="items", inputs="history")  # fmt: skip
    assert len(rows.table) == 6
    assert {one.kind for one in rows.report.problems} >= {"unknown_items"}


def test_a_log_is_streamed_as_a_history_of_each_user(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,item,time\nb,x,2\na,y,1\nb,z,1\n")
    options = dataclasses.replace(read_options(config(path), "items", "history"), label=None)
    context = ReadContext(options, Findings(stop_at_error=True))
    rows = list(stream_rows(str(path), options, context))
    assert [row.values["user"] for row in rows] == ["b", "a"]
    made = inputs_of_text(rows[0].values[options.text] or "")
    assert made == (Event("z", 1.0), Event("x", 2.0))


def inputs_of_text(cell: str) -> tuple[Event, ...]:
    from lextune.histories import read_history

    return read_history(cell)


@pytest.mark.shared
def test_movielens_is_read_as_its_authors_and_the_peers_do(shared: Path) -> None:
    folder = shared / "data" / "recommendation" / "movielens_100k"
    found = prepared(config(folder, columns={"group": ["gender"]}))
    values = measured(found)
    assert (values["users"], values["catalogue_items"], values["test_rows"]) == (943, 1682, 943)
    assert values["train_events"] == 100_000 - 2 * 943
    assert 0 < (values["future_training_share"] or 0) < 1
    inputs = inputs_of(found.parts["train"], "history")
    assert isinstance(inputs, Histories)
    assert inputs.items["1"] == "Toy Story (1995). Animation, Children's, Comedy"
    assert any("é" in words for words in inputs.items.values())
    groups = found.parts["test"]["group.gender"].to_pylist()
    assert (groups.count("M"), groups.count("F")) == (670, 273)
    assert found.ref.licence.spdx == "LicenseRef-MovieLens"


@pytest.mark.shared
def test_a_moment_leaves_no_future_to_learn_from(shared: Path) -> None:
    folder = shared / "data" / "recommendation" / "movielens_100k"
    values = measured(prepared(config(folder, split={"method": "time"})))
    assert values["future_training_events"] == 0
    assert values["test_events"] == pytest.approx(20_000, abs=50)
    assert (values["cold_users"] or 0) > 100
