"""The index of runs lists, finds and ends runs, and says what its database suffers from."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from lextune.errors import ConfigError, EnvironmentProblem
from lextune.store.runs import RunStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with RunStore(tmp_path / "home" / "deep") as opened:
        yield opened


def start(store: RunStore, *runs: str) -> None:
    for run in runs:
        store.start(run, "reviews-1.0.0", "sentiment", Path("/runs") / run)


def test_a_run_begins_and_ends(store: RunStore) -> None:
    start(store, "reviews-1")
    begun = store.get("reviews-1")
    assert begun["status"] == "running"
    assert begun["release"] is None
    assert begun["folder"] == "/runs/reviews-1"
    assert begun["created"].endswith("+00:00")
    metrics = {"accuracy": {"value": 0.9, "low": 0.8, "high": 0.95, "n": 100}}
    store.finish("reviews-1", "released", release=Path("/r"), metrics=metrics)
    ended = store.get("reviews-1")
    assert (ended["status"], ended["release"], ended["metrics"]) == ("released", "/r", metrics)
    assert ended["created"] == begun["created"]


def test_a_run_that_goes_on_keeps_its_place_and_loses_its_problem(store: RunStore) -> None:
    start(store, "a-1")
    store.finish("a-1", "failed", problem="the disk was full")
    assert store.get("a-1")["problem"] == "the disk was full"
    created = store.get("a-1")["created"]
    start(store, "a-1")
    again = store.get("a-1")
    assert (again["status"], again["problem"], again["created"]) == ("running", None, created)
    assert len(store.list()) == 1


def test_the_newest_comes_first(store: RunStore) -> None:
    start(store, "c", "a", "b")
    assert [row["run"] for row in store.list()] == ["b", "a", "c"]


def test_a_beginning_is_enough_if_it_is_unique(store: RunStore) -> None:
    start(store, "alpha-1", "alpha-2", "beta-1")
    assert store.get("b")["run"] == "beta-1"
    with pytest.raises(ConfigError, match="more than one run"):
        store.get("alpha")
    with pytest.raises(ConfigError, match="no run"):
        store.get("gamma")


def test_a_whole_id_wins_over_longer_ones(store: RunStore) -> None:
    start(store, "run-1", "run-12", "run-13", "run-14", "run")
    assert store.get("run-1")["run"] == "run-1"
    assert store.get("run")["run"] == "run"


@pytest.mark.parametrize("wild", ["%", "_", "r%", "ru_"])
def test_wildcards_are_plain_signs(store: RunStore, wild: str) -> None:
    start(store, "run")
    with pytest.raises(ConfigError):
        store.get(wild)


def test_two_processes_share_one_index(tmp_path: Path) -> None:
    with RunStore(tmp_path) as one, RunStore(tmp_path) as two:
        start(one, "a")
        start(two, "b")
        assert {row["run"] for row in one.list()} == {"a", "b"}


def test_a_damaged_index_says_so_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "runs.sqlite").write_bytes(
        b"this is no database, only text that is long enough " * 20
    )
    with pytest.raises(EnvironmentProblem) as caught:
        RunStore(tmp_path)
    assert "runs.sqlite" in str(caught.value)
    assert caught.value.problems[0].remedy


def test_an_index_that_cannot_be_written_says_so(store: RunStore) -> None:
    start(store, "a")
    with sqlite3.connect(store._path) as raw:
        raw.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    raw.close()
    with pytest.raises(EnvironmentProblem, match="full"):
        store.finish("a", "released")
    assert store.get("a")["status"] == "running"
