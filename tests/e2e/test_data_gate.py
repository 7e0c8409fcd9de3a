"""A run leaves its data report, trains on what was checked alone, and says what a tokenizer cannot read."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from lextune import extras, pipeline, run
from lextune.cli import main
from lextune.errors import ExitCode, VerificationError
from lextune.files import sha256
from lextune.listener import Listener

if TYPE_CHECKING:
    from workshop import Workshop


class Heard(Listener):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def tell(self, text: str) -> None:
        self.words.append(text)


def statement(folder: Path, room: str) -> dict:
    import base64

    (path,) = (folder / "dossier/statements").glob(f"*-{room}.dsse.json")
    return json.loads(base64.b64decode(json.loads(path.read_bytes())["payload"]))


def test_a_run_signs_its_report_and_page_and_measures_the_quality_of_what_it_uses(
    workshop: Workshop, tmp_path: Path
) -> None:
    finished = run(workshop.config(), out=tmp_path / "run")
    assert finished.release is not None
    dossier = finished.release / "dossier"
    signed = statement(finished.folder, "prepare")
    named = {one["name"]: one["digest"]["sha256"] for one in signed["subject"]}
    for name in ("data_report.json", "data_report.html"):
        assert named[f"dossier/{name}"] == sha256((dossier / name).read_bytes())
    report = json.loads((dossier / "data_report.json").read_bytes())
    assert [one["check"] for one in report["quality"]] == [
        "coverage", "lengths", "near_duplicates", "screening", "manual_review",
    ]  # fmt: skip
    values = {
        one["name"]: one["value"] for one in signed["predicate"]["measurements"] if not one["group"]
    }
    assert values["near_leaked_test_rows"] >= 0
    assert "technical_check_pass_share" not in values
    trained = {
        one["name"]: one for one in statement(finished.folder, "train")["predicate"]["measurements"]
    }
    assert trained["unknown_token_share"]["value"] == 0
    assert main(["verify", str(finished.release)]) == 0
    page = dossier / "data_report.html"
    page.write_text(page.read_text().replace("Data report", "Data rapport"))
    assert main(["verify", str(finished.release)]) == ExitCode.UNVERIFIED


def test_rows_that_are_swapped_between_the_checks_and_training_are_refused(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who can reach the tables in the process, or on the disk under them, gets no signed model."""
    true = pipeline._Job._prepare

    def swapped(job, dossier):  # type: ignore[no-untyped-def]
        prepared = true(job, dossier)
        table = prepared.parts["train"]
        labels = table["label"].to_pylist()
        one, other = labels.index("positive"), labels.index("negative")
        labels[one], labels[other] = labels[other], labels[one]
        changed = table.set_column(table.column_names.index("label"), "label", pa.array(labels))
        return dataclasses.replace(prepared, parts={**prepared.parts, "train": changed})

    monkeypatch.setattr(pipeline._Job, "_prepare", swapped)
    with pytest.raises(VerificationError, match="rows of train are not those that were checked"):
        run(workshop.config(), out=tmp_path / "run")
    assert not (tmp_path / "run/model").exists()
    assert not list((tmp_path / "run/dossier/statements").glob("*-train.dsse.json"))


def test_test_rows_that_are_swapped_before_they_are_measured_are_refused(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = pipeline._Job._train

    def swapped(job, dossier, selected, prepared):  # type: ignore[no-untyped-def]
        trained = true(job, dossier, selected, prepared)
        prepared.parts["test"] = prepared.parts["test"].slice(5)
        return trained

    monkeypatch.setattr(pipeline._Job, "_train", swapped)
    with pytest.raises(VerificationError, match="rows of test"):
        run(workshop.config(), out=tmp_path / "run")


def test_a_set_that_the_tokenizer_cannot_read_is_told_before_training(
    workshop: Workshop, tmp_path: Path
) -> None:
    head, *rows = workshop.data.read_text().splitlines()
    path = tmp_path / "rows.csv"
    # one sign of Chinese for every two words
    lines = [row.split(",") for row in rows]
    made = [
        f"{text} {'好' * (len(text.split()) // 2)},{label},{place}" for text, label, place in lines
    ]
    path.write_text("\n".join([head, *made]) + "\n")
    heard = Heard()
    run(
        workshop.config(data={"train": str(path)}, train={"epochs": 1}),
        out=tmp_path / "run",
        listener=heard,
    )
    (told,) = [words for words in heard.words if "unknown to the model's tokenizer" in words]
    share = {
        one["name"]: one
        for one in statement(tmp_path / "run", "train")["predicate"]["measurements"]
    }
    assert told.startswith(f"{share['unknown_token_share']['value']:.0%} ")
    assert share["unknown_token_share"]["value"] > 0.2


def test_without_the_extra_a_run_goes_on_without_the_page_and_says_so(
    workshop: Workshop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(extras, "MODULES", {**extras.MODULES, "report": ("no_such_module",)})
    heard = Heard()
    finished = run(workshop.config(train={"epochs": 1}), out=tmp_path / "run", listener=heard)
    assert any("written as JSON only" in words for words in heard.words)
    assert (finished.folder / "dossier/data_report.json").is_file()
    assert not (finished.folder / "dossier/data_report.html").exists()
    page = tmp_path / "x.html"
    assert main(["data", "check", str(workshop.data), "--report", str(page)]) == 2
    assert "no_such_module" in capsys.readouterr().err
    assert not page.exists()
