"""Folders, files and tables of images are predicted, drawn on, and told of where they cannot be read."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lextune.cli import main
from lextune.serving import predictor as module
from lextune.tasks.vision.found import FoundMask


@pytest.fixture
def release(picture_run, home: Path) -> str:
    """The release, in a home that trusts who signed it."""
    shutil.copytree(picture_run.home, home)
    return str(picture_run.release)


@pytest.fixture
def folder(picture_run, tmp_path: Path) -> Path:
    """Two good images, one of them deeper, and one that is cut short."""
    made = tmp_path / "in"
    (made / "deep").mkdir(parents=True)
    source = picture_run.folder / "test"
    shutil.copy(source / "sea" / "003.png", made / "a.png")
    shutil.copy(source / "forest" / "013.png", made / "deep" / "b.png")
    (made / "c.png").write_bytes((source / "sea" / "004.png").read_bytes()[:700])
    return made


def read(path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_folder_is_predicted_in_name_order_and_what_is_damaged_is_told(
    release, folder, tmp_path, capsys
):
    out = tmp_path / "out.jsonl"
    assert main(["predict", release, str(folder), "-o", str(out)]) == 2
    found = lines(out)
    assert [one["image"] for one in found] == [
        str(folder / name) for name in ("a.png", "c.png", "deep/b.png")
    ]
    assert [one["label"] for one in found] == ["sea", None, "forest"]
    assert [one.get("problem") for one in found] == [None, "damaged image", None]
    assert "1 of 3 images cannot be read; the first is row 2" in capsys.readouterr().err

    assert main(["predict", release, str(folder), "-o", str(out), "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert (document["rows"], document["unreadable"]) == (3, 1)


def test_one_image_and_tables_of_images(release, folder, tmp_path, capsys):
    out = tmp_path / "out.jsonl"
    assert main(["predict", release, str(folder / "a.png"), "-o", str(out)]) == 0
    assert [one["label"] for one in lines(out)] == ["sea"]
    (folder / "t.csv").write_text("n,image\n7,a.png\n8,deep/b.png\n")
    asked = ["predict", release, str(folder / "t.csv"), "-o", str(out), "--id-column", "n"]
    assert main(asked) == 0
    assert [(one["id"], one["label"]) for one in lines(out)] == [("7", "sea"), ("8", "forest")]
    (folder / "t.jsonl").write_text('{"path": "a.png"}\n{"path": null}\n{"path": "gone.png"}\n')
    target = tmp_path / "out.csv"
    asked = ["predict", release, str(folder / "t.jsonl"), "--image-column", "path", "-o"]
    assert main([*asked, str(target)]) == 2
    with open(target, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [one["label"] for one in rows] == ["sea", "", ""]
    assert [one["problem"] for one in rows] == ["", "no image", "no such file or directory"]
    assert list(rows[0]) == [
        "row", "image", "label", "score", "score.forest", "score.sea", "problem",
    ]  # fmt: skip


def test_answers_are_drawn_on_copies(release, folder, tmp_path, capsys):
    drawn, before = tmp_path / "drawn", (folder / "a.png").read_bytes()
    assert main(["predict", release, str(folder), "--draw", str(drawn)]) == 2
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one.get("drawn") for one in found] == [
        str(drawn / "000001-a.png"), None, str(drawn / "000003-b.png"),
    ]  # fmt: skip
    assert sorted(path.name for path in drawn.iterdir()) == ["000001-a.png", "000003-b.png"]
    assert read(drawn / "000001-a.png").width == 240
    assert (folder / "a.png").read_bytes() == before


def test_pictures_are_not_written_among_those_that_are_read(release, folder, capsys):
    assert main(["predict", release, str(folder), "--draw", str(folder / "drawn")]) == 2
    assert "--draw is inside INPUT" in capsys.readouterr().err
    assert not (folder / "drawn").exists()


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (["--masks", "m"], "--masks means nothing to a release of the task image_classification"),
        (["--text-column", "t"], "--text-column means nothing"),
    ],
)
def test_options_of_other_tasks_are_refused(release, folder, capsys, option, told):
    assert main(["predict", release, str(folder), *option]) == 2
    assert told in capsys.readouterr().err


def test_found_masks_are_written_as_indexed_pictures(
    release, folder, tmp_path, monkeypatch, capsys
):
    """With a model whose mask is known: the lower half is `sea`."""

    class Halves:
        label_kind, input_kind, name = "mask", "image", "halves"

        def find(self, loaded, inputs, batch_size, advance):
            encoded = loaded.encode(inputs)
            made = []
            for height, width in encoded.originals.tolist():
                values = np.zeros((height, width), np.uint8)
                values[height // 2 :] = 1
                made.append(FoundMask(values, 0.8, np.full_like(values, 204)))
            return made

    load = module.load_finished
    monkeypatch.setattr(
        module, "load_finished", lambda files: dataclasses.replace(load(files), task=Halves())
    )
    masks, drawn = tmp_path / "masks", tmp_path / "drawn"
    asked = ["predict", release, str(folder), "--masks", str(masks), "--draw", str(drawn)]
    assert main(asked) == 2
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert found[0]["segments"] == [
        {"label": "forest", "share": 0.5, "score": 0.8},
        {"label": "sea", "share": 0.5, "score": 0.8},
    ]
    assert found[1] == {
        "row": 2, "image": str(folder / "c.png"), "segments": None, "problem": "damaged image",
    }  # fmt: skip
    image = read(found[0]["mask"])
    assert image.mode == "P"
    values = np.asarray(image)
    assert values.shape == (32, 40)
    assert set(values[:16].ravel().tolist()) == {0}
    assert set(values[16:].ravel().tolist()) == {1}
    assert read(found[0]["drawn"]).height > 240 * 32 / 40  # the legend is below
