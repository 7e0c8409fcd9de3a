"""A run that only papers keep from its release is decided again over them, without training again."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from lextune.cli import main
from lextune.errors import ConfigError, VerificationError
from lextune.evidence.dossier import Dossier
from lextune.evidence.keys import load_or_create_key
from lextune.evidence.statements import make_statement
from lextune.evidence.stored import read_stored
from lextune.pipeline_deciding import decide_again
from lextune.records import Statement
from workshop import Workshop

pytestmark = pytest.mark.slow

DAY = datetime.date(2026, 12, 1)
PACK = """
schema: lextune.pack/v1
id: papers
version: "1.0"
titles: {en: Papers, zh: 文件}
source: made for a test
checked_on: 2026-11-25
controls:
  - id: oversight
    citation: Art 1
    titles: {en: Oversight, zh: 监督}
    basis: house
    status: in_force
    applies: always
    effect: require
    requires:
      - {document: oversight_plan}
      - {attestation: human_review_offered}
      - {measurement: red_team_success_rate, bound: interval, operator: "<", value: 0.1, minimum_n: 100}
    severity: block
    remedy: {en: Bring them., zh: 请提交。}
"""


@pytest.fixture(scope="module")
def refused(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder of a run that lacks its papers, and the home it was made in."""
    folder = tmp_path_factory.mktemp("refused")
    (folder / "papers.yaml").write_text(PACK, encoding="utf-8")
    config = workshop.config(
        train={"seed": 11},  # another model than the workshop's own
        policy={"packs": ["house", "licences", str(folder / "papers.yaml")], "as_of": "2026-11-25"},
    )
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEXTUNE_HOME", str(workshop.home))
        assert main(["run", str(folder / "config.json"), "--out", str(folder / "run")]) == 4
    return folder / "run", workshop.home


@pytest.fixture
def run(refused: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that run."""
    import shutil

    home = tmp_path / "home"
    shutil.copytree(refused[1], home)
    monkeypatch.setenv("LEXTUNE_HOME", str(home))
    return Path(shutil.copytree(refused[0], tmp_path / "run"))


def _attest(tmp_path: Path, name: str, *more: str) -> str:
    file = tmp_path / f"{name}.dsse.json"
    words = ["attest", name, "--statement", "It is so.", "--person", "A. Reviewer", "-o", str(file)]
    assert main([*words, *more]) == 0
    return str(file)


def _papers(tmp_path: Path, run: Path, *review: str) -> dict[str, Any]:
    plan = tmp_path / "plan.md"
    plan.write_text("Two persons look at every tenth answer.")
    team = ("--of", str(run), "--measurement", "red_team_success_rate=2/400")
    return {
        "attestations": [
            _attest(tmp_path, "human_review_offered", *review), _attest(tmp_path, "red_team", *team),
        ],
        "documents": {"oversight_plan": (plan, datetime.date(2027, 11, 25))},
    }  # fmt: skip


def test_a_run_is_released_once_its_papers_are_there(run: Path, tmp_path: Path) -> None:
    day = datetime.date(2026, 12, 1)
    found = decide_again(run, **_papers(tmp_path, run), as_of=day)
    assert found.verdict.outcome == "pass"
    assert found.verdict.as_of == day
    assert found.release is not None
    assert main(["verify", str(found.release)]) == 0
    known = json.loads((tmp_path / "home" / "verified_dossiers.json").read_bytes())["digests"]
    assert read_stored(found.release).digest in known
    assert len(known) >= 3  # the workshop's release, the refused run, and this one
    with pytest.raises(ConfigError, match="released already"):
        decide_again(run)


def test_what_a_person_says_is_not_so_fails(run: Path, tmp_path: Path) -> None:
    found = decide_again(run, **_papers(tmp_path, run, "--not-met"))
    (control,) = [one for one in found.verdict.controls if one.pack == "papers"]
    assert (control.status, found.release) == ("fail", None)
    assert "says that it is not met" in " ".join(control.reasons)


def test_figures_of_another_model_are_refused_and_leave_no_trace(
    run: Path, tmp_path: Path, workshop: Workshop
) -> None:
    other = _attest(
        tmp_path, "red_team", "--of", str(workshop.release), "--measurement",
        "red_team_success_rate=2/400",
    )  # fmt: skip
    before = sorted(path.name for path in (run / "dossier").rglob("*"))
    with pytest.raises(VerificationError, match="another model"):
        decide_again(run, attestations=[other])
    assert sorted(path.name for path in (run / "dossier").rglob("*")) == before


def test_papers_that_nobody_asks_for_are_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="asks for the attestation 'human_reviews_offered'"):
        decide_again(run, attestations=[_attest(tmp_path, "human_reviews_offered")])


def test_a_day_before_the_runs_own_is_refused(run: Path) -> None:
    with pytest.raises(ConfigError, match="before 2026-11-25"):
        decide_again(run, as_of=datetime.date(2026, 11, 24))


def test_a_newer_document_takes_the_place_of_one_that_was_brought(
    run: Path, tmp_path: Path
) -> None:
    papers = _papers(tmp_path, run)
    plan = papers["documents"]["oversight_plan"][0]
    assert decide_again(run, documents={"oversight_plan": (plan, DAY)}, as_of=DAY).release is None
    plan.write_text("Two persons look at every answer.")
    found = decide_again(run, **papers, as_of=datetime.date(2026, 12, 1))
    assert found.release is not None
    assert main(["verify", str(found.release)]) == 0


def test_what_a_killed_process_left_beside_its_statements_stops_no_release(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at every single append, and then brought under another name of the file."""
    papers = _papers(tmp_path, run)
    append = Dossier.append

    for room in ("document", "attestation", "decide"):

        def killed(self: Dossier, name: str, statement: Statement, room: str = room) -> str:
            if name == room:
                raise KeyboardInterrupt
            return append(self, name, statement)

        with monkeypatch.context() as patch:
            patch.setattr(Dossier, "append", killed)
            with pytest.raises(KeyboardInterrupt):
                decide_again(run, **papers, as_of=DAY)
        plan, last = papers["documents"]["oversight_plan"]
        papers["documents"]["oversight_plan"] = (plan.rename(tmp_path / f"plan.{room}"), last)
        papers["attestations"][0] = _attest(
            tmp_path, "human_review_offered", "--expires", "2099-01-01"
        )
    found = decide_again(run, **papers, as_of=DAY)
    assert found.release is not None
    assert main(["verify", str(found.release)]) == 0
    assert main(["document", "write", "model_card", str(run), "-o", str(tmp_path / "card.md")]) == 0


def test_a_run_that_has_not_come_to_its_decision_is_not_decided(run: Path) -> None:
    """Else the rooms that it had still to go through would be skipped."""
    dossier = Dossier.open(run / "dossier", load_or_create_key())
    dossier.append("audit-late", make_statement("audit", [], {"record": {}}))
    with pytest.raises(ConfigError, match="--resume"):
        decide_again(run)


def test_a_document_is_named_once(run: Path, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("One.")
    given = ["--document", f"oversight_plan={tmp_path / 'a.md'}"]
    assert main(["decide", str(run), *given, *given]) == 2
