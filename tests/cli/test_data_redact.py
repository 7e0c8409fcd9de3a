"""`lextune data redact` and what `data check` says of personal data."""

from __future__ import annotations

import json

import pytest

from lextune.cli import main

TEXT = "write to ada@lovelace.org now"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.csv"
    rows = "".join(f'"{n}, {TEXT}",{"ab"[n % 2]},138001380{n:02}\n' for n in range(20))
    path.write_bytes(b"\xef\xbb\xbf" + f"text,label,contact\n{rows}".encode())
    return path


def redact(capsys, *words):
    code = main(["data", "redact", *map(str, words)])
    printed = capsys.readouterr()
    assert "ada@" not in printed.out + printed.err
    return code, printed


def test_json_says_what_was_done_and_never_what_was_found(source, tmp_path, capsys):
    output = tmp_path / "out.csv"
    code, printed = redact(capsys, source, "-o", output, "--json")
    assert code == 0
    told = json.loads(printed.out)
    assert (told["rows"], told["changed_rows"]) == (20, 20)
    assert told["detections"] == {"EMAIL_ADDRESS": 20}
    assert told["other_columns"] == {"contact": {"PHONE_NUMBER": 20}}
    assert [one["kind"] for one in told["problems"]] == ["personal_data_in_other_column"]
    assert told["output"][0]["path"] == str(output)
    lines = output.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "text,label,contact"
    assert lines[1] == '"0, write to [EMAIL_ADDRESS] now",a,13800138000'


def test_more_columns_and_types(source, tmp_path, capsys):
    output = tmp_path / "out.csv"
    code, printed = redact(
        capsys, source, "-o", output, "--columns", "contact", "--types", "PHONE_NUMBER", "--method", "remove"
    )  # fmt: skip
    assert code == 0
    assert "Written" in printed.out
    assert output.read_text().splitlines()[1] == f'"0, {TEXT}",a,'


def test_a_secret_comes_from_a_file_or_the_environment(source, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("LEXTUNE_REDACTION_SECRET", raising=False)
    output, secret = tmp_path / "out.csv", tmp_path / "secret"
    code, printed = redact(capsys, source, "-o", output, "--method", "pseudonym")
    assert code == 2
    assert "LEXTUNE_REDACTION_SECRET is not set" in printed.err
    assert not output.exists()
    secret.write_text("a secret of tests alone\n")
    assert redact(capsys, source, "-o", output, "--method", "hash", "--secret-file", secret)[0] == 0
    first = output.read_bytes()
    monkeypatch.setenv("LEXTUNE_REDACTION_SECRET", "a secret of tests alone")
    assert redact(capsys, source, "-o", output, "--method", "hash")[0] == 0
    assert output.read_bytes() == first
    code, printed = redact(capsys, source, "-o", output, "--secret-file", secret)
    assert code == 2
    assert "takes no secret" in printed.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--method", "delete"), "method"),
        (("--types", "EMAIL"), "EMAIL_ADDRESS"),
        (("--text-column", "body"), "no column 'body'"),
        (("--columns", "contakt"), "'contact'"),
        (("--secret-file", "none"), "cannot be read"),
        (("--set", "data.redact.minimum_score=2"), "minimum_score"),
    ],
)
def test_wrong_usage_ends_with_two(source, tmp_path, capsys, words, told):
    output = tmp_path / "out.csv"
    code, printed = redact(capsys, source, "-o", output, *words)
    assert code == 2
    assert told in printed.err
    assert not output.exists()


def test_check_counts_rows_with_personal_data(source, capsys):
    assert main(["data", "check", str(source), "--json"]) == 0
    printed = capsys.readouterr().out
    told = json.loads(printed)
    assert told["personal_data"]["types"] == {"EMAIL_ADDRESS": 20}
    assert told["personal_data"]["found"] == 20
    assert "ada@" not in printed
    off = ["--set", "data.personal_data.report=false"]
    assert main(["data", "check", str(source), "--json", *off]) == 0
    assert json.loads(capsys.readouterr().out)["personal_data"] is None
