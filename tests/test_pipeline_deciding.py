"""What persons sign enters a run as they signed it, or not at all."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from lextune.brought import (
    Brought,
    Paper,
    check_brought,
    open_attestation,
    read_brought,
    sign_attestation,
)
from lextune.errors import ConfigError, VerificationError
from lextune.evidence.dossier import Dossier
from lextune.evidence.keys import Signer, Trust, load_or_create_key
from lextune.evidence.statements import make_statement
from lextune.files import sha256
from lextune.pipeline_config import load_run_config
from lextune.policy.attestations import Attestation
from lextune.policy.facts import all_facts
from lextune.policy.packs import load_pack, parse_pack
from lextune.policy.profiles import make_profile
from lextune.policy.schema import Pack
from lextune.records import Interval, Measurement, Subject
from lextune.release import sign_facts

DAY = datetime.date(2026, 11, 25)
SHARE = Measurement(
    name="red_team_success_rate", value=0.005, n=400, unit="proportion",
    interval=Interval(low=0.001, high=0.02, method="wilson"),
)  # fmt: skip


@pytest.fixture
def pack() -> Pack:
    """Asks for one attestation and one document."""
    text = """
schema: lextune.pack/v1
id: papers
version: "1.0"
titles: {en: Papers, zh: 文件}
source: made for a test
checked_on: 2026-11-25
controls:
  - id: both
    citation: Art 1
    titles: {en: Both, zh: 两者}
    basis: house
    status: in_force
    applies: always
    effect: require
    requires:
      - any:
          - {attestation: human_review_offered}
          - {document: oversight_plan}
    severity: block
    remedy: {en: Bring one., zh: 请提交。}
"""
    return parse_pack(text.encode(), "papers.yaml")


def _signed(folder: Path, signer: Signer, **changes: Any) -> Path:
    made = Attestation(
        name="human_review_offered", statement="It is.", person="A. Reviewer", **changes
    )
    file = folder / "attestation.json"
    file.write_bytes(sign_attestation(made, [], signer))
    return file


def _config(tmp_path: Path, **policy: Any) -> dict[str, Any]:
    return {
        "task": "sentiment",
        "model": {"source": str(tmp_path)},
        "data": {"train": str(tmp_path / "rows.csv")},
        "policy": policy,
    }


def test_signed_answers_fill_what_the_config_leaves_open(tmp_path: Path, home: Path) -> None:
    facts = all_facts([load_pack("licences")])
    profile = make_profile({"commercial": False, "places": ["EU"]}, facts, "A. Owner", DAY)
    file = tmp_path / "facts.json"
    file.write_bytes(sign_facts(profile, load_or_create_key()))
    config = _config(tmp_path, packs=["licences"], facts=[str(file)])
    config["use"] = {"places": ["EU"], "commercial": None}
    assert load_run_config(config).use == {"places": ["EU"], "commercial": False}
    config["use"] = {"commercial": True}
    with pytest.raises(ConfigError, match="differently"):
        load_run_config(config)


def test_an_attestation_of_a_stranger_is_refused(tmp_path: Path, pack: Pack) -> None:
    file = _signed(tmp_path, Signer.ephemeral())
    with pytest.raises(VerificationError):
        read_brought([file], {}, [pack], Trust.of(Signer.ephemeral()))


def test_figures_need_a_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="names no model"):
        _signed(tmp_path, Signer.ephemeral(), measurements=(SHARE,))


def test_what_the_dossier_says_of_an_attestation_is_compared_with_the_persons_words(
    tmp_path: Path, pack: Pack
) -> None:
    signer = Signer.ephemeral()
    file = _signed(tmp_path, signer, met=False)
    brought = read_brought([file], {}, [pack], Trust.of(signer))
    dossier = Dossier.create(tmp_path / "dossier", "run-1", signer)
    brought.into(dossier)
    ((_, statement),) = dossier.statements()
    check_brought([statement], Trust.of(signer))
    record = statement.predicate["record"]
    assert record["attestations"][0]["met"] is False
    entry = {key: value for key, value in record["attestations"][0].items() if key != "met"}
    changed = {**statement.predicate, "record": {**record, "attestations": [entry]}}
    with pytest.raises(VerificationError, match="something else"):
        check_brought([statement.model_copy(update={"predicate": changed})], Trust.of(signer))


def test_an_attestation_keeps_its_model(tmp_path: Path) -> None:
    signer = Signer.ephemeral()
    made = Attestation(name="red_team", statement="Tried.", person="A.", measurements=(SHARE,))
    model = [Subject(name="model.safetensors", digest={"sha256": "0" * 64})]
    opened, found = open_attestation(sign_attestation(made, model, signer), Trust.of(signer))
    assert (opened, list(found)) == (made, model)


def test_papers_that_cannot_be_read_or_hold_nothing_are_told(tmp_path: Path, pack: Pack) -> None:
    empty = tmp_path / "empty.pdf"
    empty.write_bytes(b" \n")
    trust = Trust.of(Signer.ephemeral())
    with pytest.raises(ConfigError, match="empty file"):
        read_brought([], {"oversight_plan": (empty, None)}, [pack], trust)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_brought([], {"oversight_plan": (tmp_path / "none.pdf", None)}, [pack], trust)
    with pytest.raises(ConfigError, match="no chosen pack asks for the document 'oversight'"):
        read_brought([], {"oversight": (empty, None)}, [pack], trust)


def _letter(**changes: Any) -> Brought:
    papers = {name: Paper(file, data) for name, (file, data) in changes.items()}
    return Brought(documents=papers)


def test_any_name_of_a_document_has_a_file_of_its_own(tmp_path: Path) -> None:
    signer = Signer.ephemeral()
    dossier = Dossier.create(tmp_path / "dossier", "run-1", signer)
    names = ["plan", "PLAN", "../plan", "plan/a", ".plan", "p" * 300, "pl\nan", "a\\b"]
    for number, name in enumerate(names):
        _letter(**{name: ("letter.P df\n", f"{number}".encode())}).into(dossier)
    kept = sorted((tmp_path / "dossier/documents").iterdir())
    assert sorted(path.read_bytes() for path in kept) == [f"{n}".encode() for n in range(8)]
    assert not [path for path in kept if path.name.startswith(".")]
    assert len({path.name.casefold() for path in kept}) == len(names)
    listed = [one.predicate["record"]["documents"][0]["name"] for _, one in dossier.statements()]
    assert listed == names


def test_a_newer_document_lies_beside_the_one_that_is_signed(tmp_path: Path) -> None:
    dossier = Dossier.create(tmp_path / "dossier", "run-1", Signer.ephemeral())
    for data in (b"first", b"second", b"first"):
        _letter(plan=("plan.pdf", data)).into(dossier)
    for _, statement in dossier.statements():
        (subject,) = statement.subject
        held = (tmp_path / subject.name).read_bytes()
        assert subject.digest == {"sha256": sha256(held)}
    assert (tmp_path / "dossier/documents/plan.pdf").read_bytes() == b"first"


def test_figures_are_of_a_whole_model(tmp_path: Path, pack: Pack) -> None:
    """Runs share files (a tokenizer): one alone does not say which model was measured."""
    signer = Signer.ephemeral()
    model = [Subject(name=name, digest={"sha256": "0" * 64}) for name in ("model", "tokenizer")]
    trained = make_statement("train", model, {})
    made = Attestation(name="red_team", statement="Tried.", person="A.", measurements=(SHARE,))
    for named, complete in ((model, True), (model[1:], False)):
        envelope = sign_attestation(made, named, signer)
        brought = Brought(((made, tuple(named), envelope),))
        if complete:
            brought.check_model([trained])
        else:
            with pytest.raises(VerificationError, match="another model"):
                brought.check_model([trained])


def test_an_attestation_that_no_statement_could_carry_is_refused(
    tmp_path: Path, pack: Pack
) -> None:
    """A statement over 64 MiB is never read again, and a dossier forgets nothing."""
    file = tmp_path / "attestation.json"
    with open(file, "wb") as stream:
        stream.truncate(17 << 20)
    with pytest.raises(ConfigError, match="larger than"):
        read_brought([file], {}, [pack], Trust.of(Signer.ephemeral()))


def test_the_name_of_an_attestation_fits_into_the_name_of_its_file() -> None:
    Attestation(name="n" * 100, statement="It is.", person="A.")
    with pytest.raises(ValueError, match="at most 100"):
        Attestation(name="n" * 101, statement="It is.", person="A.")
