"""The verbs about law: what they print for people and for programs, in two languages, and how they end."""

from __future__ import annotations

import datetime
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import packs as small
from lextune.cli import main
from lextune.evidence.keys import load_trust
from lextune.release import open_facts

GOLDEN = Path(__file__).parents[1] / "evidence/golden_runs/v1"
GEN = {"fact": "gen", "is": True}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEXTUNE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path / "home"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """A pack's file."""

    def build(name: str, *controls: Any, **changes: Any) -> str:
        path = tmp_path / f"{name}.yaml"
        path.write_text(json.dumps(small.pack_data(*controls, **changes)))
        return str(path)

    return build


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What a command prints on stdout; every line fits the terminal."""

    def call(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        assert main(["policy", *arguments]) == code
        return capsys.readouterr().out

    return call


def test_diff(write: Callable[..., str], run: Callable[..., str]) -> None:
    old = write("old", small.control_data(), small.control_data(id="gone"))
    new = write("new", small.control_data(severity="warn", **{"from": "2027-01-01"}))
    text = run("diff", old, new)
    assert [word in text for word in ("removed", "loosened", "date moved")] == [True] * 3
    assert "日期变动" in run("diff", old, new, "--lang", "zh")
    found = json.loads(run("diff", old, new, "--json"))
    assert (found["counts"]["loosened"], found["counts"]["moved"], found["counts"]["removed"]) == (
        1,
        1,
        1,
    )
    assert found["old"]["sha256"] != found["new"]["sha256"]
    assert run("diff", old, old) == "Nothing differs.\n"


def test_check(write: Callable[..., str], run: Callable[..., str], tmp_path: Path) -> None:
    assert "a right pack" in run("check", "owasp_llm")
    pack = write("mine", small.control_data(titles={"en": "A duty", "zh": "A duty"}))
    found = json.loads(run("check", pack, "--json", code=2))["problems"]
    facts = [one["fact"] for one in found]
    assert any("is not Chinese" in fact for fact in facts)
    assert any("no worked case" in fact for fact in facts)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios/mine.yaml").write_text("schema: lextune.scenarios/v1\n")
    run("check", pack, code=2)


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    shutil.copytree(GOLDEN / "release/dossier", tmp_path / "releases/a/dossier")
    return tmp_path / "releases"


def test_impact(write: Callable[..., str], run: Callable[..., str], releases: Path) -> None:
    pack = write("new", small.control_data(requires=[{"document": "dpia"}]))
    asked = (
        "impact", "--pack", pack, "--folder", str(releases),
        "--trust", str(GOLDEN / "trust.json"), "--as-of", "2026-11-25",
    )  # fmt: skip
    text = run(*asked)
    assert "newly missing evidence" in text
    assert "dpia: bring this document" in text
    assert max(map(len, text.split("tiny-1.2.3")[0].splitlines())) <= 80
    chinese = run(*asked, "--lang", "zh")
    assert "照办" in chinese
    assert "dpia：请提交该文件" in chinese
    assert "bring this document" not in chinese
    found = json.loads(run(*asked, "--json"))
    assert found["counts"]["newly_missing_evidence"] == 1
    assert found["controls"]["trial/c"]["dossiers"] == {
        "fail": 0,
        "insufficient": 1,
        "otherwise": 0,
    }
    assert found["dossiers"][0]["changes"][0]["needs"] == ["dpia: bring this document"]
    (releases / "a/dossier/ledger.jsonl").write_bytes(b"")
    assert json.loads(run(*asked, "--json", code=5))["counts"]["unread"] == 1


def test_impact_counts_dossiers_and_tells_open_facts_together(
    write: Callable[..., str], run: Callable[..., str], releases: Path
) -> None:
    pack = write("new", *(small.control_data(id=name, applies=GEN) for name in "abc"))
    text = run(
        "impact", "--pack", pack, "--folder", str(releases),
        "--trust", str(GOLDEN / "trust.json"), "--as-of", "2026-11-25",
    )  # fmt: skip
    bring = text[text.index("What to bring") : text.index("tiny-1.2.3")]
    (line,) = [one for one in bring.splitlines() if "gen: " in one]
    assert line.split()[-1] == "1"
    one_by_one = text[text.index("tiny-1.2.3") :]
    assert "3 (trial/a, trial/b, trial/c)" in one_by_one
    assert one_by_one.count("gen: ") == 1


def test_impact_needs_something_new_and_something_stored(
    write: Callable[..., str], run: Callable[..., str], tmp_path: Path, home: Path
) -> None:
    run("impact", code=2)
    pack = write("new", small.control_data())
    run("impact", "--pack", pack, "--pack", pack, code=2)
    run("impact", "--pack", pack, "--folder", str(tmp_path / "nowhere"), code=2)
    assert "There is no dossier" in run("impact", "--pack", pack)
    assert json.loads(run("impact", "--as-of", "2027-01-01", "--json"))["dossiers"] == []


def test_timeline(write: Callable[..., str], run: Callable[..., str], tmp_path: Path) -> None:
    pack = write(
        "law",
        small.control_data(**{"from": "2027-08-02"}),
        small.control_data(id="d", status="draft"),
        small.control_data(id="e", applies=GEN),
        small.control_data(id="f", until="2026-01-01"),
    )
    asked = ("timeline", "--packs", pack, "--as-of", "2026-11-25")
    text = run(*asked)
    assert "draft, never enforced" in text
    assert text.index("Ended before") < text.index("In force on") < text.index("2027-08-02")
    assert "草案" in run(*asked, "--lang", "zh")
    facts = tmp_path / "facts.yaml"
    facts.write_text("gen: false\n")
    found = json.loads(run(*asked, "--facts", str(facts), "--json"))
    assert {one["control"] for one in found["events"]} == {"c", "d", "f"}
    assert {one["part"] for one in found["events"] if one["control"] == "f"} == {"ended"}
    facts.write_text("gen: maybe\n")
    run(*asked, "--facts", str(facts), code=2)
    facts.write_text("- gen\n")
    run(*asked, "--facts", str(facts), code=2)
    run("timeline", "--packs", pack, "--as-of", "tomorrow", code=2)


def test_compare(run: Callable[..., str]) -> None:
    asked = ("compare", "EU,CN", "--task", "sentiment", "--as-of", "2026-11-25")
    text = run(*asked)
    assert max(map(_width, text.splitlines())) <= 80
    assert "EU" in text.split("\n")[3]
    found = json.loads(run(*asked, "--json"))
    places = {one["place"] for duties in found["topics"].values() for one in duties}
    assert places == {"EU", "CN", "GLOBAL"}
    assert run(*asked, "--lang", "zh") != text
    run("compare", "EU", code=2)
    run("compare", "EU,ATLANTIS", code=2)


def test_places_that_no_chosen_pack_is_of_are_told_together(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["policy", "compare", "EU,CN,US", "--packs", "gdpr"]) == 2
    said = capsys.readouterr().err
    assert "CN or US" in said
    assert "--packs" in said


def _width(line: str) -> int:
    from rich.cells import cell_len

    return cell_len(line)


def test_facts_are_asked_and_signed(
    write: Callable[..., str], run: Callable[..., str], tmp_path: Path
) -> None:
    both = {"all": [GEN, {"fact": "uses", "includes": "hiring"}]}
    pack = write("law", small.control_data(applies=both))
    found = json.loads(run("facts", "--packs", pack, "--json"))
    assert {one["fact"] for one in found["questions"]} == {"gen", "uses"}
    assert found["questions"][0]["controls"][0]["citation"] == "Article 1"
    text = run("facts", "--packs", pack, "--answer", "gen=yes")
    assert "gen:" not in text
    assert "Nothing was kept" in text
    profile = tmp_path / "me.json"
    signed = ("--person", "A. Person", "-o", str(profile))
    run("facts", "--packs", pack, "--answer", "gen=yes", "--answer", "uses=hiring,credit", *signed)
    made = open_facts(profile.read_bytes(), load_trust())
    assert made.answers == {"gen": True, "uses": ("hiring", "credit")}
    assert made.day == datetime.datetime.now(datetime.UTC).date()
    left = json.loads(run("facts", "--packs", pack, "--facts", str(profile), "--json"))
    assert left["questions"] == []
    assert "没有需要再问的问题" in run(
        "facts", "--packs", pack, "--facts", str(profile), "--lang", "zh"
    )
    run("facts", "--packs", pack, "--facts", str(profile), "--answer", "gen=7", code=2)
    run("facts", "--packs", pack, "--answer", "nothing=1", code=2)
    run("facts", "--packs", pack, "--answer", "gen", code=2)
    run("facts", "--packs", pack, "--person", "A. Person", code=2)
    run("facts", "--packs", pack, *signed, code=2)


def test_facts_are_asked_one_by_one(
    write: Callable[..., str],
    run: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    both = {"all": [GEN, {"fact": "role", "is": "provider"}]}
    pack = write("law", small.control_data(applies=both))
    profile = tmp_path / "me.json"

    class Person(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Person("?\nperhaps\nyes\n\n"))
    text = run("facts", "--packs", pack, "--person", "P", "-o", str(profile))
    assert "trial/c: Article 1" in text
    assert "That is no answer: write yes or no" in text
    assert "one of: provider, deployer" in text
    assert open_facts(profile.read_bytes(), load_trust()).answers == {"gen": True}
    monkeypatch.setattr("sys.stdin", Person("stop\n"))
    assert "role" in run("facts", "--packs", pack)


def test_where_it_is_used_is_asked_before_all_else(run: Callable[..., str]) -> None:
    found = json.loads(run("facts", "--packs", "uk,us_credit", "--task", "sentiment", "--json"))
    assert found["questions"][0]["fact"] == "places"


def test_what_is_said_becomes_a_page_that_loads_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "timeline.html"
    words = ["policy", "timeline", "--packs", "us_nyc_ll144", "--lang", "zh", "--html", str(page)]
    assert main([*words]) == 0
    text = page.read_text(encoding="utf-8")
    assert "us_nyc_ll144/notice" in text
    assert "http" not in text
    assert (
        main(["policy", "timeline", "--packs", "us_nyc_ll144"]) == 0
    )  # no page of an earlier call
    assert page.read_text(encoding="utf-8") == text
    assert 'lang="zh"' in text
    assert "─" not in text  # twice as wide in fonts for Chinese
    assert main([*words, "--json"]) == 2
    capsys.readouterr()
    assert main([*words[:-1], str(tmp_path / "page.txt")]) == 2
    assert "ends in .html" in capsys.readouterr().err


def test_topics_of_places_are_chinese_where_that_was_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["policy", "compare", "US,UK", "--packs", "us_nyc_ll144,uk", "--lang", "zh"]
    assert main(asked) == 0
    assert "偏见测试" in capsys.readouterr().out


def test_answers_for_packs_that_were_not_chosen_are_left_out_of_a_profile(
    write: Callable[..., str], run: Callable[..., str], tmp_path: Path
) -> None:
    pack = write("law", small.control_data(applies=GEN))
    use = tmp_path / "use.yaml"
    use.write_text("gen: true\npeople_affected: true\n")  # the second is a question of house_audits
    profile = tmp_path / "me.json"
    signed = ("--person", "A. Person", "-o", str(profile))
    run("facts", "--packs", pack, "--facts", str(use), *signed)
    assert open_facts(profile.read_bytes(), load_trust()).answers == {"gen": True}
