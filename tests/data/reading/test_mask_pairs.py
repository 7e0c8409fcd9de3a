"""Pairs of images and masks: lists, folders, names that do not match, and real streets."""

from __future__ import annotations

import numpy as np
import pytest

from drawn import load, picture, problems, values
from lextune.labels import read_mask
from lextune.masks import VOID, load_mask

MASK = [[0, 1], [1, 11]]


def pair(root, name, images="images", masks="masks", mask=None, seed=0):
    picture(root / images / f"{name}.png", 2, 2, seed=seed)
    values(root / masks / f"{mask or name}.png", MASK)


def pairs(rows):
    """Names of images and of their masks."""
    both = zip(rows.images.files, rows.images.masks, strict=True)
    return [tuple(path.rsplit("/", 2)[-2:] for path in one) for one in both]


class TestLists:
    @pytest.mark.parametrize("between", [" ", "\t", ",", ", "])
    def test_a_line_is_an_image_and_its_mask(self, tmp_path, between):
        for seed, name in enumerate("ab"):
            pair(tmp_path, name, seed=seed)
        (tmp_path / "list.txt").write_text(
            "".join(f"images/{name}.png{between}masks/{name}.png\n" for name in "ba")
        )
        rows, context = load(tmp_path / "list.txt", "mask", ignore_labels=("11",))
        assert pairs(rows) == [(["images", "b.png"], ["masks", "b.png"]), (["images", "a.png"], ["masks", "a.png"])]  # fmt: skip
        assert rows.classes.counts() == {"0": 2, "1": 2}
        assert problems(context) == {}

    def test_names_with_spaces_need_a_tab(self, tmp_path):
        pair(tmp_path, "a b")
        (tmp_path / "list.txt").write_text("images/a b.png\tmasks/a b.png\n")
        assert len(load(tmp_path / "list.txt", "mask")[0]) == 1
        (tmp_path / "list.txt").write_text("images/a b.png masks/a b.png\n")
        found = load(tmp_path / "list.txt", "mask", format="mask_pairs")
        assert problems(found[1])["bad_line"].count == 1

    def test_files_that_are_not_there_are_told_with_their_lines(self, tmp_path):
        pair(tmp_path, "a")
        text = "images/a.png masks/a.png\nimages/x.png masks/a.png\nimages/a.png masks/x.png\n"
        (tmp_path / "list.txt").write_text(text)
        found = problems(load(tmp_path / "list.txt", "mask")[1])
        assert found["unreadable_image"].rows == (f"{tmp_path / 'list.txt'}:2",)
        assert found["missing_mask"].rows == (f"{tmp_path / 'list.txt'}:3",)

    def test_a_list_of_the_development_kit_names_both(self, tmp_path):
        for seed, name in enumerate("abc"):
            pair(tmp_path, name, "JPEGImages", "SegmentationClass", seed=seed)
        lists = tmp_path / "ImageSets" / "Segmentation"
        lists.mkdir(parents=True)
        (lists / "train.txt").write_text("c\na\n")
        (tmp_path / "SegmentationClass" / "a.png").unlink()
        rows, context = load(lists / "train.txt", "mask")
        assert pairs(rows) == [(["JPEGImages", "c.png"], ["SegmentationClass", "c.png"])]
        assert problems(context)["missing_mask"].rows == (f"{lists / 'train.txt'}:2",)


class TestFolders:
    @pytest.mark.parametrize(("images", "masks"), [
        ("images", "masks"), ("images", "labels"), ("images", "annotations"), ("JPEGImages", "SegmentationClass"),
    ])  # fmt: skip
    def test_both_lie_in_a_folder_each(self, tmp_path, images, masks):
        for seed, name in enumerate("ab"):
            pair(tmp_path, name, images, masks, seed=seed)
        rows, context = load(tmp_path, "mask")
        assert pairs(rows) == [([images, f"{n}.png"], [masks, f"{n}.png"]) for n in "ab"]
        assert problems(context) == {}

    def test_a_part_is_a_folder_of_images_below(self, tmp_path):
        pair(tmp_path, "a", "images/train", "masks/train")
        pair(tmp_path, "b", "images/val", "masks/val", seed=1)
        assert pairs(load(tmp_path / "images" / "train", "mask")[0]) == [(["train", "a.png"], ["train", "a.png"])]  # fmt: skip
        assert len(load(tmp_path, "mask")[0]) == 2

    def test_what_has_no_partner_is_told(self, tmp_path):
        pair(tmp_path, "a", mask="a_mask")
        pair(tmp_path, "b", mask="c", seed=1)
        rows, context = load(tmp_path, "mask")
        assert pairs(rows) == [(["images", "a.png"], ["masks", "a_mask.png"])]
        assert problems(context)["missing_mask"].rows == (f"{tmp_path}/images/b.png",)
        assert problems(context)["missing_mask"].severity == "error"
        assert problems(context)["mask_without_image"].rows == ("masks/c",)

    def test_two_images_never_share_a_mask(self, tmp_path):
        pair(tmp_path, "a")
        picture(tmp_path / "images" / "a.bmp", 2, 2, seed=3)
        assert problems(load(tmp_path, "mask")[1])["shared_mask"].count == 1

    def test_other_folders_are_not_taken_for_pairs(self, tmp_path):
        picture(tmp_path / "images" / "a.png")
        assert load(tmp_path, "mask", format="mask_pairs")[1].findings.error_kinds() == {"no_annotations"}  # fmt: skip


@pytest.mark.shared
@pytest.mark.parametrize(("part", "count"), [("train", 64), ("val", 20), ("test", 30)])
def test_camvid(shared, part, count):
    rows, context = load(
        shared / "data" / "semantic_segmentation" / "camvid" / f"{part}.txt",
        "mask",
        ignore_labels=("11",),
    )
    assert len(rows) == count
    assert problems(context) == {}
    assert set(rows.classes.counts()) == {str(number) for number in range(11)}
    mask = read_mask(rows.labels[0])
    with open(rows.images.masks[0], "rb") as file:
        found = load_mask(file.read(), mask)
    assert found.shape == (360, 480)
    assert set(np.unique(found)) <= {*range(len(mask.classes)), VOID}
