"""`document list`, `write` and `check` on a release that an earlier version signed, and on a run without a release."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fresh import imported_by
from lextune.cli import main
from lextune.files import sha256

GOLDEN = Path(__file__).parents[1] / "evidence" / "golden_runs" / "v1"
RELEASE, TRUST = str(GOLDEN / "release"), str(GOLDEN / "trust.json")


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The same dossier as of a run that lies where it was made."""
    folder = tmp_path / "run"
    shutil.copytree(GOLDEN / "release" / "dossier", folder / "dossier")
    (folder / "run.json").write_text("{}")
    return folder


def test_the_kinds_are_listed_in_both_languages(capsys: pytest.CaptureFixture[str]) -> None:
    found = {one["name"]: one for one in answer(capsys, "document", "list")["documents"]}
    assert {
        "annex_iv", "training_content_summary", "instructions_for_use", "dpia", "pia_cn", "fria",
        "ll144_table", "cn_security_self_assessment", "cn_algorithm_filing", "model_card", "verdict",
    } <= found.keys()  # fmt: skip
    assert found["cn_algorithm_filing"]["languages"][0] == "zh"
    assert main(["document", "list", "--lang", "zh"]) == 0
    text = capsys.readouterr().out
    assert "使用说明" in text
    assert max(len(line) for line in text.splitlines()) <= 80


@pytest.mark.parametrize("suffix", ["md", "html", "json"])
def test_what_is_written_is_current_and_reads_the_same_from_a_run(
    suffix: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / f"{name}.{suffix}" for name in ("a", "b")]
    for path, source in zip(paths, (RELEASE, str(run)), strict=True):
        wrote = answer(
            capsys, "document", "write", "verdict", source, "-o", str(path), "--trust", TRUST
        )
        assert wrote["sentences"] > 20
        assert wrote["stale"] == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()
    found = answer(capsys, "document", "check", str(paths[0]), RELEASE, "--trust", TRUST)
    assert found == {
        "document": "verdict", "sentences": wrote["sentences"], "edited": False, "stale": [],
    }  # fmt: skip


def _writing(path: Path) -> list[str]:
    return ["document", "write", "instructions_for_use", RELEASE, "-o", str(path), "--trust", TRUST]


def test_a_document_of_another_dossier_is_stale_and_marked_when_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.md"
    write = _writing(path)
    answer(capsys, *write)
    earlier = _of_an_earlier_dossier(path)
    path.write_bytes(earlier)
    found = answer(capsys, "document", "check", str(path), RELEASE, "--trust", TRUST, code=4)
    assert found["stale"] == [
        {"text": "Steps: 9.", "rested_on": ["train"], "said_on_other_evidence": False}
    ]
    assert main(["document", "check", str(path), RELEASE, "--trust", TRUST]) == 4
    assert "it does not hold any more; it rested on train" in capsys.readouterr().out
    assert answer(capsys, *write)["stale"] == 1
    assert "~~Steps: 9.~~" in path.read_text()
    assert answer(capsys, *write)["stale"] == 0


def _of_an_earlier_dossier(path: Path) -> bytes:
    """The same document as it would be if one of its sentences came from a statement that is gone."""
    from lextune.evidence.documents.writing.marks import (
        MARKDOWN,
        Sentence,
        embed,
        read_written,
        seal,
    )

    manifest, _ = read_written(path)
    body = path.read_text().partition(MARKDOWN[0])[0]
    gone = "0" * 64
    old = manifest.model_copy(
        update={
            "sentences": (*manifest.sentences, Sentence(text="Steps: 9.", evidence=(gone,))),
            "statements": {**manifest.statements, gone: "train"},
        }
    )
    sealed = embed(seal(old, f"{body}\n".encode()))
    return f"{body}{MARKDOWN[0]}{sealed}{MARKDOWN[1]}\n".encode()


def test_a_file_of_somebody_else_and_an_edited_one_are_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.md"
    write = ["document", "write", "dpia", RELEASE, "-o", str(path), "--trust", TRUST]
    path.write_text("# my own notes\n")
    assert main(write) == 5
    assert path.read_text() == "# my own notes\n"
    path.unlink()
    assert main(write) == 0
    path.write_text("By hand.\n" + path.read_text())
    assert main(write) == 2
    assert "edited" in capsys.readouterr().err
    assert path.read_text().startswith("By hand.")
    found = answer(capsys, "document", "check", str(path), RELEASE, "--trust", TRUST, code=4)
    assert found["edited"]
    assert found["stale"] == []


def test_a_changed_statement_gives_no_document(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    statement = run / "dossier" / "statements" / "0005-evaluate.dsse.json"
    statement.write_bytes(statement.read_bytes().replace(b'"sig":"', b'"sig":"A', 1))
    path = tmp_path / "x.md"
    assert main(["document", "write", "fria", str(run), "-o", str(path), "--trust", TRUST]) == 5
    assert not path.exists()


def test_a_swapped_pack_gives_no_document(run: Path, tmp_path: Path) -> None:
    pack = run / "dossier" / "packs" / "house.yaml"
    pack.write_bytes(pack.read_bytes() + b"\n")
    path = tmp_path / "x.md"
    assert main(["document", "write", "verdict", str(run), "-o", str(path), "--trust", TRUST]) == 5
    assert not path.exists()


def test_a_stranger_signed_it_so_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    assert main(["document", "write", "verdict", RELEASE, "-o", str(path)]) == 5
    assert not path.exists()


def test_the_card_that_is_written_is_the_release_s_own_but_for_what_came_later(
    tmp_path: Path,
) -> None:
    path = tmp_path / "README.md"
    assert (
        main(["document", "write", "model_card", RELEASE, "-o", str(path), "--trust", TRUST]) == 0
    )
    assert path.read_text().startswith("---\n")
    assert "# tiny 1\\.2\\.3" in path.read_text() or "# tiny 1.2.3" in path.read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["model_card", "--format", "html"],
        ["model_card", "--lang", "zh"],
        ["dpia", "--lang", "fr"],
    ],
)
def test_wrong_wishes_end_with_2(arguments: list[str], tmp_path: Path) -> None:
    name, *rest = arguments
    path = tmp_path / "x"
    assert main(["document", "write", name, RELEASE, "-o", str(path), "--trust", TRUST, *rest]) == 2
    assert not path.exists()


def test_a_name_that_promises_another_form_is_refused(tmp_path: Path) -> None:
    for name in ("dpia", "oscal"):
        path = tmp_path / f"{name}.docx"
        assert main(["document", "write", name, RELEASE, "-o", str(path), "--trust", TRUST]) == 2
        assert not path.exists()


def test_documents_are_written_without_numpy_and_torch(tmp_path: Path, home: Path) -> None:
    heavy = {"torch", "transformers", "numpy", "pyarrow", "jinja2", "weasyprint"}
    arguments = [
        "document",
        "write",
        "annex_iv",
        RELEASE,
        "-o",
        str(tmp_path / "x.html"),
        "--trust",
        TRUST,
    ]
    code = f"from lextune.cli import main\nassert main({arguments!r}) == 0"
    assert imported_by(code, heavy) == set()


@pytest.mark.parametrize("suffix", ["md", "html", "json"])
def test_a_document_that_was_changed_and_sealed_again_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    """The manifest is not signed: whoever changes a sentence can compute its seal again."""
    from lextune.evidence.documents.writing.marks import parse_written, read_written

    path = tmp_path / f"x.{suffix}"
    ask = ["document", "write", "dpia", RELEASE, "-o", str(path), "--trust", TRUST]
    answer(capsys, *ask)
    check = ["document", "check", str(path), RELEASE, "--trust", TRUST]
    assert not answer(capsys, *check)["edited"]
    seal = str(read_written(path)[0].sha256)
    changed = path.read_bytes().replace(b"Data protection impact", b"Complete, without gaps", 1)
    found = sha256(_without_manifest(changed, suffix))
    path.write_bytes(changed.replace(seal.encode(), found.encode()))
    assert parse_written(path.read_bytes(), "x")[1]  # its own seal is right
    assert answer(capsys, *check, code=4)["edited"]


def _without_manifest(data: bytes, suffix: str) -> bytes:
    from lextune.evidence.documents.writing.marks import HTML, MARKDOWN, json_body

    if suffix == "json":
        return json_body({key: one for key, one in json.loads(data).items() if key != "manifest"})
    before, after = HTML if suffix == "html" else MARKDOWN
    body, _, rest = data.decode().partition(before)
    return (body + rest.partition(after)[2]).encode()


def test_what_is_marked_as_stale_is_no_edit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.md"
    write = _writing(path)
    answer(capsys, *write)
    path.write_bytes(_of_an_earlier_dossier(path))
    assert answer(capsys, *write)["stale"] == 1
    check = ["document", "check", str(path), RELEASE, "--trust", TRUST]
    assert answer(capsys, *check) | {"sentences": 0} == {
        "document": "instructions_for_use", "sentences": 0, "edited": False, "stale": [],
    }  # fmt: skip
