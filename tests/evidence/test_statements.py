from __future__ import annotations

import datetime
from typing import Any

import pytest

from lextune.evidence.statements import (
    ROOMS,
    make_statement,
    predicate_type,
    room_of,
    shape_problems,
)
from lextune.records import FileDigest, Statement, Subject

_FILE = FileDigest(path="a/b.txt", sha256="c" * 64, size=1)


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_the_common_fields(room: str) -> None:
    moment = datetime.datetime(
        2026, 11, 25, 13, 0, 0, 999, datetime.timezone(datetime.timedelta(hours=1))
    )
    statement = make_statement(room, [_FILE], {"run": "r", "extra": 1}, now=moment)
    assert statement.predicate == {
        "room": room,
        "run": "r",
        "status": "complete",
        "record": {},
        "measurements": [],
        "extra": 1,
        "created": "2026-11-25T12:00:00Z",
        "tool": {"name": "lextune", "version": "0.1.0"},
    }
    assert statement.subject == (Subject(name="a/b.txt", digest={"sha256": "c" * 64}),)
    assert room_of(statement) == room
    assert shape_problems(statement) == []


def test_a_room_that_does_not_exist_has_no_statement() -> None:
    with pytest.raises(ValueError, match="kitchen"):
        make_statement("kitchen", [], {})


@pytest.mark.parametrize(
    "found",
    [
        "urn:lextune:predicate:train:v2",
        "urn:lextune:predicate:kitchen:v1",
        "https://slsa.dev/x",
        "",
    ],
)
def test_another_predicate_type_is_no_room(found: str) -> None:
    statement = Statement(subject=(), predicate_type=found, predicate={})
    assert room_of(statement) is None
    assert "not one that lextune knows" in shape_problems(statement)[0]


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"room": "audit"}, "says room 'audit'"),
        ({"run": None}, "'run'"),
        ({"status": 1}, "'status'"),
        ({"record": []}, "'record'"),
        ({"measurements": {}}, "'measurements'"),
        ({"tool": "lextune"}, "tool"),
        ({"created": "2026-11-25 12:00"}, "created"),
    ],
)
def test_a_common_field_that_is_wrong_is_named(changes: dict[str, Any], fact: str) -> None:
    predicate = {**make_statement("train", [], {"run": "r"}).predicate, **changes}
    statement = Statement(subject=(), predicate_type=predicate_type("train"), predicate=predicate)
    assert [fact in one for one in shape_problems(statement)] == [True]
