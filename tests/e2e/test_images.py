"""A run on images from folders to a verified release that predicts, and its refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tiny
from lextune.cli import main


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("run-on-images")
    tiny.write_tiny_network(root / "model")
    tiny.write_images(root / "train", 180, seed=1)
    tiny.write_images(root / "test", 150, seed=2)
    return root


def arguments(root: Path, out: Path, *settings: str) -> list[str]:
    found = ["run", "examples/image_classification.yaml", "--out", str(out), "--json"]
    for one in (
        f"data.train={root / 'train'}", f"data.test={root / 'test'}", f"model.source={root / 'model'}",
        "train.epochs=12", "train.learning_rate=3e-3", "train.backbone_lr_scale=1.0", "train.batch_size=16",
        "train.precision=fp32", "evaluation.bootstrap_samples=200", *settings,
    ):  # fmt: skip
        found += ["--set", one]
    return found


@pytest.mark.slow
def test_images_are_released_verified_and_predicted(
    folders: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    monkeypatch.chdir(Path(__file__).resolve().parents[2])
    code = main(arguments(folders, tmp_path / "run"))
    answer = json.loads(capsys.readouterr().out)
    assert code == 0, answer["verdict"]
    assert answer["metrics"]["accuracy"]["low"] > 0.8
    assert set(answer["baselines"]) == {"majority", "linear_probe"}
    assert not (tmp_path / "run" / "tokens").exists()
    assert not (tmp_path / "run" / "kept").exists()
    release = Path(answer["release"])
    assert main(["verify", str(release), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verified"]
    names = {path.suffix for path in release.rglob("*") if path.is_file()}
    assert not names & {".png", ".jpg"}  # no picture of the data is in a release
    assert main(["evaluate", str(release), "--data", str(folders / "test"), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)["metrics"]["accuracy"]
    assert again["value"] == answer["metrics"]["accuracy"]["value"]


def test_a_broken_image_stops_a_run_with_its_name(
    folders: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    monkeypatch.chdir(Path(__file__).resolve().parents[2])
    broken = tiny.write_images(tmp_path / "broken", 12)
    image = next(broken.rglob("*.png"))
    image.write_bytes(image.read_bytes()[:200])
    code = main(arguments(folders, tmp_path / "run", f"data.train={broken}"))
    told = capsys.readouterr()
    assert code == 2
    assert image.name in told.out + told.err
