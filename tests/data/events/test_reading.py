"""Event logs in every form that they come in, and what is wrong in them."""

from __future__ import annotations

import datetime
import json
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lextune.config import ColumnsConfig, DataConfig
from lextune.data.dataset import read_options
from lextune.data.events.reading import EventReading, Log, events_of
from lextune.data.findings import Findings
from lextune.data.formats import ReadContext
from lextune.errors import ConfigError

ROWS = [("u1", "007", 10, 4.0), ("u1", "7", 20, 3.5), ("u2", "7", 15, 5.0)]
RATED = ColumnsConfig(rating="rating")


def read(
    path: str | Path, columns: ColumnsConfig = RATED, **more: object
) -> tuple[Log, ReadContext]:
    config = DataConfig.model_validate({"train": (str(path),), "columns": columns, **more})
    context = ReadContext(read_options(config, "items", "history"), Findings())
    reading = EventReading(config, context)
    for raw in events_of(config.train, reading.columns, context):
        reading.add(raw)
    return reading.log(), context


def told(context: ReadContext) -> dict[str, int]:
    return {one.kind: one.count for one in context.findings.problems()}


def triples(log: Log) -> list[tuple[str, str, float, float]]:
    return [
        (log.users[user], log.items[item], time, rating)
        for user, item, time, rating in zip(
            log.user.tolist(), log.item.tolist(), log.time.tolist(), log.rating.tolist(), strict=True
        )
    ]  # fmt: skip


def written(folder: Path, name: str) -> Path:
    """The rows in the form that a file's name asks for."""
    path = folder / name
    if name in ("u.data", "ratings.dat"):
        sign = "\t" if name == "u.data" else "::"
        path.write_text("".join(sign.join(map(str, (u, i, r, t))) + "\n" for u, i, t, r in ROWS))
    elif name == "ratings.csv":
        lines = [f"{u},{i},{r},{t}" for u, i, t, r in ROWS]
        path.write_text("\n".join(["userId,movieId,rating,timestamp", *lines]) + "\n")
    elif name.endswith(".jsonl"):
        keys = ("user", "item", "time", "rating")
        path.write_text("".join(json.dumps(dict(zip(keys, row, strict=True))) + "\n" for row in ROWS))  # fmt: skip
    elif name.endswith(".parquet"):
        users, items, times, ratings = zip(*ROWS, strict=True)
        pq.write_table(pa.table({"user": users, "item": items, "time": times, "rating": ratings}), path)  # fmt: skip
    else:
        sign = "\t" if name.endswith(".tsv") else ","
        lines = [sign.join(map(str, row)) for row in ROWS]
        path.write_text("\n".join([sign.join(("user", "item", "time", "rating")), *lines]) + "\n")
    return path


@pytest.mark.parametrize(
    "name",
    ["u.data", "ratings.dat", "ratings.csv", "log.csv", "log.tsv", "log.jsonl", "log.parquet"],
)
def test_every_form_gives_the_same_events(name: str, tmp_path: Path) -> None:
    log, context = read(written(tmp_path, name))
    assert triples(log) == ROWS
    assert set(told(context)) <= {"delimiter"}


def test_a_folder_is_looked_through_for_the_log_of_movielens(tmp_path: Path) -> None:
    written(tmp_path, "u.data")
    assert triples(read(tmp_path)[0]) == ROWS
    (tmp_path / "u.data").rename(tmp_path / "else.txt")
    assert "unknown_layout" in told(read(tmp_path)[1])


def test_007_is_not_7(tmp_path: Path) -> None:
    log, _ = read(written(tmp_path, "log.csv"))
    assert log.items == ["007", "7"]


def test_dates_are_moments_and_do_not_stand_among_numbers(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,item,time\na,x,2026-01-02\na,y,2026-01-02T00:00:01+00:00\na,z,5\n")
    log, context = read(path, ColumnsConfig())
    start = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC).timestamp()
    assert log.time.tolist() == [start, start + 1]
    assert told(context) == {"mixed_times": 1}


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (",x,1,3", "missing_user"), ("  ,x,1,3", "missing_user"), ("a,,1,3", "missing_item"),
        ("a,x,,3", "missing_time"), ("a,x,nan,3", "invalid_time"), ("a,x,inf,3", "invalid_time"),
        ("a,x,1e999,3", "invalid_time"), ("a,x,1_0,3", "invalid_time"), ("a,x,soon,3", "invalid_time"),
        ("a,x,1,nan", "invalid_rating"), ("a,x,1,good", "invalid_rating"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_with_its_place(row: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f"user,item,time,rating\nu,i,1,3\n{row}\n")
    log, context = read(path)
    [problem] = context.findings.problems()
    assert (problem.kind, problem.severity, problem.count) == (kind, "error", 1)
    assert problem.rows == (f"{path}:3 (record 2)",)
    assert len(log) == 1


def test_ratings_are_read_only_where_they_are_asked_for(tmp_path: Path) -> None:
    log, context = read(written(tmp_path, "log.csv"), ColumnsConfig())
    assert all(math.isnan(one) for one in log.rating)
    assert not told(context)


def test_a_column_that_is_not_there_names_its_option(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("who,item,time\na,x,1\n")
    [problem] = read(path, ColumnsConfig())[1].findings.problems()
    assert problem.kind == "missing_column"
    assert "data.columns.user" in problem.remedy
    [problem] = read(path, ColumnsConfig(user="who", item="product"))[1].findings.problems()
    assert "data.columns.item" in problem.remedy


def test_a_line_of_movielens_with_other_cells_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "u.data"
    path.write_text("1\t2\t3\t4\n1\t2\t3\n")
    log, context = read(path, ColumnsConfig())
    assert told(context) == {"ragged_row": 1}
    assert len(log) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"columns": {"subject": "item"}}, {"columns": {"split_group": "shop"}},
        {"redact": {"method": "mask"}}, {"labels": {"a": "b"}},
    ],
)  # fmt: skip
def test_what_events_do_not_have_is_refused(more: dict[str, object], tmp_path: Path) -> None:
    config = DataConfig.model_validate({"train": (str(written(tmp_path, "log.csv")),), **more})
    with pytest.raises(ConfigError):
        read_options(config, "items", "history")
