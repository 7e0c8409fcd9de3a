"""Every example's config is right, and the classic tutorial runs on real reviews with a local model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tiny
import tiny_segmenters
from lextune.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "examples").glob("*.yaml")), ids=lambda p: p.name
)
def test_the_config_is_right(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    assert main(["config", "check", str(path)]) == 0
    assert path.read_text(encoding="utf-8").startswith("# lextune run ")


def test_the_task_examples_run_on_other_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(REPOSITORY)
    model = tiny.write_tiny_bert(tmp_path / "model")
    train = tiny.write_reviews(tmp_path / "train.csv", 900, seed=1)
    test = tiny.write_reviews(tmp_path / "test.csv", 400, seed=2)
    for name in ("sentiment", "text_classification"):
        arguments = ["run", f"examples/{name}.yaml", "--out", str(tmp_path / name), "--json"]
        for value in (f"data.train={train}", f"data.test={test}", f"model.source={model}",
                      "data.sample=null", "train.max_length=32", "train.learning_rate=3e-3",
                      "evaluation.bootstrap_samples=200"):  # fmt: skip
            arguments += ["--set", value]
        assert main(arguments) == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer["metrics"]["accuracy"]["n"] == 400
        assert answer["metrics"]["accuracy"]["low"] > 0.9
        assert Path(answer["release"]).is_dir()


@pytest.mark.slow
def test_the_masks_example_runs_on_other_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(REPOSITORY)
    model = tiny_segmenters.write_encoder(tmp_path / "model")
    train, test = (tiny_segmenters.write_pictures(tmp_path, *one) for one in (("train", 40), ("test", 24, 1000)))  # fmt: skip
    arguments = [
        "run",
        "examples/semantic_segmentation.yaml",
        "--out",
        str(tmp_path / "run"),
        "--json",
    ]
    for value in (f"data.train={train}", f"data.test={test}", f"model.source={model}",
                  'data.labels={"0": field, "1": lake, "2": road}', 'data.ignore_labels=["9"]',
                  "train.image_size=64", "train.epochs=6", "train.freeze_stages=0",
                  "train.class_weights=balanced", "train.segmentation_loss=cross_entropy+dice",
                  "evaluation.test_time_augmentation=flip", "evaluation.bootstrap_samples=200"):  # fmt: skip
        arguments += ["--set", value]
    assert main(arguments) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["metrics"]["mean_iou"]["n"] == 24
    assert answer["metrics"]["mean_iou"]["low"] > 0.5
    assert answer["metrics"]["mean_iou_minus_mean_layout"]["low"] > 0
    release = Path(answer["release"])
    assert main(["evaluate", str(release), "--data", str(test), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["metrics"]["mean_iou"]["value"] == pytest.approx(
        answer["metrics"]["mean_iou"]["value"], abs=1e-3
    )
    assert Path(answer["report"]).is_file()
    masks, given = tmp_path / "found", tmp_path / "test"
    asked = ["predict", str(release), str(given), "--masks", str(masks)]
    assert main([*asked, "-o", str(tmp_path / "answers.jsonl")]) == 0
    assert len(list(masks.iterdir())) == len(list(given.iterdir()))


@pytest.mark.slow
def test_the_entities_example_runs_on_other_data(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(REPOSITORY)
    model = tiny.write_tiny_bert(tmp_path / "model")
    train = tiny.write_entities(tmp_path / "train.conll", 900, seed=1)
    test = tiny.write_entities(tmp_path / "test.conll", 300, seed=2)
    arguments = ["run", "examples/ner.yaml", "--out", str(tmp_path / "run"), "--json"]
    for value in (f"data.train={train}", f"data.test={test}", f"model.source={model}",
                  "train.max_length=24", "train.learning_rate=3e-3", "train.epochs=6",
                  "data.licence=CC0-1.0", "evaluation.bootstrap_samples=200"):  # fmt: skip
        arguments += ["--set", value]
    assert main(arguments) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["metrics"]["entity_f1"]["low"] > 0.6
    assert answer["metrics"]["entity_f1_minus_dictionary"]["low"] > 0.4
    release = answer["release"]
    card = (Path(release) / "README.md").read_text(encoding="utf-8")
    assert "pipeline_tag: token-classification" in card
    assert main(["verify", release, "--json"]) == 0
    capsys.readouterr()
    assert main(["evaluate", release, "--data", str(test), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)["metrics"]
    assert again["entity_f1"] == answer["metrics"]["entity_f1"]


def hub_cache(model: Path, home: Path) -> None:
    """`model` as huggingface_hub caches it: blobs, and a snapshot of links to them."""
    folder = home / "hub" / "models--tiny--bert"
    snapshot = folder / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (folder / "blobs").mkdir()
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(COMMIT)
    for index, path in enumerate(sorted(model.iterdir())):
        shutil.copyfile(path, folder / "blobs" / f"{index:064x}")
        (snapshot / path.name).symlink_to(f"../../blobs/{index:064x}")


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("layout", ["folder", "hub cache"])
def test_the_classic_tutorial(tmp_path: Path, shared: Path, home: Path, layout: str) -> None:
    """The mechanics of the tutorial with a tiny model; its accuracy is not the point here."""
    model = tiny.write_tiny_bert(tmp_path / "model")
    environment = {**os.environ, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"}
    source = str(model)
    if layout == "hub cache":
        hub_cache(model, tmp_path / "hf")
        source = "tiny/bert"
    out = tmp_path / "run"
    finished = subprocess.run(
        [sys.executable, str(REPOSITORY / "examples" / "imdb_bert.py"),
         "--data", str(shared / "data/sentiment/imdb/aclImdb_small"), "--model", source,
         "--out", str(out), "--set", "train.epochs=1", "--set", "train.max_length=64",
         "--set", "train.learning_rate=1e-3"],
        env=environment, capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    # A model of 100 KB that knows no English cannot meet the mark, and must not be deployed.
    assert finished.returncode == 3, finished.stdout + finished.stderr
    assert "not deployed: accuracy: Accuracy is 0." in finished.stdout
    assert not list(out.glob("release/*"))
    select = next((out / "dossier" / "statements").glob("*-select.dsse.json")).read_text()
    import base64

    record = json.loads(base64.b64decode(json.loads(select)["payload"]))["predicate"]["record"]
    assert record["revision"] == (COMMIT if layout == "hub cache" else record["revision"])
    assert len(record["revision"]) == (40 if layout == "hub cache" else 64)
    report = json.loads((out / "dossier" / "data_report.json").read_bytes())
    assert report["parts"] == {"train": 2000, "test": 2000}
