"""The verdict is computed again from what was signed: by whom the packs were chosen, and for which pack a waiver is."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lextune import release as releasing
from lextune.cli import main
from lextune.errors import VerificationError
from lextune.evidence.envelope import sign
from lextune.evidence.keys import Signer, Trust, load_trust
from lextune.evidence.statements import make_statement, room_of
from lextune.evidence.verifying import Evidence, verify_folder
from lextune.policy.packs import Pack, load_pack, parse_pack
from lextune.policy.waivers import Waiver
from lextune.records import Statement, Subject

if TYPE_CHECKING:
    from workshop import Workshop

_HERE = Path(__file__).parent
_GOLDEN_RUNS = _HERE / "golden_runs"
_WAIVER = Waiver(
    pack="house",
    control="enough_test_rows",
    reason="a pilot",
    person="the risk owner",
    expires=datetime.date(2999, 1, 1),
)


@pytest.mark.parametrize("version", sorted(path.name for path in _GOLDEN_RUNS.iterdir()))
def test_a_release_of_an_earlier_run_verifies_with_its_verdict(
    version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Made once by a real run of that version: `make_golden_run.py`, which says how. Never make it anew.

    So packs, config record, measurements and verdict of old releases stay readable, and decide the same.
    """
    bundle = _GOLDEN_RUNS / version
    found = releasing.verify_release(bundle / "release", load_trust(bundle / "trust.json"))
    assert found.problems == ()
    assert found.verdict is not None
    assert found.verdict.outcome == "pass"
    assert found.evidence.signers == ("golden",)
    assert found.evidence.files.keys() >= {"dossier/config.yaml", "dossier/packs/licences.yaml"}
    arguments = ["verify", str(bundle / "release"), "--trust", str(bundle / "trust.json")]
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"verified": True, "problems": []}


@pytest.mark.parametrize(
    ("packs", "spdx", "found"),
    [
        (["house", "licences"], "CC-BY-SA-4.0", [("model", "CC-BY-SA-4.0", "yes")]),
        (["house", "licences"], "MIT", []),
        (["house"], "CC-BY-SA-4.0", None),
    ],
)
def test_the_terms_of_a_release_come_from_the_packs_that_decided(
    packs: list[str], spdx: str, found: Any
) -> None:
    statement = make_statement("select", [], {"record": {"licence": {"spdx": spdx}}})
    terms = releasing._terms({name: load_pack(name).text for name in packs}, [statement])
    assert found == (terms and [(one.source, one.licence, one.share_alike) for one in terms])


def test_the_bundle_without_a_verdict_is_refused_and_no_crash(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bundle = _HERE / "golden/v1"
    assert main(["verify", str(bundle / "release"), "--trust", str(bundle / "trust.json")]) == 5
    assert "packs of the config" in capsys.readouterr().err


@pytest.fixture
def evidence(workshop: Workshop) -> tuple[Evidence, Trust]:
    """What a real release proves; for tests that change a statement and ask for the verdict again."""
    trust = load_trust(workshop.home / "trust.json")
    return verify_folder(workshop.release, trust).require(), trust


def _changed(evidence: Evidence, room: str, change: Callable[[dict[str, Any]], Any]) -> Evidence:
    """The evidence with the record of a room changed, as the holder of the key could sign it."""
    statements = []
    for digest, statement in evidence.statements:
        if room_of(statement) == room:
            predicate = copy.deepcopy(dict(statement.predicate))
            change(predicate["record"])
            statements.append((digest, statement.model_copy(update={"predicate": predicate})))
        else:
            statements.append((digest, statement))
    return dataclasses.replace(evidence, statements=tuple(statements))


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record["verdict"]["packs"].pop("house"),
        lambda record: record["verdict"]["packs"].clear(),
        lambda record: record["verdict"]["packs"].update(mine="0" * 64),
        lambda record: record["verdict"]["packs"].update(house="0" * 64),
        lambda record: record["verdict"].update(packs=[]),
        lambda record: record["verdict"].pop("packs"),
        lambda record: record.update(verdict=None),
        lambda record: record.update(verdict=["pass"]),
        lambda record: record.clear(),
    ],
)
def test_a_decision_with_other_packs_than_the_config_chose_is_refused(
    evidence: tuple[Evidence, Trust], change: Callable[[dict[str, Any]], Any]
) -> None:
    found, trust = evidence
    assert releasing.recompute(found, trust).outcome == "pass"
    with pytest.raises(VerificationError, match="not made with the packs of the config"):
        releasing.recompute(_changed(found, "decide", change), trust)


def _other_house() -> Pack:
    """Another file with the id of the shipped pack."""
    text = load_pack("house").text
    return parse_pack(text + b"\n# another file\n", "house.yaml")


@pytest.mark.parametrize("other", [False, True])
def test_a_waiver_is_for_the_very_file_that_was_read(signer: Signer, other: bool) -> None:
    read, chosen = load_pack("house"), _other_house() if other else load_pack("house")
    data = releasing.sign_waiver(_WAIVER, read, signer)
    if not other:
        assert releasing.open_waiver(data, Trust.of(signer), [chosen]) == _WAIVER
        return
    with pytest.raises(VerificationError, match="another version of the pack") as caught:
        releasing.open_waiver(data, Trust.of(signer), [chosen], "w.json")
    assert caught.value.problems[0].where == "w.json"
    assert "approve it again" in caught.value.problems[0].remedy


@pytest.mark.parametrize(
    "subjects",
    [
        [],
        [Subject(name="house/other", digest={"sha256": "0" * 64})],
        [Subject(name="house/enough_test_rows", digest={"sha512": "0" * 128})],
        [Subject(name="house/enough_test_rows", digest={"sha256": "0" * 64})] * 2,
    ],
)
def test_a_waiver_without_exactly_its_subject_is_none(
    signer: Signer, subjects: list[Subject]
) -> None:
    record = _WAIVER.model_dump(mode="json")
    data = sign(make_statement("waiver", subjects, {"record": record}), signer)
    with pytest.raises(VerificationError, match="is no waiver"):
        releasing.open_waiver(data, Trust.of(signer), [])


def _waiver_statement(record: Any) -> Statement:
    return make_statement("waiver", [], {"record": record, "run": "r"})


@pytest.mark.parametrize(
    "record", [{}, [], None, {"envelope": []}, {"envelope": None}, {"envelope": {"payload": 1}}]
)
def test_a_malformed_waiver_record_is_refused_and_no_crash(
    evidence: tuple[Evidence, Trust], record: Any
) -> None:
    found, trust = evidence
    statements = (*found.statements, ("0" * 64, _waiver_statement(record)))
    with pytest.raises(VerificationError):
        releasing.recompute(dataclasses.replace(found, statements=statements), trust)


def test_verification_refuses_a_waiver_of_another_version_of_the_pack(
    evidence: tuple[Evidence, Trust], signer: Signer
) -> None:
    found, trust = evidence
    both = Trust({**trust.keys, **Trust.of(signer).keys}, trust.on)
    for pack, right in ((load_pack("house"), True), (_other_house(), False)):
        record = {"envelope": json.loads(releasing.sign_waiver(_WAIVER, pack, signer))}
        statements = (*found.statements, ("0" * 64, _waiver_statement(record)))
        changed = dataclasses.replace(found, statements=statements)
        if right:
            assert releasing.recompute(changed, both).outcome == "pass"
        else:
            with pytest.raises(VerificationError, match="another version of the pack"):
                releasing.recompute(changed, both)
