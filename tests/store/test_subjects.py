"""The index of people finds their rows, never holds their ids, and remembers who asked for erasure."""

from __future__ import annotations

import sqlite3
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lextune.errors import EnvironmentProblem, VerificationError
from lextune.store.subjects import FILE, FoundRow, SubjectEntry, SubjectStore

SECRET, OTHER = bytes(range(32)), bytes(32)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SubjectStore]:
    with SubjectStore(tmp_path / "home", SECRET) as opened:
        yield opened


def entry(subject: str, n: int = 1, part: str = "train") -> SubjectEntry:
    return SubjectEntry(part, subject, f"{n:016x}-1", f"reviews.csv:{n}")


def test_rows_are_found_by_person_over_runs_and_parts(store: SubjectStore) -> None:
    entries = [entry("anna@example.org", 1), entry("bert", 2), entry("anna@example.org", 3, "test")]
    assert store.replace("run-1", entries) == 3
    store.replace("run-2", [entry("anna@example.org", 4)])
    assert store.find("anna@example.org") == [
        FoundRow("run-1", "test", f"{3:016x}-1", "reviews.csv:3"),
        FoundRow("run-1", "train", f"{1:016x}-1", "reviews.csv:1"),
        FoundRow("run-2", "train", f"{4:016x}-1", "reviews.csv:4"),
    ]
    assert store.find("carl") == []


def test_a_run_that_is_indexed_again_replaces_its_own_entries_only(store: SubjectStore) -> None:
    store.replace("a", [entry("anna", 1), entry("bert", 2)])
    store.replace("b", [entry("anna", 3)])
    store.replace("a", [entry("anna", 4)])
    assert [(row.run, row.place) for row in store.find("anna")] == [
        ("a", "reviews.csv:4"), ("b", "reviews.csv:3"),
    ]  # fmt: skip
    assert store.find("bert") == []


def test_a_run_that_is_stopped_while_it_is_indexed_leaves_what_was_there(
    store: SubjectStore,
) -> None:
    store.replace("a", [entry("anna", 1)])

    def stopped() -> Iterator[SubjectEntry]:
        for n in range(30_000):
            yield entry("bert", n)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.replace("a", stopped())
    assert len(store.find("anna")) == 1
    assert store.find("bert") == []


def test_no_id_is_on_the_disk_and_nobody_else_may_read_it(
    store: SubjectStore, tmp_path: Path
) -> None:
    store.replace("a", [entry("anna@example.org")])
    store.request("anna@example.org")
    path = tmp_path / "home" / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    held = b"".join(one.read_bytes() for one in path.parent.iterdir())
    assert b"anna" not in held
    assert store.digest("anna@example.org") in held


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=st.text(max_size=20), other=st.text(max_size=20))
def test_equal_ids_are_equal_after_nfc_and_stripping(
    store: SubjectStore, one: str, other: str
) -> None:
    same = unicodedata.normalize("NFC", one).strip() == unicodedata.normalize("NFC", other).strip()
    assert (store.digest(one) == store.digest(other)) == same


def test_the_hash_hangs_on_the_secret(tmp_path: Path) -> None:
    with SubjectStore(tmp_path / "a", SECRET) as one, SubjectStore(tmp_path / "b", OTHER) as other:
        assert one.digest("anna") != other.digest("anna")
        assert len(one.digest("anna")) == 32


def test_another_secret_is_refused_since_nobody_would_be_found(
    store: SubjectStore, tmp_path: Path
) -> None:
    store.replace("a", [entry("anna")])
    with pytest.raises(VerificationError, match="another secret") as caught:
        SubjectStore(tmp_path / "home", OTHER)
    assert "backup" in caught.value.problems[0].remedy
    with SubjectStore(tmp_path / "home", SECRET) as again:
        assert len(again.find("anna")) == 1


def test_a_request_binds_until_it_is_withdrawn(store: SubjectStore) -> None:
    assert store.erased() == frozenset()
    assert store.requested("anna") is None
    first = store.request("anna")
    assert (first["state"], first["subject"]) == ("open", store.digest("anna").hex())
    assert first["requested"].endswith("+00:00")
    assert store.erased() == {store.digest("anna")}
    done = store.request("anna", "done")
    assert (done["state"], done["requested"]) == ("done", first["requested"])
    assert store.erased() == {store.digest("anna")}
    store.request("anna", "withdrawn")
    assert store.erased() == frozenset()
    store.request("bert")
    assert [one["state"] for one in store.requests()] == ["withdrawn", "open"]


def test_a_damaged_index_says_so_and_tells_no_id(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is no database, only text that is long enough " * 20)
    with pytest.raises(EnvironmentProblem, match="index of subjects"):
        SubjectStore(tmp_path, SECRET)


def test_what_the_database_refuses_tells_no_values(store: SubjectStore, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "home" / FILE) as raw:
        raw.execute(
            "CREATE TRIGGER full BEFORE INSERT ON subject_rows BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    raw.close()
    with pytest.raises(EnvironmentProblem, match="full") as caught:
        store.replace("a", [entry("anna", 77)])
    assert "reviews.csv:77" not in str(caught.value)
    assert "reviews.csv:77" not in str(caught.value.__cause__)
