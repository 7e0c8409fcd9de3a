"""The programs and packs that the guides show work as they stand."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lextune.policy.packs import list_packs, parse_pack
from lextune.policy.scenarios import decide_scenario, differences, parse_scenarios

REPOSITORY = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(?:python|yaml)\n# (\S+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def shown(page: str) -> dict[str, str]:
    """Code blocks that open with their file's name."""
    return dict(BLOCK.findall((REPOSITORY / "docs" / page).read_text(encoding="utf-8")))


def python(program: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def openssl_verifies() -> bool:
    """Whether there is an openssl that checks Ed25519 signatures (3.0 and later)."""
    if shutil.which("openssl") is None:
        return False
    told = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=False)
    return re.match(r"OpenSSL ([3-9]|\d\d)\.", told.stdout) is not None


@pytest.mark.skipif(not openssl_verifies(), reason="openssl 3 is not installed")
def test_verifying_by_hand(release: Path, home: Path) -> None:
    program = shown("auditor-guide.md")["verify_by_hand.py"]
    trust = home / "trust.json"
    good = python(program, release, trust)
    assert good.returncode == 0, good.stderr
    assert "9 statements" in good.stdout
    weights = release / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert python(program, release, trust).returncode != 0


@pytest.mark.skipif(not openssl_verifies(), reason="openssl 3 is not installed")
def test_a_statement_cut_off_is_seen_by_hand(release: Path, home: Path) -> None:
    program = shown("auditor-guide.md")["verify_by_hand.py"]
    statements = sorted((release / "dossier" / "statements").iterdir())
    ledger = release / "dossier" / "ledger.jsonl"
    statements[-1].unlink()
    ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[:-1]))
    cut = python(program, release, home / "trust.json")
    assert cut.returncode != 0
    assert "AssertionError" in cut.stderr


def test_recomputing_the_metrics(release: Path) -> None:
    found = python(shown("auditor-guide.md")["recompute_metrics.py"], release)
    assert found.returncode == 0, found.stderr
    card = (release / "README.md").read_text(encoding="utf-8")
    accuracy = re.search(r"type: accuracy\n +value: (\S+)", card)
    assert accuracy is not None
    assert f"accuracy {float(accuracy[1]):.4f}" in found.stdout
    assert "n = 300" in found.stdout


def test_making_the_audits_again(release: Path) -> None:
    """The figures are those of the run's own statement, without torch."""
    program = shown("auditor-guide.md")["audit_again.py"]
    found = python(f"{program}\nassert 'torch' not in sys.modules", release)
    assert found.returncode == 0, found.stderr
    path = next((release / "dossier" / "statements").glob("*-audit-calibration.dsse.json"))
    payload = json.loads(base64.b64decode(json.loads(path.read_bytes())["payload"]))
    stated = {one["name"]: one for one in payload["predicate"]["measurements"] if not one["group"]}
    value = stated["overconfidence"]["value"]
    assert f"overconfidence {value:.4f}" in found.stdout


def test_deciding_again(release: Path, home: Path) -> None:
    found = python(shown("auditor-guide.md")["decide_again.py"], release, home / "trust.json")
    assert found.returncode == 0, found.stderr
    assert "as it was decided: pass" in found.stdout
    assert "licences/data_commercial: pass. " in found.stdout


def test_the_audit_of_the_contributor_guide() -> None:
    blocks = shown("contributor-guide.md")
    audit = blocks["src/lextune/audits/confident_errors.py"]
    test = blocks["tests/audits/test_confident_errors.py"]
    run = f"{audit}\n{test}\ntest_only_sure_and_wrong_rows_count()"
    program = run.replace("from __future__ import annotations\n", "")
    assert python(program).stderr == ""
    broken = program.replace("sure & wrong", "wrong")
    assert "AssertionError" in python(broken).stderr


def test_the_pack_of_the_contributor_guide() -> None:
    text = shown("contributor-guide.md")["src/lextune/policies/call_centre.yaml"]
    pack = parse_pack(text.encode(), "call_centre.yaml")
    assert pack.id == "call_centre"
    assert "confident_error_rate" in text


def test_the_pack_of_the_policy_page() -> None:
    page = (REPOSITORY / "docs" / "policy-packs.md").read_text(encoding="utf-8")
    text, cases = re.findall(r"^```yaml\n(schema: .*?)^```$", page, re.MULTILINE | re.DOTALL)
    pack = parse_pack(text.encode(), "my_rules.yaml")
    assert len(pack.controls) == 2
    for one in parse_scenarios(cases.encode(), "my_cases.yaml"):
        assert differences(one, decide_scenario(one, [pack])) == []


@pytest.mark.slow
def test_what_the_contributor_guide_adds_keeps_every_contract(tmp_path: Path) -> None:
    """All its files laid into a copy of the tree: the contract tests pick each newcomer up and try it."""
    for part in ("src", "tests"):
        shutil.copytree(
            REPOSITORY / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    added = shown("contributor-guide.md")
    for name, text in added.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert {Path(name).parent.name for name in added} >= {
        "audits",
        "policies",
        "evaluation",
        "reading",
        "methods",
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",  # of the packs, the guide's own
        "call_centre or not (test_scenarios or test_lint or test_documents)",
        "tests/contracts",
        *added,
    ]
    command = [one for one in command if not one.startswith("src/")]
    ran = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path / "src")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout


def test_the_remedies_of_the_transcripts_are_those_of_the_packs() -> None:
    remedies = {
        control.remedy.en for pack in list_packs() for control in pack.controls if control.remedy
    }
    for page in ("README.md", "README.zh-CN.md", "docs/user-guide.md"):
        text = (REPOSITORY / page).read_text(encoding="utf-8")
        told = re.findall(r"^  Remedy: (.*)$", text, re.MULTILINE)
        assert told
        assert set(told) <= remedies, page
