"""Pascal VOC: corners from 0 and from 1, lists, names of images, XML that is none or that bites, real data."""

from __future__ import annotations

from collections import Counter

import pytest

from drawn import boxes_by_image, load, picture, problems


def annotation(*objects, name="a.png", size=(40, 30), head=""):
    """The XML of one image; an object is (xmin, ymin, xmax, ymax, name)."""
    boxes = "".join(
        f"<object><name>{kind}</name><difficult>0</difficult><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin>"
        f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        for x1, y1, x2, y2, kind in objects
    )
    width, height = size
    return (
        f"{head}<annotation><filename>{name}</filename><size><width>{width}</width><height>{height}</height>"
        f"<depth>3</depth></size>{boxes}</annotation>"
    )


@pytest.fixture
def folder(tmp_path):
    """Writes a data set of VOC: name of the XML to its text."""

    def write(*texts, names="abcdef", images="JPEGImages", annotations="Annotations"):
        for seed, (name, text) in enumerate(zip(names, texts, strict=False)):
            path = tmp_path / annotations / f"{name}.xml"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            picture(tmp_path / images / f"{name}.png", seed=seed)
        return tmp_path

    return write


class TestCorners:
    def test_from_one_they_are_inside_of_the_box(self, folder):
        rows, context = load(folder(annotation((1, 1, 40, 30, "cat"), (2.5, 3, 4, 5, "dog"))))
        assert boxes_by_image(rows) == {
            "a.png": [(0, 0, 40, 30, "cat", False), (1.5, 2, 4, 5, "dog", False)]
        }
        assert "from 1" in next(iter(context.encodings.values()))

    def test_a_zero_anywhere_proves_that_they_are_from_zero(self, folder):
        root = folder(
            annotation((1, 1, 40, 30, "cat")), annotation((5, 0, 9, 9, "cat"), name="b.png")
        )
        rows, context = load(root)
        assert boxes_by_image(rows) == {
            "a.png": [(1, 1, 40, 30, "cat", False)],
            "b.png": [(5, 0, 9, 9, "cat", False)],
        }
        assert "from 0" in next(iter(context.encodings.values()))

    def test_train_and_test_are_read_alike_whichever_has_the_zero(self, folder):
        root = folder(
            annotation((1, 1, 40, 30, "cat")), annotation((5, 0, 9, 9, "cat"), name="b.png")
        )
        lists = root / "ImageSets" / "Main"
        lists.mkdir(parents=True)
        (lists / "test.txt").write_text("a\n")
        rows, context = load(lists / "test.txt")
        assert boxes_by_image(rows) == {"a.png": [(1, 1, 40, 30, "cat", False)]}
        assert "from 0" in context.encodings[str(lists / "test.txt")]

    def test_a_box_that_is_flat_as_written_is_found_and_not_made_a_pixel_wide(self, folder):
        root = folder(annotation((10, 10, 10, 40, "cat"), (1, 1, 5, 5, "dog")))
        _, context = load(root)
        assert problems(context)["flat_box"].severity == "error"
        assert problems(context)["flat_box"].rows[0].endswith("Annotations/a.xml")
        rows, context = load(root, flat_boxes="drop")
        assert boxes_by_image(rows)["a.png"] == [(0, 0, 5, 5, "dog", False)]
        assert problems(context)["flat_box"].count == 1


class TestFiles:
    def test_pictures_without_objects_are_rows(self, folder):
        rows, context = load(folder(annotation(), annotation((1, 1, 5, 5, "cat"), name="b.png")))
        assert list(rows.labels) == ["[]", '[[0,0,5,5,"cat"]]']
        assert not context.findings.has_errors()

    def test_a_list_says_which_and_in_which_order(self, folder):
        root = folder(*[annotation((1, 1, 5, 5, "cat"), name=f"{n}.png") for n in "abc"])
        (root / "train.txt").write_text("c 1\n\na  -1\n")
        rows, _ = load(root / "train.txt")
        assert list(boxes_by_image(rows)) == ["c.png", "a.png"]
        assert list(rows.places) == [f"{root / 'train.txt'}:1", f"{root / 'train.txt'}:3"]

    def test_what_a_list_names_and_is_not_there_is_told_whole(self, folder):
        root = folder(annotation((1, 1, 5, 5, "cat")))
        (root / "train.txt").write_text("x\na\ny\n")
        _, context = load(root / "train.txt")
        assert problems(context)["missing_annotation"].count == 2

    @pytest.mark.parametrize("name", ["old.png", "/home/me/old.jpg", "C:\\x\\old.jpg", "", "a"])
    def test_the_name_of_the_xml_counts_more_than_the_name_in_it(self, folder, name):
        root = folder(annotation((1, 1, 5, 5, "cat"), name=name))
        picture(root / "JPEGImages" / "old.png", seed=9)
        rows, context = load(root)
        assert list(boxes_by_image(rows)) == ["a.png"]
        assert not context.findings.has_errors()

    def test_images_that_are_not_there_are_told_whole(self, folder):
        root = folder(*[annotation((1, 1, 5, 5, "cat"), name=f"{n}.png") for n in "abc"])
        for name in "ab":
            (root / "JPEGImages" / f"{name}.png").unlink()
        _, context = load(root)
        found = problems(context)["unreadable_image"]
        assert found.count == 2
        assert [place.rsplit("/", 1)[1] for place in found.rows] == ["a.xml", "b.xml"]

    def test_the_config_says_where_images_lie(self, folder):
        root = folder(annotation((1, 1, 5, 5, "cat")), images="far/away")
        rows, _ = load(root / "Annotations", images=str(root / "far" / "away"))
        assert list(rows.images.files) == [str(root / "far" / "away" / "a.png")]

    def test_the_size_decides_on_orientation(self, folder):
        root = folder(annotation((3, 31, 22, 38, "cat"), size=(30, 40)))
        picture(root / "JPEGImages" / "a.png", orientation=6)
        rows, _ = load(root)
        assert boxes_by_image(rows)["a.png"] == [(2, 30, 22, 38, "cat", False)]
        (root / "Annotations" / "a.xml").write_text(annotation((3, 1, 5, 9, "cat"), size=(0, 0)))
        assert "turned_image" in problems(load(root)[1])

    def test_difficult_boxes_are_counted(self, folder):
        text = annotation((1, 1, 5, 5, "cat")).replace("<difficult>0", "<difficult>1")
        _, context = load(folder(text))
        assert problems(context)["difficult_boxes"].count == 1


BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'


class TestXml:
    @pytest.mark.parametrize("text", [
        annotation((1, 1, 5, 5, "&b;"), head=BOMB),
        annotation((1, 1, 5, 5, "x"), head=BOMB.replace('"1.0"', '"1.0" encoding="utf-16"')).encode("utf-16"),
        annotation(head='<!DOCTYPE x SYSTEM "file:///etc/passwd">'),
        "", "<annotation>", "<svg/>", b"\xff\x00\x01", "<annotation><object><name>a</name></object></annotation>",
        annotation((1, 1, 5, 5, "")), annotation((1, 1, 5, 5, "a")).replace("<width>40", "<width>-1"),
    ])  # fmt: skip
    def test_what_is_no_annotation_or_declares_something_is_refused(self, folder, text):
        _, context = load(folder(text))
        assert problems(context)["bad_annotation"].severity == "error"

    @pytest.mark.parametrize("side", ["nan", "inf", "1e999", "x", ""])
    def test_corners_are_finite_numbers(self, folder, side):
        _, context = load(folder(annotation((1, 1, side, 5, "a"))))
        assert "bad_box" in problems(context)

    def test_parts_of_objects_are_no_objects(self, folder):
        sides = "<xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax>"
        part = f"<part><name>head</name><bndbox>{sides}</bndbox></part>"
        text = annotation((1, 1, 5, 5, "cat")).replace("</object>", f"{part}</object>")
        rows, _ = load(folder(text))
        assert boxes_by_image(rows)["a.png"] == [(0, 0, 5, 5, "cat", False)]


@pytest.mark.shared
class TestRealData:
    def test_raccoon(self, shared):
        rows, context = load(shared / "data" / "object_detection" / "raccoon")
        found = boxes_by_image(rows)
        assert (len(found), sum(map(len, found.values()))) == (200, 217)
        assert not context.findings.has_errors()

    @pytest.mark.parametrize(("part", "images", "boxes", "flat"), [("train", 205, 2805, 1), ("test", 72, 945, 0)])  # fmt: skip
    def test_bccd_in_xml_and_in_json_differs_by_the_pixel_of_the_convention(
        self, shared, part, images, boxes, flat
    ):
        root = shared / "data" / "object_detection" / "bccd"
        xml, context = load(root / "ImageSets" / "Main" / f"{part}.txt", flat_boxes="drop")
        coco, _ = load(root / "coco" / f"instances_{part}.json", flat_boxes="drop")
        assert [item.count for item in context.findings.problems() if item.kind == "flat_box"] == [
            flat
        ] * flat
        first, second = boxes_by_image(xml), boxes_by_image(coco)
        assert len(first) == images
        assert sum(map(len, first.values())) == boxes - flat
        # the JSON was converted from the XML without taking one from xmin and ymin
        shifted = {
            name: Counter((x1 + 1, y1 + 1, *rest) for x1, y1, *rest in found)
            for name, found in first.items()
        }
        assert shifted == {name: Counter(found) for name, found in second.items()}
        assert xml.classes.counts() == coco.classes.counts()
