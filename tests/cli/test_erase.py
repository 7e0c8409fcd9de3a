"""`lextune erase` finds rows, runs and releases of a person, records the request, and later runs obey it."""

from __future__ import annotations

import base64
import csv
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from lextune.cli import main

if TYPE_CHECKING:
    from workshop import Workshop


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert main(list(arguments)) == code
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def reviews(workshop: Workshop, tmp_path: Path) -> Path:
    """The workshop's reviews, each about one of 200 people, of whom every 20th row refuses."""
    path = tmp_path / "reviews.csv"
    with (
        open(workshop.data, newline="", encoding="utf-8") as source,
        open(path, "w", newline="", encoding="utf-8") as target,
    ):
        rows = list(csv.DictReader(source))
        writer = csv.DictWriter(target, [*rows[0], "person", "agreed"])
        writer.writeheader()
        for n, row in enumerate(rows):
            writer.writerow({**row, "person": f"person-{n % 200}", "agreed": "no" if n % 20 == 7 else "yes"})  # fmt: skip
    return path


@pytest.fixture
def config(workshop: Workshop, reviews: Path, tmp_path: Path) -> Path:
    manifest = tmp_path / "data.yaml"
    manifest.write_text(
        "source: our own shop\npurpose: to answer complaints\nlawful_basis: consent\nlicence: CC-BY-SA-4.0\n"
        "language: en\ncolumns: {subject: person, consent: agreed}\n"
    )
    given = workshop.config()
    given["data"] = {**given["data"], "train": str(reviews), "manifest": str(manifest)}
    given["data"].pop("licence", None)
    given["policy"] = {**given.get("policy", {}), "packs": ["house", "licences"]}
    given["use"] = {**given.get("use", {}), "commercial": False}
    given["release"] = {**given["release"], "licence": "CC-BY-SA-4.0"}
    path = tmp_path / "config.json"
    path.write_text(json.dumps(given))
    return path


@pytest.mark.slow
def test_from_a_run_with_consent_to_an_erasure_that_binds_the_next_run(
    config: Path, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = answer(capsys, "run", str(config), "--out", str(tmp_path / "run"), "--json")
    release = Path(ran["release"])
    _look_at(release)

    looked = answer(capsys, "erase", "person-3", "--dry-run", "--json")["erasures"][0]
    assert looked["request"] is None
    found = answer(capsys, "erase", "person-3", "--json")["erasures"][0]
    assert found["request"]["state"] == "open"
    lines = list(csv.DictReader(io.StringIO(reviews.read_text())))
    about = {n + 2 for n, row in enumerate(lines) if row["person"] == "person-3"}
    places = {int(row["place"].rpartition(":")[2].split()[0]) for row in found["rows"]}
    assert places == about
    (run,) = found["runs"]
    assert (run["run"], run["release"], run["release_exists"]) == (ran["run"], str(release), True)
    assert sum(run["rows"].values()) == len(about) == 6
    assert any(str(release) in duty for duty in found["duties"])
    assert any("6 rows" in duty for duty in found["duties"])
    assert _nowhere(b"person-3", tmp_path, but=reviews)

    main(["run", str(config), "--out", str(tmp_path / "again"), "--json"])
    refused = json.loads(capsys.readouterr().out)
    assert "asked for erasure (6 rows)" in refused["problems"][0]["fact"]
    command = ["data", "check", str(reviews), "--set", f"data.manifest={tmp_path / 'data.yaml'}"]
    assert main(command) == 2
    left_out = ["--set", "data.erased=exclude"]
    report = answer(capsys, *command, *left_out, "--json")
    assert report["rows"] == 1200 - 60 - 6
    answer(capsys, "erase", "person-3", "--withdraw", "--json")
    assert main(command) == 0


def _look_at(release: Path) -> None:
    """What the card and the statements say of origin, consent and licence."""
    card = (release / "README.md").read_text()
    matter = yaml.safe_load(card.split("---\n")[1])
    assert (matter["license"], matter["language"]) == ("cc-by-sa-4.0", ["en"])
    shown = card.replace("\\", "")
    for words in (
        "our own shop", "to answer complaints", "refused_consent: 60", "consent_share",
        "must be under CC-BY-SA-4.0 or GPL-3.0-only", "the data manifest data.yaml",
    ):  # fmt: skip
        assert words in shown
    statement = next((release / "dossier" / "statements").glob("*-prepare.dsse.json"))
    payload = json.loads(base64.b64decode(json.loads(statement.read_bytes())["payload"]))
    record = payload["predicate"]["record"]
    assert record["lawful_basis"] == "consent"
    assert record["origin"]["excluded"] == {"refused_consent": 60}
    assert record["origin"]["source"] == "our own shop"
    measured = {
        one["name"]: (one["value"], one["n"]) for one in payload["predicate"]["measurements"]
    }
    assert measured["rows_without_consent"] == (60, 1200)


def _nowhere(words: bytes, folder: Path, *, but: Path) -> bool:
    """No file holds an id of a person, but the source."""
    return not [
        path for path in folder.rglob("*") if path.is_file() and path != but and words in path.read_bytes()
    ]  # fmt: skip


def test_a_person_whom_no_run_knows_is_recorded_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["erase", "nobody"]) == 0
    shown = capsys.readouterr().out
    assert "No run of this machine indexed a row about this id" in shown
    assert "open" in shown
    assert "nobody" not in shown


def test_ids_come_from_a_file_or_from_standard_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("\ufeffanna \n\nbert\nanna\n", encoding="utf-8")
    one = answer(capsys, "erase", "--from-file", str(path), "--json")["erasures"]
    assert len(one) == 2
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"anna\n")))
    other = answer(capsys, "erase", "--from-file", "-", "--done", "--json")["erasures"]
    assert other[0]["subject"] == one[0]["subject"]
    assert other[0]["request"]["state"] == "done"
    assert other[0]["request"]["requested"] == one[0]["request"]["requested"]
    known = answer(capsys, "erase", "--list", "--json")["requests"]
    assert sorted(item["state"] for item in known) == ["done", "open"]
    assert main(["erase", "--list"]) == 0
    assert one[0]["subject"][:16] in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [[], ["anna", "--from-file", "x"], ["anna", "--done", "--withdraw"], ["anna", "--list"], ["--from-file", "gone"], [" "]],
)  # fmt: skip
def test_wrong_usage_records_nothing(
    arguments: list[str], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["erase", *arguments]) == 2
    assert capsys.readouterr().err
    assert not home.exists()


def test_without_the_secret_nobody_is_declared_unknown(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["erase", "anna"]) == 0
    (home / "keys" / "subjects.secret").unlink()
    assert main(["erase", "anna", "--dry-run"]) == 5
    assert "without it no person" in capsys.readouterr().err
    assert not (home / "keys" / "subjects.secret").exists()
    (home / "keys" / "subjects.secret").write_text("0" * 64)
    (home / "keys" / "subjects.secret").chmod(0o600)
    assert main(["erase", "anna", "--dry-run"]) == 5
    assert "another secret" in capsys.readouterr().err
