"""YOLO's labels: shares of the sides, names, pictures without labels, lists, outlines, lines that are none."""

from __future__ import annotations

import numpy as np
import pytest

from drawn import boxes_by_image, load, picture, problems
from lextune.labels import read_mask
from lextune.masks import load_mask


@pytest.fixture
def folder(tmp_path):
    """Writes a data set of YOLO: name to the text of its labels, or None where there is no file."""

    def write(below="", names="names: [cat, dog]\n", **texts):
        for seed, (name, text) in enumerate(texts.items()):
            picture(tmp_path / "images" / below / f"{name}.png", seed=seed)
            path = tmp_path / "labels" / below / f"{name}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is not None:
                path.write_text(text)
        if names is not None:
            (tmp_path / "data.yaml").write_text(names)
        return tmp_path

    return write


def test_shares_become_pixels_and_numbers_names(folder):
    rows, context = load(folder(a="1 0.5 0.5 0.25 0.2\n\n0 0.25 0.5 0.5 1.0\n", b=""))
    assert boxes_by_image(rows) == {
        "a.png": [(0, 0, 20, 30, "cat", False), (15, 12, 25, 18, "dog", False)],
        "b.png": [],
    }
    assert problems(context) == {}


@pytest.mark.parametrize("names", ["names:\n  0: cat\n  1: dog\n", "path: .\nnc: 2\nnames: ['cat', 'dog']\n"])  # fmt: skip
def test_names_are_a_list_or_a_mapping(folder, names):
    assert load(folder(a="1 0.5 0.5 0.25 0.2", names=names))[0].classes.counts() == {"dog": 1}


def test_names_may_stand_in_a_list_of_classes(folder):
    root = folder(a="1 0.5 0.5 0.25 0.2", names=None)
    rows, context = load(root)
    assert rows.classes.counts() == {"1": 1}
    assert "unnamed_classes" in problems(context)
    (root / "labels" / "classes.txt").write_text("cat\ndog\n")
    rows, context = load(root)
    assert rows.classes.counts() == {"dog": 1}
    assert problems(context) == {}


def test_pictures_without_a_file_have_no_objects_and_are_counted(folder):
    rows, context = load(folder(a="0 0.5 0.5 0.25 0.2", b=None))
    assert boxes_by_image(rows)["b.png"] == []
    assert problems(context)["without_labels"].count == 1


def test_labels_without_a_picture_are_told(folder):
    root = folder(a="0 0.5 0.5 0.25 0.2", b="")
    (root / "images" / "b.png").unlink()
    assert problems(load(root)[1])["labels_without_image"].rows == ("labels/b.txt",)


def test_a_part_is_a_folder_or_a_list(folder):
    root = folder("train", a="0 0.5 0.5 0.25 0.2", b="0 0.5 0.5 0.5 0.5")
    assert list(boxes_by_image(load(root / "images" / "train")[0])) == ["a.png", "b.png"]
    (root / "part.txt").write_text("./images/train/b.png\nimages/train/gone.png\n")
    rows, context = load(root / "part.txt")
    assert list(boxes_by_image(rows)) == ["b.png"]
    assert problems(context)["unreadable_image"].rows == (f"{root / 'part.txt'}:2",)


def test_labels_may_lie_beside_their_images(tmp_path):
    picture(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.25 0.2")
    (tmp_path / "classes.txt").write_text("cat\n")
    assert load(tmp_path)[0].classes.counts() == {"cat": 1}


@pytest.mark.parametrize(("line", "kind"), [
    ("cat 0.5 0.5 0.2 0.2", "bad_annotation"), ("0 0.5 0.5 0.2", "bad_annotation"), ("0 0.5 0.5 0.2 0.2 0.9", "bad_annotation"),
    ("0 0.5 0.5 nan 0.2", "bad_box"), ("0 0.5 0.5 0.2 x", "bad_box"), ("7 0.5 0.5 0.2 0.2", "unknown_category"),
    ("0 0.5 0.5 0 0.2", "flat_box"), ("0 0.9 0.5 0.4 0.2", "bad_box"), ("0 20 15 10 6", "bad_box"),
    ("0 0.1 0.1 0.2 0.2 0.3 0.1", "bad_annotation"), ("-1 0.5 0.5 0.2 0.2", "bad_annotation"),
])  # fmt: skip
def test_lines_that_are_none_are_errors_of_their_image(folder, line, kind):
    root = folder(a=line)
    assert problems(load(root)[1])[kind].rows == (f"{root}/images/a.png",)


def test_what_a_turned_image_means_is_open(folder):
    root = folder(a="0 0.5 0.5 0.25 0.2")
    picture(root / "images" / "a.png", orientation=6)
    assert "turned_image" in problems(load(root)[1])
    (root / "labels" / "a.txt").write_text("0 0.1 0.1 0.5 0.1 0.5 0.9")
    assert "turned_image" in problems(load(root, "mask")[1])


def test_broken_yaml_is_an_error(folder):
    assert "bad_annotations" in problems(load(folder(a="", names="names: [a\n"))[1])


class TestOutlines:
    def test_they_are_painted(self, folder):
        rows, _ = load(folder(a="1 0.25 0.2 0.75 0.2 0.75 0.8 0.25 0.8"), "mask")
        mask = read_mask(rows.labels[0])
        with open(rows.images.masks[0], "rb") as file:
            found = load_mask(file.read(), mask)
        assert tuple(mask.classes.values()) == ("background", "dog")
        expected = np.zeros((30, 40), np.uint8)
        expected[6:24, 10:30] = 1
        np.testing.assert_array_equal(found, expected)

    @pytest.mark.parametrize("line", [
        "0 0.5 0.5 0.25 0.2", "0 0.1 0.1 0.2 0.2 0.3", "0 0.1 0.1 0.2 0.2 0.3 0.1 0.5",
    ])  # fmt: skip
    def test_boxes_are_no_outlines(self, folder, line):
        assert "bad_outline" in problems(load(folder(a=line), "mask")[1])
