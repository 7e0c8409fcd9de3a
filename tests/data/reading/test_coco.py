"""COCO's JSON: names for ids, crowds, images without objects, what does not fit together, and outlines as masks."""

from __future__ import annotations

import json

import numpy as np
import pytest
from faster_coco_eval.core.mask import encode

from drawn import boxes_by_image, load, picture, problems
from lextune.labels import read_mask
from lextune.masks import load_mask


def image(number, name="a.png", **more):
    return {"id": number, "file_name": name, "width": 40, "height": 30, **more}


def annotation(number, image_id, category, box=(1, 2, 3, 4), **more):
    return {"id": number, "image_id": image_id, "category_id": category, "bbox": list(box), "iscrowd": 0, **more}  # fmt: skip


@pytest.fixture
def coco(tmp_path):
    """Writes COCO's JSON with its images beside it."""

    def write(images, annotations, categories=("cat", "dog"), folder="", name="x.json"):
        if not isinstance(categories, list):
            categories = [{"id": n, "name": one} for n, one in enumerate(categories)]
        for seed, one in enumerate(images):
            if isinstance(one.get("file_name"), str):
                picture(tmp_path / folder / one["file_name"], seed=seed)
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))  # fmt: skip
        return path

    return write


class TestBoxes:
    def test_categories_are_names_and_ids_may_be_zero_or_have_gaps(self, coco):
        names = [{"id": 0, "name": "cat"}, {"id": 90, "name": "dog"}]
        path = coco(
            [image(0), image(7, "b.png")],
            [annotation(0, 0, 90), annotation(5, 0, 0, (0.5, 0, 39.5, 30), iscrowd=1)], names,
        )  # fmt: skip
        rows, context = load(path)
        assert boxes_by_image(rows) == {
            "a.png": [(0.5, 0, 40, 30, "cat", True), (1, 2, 4, 6, "dog", False)],
            "b.png": [],
        }
        assert not context.findings.has_errors()
        assert list(rows.places) == [f"{path}: image 0", f"{path}: image 7"]

    def test_names_can_be_changed(self, coco):
        rows, _ = load(coco([image(1)], [annotation(1, 1, 0)]), labels={"cat": "animal"})
        assert rows.classes.counts() == {"animal": 1}

    @pytest.mark.parametrize(("images", "annotations", "fact", "count"), [
        ([image(1), image(1, "b.png")], [], "images with the same id", 1),
        ([image(1)], [annotation(1, 1, 0), annotation(1, 1, 1)], "annotations with the same id", 1),
        ([image(1)], [annotation(1, 2, 0), annotation(2, 3, 0)], "annotations of an image that is not in the file", 2),
        ([image(1)], [annotation(1, 1, 7)], "annotations of a category that is not in the file", 1),
        ([image(1)], [annotation(1, [1], 0)], "annotations of an image that is not in the file", 1),
        ([image(1)], [annotation([1], 1, 0)], "annotations whose id is no number and no text", 1),
    ])  # fmt: skip
    def test_what_does_not_fit_together_is_told_whole(self, coco, images, annotations, fact, count):
        rows, context = load(coco(images, annotations))
        found = problems(context)["bad_annotations"]
        assert (found.fact, found.count, len(rows)) == (fact, count, 0)

    @pytest.mark.parametrize("categories", [
        [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}], [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}],
        [], [{"id": 1}], [{"name": "a"}],
    ])  # fmt: skip
    def test_categories_have_an_id_and_a_name_each(self, coco, categories):
        assert "bad_annotations" in problems(load(coco([image(1)], [], categories))[1])

    @pytest.mark.parametrize(("box", "kind"), [
        ((1, 2, 0, 4), "flat_box"), ((1, 2, -3, 4), "flat_box"), ((1, 2, 50, 4), "bad_box"), ((1, 2, 3), "bad_annotation"),
        (("x", 2, 3, 4), "bad_box"), ((-9, 2, 5, 4), "bad_box"),
    ])  # fmt: skip
    def test_boxes_that_are_none_are_errors_of_their_image(self, coco, box, kind):
        path = coco([image(1)], [annotation(1, 1, 0, box)])
        assert problems(load(path)[1])[kind].rows == (f"{path}: image 1",)

    def test_numbers_are_finite(self, coco):
        path = coco([image(1)], [annotation(1, 1, 0)])
        path.write_text(path.read_text().replace("[1, 2, 3, 4]", "[NaN, 2, 3, 4]"))
        assert "NaN" in problems(load(path)[1])["bad_annotations"].fact
        path.write_text(path.read_text().replace("[NaN, 2, 3, 4]", "[1e999, 2, 3, 4]"))
        assert "bad_box" in problems(load(path)[1])

    @pytest.mark.parametrize("text", [
        "[]", '{"images": []}', '{"images": [1], "annotations": [], "categories": []}', "{",
    ])  # fmt: skip
    def test_other_json_is_refused(self, tmp_path, text):
        (tmp_path / "x.json").write_text(text)
        assert load(tmp_path / "x.json", format="coco")[1].findings.has_errors()


class TestImages:
    @pytest.mark.parametrize(("folder", "name"), [
        ("", "x.json"), ("images", "x.json"), ("JPEGImages", "coco/instances_train.json"),
        ("train2017", "annotations/instances_train2017.json"),
        ("pictures", "coco/x.json"),
    ])  # fmt: skip
    def test_they_are_found_around_the_json(self, coco, folder, name):
        rows, context = load(coco([image(1)], [annotation(1, 1, 0)], folder=folder, name=name))
        assert len(rows) == 1
        assert not context.findings.has_errors()

    def test_the_folder_of_the_part_is_the_one_that_the_name_says(self, coco, tmp_path):
        path = coco([image(1)], [annotation(1, 1, 0)], folder="train", name="annotations/instances_train.json")  # fmt: skip
        picture(tmp_path / "other" / "a.png", seed=8)
        assert list(load(path)[0].images.files) == [str(tmp_path / "train" / "a.png")]

    def test_several_that_may_be_meant_are_refused_until_the_config_says_which(
        self, coco, tmp_path
    ):
        path = coco([image(1)], [annotation(1, 1, 0)], folder="one", name="notes/x.json")
        picture(tmp_path / "two" / "a.png", seed=8)
        assert problems(load(path)[1])["open_images"].severity == "error"
        rows, context = load(path, images=str(tmp_path / "two"))
        assert list(rows.images.files) == [str(tmp_path / "two" / "a.png")]
        assert not context.findings.has_errors()

    def test_those_that_are_not_there_are_told_whole(self, coco, tmp_path):
        path = coco([image(n, f"{n}.png") for n in range(4)], [annotation(1, 1, 0)])
        for n in (2, 3):
            (tmp_path / f"{n}.png").unlink()
        found = problems(load(path)[1])["unreadable_image"]
        assert found.rows == (f"{path}: image 2", f"{path}: image 3")

    def test_roboflows_folder_holds_the_json(self, coco, tmp_path):
        coco([image(1)], [annotation(1, 1, 0)], name="_annotations.coco.json")
        assert len(load(tmp_path)[0]) == 1


def painted(path, **config):
    """Class names of the pixels of each image."""
    rows, context = load(path, "mask", **config)
    found = []
    for label, file in zip(rows.labels, rows.images.masks, strict=True):
        mask = read_mask(label)
        with open(file, "rb") as stream:
            numbers = load_mask(stream.read(), mask)
        names = np.array([*mask.classes.values(), *[""] * (256 - len(mask.classes))])
        found.append(names[numbers])
    return found, rows, context


SQUARE = [[10, 10, 30, 10, 30, 25, 10, 25]]
SMALL = [[12, 12, 16, 12, 16, 16, 12, 16]]


class TestMasks:
    @pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:pycocotools")
    @pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")
    def test_polygons_are_painted_as_the_reference_does(self, coco):
        reference = pytest.importorskip("pycocotools.mask")
        shape = [[3.2, 4.1, 35, 7, 20.5, 28, 5, 20], [1, 1, 3, 1, 2, 3]]
        found, _, _ = painted(coco([image(1)], [annotation(1, 1, 1, segmentation=shape)]))
        runs = reference.merge(reference.frPyObjects(shape, 30, 40))
        np.testing.assert_array_equal(found[0] == "dog", reference.decode(runs).astype(bool))
        assert set(np.unique(found[0])) == {"background", "dog"}

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_the_smaller_object_is_on_top_in_any_order(self, coco, order):
        both = [annotation(1, 1, 0, segmentation=SQUARE), annotation(2, 1, 1, segmentation=SMALL)]
        found, _, _ = painted(coco([image(1)], [both[at] for at in order]))
        assert found[0][14, 14] == "dog"
        assert found[0][20, 20] == "cat"
        assert found[0][1, 1] == "background"

    def test_of_equally_large_ones_the_later_is_on_top(self, coco):
        both = [annotation(1, 1, 0, segmentation=SQUARE), annotation(2, 1, 1, segmentation=SQUARE)]
        assert "cat" not in painted(coco([image(1)], both))[0][0]

    @pytest.mark.parametrize("counts", [[40, 10, 1150], None])
    def test_run_lengths_are_painted_too(self, coco, counts):
        if counts is None:
            region = np.zeros((30, 40), np.uint8, order="F")
            region[10:20, 1] = 1
            counts = encode(region)["counts"].decode()
        runs = {"size": [30, 40], "counts": counts}
        found, _, _ = painted(coco([image(1)], [annotation(1, 1, 0, iscrowd=1, segmentation=runs)]))
        assert (found[0] == "cat").sum() == 10
        assert (found[0][10:20, 1] == "cat").all()

    def test_background_is_a_class_unless_the_config_leaves_it_void(self, coco):
        path = coco([image(1)], [annotation(1, 1, 0, segmentation=SQUARE)])
        assert painted(path)[1].classes.counts() == {"background": 1, "cat": 1}
        found, rows, _ = painted(path, ignore_labels=("background",), labels={"cat": "animal"})
        assert rows.classes.counts() == {"animal": 1}
        assert set(np.unique(found[0])) == {"animal", ""}

    def test_more_categories_than_a_byte_holds(self, coco):
        names = [{"id": n, "name": f"c{n:03}"} for n in range(300)]
        shapes = [annotation(1, 1, 299, segmentation=SQUARE), annotation(2, 1, 0, segmentation=SMALL)]  # fmt: skip
        found, _, context = painted(coco([image(1)], shapes, names))
        assert set(np.unique(found[0])) == {"background", "c000", "c299"}
        assert not context.findings.has_errors()

    @pytest.mark.parametrize("shape", [
        None, [], [[1, 2, 3, 4]], [[1, 2, 3, 4, 5, 6, 7]], [["a"] * 6], [[1, 1, 500, 1, 5, 5]], [[-5, 1, 9, 1, 5, 5]], "x",
        {"size": [30, 40], "counts": [1, 2]}, {"size": [40, 30], "counts": [1200]}, {"size": [30, 40], "counts": "zz"},
        {"size": [30, 40], "counts": [-5, 1205]}, {"size": [30, 40]},
    ])  # fmt: skip
    def test_outlines_that_are_none_are_refused(self, coco, shape):
        path = coco([image(1)], [annotation(1, 1, 0, segmentation=shape)])
        _, context = load(path, "mask")
        assert {"bad_outline", "bad_box"} & set(problems(context))

    def test_an_image_of_unknown_size_cannot_be_painted(self, coco):
        path = coco([image(1, width=None)], [annotation(1, 1, 0, segmentation=SQUARE)])
        assert "bad_annotation" in problems(load(path, "mask")[1])

    def test_an_image_without_objects_is_background(self, coco):
        found, _, context = painted(coco([image(1)], []))
        assert set(np.unique(found[0])) == {"background"}
        assert not context.findings.has_errors()
