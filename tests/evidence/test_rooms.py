from __future__ import annotations

import pytest

from lextune.evidence.rooms import model_problems, order_problems, run_problems
from lextune.evidence.statements import make_statement
from lextune.records import FileDigest, Statement

_GOOD = ["config", "select", "prepare", "train", "evaluate", "audit", "decide", "release"]
_MODEL = FileDigest(path="model.safetensors", sha256="a" * 64, size=1)
_OTHER = FileDigest(path="model.safetensors", sha256="b" * 64, size=1)


def _named(rooms: list[str], run: str = "r") -> list[tuple[str, Statement]]:
    return [
        (f"{number:04d}-{room}.dsse.json", make_statement(room, [], {"run": run}))
        for number, room in enumerate(rooms, start=1)
    ]


@pytest.mark.parametrize(
    "rooms",
    [
        _GOOD,
        [*_GOOD[:5], "decide", "waiver", "decide", "document", "release"],
        [*_GOOD[:4], "evaluate", "evaluate", "decide", "release"],
        ["config", "document", *_GOOD[1:]],
    ],
)
def test_a_run_in_order_has_no_problem(rooms: list[str]) -> None:
    assert order_problems(_named(rooms)) == []


@pytest.mark.parametrize(
    ("rooms", "fact"),
    [
        ([*_GOOD[:3], "evaluate", "train", "decide", "release"], "not stand in the order"),
        (["select", "config", *_GOOD[2:]], "not stand in the order"),
        ([*_GOOD[:4], "decide", "evaluate", "decide", "release"], "not stand in the order"),
        ([*_GOOD[:7], "audit", "release"], "measured after the last decision"),
        ([*_GOOD[:7], "evaluate", "release"], "measured after the last decision"),
        ([*_GOOD, "document"], "not the last one"),
        ([*_GOOD[:4], "train", *_GOOD[4:]], "'train' stands 2 times"),
        ([*_GOOD, "release"], "'release' stands 2 times"),
        (_GOOD[:-1], "no statement of the room 'release'"),
        ([*_GOOD[:6], "release"], "no statement of the room 'decide'"),
    ],
)
def test_a_run_out_of_order_is_named(rooms: list[str], fact: str) -> None:
    assert any(fact in problem.fact for problem in order_problems(_named(rooms)))


def test_all_missing_rooms_are_named_at_once() -> None:
    assert len(order_problems([])) == 7
    assert order_problems([], {*_GOOD}) == []


def test_another_run_and_a_wrong_file_name_are_named() -> None:
    statements = [("0001-config.dsse.json", make_statement("train", [], {"run": "other"}))]
    facts = [problem.fact for problem in run_problems(statements, "r")]
    assert facts == [
        "the statement belongs to the run 'other', not to 'r'",
        "the file of a statement of room 'train'",
    ]


def _trained(
    evaluated: list[FileDigest], audited: list[FileDigest] | None = None
) -> list[tuple[str, Statement]]:
    record = {"files": [_MODEL.model_dump()]}
    return [
        ("0001-train.dsse.json", make_statement("train", [_MODEL], {"record": record})),
        ("0002-evaluate.dsse.json", make_statement("evaluate", evaluated, {})),
        ("0003-audit.dsse.json", make_statement("audit", audited or [], {})),
    ]


@pytest.mark.parametrize(
    ("evaluated", "audited", "fact"),
    [
        ([_MODEL], [], None),
        ([_OTHER], [], "another model than the trained one was measured"),
        ([_MODEL], [_OTHER], "another model than the trained one was measured"),
        ([], [], "the evaluation does not name the model file"),
    ],
)
def test_the_evaluated_model_is_the_trained_one(
    evaluated: list[FileDigest], audited: list[FileDigest], fact: str | None
) -> None:
    found = model_problems(_trained(evaluated, audited), {_MODEL.path: _MODEL})
    assert [problem.fact[: len(fact or "")] for problem in found] == ([fact] if fact else [])


def test_a_document_statement_lets_a_file_stand_beside_the_model() -> None:
    notice = FileDigest(path="NOTICE", sha256="c" * 64, size=1)
    present = {_MODEL.path: _MODEL, "NOTICE": notice, "dossier/x": notice}
    statements = _trained([_MODEL])
    assert [one.fact for one in model_problems(statements, present)] == [
        "'NOTICE' lies beside the model but no statement made it"
    ]
    statements.append(("0004-document.dsse.json", make_statement("document", [notice], {})))
    assert model_problems(statements, present) == []


@pytest.mark.parametrize("room", ["document", "attestation"])
def test_a_document_that_is_only_named_is_refused(room: str) -> None:
    held = FileDigest(path="dossier/a.pdf", sha256="c" * 64, size=1)
    gone = FileDigest(path="dossier/b.pdf", sha256="d" * 64, size=1)
    entries = [{"name": "here", "sha256": "c" * 64}, {"name": "absent", "sha256": "e" * 64}]
    statement = make_statement(room, [held, gone], {"record": {f"{room}s": entries}})
    statements = [*_trained([_MODEL]), (f"0004-{room}.dsse.json", statement)]
    found = model_problems(statements, {_MODEL.path: _MODEL, held.path: held})
    assert [problem.fact for problem in found] == [
        f"the {room} 'dossier/b.pdf' is not in the release",
        f"the {room} 'absent' is not in the release",
    ]


@pytest.mark.parametrize("record", [{}, {"files": []}, {"files": "model"}])
def test_a_training_without_files_proves_nothing(record: dict[str, object]) -> None:
    statements = [("0001-train.dsse.json", make_statement("train", [], {"record": record}))]
    assert "names no file" in model_problems(statements, {})[0].fact
