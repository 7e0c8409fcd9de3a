"""Stored dossiers are decided again as a whole new decision would, and what cannot be verified is never passed over."""

from __future__ import annotations

import copy
import datetime
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import packs as small
from lextune import impact
from lextune.evidence.canonical import load_json
from lextune.evidence.dossier import Dossier
from lextune.evidence.keys import Signer, Trust, add_trusted_key, load_trust
from lextune.evidence.statements import make_statement, room_of
from lextune.evidence.stored import read_stored, statements_verified_before, verified_statements
from lextune.impact import Impact, Question, decide_again, find_dossiers
from lextune.listener import Listener
from lextune.policy.facts import all_facts
from lextune.policy.packs import Pack, load_pack, parse_pack
from lextune.policy.profiles import make_profile
from lextune.policy.waivers import Waiver
from lextune.records import Statement, Subject, Verdict
from lextune.release import decide_dossier, parse_config_record, sign_facts, sign_waiver

GOLDEN = Path(__file__).parent / "evidence/golden_runs/v1"
DAY = datetime.date(2026, 11, 25)
HOUSE = load_pack("house")


def strict_house() -> Pack:
    """`house` that asks for 500 test rows; the golden run has 300."""
    bound = 'measurement: test_rows, bound: interval, operator: ">=", value: 200, minimum_n: 200'
    text = HOUSE.text.decode()
    assert bound in text
    return parse_pack(text.replace(bound, bound.replace("200", "500"), 1).encode(), "house.yaml")


def dated(**control: Any) -> Pack:
    data = small.pack_data(small.control_data(**control))
    return parse_pack(json.dumps(data).encode(), "trial.yaml")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEXTUNE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer.ephemeral()


@pytest.fixture
def trust(tmp_path: Path, signer: Signer) -> Path:
    shutil.copy(GOLDEN / "trust.json", tmp_path / "trust.json")
    add_trusted_key(tmp_path / "trust.json", signer.public_pem, "me")
    return tmp_path / "trust.json"


@pytest.fixture
def make(tmp_path: Path, signer: Signer) -> Callable[..., Path]:
    """The golden run's statements under other packs, answers and days, signed anew; gives its folder."""

    def build(
        packs: Sequence[Pack] = (HOUSE,),
        use: Any = None,
        extra: Sequence[tuple[str, bytes]] = (),
        trusted: Sequence[Signer] = (),
    ) -> Path:
        folder = tmp_path / f"run-{len(list(tmp_path.glob('run-*')))}"
        dossier = Dossier.create(folder / "dossier", folder.name, signer)
        for pack in packs:
            dossier.write_file(f"packs/{pack.id}.yaml", pack.text)
        so_far: list[tuple[str, Statement]] = []
        for _, statement in verified_statements(
            read_stored(GOLDEN / "release"), load_trust(GOLDEN / "trust.json")
        ):
            room = str(room_of(statement))
            predicate = copy.deepcopy(statement.predicate) | {"run": folder.name}
            subjects = list(statement.subject)
            if room == "release":
                continue
            if room == "config":
                record = predicate["record"]
                record["policy"]["packs"] = [pack.id for pack in packs]
                record["use"] |= use or {}
                config = parse_config_record(record)
                subjects = [
                    Subject(name=f"dossier/packs/{pack.id}.yaml", digest={"sha256": pack.digest})
                    for pack in packs
                ]
            if room == "decide":
                for name, data in extra:
                    content = {"record": {"envelope": load_json(data, name)}}
                    so_far.append((name, make_statement(name, [], content)))
                    dossier.append(name, so_far[-1][1])
                verdict = decide_dossier(so_far, config, packs, Trust.of(signer, *trusted))
                predicate["record"] = {"verdict": verdict.model_dump(mode="json")}
            detail = predicate["record"].get("audit", "").replace("_", "-")
            so_far.append(("", make_statement(room, subjects, predicate)))
            digest = dossier.append(f"{room}-{detail}" if detail else room, so_far[-1][1])
            so_far[-1] = (digest, so_far[-1][1])
        return folder

    return build


def ask(
    trust: Path, folders: Sequence[Path], *packs: Pack, day: datetime.date = DAY, **more: Any
) -> Impact:
    return decide_again(folders, Question(packs, day, trust), Listener(), more.get("processes"))


def test_a_release_is_told_what_the_new_version_asks_of_it(trust: Path) -> None:
    found = ask(trust, [GOLDEN / "release"], strict_house())
    (one,) = found.dossiers
    assert (one.effect, one.name, one.before, one.after) == (
        "newly_missing_evidence", "tiny-1.2.3", "pass", "insufficient",
    )  # fmt: skip
    (change,) = one.changes
    assert (change.control, change.before, change.after, change.blocks) == (
        "house/enough_test_rows", "pass", "insufficient", True,
    )  # fmt: skip
    assert change.needs == (
        "test_rows: measure it with its interval on n=500 or more, to compare with >= 500",
    )
    assert found.controls["house/enough_test_rows"].remedy["zh"]


def test_a_new_law_is_laid_beside_the_packs_of_then(trust: Path) -> None:
    needs = {"requires": [{"document": "dpia"}]}
    found = ask(trust, [GOLDEN / "release"], dated(**needs)).dossiers[0]
    assert (found.effect, found.changes[0].before) == ("newly_missing_evidence", None)
    aside = dated(**needs, applies={"fact": "gen", "is": True})
    asked = ask(trust, [GOLDEN / "release"], aside).dossiers[0].changes[0]
    assert asked.needs == ("gen: Is it so?",)
    forbids = dated(effect="prohibit")
    assert ask(trust, [GOLDEN / "release"], forbids).dossiers[0].effect == "newly_failing"
    warns = dated(**needs, severity="warn")
    assert ask(trust, [GOLDEN / "release"], warns).dossiers[0].effect == "changed"


def test_signatures_are_checked_once_and_again_when_trust_changes(
    trust: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ask(trust, [GOLDEN / "release"], strict_house())
    assert (home / "verified_dossiers.json").stat().st_mode & 0o777 == 0o600
    checked: list[Path] = []

    def count(stored: Any, by: Any) -> Any:
        checked.append(stored.folder)
        return verified_statements(stored, by)

    monkeypatch.setattr(impact, "verified_statements", count)
    assert ask(trust, [GOLDEN / "release"], strict_house()) == first
    assert checked == []
    add_trusted_key(trust, Signer.ephemeral().public_pem, "somebody else")
    assert ask(trust, [GOLDEN / "release"], strict_house()) == first
    assert len(checked) == 1
    (home / "verified_dossiers.json").write_bytes(b"{")
    assert ask(trust, [GOLDEN / "release"], strict_house()) == first
    assert len(checked) == 2


def test_what_is_tampered_with_is_not_read_and_not_remembered(
    trust: Path, make: Callable[..., Path]
) -> None:
    folder = make()
    assert ask(trust, [folder]).dossiers[0].effect == "unaffected"
    path = folder / "dossier/statements/0003-prepare.dsse.json"
    path.write_bytes(path.read_bytes().replace(b'"payload":"e', b'"payload":"f', 1))
    (one,) = ask(trust, [folder]).dossiers
    assert (one.effect, one.digest, one.after) == ("unread", None, None)
    assert "was changed" in one.problem
    shutil.rmtree(folder / "dossier/statements")
    assert ask(trust, [folder]).dossiers[0].effect == "unread"
    stranger = ask(GOLDEN / "trust.json", [make()]).dossiers[0]
    assert "unknown signer" in stranger.problem


def test_a_pack_that_is_not_the_one_of_then_is_refused(
    trust: Path, make: Callable[..., Path]
) -> None:
    pack = dated(requires=[{"document": "dpia"}], severity="warn")
    folder = make([HOUSE, pack])
    (folder / "dossier/packs/trial.yaml").write_bytes(dated().text)
    assert "is not the one" in ask(trust, [folder], strict_house()).dossiers[0].problem


@pytest.mark.parametrize(
    "day", ["2026-11-25", "2026-12-31", "2027-01-01", "2028-01-01", "2026-01-01"]
)
def test_packs_that_are_not_decided_again_come_to_what_they_would(
    trust: Path, make: Callable[..., Path], signer: Signer, day: str
) -> None:
    needs = {"requires": [{"document": "dpia"}], "from": "2027-01-01", "until": "2027-12-31"}
    chosen = [HOUSE, load_pack("licences"), dated(**needs)]
    folder, on = make(chosen), datetime.date.fromisoformat(day)
    statements = verified_statements(read_stored(folder), Trust.of(signer))
    assert statements == statements_verified_before(read_stored(folder))
    record = statements[0][1].predicate["record"]
    config = parse_config_record(record | {"policy": record["policy"] | {"as_of": day}})
    whole = decide_dossier(statements, config, chosen, Trust.of(signer))
    (one,) = ask(trust, [folder], day=on).dossiers
    assert one.after == whole.outcome
    assert ask(trust, [folder], *chosen, day=on).dossiers[0].changes == one.changes
    assert bool(one.changes) is (day == "2027-01-01")


def test_a_waiver_of_the_old_version_counts_no_more(
    trust: Path, make: Callable[..., Path], signer: Signer
) -> None:
    house = strict_house()
    until = datetime.date(2999, 1, 1)
    waiver = Waiver(
        pack="house", control="enough_test_rows", reason="a pilot", person="P", expires=until
    )
    folder = make([house], extra=[("waiver", sign_waiver(waiver, house, signer))])
    assert ask(trust, [folder]).dossiers[0].after == "pass"
    text = house.text.replace(b'version: "', b'version: "9.', 1)
    (one,) = ask(trust, [folder], parse_pack(text, "house.yaml")).dossiers
    assert (one.effect, one.changes[0].before) == ("newly_missing_evidence", "waived")
    assert "house/enough_test_rows was signed for the old version" in one.notes[0]


def test_an_answer_to_other_words_counts_no_more(
    trust: Path, make: Callable[..., Path], signer: Signer
) -> None:
    pack = dated(effect="prohibit", applies={"fact": "gen", "is": True})
    profile = make_profile({"gen": False}, all_facts([pack]), "P", "2026-11-01")
    folder = make([HOUSE, pack], use={"gen": False}, extra=[("facts", sign_facts(profile, signer))])
    assert ask(trust, [folder], strict_house()).dossiers[0].notes == ()
    assert ask(trust, [folder], pack).dossiers[0].effect == "unaffected"
    reworded = parse_pack(pack.text.replace(b"Is it so?", b"Is it ever so?"), "trial.yaml")
    (one,) = ask(trust, [folder], reworded).dossiers
    assert (one.effect, one.changes[0].needs) == (
        "newly_missing_evidence", ("gen: Is it ever so?",),
    )  # fmt: skip
    assert "'gen' reads otherwise now" in one.notes[0]


def test_a_run_without_a_decision_is_not_read(trust: Path, tmp_path: Path, signer: Signer) -> None:
    dossier = Dossier.create(tmp_path / "half/dossier", "half", signer)
    dossier.append("config", make_statement("config", [], {"record": {"task": "sentiment"}}))
    (one,) = ask(trust, [tmp_path / "half"]).dossiers
    assert one.effect == "unread"
    assert "decide" in one.problem or "config" in one.problem
    assert one.digest is not None


def test_dossiers_are_found_once(tmp_path: Path, make: Callable[..., Path]) -> None:
    run = make()
    released = make()
    shutil.copytree(GOLDEN / "release", released / "release/tiny-1.2.3")
    (tmp_path / ".hidden").mkdir()
    shutil.copytree(run, tmp_path / ".hidden/run")
    assert find_dossiers(tmp_path) == [run, released / "release/tiny-1.2.3"]


def test_two_processes_find_what_one_finds(trust: Path, tmp_path: Path) -> None:
    folders = []
    for name in ("a", "b", "c"):
        shutil.copytree(GOLDEN / "release/dossier", tmp_path / name / "dossier")
        folders.append(tmp_path / name)
    alone = ask(trust, folders, strict_house(), processes=1)
    (tmp_path / "home/verified_dossiers.json").unlink()
    assert ask(trust, folders, strict_house(), processes=2) == alone


def test_a_signed_verdict_that_this_version_cannot_read_is_told() -> None:
    statement = make_statement("decide", [], {"record": {"verdict": {"outcome": "pass"}}})
    with pytest.raises(impact.VerificationError, match="holds no verdict"):
        impact._signed_verdict(statement, Path("x"))
    assert Verdict.model_fields.keys() > {"outcome"}


def test_a_dossier_without_its_checkpoint_is_not_passed_over(tmp_path: Path, trust: Path) -> None:
    shutil.copytree(GOLDEN / "release", tmp_path / "all/release")
    (tmp_path / "all/release/dossier/checkpoint.dsse.json").unlink()
    (place,) = find_dossiers(tmp_path / "all")
    (one,) = ask(trust, [place]).dossiers
    assert one.effect == "unread"


def test_answers_of_somebody_who_is_no_longer_trusted_are_not_passed_over(
    make: Callable[..., Path], tmp_path: Path, trust: Path
) -> None:
    """`lextune verify` refuses such a release, so it is not unaffected."""
    person = Signer.ephemeral()
    profile = make_profile(
        {"commercial": True}, all_facts([HOUSE, load_pack("licences")]), "A.", DAY
    )
    folder = make(
        (HOUSE, load_pack("licences")), {"commercial": True},
        [("facts", sign_facts(profile, person))], trusted=(person,),
    )  # fmt: skip
    (one,) = ask(trust, [folder]).dossiers
    assert one.effect == "unread"
    assert "trust" in one.problem


def test_a_damaged_list_of_verified_dossiers_knows_none(home: Path, trust: Path) -> None:
    home.mkdir(exist_ok=True)
    file = home / "verified_dossiers.json"
    for content in ("[" * 100_000, '{"trust": "x"}', '{"digests": 7}', "null"):
        file.write_text(content)
        (one,) = ask(trust, [GOLDEN / "release"]).dossiers
        assert one.effect == "unaffected"


def test_links_are_looked_into_once(tmp_path: Path) -> None:
    for name in ("far/one", "all/three", "all/three/release/.three-1.0.tmp"):
        (tmp_path / name / "dossier/statements").mkdir(parents=True)
    (tmp_path / "all/link").symlink_to(tmp_path / "far")
    (tmp_path / "all/again").symlink_to(tmp_path / "far/one")
    (tmp_path / "all/three/release/round").symlink_to(tmp_path / "all")
    found = find_dossiers(tmp_path / "all")
    assert sorted(path.resolve() for path in found) == [
        tmp_path / "all/three", tmp_path / "far/one",
    ]  # fmt: skip
